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

"""The heartbeat of each machine, and each API's absences, across the window.

As paths of an SVG, WIDTH units wide. Beats that fall on one unit are one tick, so that
a strip's size has a bound, however long the window was.
"""

import dataclasses
import itertools
from collections import defaultdict
from pathlib import Path
from typing import Any

from ironic_sideways import exceptions
from ironic_sideways.evidence import documents, events, heartbeat, prober
from ironic_sideways.report import apis, window
from ironic_sideways.report.faults import FAULTS

WIDTH = 1000
#: The part of the window that is shown before and after it.
MARGIN = 0.08
#: Seconds between two beats from which on it is a silence, to be marked.
SILENCE = 5.0

Beats = list[heartbeat.Beat]


@dataclasses.dataclass(frozen=True)
class Span:
    """What is drawn, and the window in it: seconds since the epoch."""

    first: float
    last: float
    begin: float
    end: float

    def x(self, moment: float) -> float:
        share = (moment - self.first) / max(self.last - self.first, 0.001)
        return round(WIDTH * min(max(share, 0.0), 1.0), 1)

    def between(self, since: float, until: float) -> tuple[float, float]:
        """x and width of a time, which can be seen however short it is."""
        x = self.x(since)
        return x, max(round(self.x(min(until, self.last)) - x, 1), 1.0)


@dataclasses.dataclass(frozen=True)
class Strip:
    """One machine's.

    :param state: ``beats``, ``lost`` (numbers are missing), ``booted`` (another
        boot id in the span), ``silent`` (never heard in the span).
    :param ticks: the path of the beats under the boot id of before; ``others``
        of those under another one.
    :param silences: x and width of each.
    :param losses: x of each loss, and its numbers in words.
    """

    name: str
    mac: str
    node: str
    instance: str
    state: str
    ticks: str
    others: str
    silences: list[tuple[float, float]]
    losses: list[tuple[float, str]]
    beats: int
    lost: int
    longest: float
    address: str

    @property
    def words(self) -> str:
        """For a screen reader."""
        if self.state == "silent":
            return f"{self.name}: no heartbeat in the window"
        text = f"{self.name}: {self.beats} heartbeats, {self.lost} lost"
        booted = ", rebooted" if self.state == "booted" else ""
        return f"{text}, longest silence {self.longest:.1f} s{booted}"


@dataclasses.dataclass(frozen=True)
class Api:
    """One API's.

    :param probed: x and width of what was probed; ``gone`` of each absence.
    :param told: how long it was away at the longest, and in which phase.
    :param ok: whether that is what the verdict allows.
    """

    name: str
    probed: list[tuple[float, float]]
    gone: list[tuple[float, float]]
    told: str
    ok: bool


@dataclasses.dataclass(frozen=True)
class Strips:
    """:param phases: x, width and name of each phase of the window."""

    span: Span
    phases: list[tuple[float, float, str]]
    rows: list[Strip]
    apis: list[Api]

    @property
    def lost(self) -> int:
        return sum(row.lost for row in self.rows)


def strips(directory: Path) -> Strips:
    """:raises SidewaysError: there is no such evidence."""
    beats = heartbeat.read(directory / "heartbeat.jsonl")
    if not beats:
        raise exceptions.SidewaysError(
            "heartbeat.jsonl: no heartbeat was ever received"
        )
    recorded = events.read(directory / "events.jsonl")
    seen = span(directory, recorded, beats)
    by_mac: dict[str, Beats] = defaultdict(list)
    for beat in beats:
        by_mac[beat.mac].append(beat)
    rows = [
        strip(machine, [b for mac in machine["macs"] for b in by_mac[mac]], seen)
        for machine in machines(directory, sorted(by_mac))
    ]
    marks = [
        (*seen.between(begin, end), name)
        for name, tries in window.tries(directory).items()
        for begin, end in tries
        if name in window.WINDOW and seen.begin <= begin <= seen.end
    ]
    return Strips(seen, sorted(marks), rows, probed(directory, seen))


def probed(directory: Path, seen: Span) -> list[Api]:
    """Each API as a member saw it; none where nobody probed."""
    try:
        lines = prober.read(directory / apis.FILE)
    except FAULTS:
        return []
    found = []
    for name, right in apis.RIGHT.items():
        mine = [line for line in lines if line.service == name]
        near = [one for one in mine if one.until > seen.first and one.time < seen.last]
        gone = apis.longest(directory, name, mine, seen.begin, seen.end)
        judged = apis.away(name, gone)
        absences = [
            seen.between(since, until)
            for since, until in apis.absences(mine, right)
            if until > seen.first and since < seen.last
        ]
        told = "always there" if near else "not probed"
        if gone:
            phase = max(gone, key=gone.__getitem__)
            told = f"away {gone[phase]:.1f} s in {phase}"
        spans = [seen.between(*one) for one in in_a_row(near)]
        found.append(Api(name, spans, absences, told, judged.ok and bool(near)))
    return found


