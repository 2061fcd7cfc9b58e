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

"""The first screen: the verdict in a sentence, and its figures."""

import dataclasses
from pathlib import Path
from typing import Any

from ironic_sideways.evidence import compare, documents
from ironic_sideways.report import figures
from ironic_sideways.report.faults import FAULTS
from ironic_sideways.report.findings import Verdict

#: Figures that are no mere goal: the verdict is red as well.
FAILING = ("heartbeats lost", "longest silence of a survivor")


@dataclasses.dataclass(frozen=True)
class Cell:
    """One figure of the first screen.

    :param state: ok, bad (a goal is missed), red (the run fails by it), plain.
    """

    value: str
    unit: str
    name: str
    note: str
    state: str


def sentence(directory: Path, verdict: Verdict) -> str:
    if not verdict.passed:
        unreached = len(verdict.unreached)
        told = f"{len(verdict.red) - unreached} of"
        more = f", {unreached} not reached" if unreached else ""
        return f"{told} {plural(len(verdict.findings), 'subject')}{more}"
    try:
        before = documents.read(directory / "before.json")
        nodes, servers = compare.nodes(before), before["servers"]
    except FAULTS:
        return "Every check passed"
    if not servers:
        return f"{len(nodes)} nodes moved to Ironic"
    return f"{plural(len(servers), 'instance')} moved to Ironic, and survived"


def plural(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


def cells(found: list[figures.Figure]) -> list[Cell]:
    """The verdict's figures, as large as a reviewer looks for them."""
    cells = []
    for figure in found:
        value, unit = amount(figure)
        note = ""
        if figure.goal is not None:
            goal = " ".join(amount(dataclasses.replace(figure, value=figure.goal)))
            note = f"goal {goal.strip()}{', missed' if figure.met is False else ''}"
        state = {True: "ok", False: "bad", None: "plain"}[figure.met]
        if figure.name in FAILING and state == "bad":
            state = "red"
        cells.append(Cell(value, unit, figure.name, note, state))
    return cells


def amount(figure: figures.Figure) -> tuple[str, str]:
    """A figure's value and unit as a person says them."""
    value, unit = figure.value, figure.unit.strip()
    if value is None:
        return "not measured", ""
    if unit == "MiB" and value >= 1024:
        return f"{value / 1024:.1f}", "GiB"
    if unit == "s" and value >= 600:
        return f"{value / 60:.1f}", "min"
    return f"{value:g}", unit


def facts(environment: dict[str, Any] | None) -> list[str]:
    """What was run, for the line below the verdict."""
    if not environment:
        return []
    host = environment["host"]
    cpus = plural(host["cpus"], "core")
    return [
        f"nova {environment['distributions'].get('nova', 'unknown')}",
        f"ironic {environment['distributions'].get('ironic', 'unknown')}",
        f"{host['system']}, {cpus}",
        f"commit {environment['commit'] or 'unknown'}",
    ]
