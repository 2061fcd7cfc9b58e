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

"""The verdict's subjects, and which of them a run is judged by.

Evidence that is absent is a failure, unless events.jsonl says that the run was told to
leave that subject out. What only some runs do is judged once one was told to do it,
began its phase or left its evidence.
"""

import dataclasses
import enum
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ironic_sideways import exceptions
from ironic_sideways.evidence import accepted, documents, events
from ironic_sideways.evidence.compare import Check
from ironic_sideways.report.faults import FAULTS
from ironic_sideways.report.findings import Finding

EVENTS = "events.jsonl"


class Judged(enum.Enum):
    """When a subject is judged; a run records what it was told (cmd/record.py)."""

    ALWAYS = "always"
    #: Unless the run was told to leave it out, and has none of its evidence.
    UNLESS_LEFT_OUT = "left-out"
    #: When the run was told to add it; its phase has the subject's name.
    WHEN_ADDED = "added"


@dataclasses.dataclass(frozen=True)
class Section:
    """The page's section on a subject whose evidence is a list of steps.

    Each step has a name, ``ok``, a detail, and seconds where somebody took the time.

    :param steps: the list in the document; None: the document is that list.
    :param facts: of the document, what is told below the table.
    :param fold: whether the steps that are good are folded.
    """

    anchor: str
    title: str
    text: str
    steps: str | None = None
    facts: Callable[[Any], list[str]] = lambda document: []
    fold: bool = False


@dataclasses.dataclass(frozen=True)
class Subject:
    """One line of the ledger.

    :param check: judges the evidence directory.
    :param files: what it needs, those first that a person looks at first; the first
        of all is the subject's own.
    """

    check: Callable[[Path], Finding]
    files: tuple[str, ...]
    judged: Judged = Judged.ALWAYS
    section: Section | None = None

    def has_evidence(self, directory: Path) -> bool:
        return (directory / self.files[0]).exists()


Subjects = Mapping[str, Subject]


def recorded(directory: Path) -> tuple[str, list[str]]:
    """``file:line`` of the last record of what is left out, and the subjects in it.

    Both are empty without one. A run that is resumed may leave out less than before:
    its last word counts.

    :raises EvidenceAbsent: there is no events.jsonl.
    :raises EvidenceMalformed: it is none.
    """
    where, found = "", []
    for number, event in enumerate(documents.read_lines(directory / EVENTS), start=1):
        if event.get("kind") == Judged.UNLESS_LEFT_OUT.value:
            where, found = f"{EVENTS}:{number}", event["subjects"]
    return where, found


def fault(directory: Path, name: str, subjects: Subjects) -> str:
    """Why subject ``name`` is judged although it was left out; empty when it is not."""
    optional = {
        key: subject
        for key, subject in subjects.items()
        if subject.judged is Judged.UNLESS_LEFT_OUT
    }
    if name not in optional:
        return f"a run can leave out only {', '.join(optional)}"
    if optional[name].has_evidence(directory):
        return f"{optional[name].files[0]} exists nevertheless"
    return ""


def left_out(directory: Path, subjects: Subjects) -> tuple[str, ...]:
    """What is not judged; nothing where the record is absent or malformed."""
    try:
        _where, found = recorded(directory)
        return tuple(one for one in found if not fault(directory, one, subjects))
    except FAULTS:
        return ()


def added(directory: Path, subjects: Subjects) -> tuple[str, ...]:
    """What is judged of this run besides what is judged of each."""
    told: set[str] = set()
    try:
        for event in events.read(directory / EVENTS):
            if event.get("kind") == Judged.WHEN_ADDED.value:
                told |= set(event["subjects"])
            elif event.get("kind") == "phase":
                told.add(str(event.get("name")))
    except FAULTS:
        # Other subjects say what is wrong with it.
        pass
    return tuple(
        name
        for name, subject in subjects.items()
        if subject.judged is Judged.WHEN_ADDED
        and (name in told or subject.has_evidence(directory))
    )


def seen(directory: Path) -> list[accepted.Change]:
    """Of what was accepted, what the snapshots show."""
    changes = accepted.read(directory)
    names = ("before", "after", "ended", "restarted")
    looks = [directory / f"{name}.json" for name in names]
    before, *later = (documents.read(path) if path.exists() else None for path in looks)
    told = [accepted.seen(changes, before, look) for look in later if before and look]
    return [one for one in changes if any(one in shown for shown in told)]


def each_accepted(directory: Path) -> Iterator[Check]:
    """One check for each change that the operator accepts as its owner's."""
    shown = seen(directory)
    for one in accepted.read(directory):
        wrong = one.fault or f"no snapshot shows it: remove it from {accepted.FILE}"
        name, ok = f"accepted: {one}", one in shown
        where = f"{accepted.FILE}:1"
        yield Check(name, ok, "by the operator" if ok else wrong, where=where)


def check(directory: Path, subjects: Subjects) -> Iterator[Check]:
    """One check for each subject that the run says it left out."""
    try:
        where, found = recorded(directory)
    except exceptions.SidewaysError:
        # The window's own subject says so.
        return
    for name in found:
        wrong = fault(directory, name, subjects)
        detail = wrong or "the run was told to leave it out"
        yield Check(f"left out: {name}", not wrong, detail, where=where)
