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

"""The tables of admin/security.rst, and what of a lab is not as they say."""

import dataclasses
import pwd
import re
import stat
from collections.abc import Mapping
from pathlib import Path

PAGE = Path(__file__).parents[2] / "doc" / "source" / "admin" / "security.rst"


@dataclasses.dataclass(frozen=True)
class Told:
    """Listener -> addresses, ``bridge`` among them; path -> owner and mode."""

    listeners: dict[str, frozenset[str]]
    files: dict[str, tuple[str, int]]


def told(text: str) -> Told:
    """What the page says."""
    return Told(
        {
            name: frozenset(where.split(", "))
            for name, where, _who in rows(text, "What listens in a lab")
        },
        {
            path: (owner, int(mode, 8))
            for path, owner, mode in rows(text, "A lab's files")
        },
    )


def rows(text: str, heading: str) -> list[list[str]]:
    section = re.split(r"\n[^\n]+\n=+\n", text.split(f"\n{heading}\n=")[1])[0]
    rows = re.split(r"\n   \* - ", section)[2:]
    cells = [re.split(r"\n     - ", row.split("\n\n")[0]) for row in rows]
    return [[" ".join(cell.split()) for cell in row] for row in cells]


def listener_faults(
    page: Told, found: Mapping[str, frozenset[str]], up: frozenset[str]
) -> list[str]:
    """Where the listeners are not as told.

    :param found: what listens; an unknown port is its own name. Where there is IPv6,
        epmd adds ``::1``: it is the host's alone as well.
    :param up: what must be up; others may be.
    """
    found = {
        name: frozenset("127.0.0.1" if one == "::1" else one for one in addresses)
        for name, addresses in found.items()
    }
    return [
        f"{name}: listens on {sorted(found.get(name, ()))}, told "
        f"{sorted(page.listeners.get(name, ()))}"
        for name in sorted(up | found.keys())
        if found.get(name) != page.listeners.get(name)
    ]


def file_faults(page: Told, directory: Path) -> list[str]:
    """Where owners and modes below a lab's ``directory`` are not as told."""
    faults = []
    for name, wanted in page.files.items():
        path = directory / name
        if not path.exists():
            faults.append(f"{name}: is not there")
            continue
        state = path.lstat()
        seen = (pwd.getpwuid(state.st_uid).pw_name, stat.S_IMODE(state.st_mode))
        if seen != wanted:
            faults.append(f"{name}: {seen[0]} {seen[1]:04o}, told {wanted[1]:04o}")
    return faults
