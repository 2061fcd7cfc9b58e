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

"""Evidence, changed in one place: each value, each key and each record of it.

A place is named by its pattern, ``before.json:servers[].ports[].mac``; what is a key of
its own in a document (a uuid, a class) is ``{}`` there.
"""

import bisect
import copy
import dataclasses
import datetime
import itertools
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from ironic_sideways.evidence import documents
from ironic_sideways.report import agreement, schemas, subjects, verdict
from ironic_sideways.report.findings import Finding

#: Moments are shifted by an hour.
SHIFT = 3600
MOMENT = 1e9

Steps = tuple[str | int, ...]


@dataclasses.dataclass(frozen=True)
class Mutant:
    """One change of a document.

    :param kind: ``value``, ``dropped``, ``doubled`` or ``swapped``.
    """

    file: str
    steps: Steps
    kind: str
    pattern: str
    change: Callable[[Any], None]

    def __str__(self) -> str:
        return f"{self.pattern} {self.kind}"


def read(path: Path) -> Any:
    lines = path.suffix == ".jsonl"
    return documents.read_lines(path) if lines else documents.read(path)


def write(path: Path, document: Any) -> None:
    rows = document if path.suffix == ".jsonl" else [document]
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))


def files(directory: Path) -> list[str]:
    """Each document of the evidence that a schema describes."""
    known = (file for schema in schemas.every() for file in schema.files)
    return sorted(file for file in known if (directory / file).is_file())


def pattern(file: str, steps: Steps, own: re.Pattern[str]) -> str:
    """:param own: which keys are a document's own."""
    told = f"{file}:"
    for step in steps:
        if isinstance(step, int):
            told += "[]"
        else:
            told += "." if not told.endswith(":") else ""
            told += "{}" if own.fullmatch(step) else step
    return told


def leaves(found: Any, steps: Steps = ()) -> Iterator[tuple[Steps, Any]]:
    """Each value, and each container that is empty."""
    if found and isinstance(found, dict | list):
        pairs = found.items() if isinstance(found, dict) else enumerate(found)
        for key, value in pairs:
            yield from leaves(value, (*steps, key))
    else:
        yield steps, found


def other(value: Any) -> Any:
    """Another value of the same type; a moment is shifted."""
    match value:
        case bool():
            return not value
        case int() | float():
            return value + SHIFT if value > MOMENT else 2 * value + 99
        case None:
            return "another"
        case dict():
            return {"another": "another"}
        case list():
            return ["another"]
    if value.startswith("digest:"):
        return value[:-1] + ("0" if value[-1] != "0" else "1")
    try:
        moment = datetime.datetime.fromisoformat(value)
    except ValueError:
        return f"{value}-2"
    return (moment + datetime.timedelta(seconds=SHIFT)).isoformat()


def at(document: Any, steps: Steps) -> Any:
    for step in steps:
        document = document[step]
    return document


def changed(steps: Steps, value: Any) -> Callable[[Any], None]:
    def change(document: Any) -> None:
        at(document, steps[:-1])[steps[-1]] = value

    return change


def dropped(steps: Steps) -> Callable[[Any], None]:
    return lambda document: at(document, steps[:-1]).__delitem__(steps[-1])


def doubled(steps: Steps) -> Callable[[Any], None]:
    def change(document: Any) -> None:
        rows = at(document, steps[:-1])
        rows.append(copy.deepcopy(rows[steps[-1]]))

    return change


def swapped(steps: Steps, other: Steps) -> Callable[[Any], None]:
    """Each of two records has the other's value."""

    def change(document: Any) -> None:
        one, two = at(document, steps), at(document, other)
        at(document, steps[:-1])[steps[-1]] = two
        at(document, other[:-1])[other[-1]] = one

    return change


#: Of each list and place inside its records: who has a value there, by its number.
Known = dict[tuple[Steps, Steps], tuple[list[int], list[Any]]]


def with_the_next(
    document: Any, steps: Steps, value: Any, known: Known
) -> Steps | None:
    """The same place in the next record of the innermost list with another value.

    None where there is no such record.

    :param known: what was looked up before in this document, which grows.
    """
    places = [n for n, step in enumerate(steps[:-1]) if isinstance(step, int)]
    if not places:
        return None
    *_, place = places
    key = steps[:place], steps[place + 1 :]
    if key not in known:
        known[key] = values(at(document, key[0]), key[1])
    numbers, found = known[key]
    own = bisect.bisect_left(numbers, steps[place])
    for offset in range(len(numbers)):
        one = (own + offset) % len(numbers)
        # Moments within a second of each other are one.
        near = isinstance(value, float) and value > MOMENT
        if found[one] != value and not (near and abs(found[one] - value) < 1):
            return (*key[0], numbers[one], *key[1])
    return None


