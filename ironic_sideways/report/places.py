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

"""Where the evidence of a check is: ``file:line``, as editors open it."""

import dataclasses
import re
from collections.abc import Sequence
from pathlib import Path

from ironic_sideways import exceptions
from ironic_sideways.evidence import documents
from ironic_sideways.evidence.compare import Check
from ironic_sideways.report.findings import Finding


def lines(path: Path) -> list[str]:
    """The lines of ``path``; none where it cannot be read."""
    return documents.once(path, _lines)


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(errors="replace").splitlines()
    except OSError:
        return []


def refuse_strange(directory: Path) -> None:
    """See that all below ``directory`` is a file of the evidence itself.

    Whoever made artifacts that were downloaded could have files of their reader
    quoted by a link, or hold the reader up by a pipe.

    :raises UsageError: names what is not.
    """
    home = directory.resolve()
    # A host's own evidence shares what runs all the time (grenade/hosts.sh).
    if home.parent.name == "increments":
        home = home.parents[1]
    for path in sorted(directory.rglob("*")):
        wrong = ""
        if path.is_symlink() and not path.resolve().is_relative_to(home):
            wrong = f"leads out of the evidence, to {path.readlink()}"
        elif not (path.is_symlink() or path.is_file() or path.is_dir()):
            wrong = "is no file"
        if wrong:
            raise exceptions.UsageError(f"{path}: {wrong}; remove it, then look again")


def logs(directory: Path, pattern: str = "*.log") -> list[Path]:
    """The logs of ``directory``, sorted; a link is none.

    Artifacts that were downloaded may hold links to files of whoever reads them.
    """
    return documents.once(directory, _logs, pattern)


def _logs(directory: Path, pattern: str) -> list[Path]:
    if directory.is_symlink():
        return []
    found = sorted(directory.glob(pattern))
    return [path for path in found if path.is_file() and not path.is_symlink()]


def find(directory: Path, names: Sequence[str], words: Sequence[str]) -> str:
    """The first line of these files that has one of ``words``, the last word first.

    A node's or instance's own entry counts more than where its uuid is mentioned.

    :returns: ``file:line``, relative to ``directory``; the first file that is there
        when no line has any; empty when there is none.
    """
    there = [name for name in names if (directory / name).is_file()]
    for word in reversed(words):
        found = [
            (f"{name}:{number}", line)
            for name in there
            for number, line in enumerate(lines(directory / name), start=1)
            if word in line
        ]
        own = re.compile(f'"(uuid|id|name)": "{re.escape(word)}"')
        if found:
            return next((at for at, line in found if own.search(line)), found[0][0])
    return f"{there[0]}:1" if there else ""


def last_line(directory: Path, name: str) -> str:
    """The last line of ``name`` that is not empty: a failed phase's reason."""
    found = lines(directory / name)
    numbers = [number for number, line in enumerate(found, start=1) if line.strip()]
    return f"{name}:{numbers[-1]}" if numbers else ""


def placed(finding: Finding, directory: Path, names: Sequence[str]) -> Finding:
    """The finding, each failed check of it with the place of its evidence.

    :param names: the subject's files, those first that say most.
    """
    checks = [
        check
        if check.ok or check.where
        else dataclasses.replace(check, where=_place(check, directory, names))
        for check in finding.checks
    ]
    return dataclasses.replace(finding, checks=checks)


def _place(check: Check, directory: Path, names: Sequence[str]) -> str:
    # "take-over of <uuid>", "heartbeat of <machine>", or the name of a test.
    where = find(directory, names, (check.name, check.name.rsplit(" ", 1)[-1]))
    changed = re.match(r"(\w+): .* became ", check.detail)
    return _field(directory, where, changed[1]) if where and changed else where


def _field(directory: Path, where: str, key: str) -> str:
    """The line of ``key`` in the entry that ``where`` is a line of; else ``where``."""
    name, _, number = where.rpartition(":")
    found = lines(directory / name)
    indent = re.match(" *", found[int(number) - 1])[0]  # type: ignore[index]
    for step in (1, -1):
        at = int(number) - 1
        while 0 <= at < len(found) and found[at].startswith(indent):
            if indent and found[at].startswith(f'{indent}"{key}":'):
                return f"{name}:{at + 1}"
            at += step
    return where
