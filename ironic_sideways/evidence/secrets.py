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

import html
import json
import urllib.parse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import sqlalchemy as sa
import yaml

from ironic_sideways import exceptions
from ironic_sideways.hardware import bmc

#: Shorter ones are in any text by chance.
LEAST = 8
#: So are these, which a DevStack on somebody's desk may have.
COMMON = frozenset(("password", "openstack", "devstack"))
#: What of a cloud's ``auth`` is a secret.
AUTH = ("password", "token", "application_credential_secret", "passcode")


def known(path: Path) -> dict[str, str]:
    """Secrets by name.

    :param path: a JSON object of them, a clouds.yaml, a file whose name ends in .url,
        or a directory with such files or with virtualbmc's configuration.
    :raises SidewaysError: it is none of these.
    """
    try:
        if path.is_dir():
            return dict(_in_directory(path))
        if path.suffix in READERS:
            return dict(READERS[path.suffix](path))
        found = json.loads(path.read_text())
        return {str(name): str(value) for name, value in found.items()}
    except (
        *(OSError, ValueError, AttributeError, LookupError, TypeError),
        *(sa.exc.ArgumentError, yaml.YAMLError),
    ) as error:
        # Its text may hold what it is about.
        raise exceptions.SidewaysError(
            f"{path}: expected a JSON object of secrets, a clouds.yaml, a FILE.url "
            f"or virtualbmc's configuration directory: {type(error).__name__}"
        ) from None


def _in_directory(directory: Path) -> Iterator[tuple[str, str]]:
    for path in sorted(directory.glob("*/config")):
        yield f"BMC password of {path.parent.name}", bmc.read(path).bmc.password
    for path in [*directory.glob("clouds.yaml"), *sorted(directory.glob("*.url"))]:
        yield from READERS[path.suffix](path)


def _of_clouds(path: Path) -> Iterator[tuple[str, str]]:
    clouds = yaml.safe_load(path.read_text())["clouds"]
    for cloud, settings in clouds.items():
        for key, value in (settings.get("auth") or {}).items():
            if key in AUTH:
                yield f"{key} of cloud {cloud}", str(value)


def _of_url(path: Path) -> Iterator[tuple[str, str]]:
    """The password, as it is and as the URL has it."""
    text = path.read_text().strip()
    password = sa.make_url(text).password
    if password:
        yield f"password in {path.name}", str(password)
        written = text.partition("://")[2].rpartition("@")[0].partition(":")[2]
        if written != password:
            yield f"password in {path.name}, quoted", written


READERS = {".yaml": _of_clouds, ".url": _of_url}


def written(secret: str) -> set[str]:
    """A secret as it is, and as JSON, URLs and pages have it."""
    return {
        secret,
        json.dumps(secret)[1:-1],
        urllib.parse.quote(secret),
        urllib.parse.quote_plus(secret),
        html.escape(secret),
    }


def seek(directory: Path, secrets: dict[str, str]) -> dict[str, Any]:
    """Where in the files below ``directory`` a secret is."""
    wanted = {
        name: written(text)
        for name, text in secrets.items()
        if len(text) >= LEAST and text not in COMMON
    }
    found = []
    for path in sorted(directory.rglob("*")):
        if not path.is_file() or path == directory / "secrets.json":
            continue
        text = path.read_text(errors="replace")
        # Most files hold none: looked at whole first.
        there = {
            name: spelled
            for name, spelled in wanted.items()
            if any(one in text for one in spelled)
        }
        for number, line in enumerate(text.splitlines() if there else (), start=1):
            found += [
                {"name": name, "file": str(path.relative_to(directory)), "line": number}
                for name, spelled in there.items()
                if any(one in line for one in spelled)
            ]
    return {
        "sought": sorted(wanted),
        "too_short": sorted(secrets.keys() - wanted.keys()),
        "hits": found,
    }
