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

"""Which processes wrote a log: what is stopped says nothing, what is started is new.

A phase that says it stopped or started a service has that service's own log against it.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from ironic_sideways.evidence.compare import Check
from ironic_sideways.report import places, window
from ironic_sideways.report.findings import Line, clock
from ironic_sideways.report.log_lines import lines

#: As oslo.log begins a line, up to the number of its process.
PROCESS = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+ (\d+) [A-Z]+ ")
COMPUTE, CONDUCTOR = "nova-compute", "ironic-conductor"
#: Phases that restart or kill what acts on machines.
KILLING = ("fail-over", "deploys", "workers", "exact-match")
#: Seconds: some logs tell whole ones alone.
TICK = 1.0

Processes = dict[str, Line]


def names(directory: Path, service: str) -> list[str]:
    """The logs of a service; one on two compute hosts has two."""
    return [path.stem for path in places.logs(directory / "logs", f"{service}*.log")]


def between(directory: Path, name: str, begin: float, end: float) -> Processes:
    """The first line of each process of a log between two moments, by its number.

    None where a log does not tell the process.
    """
    found: Processes = {}
    for line in lines(directory, f"{name}.log"):
        if begin < line.time < end and (match := PROCESS.match(line.text)):
            found.setdefault(match[1], line)
    return found


def told(found: Processes) -> str:
    return "; ".join(
        f"process {number} from {line.clock} UTC on" for number, line in found.items()
    )


def silent(directory: Path, name: str, begin: float, end: float) -> Check:
    """A service that is stopped says nothing."""
    found = between(directory, name, begin + TICK, end - TICK)
    detail = f"stopped from {clock(begin)} to {clock(end)} UTC, but {told(found)}"
    return Check(f"{name} stopped", not found, detail if found else "says nothing")


def anew(directory: Path, name: str, phase: str, span: tuple[float, float]) -> Check:
    """What a phase has started are processes that were not there before."""
    begin, end = span
    before = between(directory, name, 0.0, begin - TICK)
    since = between(directory, name, begin, float("inf"))
    later = between(directory, name, end + TICK, float("inf"))
    left = {number: later[number] for number in before.keys() & later.keys()}
    wrong = f"from before {phase}, and still there: {told(left)}" if left else ""
    if before and not since.keys() - before.keys():
        wrong = wrong or f"no process but those from before {phase}"
    return Check(f"{name} started by {phase}", not wrong, wrong)


def in_the_window(directory: Path) -> Iterator[Check]:
    """Neither Ironic nor nova-compute ran while the nodes were between the two.

    Where one host moves after the other, Ironic and other hosts' nova-compute go on.
    """
    tries = window.tries(directory)
    if window.of_one_host(directory) or "compute" not in tries:
        return
    begin = window.bounds(directory).begin
    for service, since, phase in (
        (CONDUCTOR, begin, "start-ironic"),
        (COMPUTE, tries.get("stop-compute", [(begin, begin)])[-1][1], "compute"),
    ):
        started = [one for one in tries.get(phase, ()) if one[0] >= since]
        for name in names(directory, service) if started else ():
            yield silent(directory, name, since, started[0][0])
            if service == COMPUTE:
                # A try that failed may have started it.
                span = started[0][0], started[-1][1]
                yield anew(directory, name, phase, span)


def each_process(directory: Path) -> Iterator[Check]:
    """What was started a second time ran from then on: none died and came back."""
    yield from in_the_window(directory)
    tries, moments = window.tries(directory), window.bounds(directory)
    if not tries.get("restarted"):
        return
    span = tries["restarted"][-1]
    # These kill on purpose.
    killed = [tries[name][0][0] for name in KILLING if name in tries]
    end = min([moments.gathered, *killed])
    for name in (*names(directory, COMPUTE), *names(directory, CONDUCTOR)):
        yield anew(directory, name, "restarted", span)
        found = between(directory, name, span[1], end)
        yield Check(f"one process of {name}", len(found) <= 1, told(found))
