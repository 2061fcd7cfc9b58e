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

"""Undo files: what was so before a change, written before the change is made.

A file is JSON with the name of the tool that wrote it and one entry for each
thing that it changes, by id; the first recorded state of a thing is kept when
a run is repeated, so that an undo leads back to before the first run.
"""

import contextlib
import datetime
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ironic_sideways import exceptions, whole_file


def write(path: Path, content: dict[str, Any], mode: int | None = 0o600) -> None:
    """Write ``content`` to ``path`` at once, and on the disk.

    :param mode: the owner's alone, unless it is said; None leaves it to the umask.
    :raises UsageError: where there is a directory.
    :raises SidewaysError: where the file cannot be written.
    """
    text = json.dumps(content, indent=2, sort_keys=True) + "\n"
    try:
        whole_file.write(path, text, mode, durable=True)
    except IsADirectoryError:
        raise exceptions.UsageError(
            f"{path}: Is a directory, expected a file"
        ) from None
    except OSError as error:
        raise exceptions.SidewaysError(
            f"{path}: cannot be written: {error.strerror}"
        ) from None


def read(path: Path, tool: str) -> dict[str, Any]:
    """The content of the undo file that ``tool`` wrote.

    :raises UsageError: where there is none, or it is another tool's.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise exceptions.UsageError(f"{path}: {error.strerror}") from None
    except ValueError:
        raise exceptions.UsageError(f"{path}: not a JSON file") from None
    if not isinstance(content, dict) or content.get("tool") != tool:
        raise exceptions.UsageError(f"{path}: not an undo file of {tool}")
    return content


def continued(path: Path, tool: str, **empty: Any) -> dict[str, Any]:
    """As ``read``; where no file is there yet, the begin of one, with ``empty``."""
    if path.exists():
        return read(path, tool)
    now = datetime.datetime.now(datetime.UTC).isoformat()
    return {"tool": tool, "created_at": now, **empty}


@contextlib.contextmanager
def whole(path: Path) -> Iterator[None]:
    """Around the use of what was read of ``path``: what is missing is one line.

    :raises UsageError: where the undo file lacks what its tool writes.
    """
    try:
        yield
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise exceptions.UsageError(
            f"{path}: damaged: expected keys are missing "
            f"({type(error).__name__}: {error}); nothing was changed"
        ) from error
