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

"""What the run was told to leave out: recorded by itself, and never inferred.

Evidence that is absent is a failure, unless events.jsonl says that this run had no
such part. What says so and is there all the same contradicts itself.
"""

from collections.abc import Iterator
from pathlib import Path

from ironic_sideways import exceptions
from ironic_sideways.evidence import documents
from ironic_sideways.evidence.compare import Check

EVENTS = "events.jsonl"
KIND = "left-out"

#: What a run may leave out, and the evidence that it then has not.
OPTIONAL = {
    "operations": "operations.json",
    "proxy": "proxy.json",
    "tempest": "tempest/results.json",
}


def recorded(directory: Path) -> tuple[str, list[str]]:
    """``file:line`` of the last record, and its subjects; of both nothing without one.

    A run that is resumed may leave out less than before: its last word counts.

    :raises EvidenceAbsent: there is no events.jsonl.
    :raises EvidenceMalformed: it is none.
    """
    where, subjects = "", []
    for number, event in enumerate(documents.read_lines(directory / EVENTS), start=1):
        if event.get("kind") == KIND:
            where, subjects = f"{EVENTS}:{number}", event["subjects"]
    return where, subjects


def fault(directory: Path, subject: str) -> str:
    """Why ``subject`` is judged although it was left out; empty when it is not."""
    if subject not in OPTIONAL:
        return f"a run leaves out none but {', '.join(OPTIONAL)}"
    file = OPTIONAL[subject]
    return f"{file} is there all the same" if (directory / file).exists() else ""


def subjects(directory: Path) -> tuple[str, ...]:
    """What is not judged; nothing where the record is absent or malformed."""
    try:
        _where, found = recorded(directory)
        return tuple(one for one in found if not fault(directory, one))
    except (exceptions.SidewaysError, AttributeError, KeyError, TypeError):
        return ()


def check(directory: Path) -> Iterator[Check]:
    """One check for each subject that the run says it left out."""
    try:
        where, found = recorded(directory)
    except exceptions.SidewaysError:
        # The window's own subject says so.
        return
    for subject in found:
        wrong = fault(directory, subject)
        yield Check(
            f"left out: {subject}",
            not wrong,
            wrong or "the run was told to leave it out",
            where=where,
        )
