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

"""Evidence files: JSON documents that are written whole or not at all."""

import contextlib
import contextvars
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from ironic_sideways import exceptions, whole_file

Found = TypeVar("Found")
Held = dict[tuple[Path, Callable[..., Any], tuple[Any, ...]], Any]

_held: contextvars.ContextVar[Held | None] = contextvars.ContextVar(
    "held", default=None
)


@contextlib.contextmanager
def read_once(held: Held | None = None) -> Iterator[None]:
    """Within it each file is read once, and nobody changes what was read.

    Judges of one directory ask for the same files again and again. One within another
    belongs to that.

    :param held: what was read before, which grows.
    """
    if _held.get() is not None:
        yield
        return
    token = _held.set({} if held is None else held)
    try:
        yield
    finally:
        _held.reset(token)


def once(path: Path, parse: Callable[..., Found], *more: Any) -> Found:
    """What ``parse`` makes of the file at ``path``; within ``read_once`` asked once.

    :param more: what else it depends on.
    """
    held = _held.get()
    if held is None:
        return parse(path, *more)
    key = (path, parse, more)
    if key not in held:
        held[key] = parse(path, *more)
    found: Found = held[key]
    return found


def write(path: Path, document: Any, mode: int | None = None) -> None:
    """Write ``document`` as JSON to ``path``, replacing it in one step."""
    path.parent.mkdir(parents=True, exist_ok=True)
    whole_file.write(path, json.dumps(document, indent=2, sort_keys=True) + "\n", mode)


def read(path: Path) -> Any:
    """The document in ``path``.

    :raises EvidenceAbsent: there is no such file.
    :raises EvidenceMalformed: it is not JSON.
    """
    return once(path, whole_file.read_json)


def read_lines(path: Path) -> list[dict[str, Any]]:
    """The JSON objects of ``path``, one a line.

    :raises EvidenceAbsent: there is no such file.
    :raises EvidenceMalformed: a line is not a JSON object.
    """
    return once(path, _read_lines)


def _read_lines(path: Path) -> list[dict[str, Any]]:
    try:
        lines = path.read_text().splitlines()
    except FileNotFoundError:
        raise exceptions.EvidenceAbsent(path, "absent; nothing was recorded") from None
    found = []
    for number, line in enumerate(lines, start=1):
        try:
            row = json.loads(line)
        except json.JSONDecodeError as error:
            raise exceptions.EvidenceMalformed(
                path, number, f"not a JSON object: {error}"
            ) from error
        if not isinstance(row, dict):
            raise exceptions.EvidenceMalformed(path, number, "not a JSON object")
        found.append(row)
    return found
