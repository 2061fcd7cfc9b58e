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

"""What of the logs a reviewer reads: the lines that count with their context.

Lines are cut out by ``file:line``; the whole file is one link away.
"""

import dataclasses
import itertools
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from ironic_sideways import masking
from ironic_sideways.report import places

#: Lines before and after the one that is meant.
CONTEXT = 4
#: Of the end of a failed phase's log.
TAIL = 14
#: Characters of a line: some are whole JSON documents.
LINE = 400

_LEVEL = re.compile(r"\b(ERROR|CRITICAL|WARNING)\b")


@dataclasses.dataclass(frozen=True)
class Excerpt:
    """Some lines of a file of the evidence.

    :param path: below the evidence directory.
    :param lines: number, text, and whether it is the one that is meant.
    :param why: what it is shown for.
    """

    path: str
    number: int
    lines: list[tuple[int, str, bool]]
    why: str


@dataclasses.dataclass(frozen=True)
class Log:
    """One whole log.

    :param levels: how many lines have which level.
    """

    path: str
    size: int
    lines: int
    levels: dict[str, int]


def split(where: str) -> tuple[str, int]:
    """``file:line``; the line is 1 where none is named."""
    path, _, number = where.rpartition(":")
    return (path, int(number)) if path and number.isdecimal() else (where, 1)


def excerpt(directory: Path, where: str, why: str) -> Excerpt | None:
    """The lines about ``where`` (``file:line``); None when there are none.

    A path that leads out of the directory is not followed.
    """
    name, number = split(where)
    path = directory / name
    if not inside(directory, path):
        return None
    first = max(1, number - CONTEXT)
    with path.open(errors="replace") as file:
        chosen = list(itertools.islice(file, first - 1, number + CONTEXT))
    lines = [
        (first + index, clean(line), first + index == number)
        for index, line in enumerate(chosen)
    ]
    return Excerpt(name, number, lines, why) if lines else None


def tail(directory: Path, name: str, why: str) -> Excerpt | None:
    """The end of a phase's log, whose last line is the reason."""
    path = directory / name
    if not inside(directory, path):
        return None
    lines = path.read_text(errors="replace").splitlines()
    while lines and not lines[-1].strip():
        lines.pop()
    if not lines:
        return None
    first = max(0, len(lines) - TAIL)
    shown = [
        (number, clean(line), number == len(lines))
        for number, line in enumerate(lines[first:], start=first + 1)
    ]
    return Excerpt(name, len(lines), shown, why)


def inside(directory: Path, path: Path) -> bool:
    return path.is_file() and path.resolve().is_relative_to(directory.resolve())


def clean(line: str) -> str:
    """Without its end and without control characters, and not longer than LINE."""
    text = masking.printable(line.rstrip())
    return text if len(text) <= LINE else f"{text[:LINE]} …"


def unique(found: Iterable[Excerpt | None]) -> Iterator[Excerpt]:
    """Each place once."""
    seen = set()
    for one in found:
        if one and (one.path, one.number) not in seen:
            seen.add((one.path, one.number))
            yield one


def logs(directory: Path) -> list[Log]:
    """Every log of the evidence: of the services, and of the phases."""
    found = []
    for folder in ("logs", "phases"):
        for path in places.logs(directory / folder):
            found.append(one_log(path, f"{folder}/{path.name}"))
    if not found:
        raise ValueError("neither logs/ nor phases/ has a log")
    return found


def one_log(path: Path, name: str) -> Log:
    levels = {"ERROR": 0, "WARNING": 0}
    number = 0
    with path.open(errors="replace") as file:
        for number, line in enumerate(file, start=1):  # noqa: B007
            if match := _LEVEL.search(line):
                levels["WARNING" if match[1] == "WARNING" else "ERROR"] += 1
    return Log(name, path.stat().st_size, number, levels)
