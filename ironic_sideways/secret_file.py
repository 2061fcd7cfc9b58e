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

"""Files that hold one line which is its owner's alone: a password, a URL with one."""

import os
import stat
from pathlib import Path


def read_line(path: Path, *, may_be_empty: bool = False) -> str:
    """The one line of ``path``, a file or a pipe (``<(command)``).

    :param may_be_empty: an empty line is one, too; a file without a line never is.
    :raises ValueError: what is wrong with it, never with what it holds.
    """
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            if not (stat.S_ISREG(mode) or stat.S_ISFIFO(mode)):
                raise ValueError("is not a file")
            if mode & 0o077:
                raise ValueError(
                    f"can be read by others (mode {stat.S_IMODE(mode):04o}): chmod 600 "
                    "it, and change the password if others have read it"
                )
            lines = file.read().decode("utf-8-sig").splitlines()
    except IsADirectoryError:
        raise ValueError("is not a file") from None
    except OSError as error:
        raise ValueError(error.strerror) from error
    except UnicodeDecodeError:
        raise ValueError("is not text") from None
    if len(lines) != 1 or not (may_be_empty or lines[0].strip()):
        raise ValueError(
            f"expected one line, found {len(lines)}"
            + (", which is empty" if len(lines) == 1 else "")
        )
    return lines[0]
