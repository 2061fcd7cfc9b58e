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

"""Writing files atomically, with their permissions from the start."""

import os
import pwd
from collections.abc import Collection
from pathlib import Path

from ironic_sideways import whole_file

PRIVATE_FILE = 0o600
PRIVATE_DIRECTORY = 0o700
PUBLIC_FILE = 0o644


def write_private(path: Path, text: str) -> None:
    """Replace ``path`` in one step by ``text``; only its owner can read it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    whole_file.write(path, text, PRIVATE_FILE)


def write_public(path: Path, text: str) -> None:
    """Replace ``path`` in one step by ``text``; it holds no secret."""
    path.parent.mkdir(parents=True, exist_ok=True)
    whole_file.write(path, text, PUBLIC_FILE)


def make_private_directory(path: Path) -> None:
    """Make ``path`` and its parents; only the owner can enter ``path``."""
    path.mkdir(parents=True, exist_ok=True)
    path.chmod(PRIVATE_DIRECTORY)


def give_away(tree: Path, owner: str, kept: Collection[Path] = ()) -> None:
    """Make ``owner`` the owner of ``tree`` and all below it, but for ``kept``."""
    user = pwd.getpwnam(owner)
    for directory, names, file_names in os.walk(tree):
        here = Path(directory)
        names[:] = [name for name in names if here / name not in kept]
        for path in (here, *(here / name for name in file_names)):
            os.chown(path, user.pw_uid, user.pw_gid, follow_symlinks=False)


def last_lines(path: Path, count: int) -> list[str]:
    """The last ``count`` lines of the log ``path``; none when it is missing."""
    try:
        with path.open("rb") as stream:
            stream.seek(0, os.SEEK_END)
            # 300 bytes a line on average; a traceback's lines are shorter.
            stream.seek(max(0, stream.tell() - 300 * count - 4096))
            text = stream.read().decode(errors="replace")
    except FileNotFoundError:
        return []
    return text.splitlines()[-count:]