def in_a_row(lines: list[prober.Line]) -> list[tuple[float, float]]:
    """From when until when probes followed each other in time."""
    spans: list[tuple[float, float]] = []
    for line in lines:
        if spans and line.time - spans[-1][1] <= prober.LATE:
            spans[-1] = spans[-1][0], line.until
        else:
            spans.append((line.time, line.until))
    return spans


def machines(directory: Path, heard: list[str]) -> list[dict[str, Any]]:
    """Those of before.json with their instances' names, or all that sent heartbeats."""
    try:
        before = documents.read(directory / "before.json")
        names = {server["node"]: server["name"] for server in before["servers"]}
        return [
            {**machine, "instance": names.get(machine["uuid"], "")}
            for machine in before["machines"]
        ]
    except FAULTS:
        empty = {"uuid": "", "instance": "", "boot_id": None}
        return [{**empty, "name": mac, "mac": mac, "macs": [mac]} for mac in heard]


def span(directory: Path, recorded: list[dict[str, Any]], beats: Beats) -> Span:
    """The window and a margin; where it did not end, up to the last event."""
    try:
        bounds = window.bounds(directory)
        begin, end = bounds.begin, bounds.end
    except FAULTS:
        begun = [
            event["time"]
            for event in recorded
            if (event.get("name"), event.get("result"))
            == ("begin-maintenance", "started")
        ]
        begin = begun[0] if begun else min(beat.time for beat in beats)
        end = max(recorded[-1]["time"] if recorded else begin, begin)
    margin = MARGIN * max(end - begin, 1.0)
    return Span(begin - margin, end + margin, begin, end)


def strip(machine: dict[str, Any], beats: Beats, seen: Span) -> Strip:
    """:param beats: all of this machine, of whatever boot."""
    near = heartbeat.between(beats, seen.first, seen.last)
    ours = [beat for beat in near if beat.boot_id == machine["boot_id"]]
    others = [beat for beat in near if beat.boot_id != machine["boot_id"]]
    if not machine["boot_id"] and near:
        # Without a boot id of before it is the first that sent heartbeats.
        ours = [beat for beat in near if beat.boot_id == near[0].boot_id]
        others = [beat for beat in near if beat.boot_id != near[0].boot_id]
    lost = [loss for each in boots(beats) for loss in losses(each, seen)]
    number = heartbeat.lost(heartbeat.streams(beats))
    if not near:
        state = "silent"
    elif number:
        state = "lost"
    else:
        state = "booted" if others and ours else "beats"
    times = sorted(beat.time for beat in near)
    gaps = [(a, b) for a, b in itertools.pairwise(times) if b - a > SILENCE]
    pairs = itertools.pairwise(times)
    return Strip(
        **{key: machine[key] for key in ("name", "mac", "instance")},
        node=machine["uuid"],
        state=state,
        ticks=path(ours, seen),
        others=path(others, seen),
        silences=[(seen.x(a), round(seen.x(b) - seen.x(a), 1)) for a, b in gaps],
        losses=lost,
        beats=len({(beat.boot_id, beat.seq) for beat in near}),
        lost=number,
        longest=max((later - earlier for earlier, later in pairs), default=0.0),
        address=", ".join(dict.fromkeys(beat.ip for beat in near)),
    )


def boots(beats: Beats) -> list[Beats]:
    """The beats of each boot, in the order of their numbers."""
    grouped: dict[str, Beats] = defaultdict(list)
    for beat in beats:
        grouped[beat.boot_id].append(beat)
    return [sorted(each, key=lambda beat: beat.seq) for each in grouped.values()]


def losses(beats: Beats, seen: Span) -> list[tuple[float, str]]:
    """Where numbers of one boot are missing: x between their neighbours, and which."""
    found = []
    for earlier, later in itertools.pairwise(beats):
        number = later.seq - earlier.seq - 1
        if number > 0:
            first, last = earlier.seq + 1, later.seq - 1
            words = f"{first}" if number == 1 else f"{first} to {last}"
            found.append((seen.x((earlier.time + later.time) / 2), words))
    return found


def path(beats: Beats, seen: Span) -> str:
    """One upright tick a beat, as an SVG path; beats on one unit are one tick."""
    units = sorted({round(seen.x(beat.time)) for beat in beats})
    return "".join(f"M{unit} 5v14" for unit in units)
