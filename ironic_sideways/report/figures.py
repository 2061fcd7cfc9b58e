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

"""What a run took, against its goals: figures, and never failures."""

import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path

from ironic_sideways.evidence import documents, events, heartbeat
from ironic_sideways.report import beats, window
from ironic_sideways.report.faults import FAULTS

#: The goals of the main job on two cores without KVM.
WINDOW_GOAL = 90.0
FRESH_GOAL = 15 * 60.0
AGAIN_GOAL = 6 * 60.0
MEMORY_GOAL = 8 * 1024.0
#: From the request to the guest's first beat, for each node.
DEPLOY_GOAL = 120.0

#: Seconds; preparing takes longer only where packages had yet to be installed.
PREPARED_BEFORE = 30.0


@dataclasses.dataclass(frozen=True)
class Figure:
    """One figure; ``value`` None is not measured, ``goal`` None is none set."""

    name: str
    value: float | None
    unit: str = ""
    goal: float | None = None

    @property
    def met(self) -> bool | None:
        """Whether the goal was met; None without one, or where nothing was measured."""
        if self.goal is None or self.value is None:
            return None
        return self.value <= self.goal

    def __str__(self) -> str:
        value = "not measured" if self.value is None else f"{self.value:g}{self.unit}"
        if self.goal is None:
            return f"{self.name}: {value} (no goal)"
        word = {True: ": met", False: ": missed", None: ""}[self.met]
        return f"{self.name}: {value} (goal {self.goal:g}{self.unit}{word})"


def window_seconds(directory: Path) -> Figure:
    moments = window.bounds(directory)
    seconds = round(moments.end - moments.begin, 1) if moments.ended else None
    return Figure("maintenance window", seconds, " s", WINDOW_GOAL)


def total_seconds(directory: Path) -> Figure:
    """All phases and steps with their failed tries, without the waits for a person."""
    total = 0.0
    goal = AGAIN_GOAL
    for event in events.read(directory / "events.jsonl"):
        seconds = event.get("seconds", 0.0)
        if event.get("name") == "prepare" and seconds > PREPARED_BEFORE:
            goal = FRESH_GOAL
        # A round of there and back is told phase by phase.
        if not event.get("name", "").startswith("back-from-"):
            total += seconds
    return Figure("all phases", round(total, 1), " s", goal)


def peak_memory(directory: Path) -> Figure:
    """The machine's memory in use, as sampled at each event."""
    found = [
        event["memory_used_mb"]
        for event in events.read(directory / "events.jsonl")
        # A verdict may be recorded later, and on another machine.
        if event["kind"] != "figures"
    ]
    return Figure("memory at most", max(found), " MiB", MEMORY_GOAL)


def longest_silence(directory: Path) -> Figure:
    """Between two heartbeats of one survivor, until it is operated on itself."""
    moments = window.bounds(directory)
    runs_until = beats.own_operations(directory, moments)
    machines = documents.read(directory / "before.json")["machines"]
    until = {
        (m["mac"], m["boot_id"]): runs_until(m["name"])
        for m in machines
        if m["power"] == "on"
    }
    silences = [
        beats.silence(stream, moments.begin, until[stream.mac, stream.boot_id])
        for stream in heartbeat.read_streams(directory / "heartbeat.jsonl")
        if (stream.mac, stream.boot_id) in until
    ]
    longest = (
        round(max(end - begin for begin, end in silences), 1) if silences else None
    )
    return Figure("longest silence of a survivor", longest, " s", beats.SILENCE)


def slowest_deploy(directory: Path) -> Figure:
    """By Ironic's agent; a base of Nova's plain fake driver has none."""
    found = documents.read(directory / "operations.json")
    seconds = [one["deploy"]["beating"] for one in found if "deploy" in one]
    goal = DEPLOY_GOAL if seconds else None
    return Figure("slowest deploy by the agent", max(seconds, default=None), " s", goal)


def heartbeats_lost(directory: Path) -> Figure:
    """Missing sequence numbers of all machines."""
    found = heartbeat.read_streams(directory / "heartbeat.jsonl")
    return Figure("heartbeats lost", heartbeat.lost(found), "", 0)


#: Each figure's function, and what is said when its evidence is no good.
FIGURES: tuple[tuple[Callable[[Path], Figure], Figure], ...] = (
    (window_seconds, Figure("maintenance window", None, " s", WINDOW_GOAL)),
    (total_seconds, Figure("all phases", None, " s", FRESH_GOAL)),
    (peak_memory, Figure("memory at most", None, " MiB", MEMORY_GOAL)),
    (slowest_deploy, Figure("slowest deploy by the agent", None, " s", DEPLOY_GOAL)),
    (
        longest_silence,
        Figure("longest silence of a survivor", None, " s", beats.SILENCE),
    ),
    (heartbeats_lost, Figure("heartbeats lost", None, "", 0)),
)


def figures(directory: Path) -> Iterator[Figure]:
    """All figures of the run; one whose evidence is no good is not measured."""
    for find, unknown in FIGURES:
        try:
            yield find(directory)
        except FAULTS:
            yield unknown


def record(directory: Path, found: list[Figure], red: list[str]) -> None:
    """Append ``found`` and the verdict to events.jsonl, as one event.

    :param red: the subjects that failed.
    """
    events.append(
        directory / "events.jsonl",
        "figures",
        verdict="failed" if red else "passed",
        failed=red,
        figures=[
            {**dataclasses.asdict(figure), "unit": figure.unit.strip()}
            | {"met": figure.met}
            for figure in found
        ],
    )
