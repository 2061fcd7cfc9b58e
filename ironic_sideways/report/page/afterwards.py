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

"""What was done on the moved cloud: operations, its API, shapes, killed workers.

Shown as recorded; whether it is enough, the verdict says.
"""

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ironic_sideways.evidence import documents
from ironic_sideways.report.page import logs
from ironic_sideways.report.subjects import Subject

Document = dict[str, Any]

#: What Ironic's agent did to a node, as operations.json names it.
BY_AGENT = ("deploy", "clean")


@dataclasses.dataclass(frozen=True)
class Step:
    """One thing that was done or asked.

    :param seconds: None: nobody took the time.
    :param way: what its node went through: seconds since its begin, and state.
    :param note: how the way was gone.
    """

    name: str
    ok: bool
    detail: str
    seconds: float | None
    way: list[tuple[float, str]]
    note: str


@dataclasses.dataclass(frozen=True)
class Steps:
    """:param facts: shown below the table."""

    rows: list[Step]
    facts: list[str]

    @property
    def failures(self) -> list[Step]:
        return [row for row in self.rows if not row.ok]

    @property
    def good(self) -> list[Step]:
        return [row for row in self.rows if row.ok]


def steps(subject: Subject, directory: Path) -> Steps:
    """The subject's own evidence, for its section."""
    assert subject.section
    document = documents.read(directory / subject.files[0])
    facts = subject.section.facts(document)
    rows = document[subject.section.steps] if subject.section.steps else document
    return Steps([step(row) for row in rows], facts)


def step(row: Document) -> Step:
    by_agent = next((row[key] for key in BY_AGENT if row.get(key)), None)
    return Step(
        row["name"],
        bool(row["ok"]),
        logs.clean(str(row["detail"])),
        row.get("seconds"),
        list(way(by_agent)) if by_agent else [],
        note(by_agent) if by_agent else "",
    )


def way(record: Document) -> Iterator[tuple[float, str]]:
    """Each change of the node's state, or of the step that it is in."""
    last = ""
    for change in record["changes"]:
        step_of_it = change["step"]
        word = f"{change['state']}, {step_of_it}" if step_of_it else change["state"]
        if word != last:
            yield change["after"], word
        last = word


def note(record: Document) -> str:
    agent = record.get("agent")
    heard = f"agent {agent['version']} seen" if agent else "no agent heartbeat"
    return f"{record['interface']}, {heard}"