def values(rows: list[Any], inside: Steps) -> tuple[list[int], list[Any]]:
    """Which of the rows have a value at the place ``inside``, and which."""
    numbers, found = [], []
    for number, row in enumerate(rows):
        try:
            value = at(row, inside)
        except (LookupError, TypeError):
            continue
        if not isinstance(value, dict | list):
            numbers.append(number)
            found.append(value)
    return numbers, found


def containers(found: Any, steps: Steps = ()) -> Iterator[tuple[Steps, Any]]:
    """Each step into a document, with what it is a step into."""
    if isinstance(found, dict | list):
        pairs = found.items() if isinstance(found, dict) else enumerate(found)
        for key, value in pairs:
            yield (*steps, key), found
            yield from containers(value, (*steps, key))


def of(directory: Path, file: str, own: re.Pattern[str]) -> Iterator[Mutant]:
    """Each change of one document."""
    document = read(directory / file)
    known: Known = {}

    def mutant(steps: Steps, kind: str, change: Callable[[Any], None]) -> Mutant:
        return Mutant(file, steps, kind, pattern(file, steps, own), change)

    for steps, value in leaves(document):
        if not steps:
            continue
        yield mutant(steps, "value", changed(steps, other(value)))
        if there := with_the_next(document, steps, value, known):
            yield mutant(steps, "swapped", swapped(steps, there))
    for steps, holder in containers(document):
        yield mutant(steps, "dropped", dropped(steps))
        if isinstance(holder, list):
            yield mutant(steps, "doubled", doubled(steps))


def agreed(directory: Path) -> Finding:
    """The first failure that agreement.check_agreement tells."""
    wrong = (check for check in agreement.check(directory) if not check.ok)
    return Finding("agreement", [*itertools.islice(wrong, 1)], "")


class Judge:
    """Which check, if any, a change of the evidence makes red.

    The quick are asked before the slow, and first of all who noticed the last change
    of that pattern and kind.
    """

    #: They read each heartbeat, or each log.
    SLOW = ("operations", "logs", "agreement")

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.schemas = {
            file: schema for schema in schemas.every() for file in schema.files
        }
        self.readers: dict[str, list[str]] = {}
        self.noticed: dict[str, str] = {}
        self.held: documents.Held = {}

    def written(self, path: Path) -> None:
        """Have it read again: nobody else changes the evidence."""
        self.held = {key: found for key, found in self.held.items() if key[0] != path}

    def failures(self, name: str) -> list[str]:
        check = agreed if name == "agreement" else verdict.SUBJECTS[name].check
        with documents.read_once(self.held):
            # Not where the evidence of each is, as for a person.
            finding = verdict._judge(name, check, self.directory)
        return [f"{name}: {check.name}" for check in finding.failures]

    def subjects(self, file: str) -> list[str]:
        """Those that miss the document where it is absent."""
        if file not in self.readers:
            path = self.directory / file
            text = path.read_text()
            there = [
                name
                for name, subject in verdict.SUBJECTS.items()
                if name != "evidence" and subject.has_evidence(self.directory)
            ]
            own = [n for n in there if file in verdict.SUBJECTS[n].files]
            path.unlink()
            self.written(path)
            self.readers[file] = [
                name
                for name in there
                if name in (*own, "agreement") or self.failures(name)
            ]
            path.write_text(text)
            self.written(path)
        return self.readers[file]

    def red(self, mutant: Mutant) -> str:
        """The first check that fails; empty when none does."""
        path = self.directory / mutant.file
        names = ["order", *self.subjects(mutant.file), "schema"]
        names.sort(key=("schema", *self.SLOW).__contains__)
        names.sort(key=self.noticed.get(str(mutant), "").__ne__)
        text = path.read_text()
        document = read(path)
        mutant.change(document)
        write(path, document)
        self.written(path)
        try:
            with documents.read_once(self.held):
                for name in names:
                    for failure in self._failures(mutant.file, name):
                        self.noticed[str(mutant)] = name
                        return failure
            return ""
        finally:
            path.write_text(text)
            self.written(path)

    def _failures(self, file: str, name: str) -> list[str]:
        match name:
            case "schema":
                found = [*schemas.check_file(self.schemas[file], self.directory, file)]
            case "order":
                found = [
                    *schemas.in_time(self.directory),
                    *schemas.in_phase(self.directory),
                    *subjects.check(self.directory, verdict.SUBJECTS),
                ]
            case _:
                return self.failures(name)
        return [f"evidence: {check.name}" for check in found if not check.ok]
