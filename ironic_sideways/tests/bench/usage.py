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

"""What services and a run of the main job use, moment by moment and by phase."""

import contextlib
import dataclasses
import itertools
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import psutil

from ironic_sideways.lab.supervision import Supervisor

#: What uWSGI writes of each call that it has answered.
ANSWERED = b" => generated "
#: The run's own processes among the services.
TOOLS = "tools"


@dataclasses.dataclass(frozen=True)
class Sample:
    """Since each service's start: processor seconds and calls; its bytes now."""

    time: float
    cpu: dict[str, float]
    memory: dict[str, int]
    calls: dict[str, int]


#: Calls counted up to a place in a log.
_COUNTED: dict[Path, tuple[int, int]] = {}


def sample(supervisor: Supervisor, job: int) -> Sample:
    """What is used now.

    :param job: the process id of the run.
    """
    pids = {name: state.pid for name, state in supervisor.states().items() if state.pid}
    used = {name: _tree(pid) for name, pid in {**pids, TOOLS: job}.items()}
    log = supervisor.layout.log
    return Sample(
        time=time.time(),
        cpu={name: cpu for name, (cpu, _) in used.items()},
        memory={name: memory for name, (_, memory) in used.items()},
        calls={name: _calls(log(name)) for name in pids},
    )


def _tree(pid: int) -> tuple[float, int]:
    """Processor seconds and bytes of a process and its children, the dead included."""
    cpu, memory = 0.0, 0
    with contextlib.suppress(psutil.NoSuchProcess):
        leader = psutil.Process(pid)
        for one in (leader, *leader.children(recursive=True)):
            with contextlib.suppress(psutil.NoSuchProcess):
                cpu += sum(one.cpu_times()[:4])
                memory += one.memory_info().rss
    return cpu, memory


def _calls(log: Path) -> int:
    place, count = _COUNTED.get(log, (0, 0))
    try:
        with log.open("rb") as stream:
            if stream.seek(0, 2) < place:
                # Another lab's.
                place, count = 0, 0
            stream.seek(place)
            count += sum(ANSWERED in line for line in stream)
            _COUNTED[log] = stream.tell(), count
    except FileNotFoundError:
        return 0
    return count


def phases(events: Iterable[dict[str, Any]]) -> Iterator[tuple[str, float, float]]:
    """Name, begin and end of each phase that ended well, in its order."""
    begun: dict[str, float] = {}
    for event in events:
        if event["kind"] != "phase":
            continue
        if event["result"] == "started":
            begun[event["name"]] = event["time"]
        elif event["result"] == "ok" and event["name"] in begun:
            yield event["name"], begun.pop(event["name"]), event["time"]


def between(samples: list[Sample], begin: float, end: float) -> dict[str, Any]:
    """What was used from ``begin`` to ``end``, both in seconds since the epoch.

    A service that was started or ended meanwhile counts from 0, or to its last sample.
    """
    inside = [one for one in samples if begin <= one.time <= end]
    before = [one for one in samples if one.time < begin][-1:]
    seen = before + inside
    found: dict[str, Any] = {"seconds": round(end - begin, 1)}
    for field in ("cpu", "calls"):
        found[field] = {
            name: round(value, 1)
            for name, value in _grown([getattr(one, field) for one in seen]).items()
            if round(value, 1)
        }
    found["memory_mb"] = {
        name: max(one.memory.get(name, 0) for one in seen) >> 20
        for name in sorted({name for one in seen for name in one.memory})
    }
    return found


def _grown(values: list[dict[str, float]]) -> dict[str, float]:
    """By name, how much a counter grew that begins anew where it falls."""
    grown: dict[str, float] = {}
    for earlier, later in itertools.pairwise(values):
        for name, value in later.items():
            known = earlier.get(name, 0)
            grown[name] = grown.get(name, 0) + (
                value - known if value >= known else value
            )
    return grown
