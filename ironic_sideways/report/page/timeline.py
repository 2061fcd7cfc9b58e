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

"""The phases in time: each try of each, on an axis without the waits between."""

import dataclasses
import itertools
from pathlib import Path
from typing import Any

from ironic_sideways.evidence import events
from ironic_sideways.report import window

#: Seconds without a phase that the axis leaves out, and what it shows instead.
IDLE = 30.0
BREAK = 4.0


@dataclasses.dataclass(frozen=True)
class Try:
    """One try of a phase; ``result`` is ok, failed, interrupted or unended."""

    name: str
    result: str
    begin: float
    end: float
    figure: str
    seconds: float


class Axis:
    """Seconds since the epoch -> percent of the width, idle time left out."""

    def __init__(self, tries: list[Try]) -> None:
        self.breaks: list[tuple[float, float]] = []
        self._busy: list[tuple[float, float]] = []
        for begin, end in sorted((found.begin, found.end) for found in tries):
            if self._busy and begin - self._busy[-1][1] <= IDLE:
                last = self._busy[-1]
                self._busy[-1] = (last[0], max(last[1], end))
            else:
                self._busy.append((begin, end))
        self._length = max(self._offset(self._busy[-1][1]), 0.001)
        for (_, idle), (again, _) in itertools.pairwise(self._busy):
            self.breaks.append((self.percent((idle + again) / 2), again - idle))

    def _offset(self, moment: float) -> float:
        offset = 0.0
        for number, (begin, end) in enumerate(self._busy):
            if moment < begin:
                return offset - BREAK / 2 if number else 0.0
            offset += min(moment, end) - begin
            if moment <= end:
                return offset
            offset += BREAK
        return offset - BREAK

    def percent(self, moment: float) -> float:
        return round(100 * self._offset(moment) / self._length, 2)


@dataclasses.dataclass(frozen=True)
class Row:
    """All tries of one phase, the last of which counts."""

    name: str
    in_window: bool
    tries: list[Try]

    @property
    def last(self) -> Try:
        return self.tries[-1]


@dataclasses.dataclass(frozen=True)
class Timeline:
    """
    :param window: percent of begin and end of maintenance; None: it was not held.
    """

    rows: list[Row]
    axis: Axis
    begin: float
    end: float
    window: tuple[float, float] | None

    @property
    def red(self) -> list[Row]:
        return [row for row in self.rows if row.last.result != "ok"]


def tries(recorded: list[dict[str, Any]]) -> list[Try]:
    """Every try of every phase; one whose end was never written is unended."""
    found: list[Try] = []
    open_since: dict[str, float] = {}
    for event in recorded:
        if event.get("kind") != "phase":
            continue
        name, time = event["name"], event["time"]
        if event["result"] == "started":
            if name in open_since:
                found.append(unended(name, open_since[name], time))
            open_since[name] = time
            continue
        open_since.pop(name, None)
        seconds = event["seconds"]
        found.append(
            Try(name, event["result"], time - seconds, time, event["figure"], seconds)
        )
    last = max((event["time"] for event in recorded), default=0.0)
    found += [unended(name, begin, last) for name, begin in open_since.items()]
    return sorted(found, key=lambda one: one.begin)


def unended(name: str, begin: float, end: float) -> Try:
    return Try(name, "unended", begin, end, "its end was never recorded", end - begin)


def timeline(directory: Path) -> Timeline:
    """The run's phases.

    :raises SidewaysError: no phase was recorded.
    """
    found = tries(events.read(directory / "events.jsonl"))
    if not found:
        raise ValueError("events.jsonl has no phase")
    axis = Axis(found)
    rows: dict[str, list[Try]] = {}
    for one in found:
        rows.setdefault(one.name, []).append(one)
    return Timeline(
        [Row(name, name in window.WINDOW, each) for name, each in rows.items()],
        axis,
        found[0].begin,
        max(one.end for one in found),
        maintenance(rows, axis),
    )


def maintenance(rows: dict[str, list[Try]], axis: Axis) -> tuple[float, float] | None:
    """Where the window lies on the axis; open at its end when it never ended."""
    if "begin-maintenance" not in rows:
        return None
    begin = rows["begin-maintenance"][-1].begin
    end = rows.get("end-maintenance", [])
    return axis.percent(begin), axis.percent(end[-1].end) if end else 100.0
