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

"""Known secrets, searched for in everything that a run leaves behind: secrets.json.

It has the name and place of each secret, never the secret itself.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ironic_sideways import exceptions
from ironic_sideways.hardware import bmc

#: Shorter ones are in any text by chance.
LEAST = 8


def known(path: Path) -> dict[str, str]:
    """Secrets by name: of a JSON file of them, or of virtualbmc's configuration.

    :raises SidewaysError: it is neither.
    """
    if path.is_dir():
        return dict(_bmc_passwords(path))
    try:
        found = json.loads(path.read_text())
        return {str(name): str(value) for name, value in found.items()}
    except (OSError, ValueError, AttributeError) as error:
        raise exceptions.SidewaysError(
            f"{path}: expected a JSON object of secrets, or virtualbmc's configuration "
            f"directory: {error}"
        ) from error


def _bmc_passwords(directory: Path) -> Iterator[tuple[str, str]]:
    for path in sorted(directory.glob("*/config")):
        yield f"BMC password of {path.parent.name}", bmc.read(path).bmc.password


def seek(directory: Path, secrets: dict[str, str]) -> dict[str, Any]:
    """Where in the files below ``directory`` a secret is."""
    wanted = {name: text for name, text in secrets.items() if len(text) >= LEAST}
    found = []
    for path in sorted(directory.rglob("*")):
        if not path.is_file() or path.name == "secrets.json":
            continue
        text = path.read_text(errors="replace")
        # Most files hold none: looked at whole first.
        there = {name: secret for name, secret in wanted.items() if secret in text}
        for number, line in enumerate(text.splitlines() if there else (), start=1):
            found += [
                {"name": name, "file": str(path.relative_to(directory)), "line": number}
                for name, secret in there.items()
                if secret in line
            ]
    return {
        "sought": sorted(wanted),
        "too_short": sorted(secrets.keys() - wanted.keys()),
        "hits": found,
    }
