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

"""Files that are written whole or not at all.

What is there is replaced in one step, by a file made beside it. Only a regular file is
ever replaced. A character device or a pipe (``/dev/null``, ``/dev/stdout`` where it is
one, ``>(command)``) is opened and written to. Anything else, a symbolic link above all,
is refused: it would be destroyed, or lead root to a file that somebody else chose.
"""

import contextlib
import errno
import json
import os
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from ironic_sideways import exceptions

#: Where a symbolic link is the system's own, as /dev/stdout is.
SYSTEM = (Path("/dev"), Path("/dev/fd"), Path("/proc/self/fd"))


@contextlib.contextmanager
def replacing(
    path: Path, mode: int | None = None, *, durable: bool = False
) -> Iterator[IO[str]]:
    """A text file to write to, which becomes ``path`` when the block ends well.

    :param mode: permissions, from the start; None leaves them to the umask.
    :param durable: wait until file and name survive a loss of power.
    :raises OSError: it cannot be written, or ``path`` must not be replaced.
    """
    if _is_written_through(path):
        # Without O_NONBLOCK a pipe that nobody reads would hold us up for ever.
        descriptor = os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY)
        os.set_blocking(descriptor, True)
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            yield stream
        return
    new = path.with_name(f".{path.name}.{secrets.token_hex(4)}.new")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    descriptor = os.open(new, flags, 0o666 if mode is None else mode)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            if mode is not None:
                os.fchmod(descriptor, mode)
            yield stream
            stream.flush()
            if durable:
                os.fsync(descriptor)
        new.replace(path)
    except BaseException:
        new.unlink(missing_ok=True)
        raise
    if durable:
        sync(path.parent)


def write(
    path: Path, text: str, mode: int | None = None, *, durable: bool = False
) -> None:
    """Make ``text`` the content of ``path``; see ``replacing``.

    :raises OSError: so, and ``path`` is its ``filename``.
    """
    try:
        with replacing(path, mode, durable=durable) as stream:
            stream.write(text)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from None


def _is_written_through(path: Path) -> bool:
    """Whether ``path`` is opened, not replaced.

    :raises OSError: it is neither a regular file nor what can be written to.
    """
    try:
        found = path.lstat().st_mode
        if stat.S_ISREG(found):
            return False
        if path.parent in SYSTEM:
            found = path.stat().st_mode
    except FileNotFoundError:
        return False
    if stat.S_ISCHR(found) or stat.S_ISFIFO(found):
        return True
    if stat.S_ISDIR(found):
        raise IsADirectoryError(errno.EISDIR, "Is a directory", str(path))
    what = "a symbolic link" if path.is_symlink() else "no regular file"
    raise OSError(None, f"is {what} and is not replaced; name a file", str(path))


def sync(path: Path) -> None:
    """Wait until a file's contents, or a directory's names, survive a loss of power.

    :raises OSError: the disk has not taken them.
    """
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_json(path: Path) -> Any:
    """The JSON document in ``path``.

    :raises EvidenceAbsent: there is no such file.
    :raises EvidenceMalformed: it is not JSON.
    """
    try:
        return json.loads(path.read_text())
    except FileNotFoundError:
        raise exceptions.EvidenceAbsent(
            path, "absent; the phase that writes it did not get that far"
        ) from None
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise exceptions.EvidenceMalformed(
            path,
            getattr(error, "lineno", 0),
            f"not JSON ({error}); it was cut short or edited",
        ) from error
