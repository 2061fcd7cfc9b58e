# Licensed under the Apache License, Version 2.0 (the "License"); you may
# not use this file except in compliance with the License. You may obtain
# a copy of the License at
#
#      http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS, WITHOUT
# WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied. See the
# License for the specific language governing permissions and limitations
# under the License.

"""Values that are a tenant's, or a password: evidence says whether they changed.

Server metadata, names of keys, reasons of locks, DHCP options and the like may hold
anything, a secret under a harmless key as well, and evidence is published. It has a
digest of each, keyed by a secret of the run: without that nobody can guess.
"""

import dataclasses
import hmac
import json
import secrets
import stat
from pathlib import Path
from typing import Any

from ironic_sideways import exceptions, whole_file

#: Before each digest, in the evidence and on the page.
PREFIX = "digest:"
#: Bytes of the run's secret; of a digest's hex digits half of SHA-256's remain.
KEY, DIGITS = 32, 32


@dataclasses.dataclass(frozen=True)
class Digests:
    """Equal values have equal digests, as long as the key is the same."""

    key: bytes = dataclasses.field(repr=False)

    def __call__(self, value: Any) -> str | None:
        """The digest of a JSON value; None of one that is empty."""
        if not value:
            return None
        text = json.dumps(value, sort_keys=True).encode()
        return PREFIX + hmac.digest(self.key, text, "sha256").hex()[:DIGITS]


def of_run(path: Path) -> Digests:
    """With the run's secret in ``path``, which is made where it is not there yet.

    :raises SidewaysError: others may read it, or it is none.
    """
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        whole_file.write(path, secrets.token_hex(KEY) + "\n", 0o600)
    if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise exceptions.SidewaysError(
            f"{path}: others may read it, and by it try tenants' values; expected mode "
            f"0600: chmod 600 {path}"
        )
    try:
        key = bytes.fromhex(path.read_text())
    except ValueError:
        key = b""
    if len(key) != KEY:
        raise exceptions.SidewaysError(
            f"{path}: expected {2 * KEY} hex digits, which 'evidence snapshot' writes; "
            "remove it, and take every snapshot of this run again"
        )
    return Digests(key)


def of_moment() -> Digests:
    """With a secret that nobody keeps, for what is compared at once."""
    return Digests(secrets.token_bytes(KEY))
