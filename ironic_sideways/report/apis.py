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

"""How long each API was away from the start of maintenance on; what the lock allowed.

What was not probed proves nothing: a prober that was dead is as red as an API.
"""

import itertools
import re
from collections.abc import Iterator
from pathlib import Path

from ironic_sideways.evidence import documents, prober
from ironic_sideways.evidence.compare import Check
from ironic_sideways.evidence.prober import LOCK, Line
from ironic_sideways.report import window
from ironic_sideways.report.findings import Finding, clock

FILE = "api.jsonl"

#: What each is answered while nothing is wrong.
RIGHT = {**dict.fromkeys(prober.APIS, "200"), LOCK: "409 locked"}

#: What an API that is away, or busy, is recorded as: its server's fault or no answer;
#: and what Nova may answer where nothing is locked, yet or any more.
AWAY = re.compile(r"5\d\d|\w*(Connect|Timeout|Unavailable|ServerError|Gateway)\w*")
UNLOCKED = re.compile(r"[234]\d\d")

#: Seconds for which an API may be away at the longest: three answers in a row that do
#: not come in time. One took 18 s where a second lab was busy on the same two cores.
BUDGET = 30.0
#: The same once the window has ended: machines are deployed then, and on two cores that
#: emulate them neutron did not answer for 59 s.
AFTERWARDS = 120.0
#: The same in a phase that restarts it, its start on two busy cores included.
BUDGETS = {("nova", "scheduler"): 90.0, (LOCK, "scheduler"): 90.0}

#: What part of the window, and of what follows, an API may be away besides its longest
#: absence; as many seconds as it may be away in the window are allowed anyway.
SHARE = 0.25

#: Seconds without a probe, at most: 6 were seen at load 23. And what may not be written
#: yet when the logs are gathered, from a line's first probe on.
HOLE = 15.0
UNWRITTEN = prober.SPAN + prober.TIMEOUT + 5.0
#: Seconds: who waited longer for an answer, even the right one, had none meanwhile.
SLOW = prober.TIMEOUT + prober.LATE

Span = tuple[float, float]


def line_fault(line: Line) -> str:
    """Why ``line`` cannot be what a prober wrote; empty when it can."""
    probes, seconds = line.last - line.first + 1, line.until - line.time
    if probes < 1 or seconds < (probes - 1) * 0.9 * prober.PERIOD:
        return f"probes {line.first} to {line.last} in {seconds:.1f} s"
    # What makes a line too long begins the next.
    if seconds > (prober.SPAN if probes > 1 else prober.PROBE):
        return f"{probes} probes from {clock(line.time)} UTC on took {seconds:.1f} s"
    return ""


def hole(lines: list[Line], begin: float, end: float) -> str:
    """Where a service was not probed between two moments; empty when nowhere."""
    if not lines:
        return "never probed"
    for line in lines:
        if wrong := line_fault(line):
            return wrong
    for line, following in itertools.pairwise(lines):
        if following.first != line.last + 1:
            return f"probe {following.first} follows probe {line.last}"
        gap = following.time - line.until
        apart = line.until < end and following.time > begin
        if gap < 0 or (apart and gap > HOLE):
            return f"{gap:.1f} s without a probe from {clock(line.until)} UTC on"
    if lines[0].time > begin or lines[-1].until < end:
        spans = f"{clock(lines[0].time)} to {clock(lines[-1].until)}"
        return f"probed from {spans} UTC alone, expected {clock(begin)} to {clock(end)}"
    return ""


def absences(lines: list[Line], right: str) -> Iterator[Span]:
    """From the first probe that had another answer to the next that had ``right``."""
    since: float | None = None
    for line in lines:
        slow = line.until - line.time > SLOW and line.first == line.last
        if line.answer == right and (slow or since is not None):
            yield since or line.time, line.until if slow else line.time
            since = None
        elif line.answer != right and since is None:
            since = line.time
    if since is not None:
        yield since, float("inf")


def phase_at(tries: dict[str, list[Span]], moment: float) -> str:
    """The phase that had begun last at ``moment``."""
    begun = [
        (begin, name)
        for name, spans in tries.items()
        for begin, _end in spans
        if begin <= moment
    ]
    return max(begun, default=(0.0, "none"))[1]


def longest(
    directory: Path, service: str, lines: list[Line], begin: float, end: float
) -> dict[str, float]:
    """Seconds for which ``service`` was away at the longest, by phase."""
    tries = window.tries(directory)
    found: dict[str, float] = {}
    for since, until in absences(lines, RIGHT[service]):
        if until > begin and since < end:
            name = phase_at(tries, max(since, begin))
            seconds = min(until, end) - max(since, begin)
            found[name] = max(found.get(name, 0.0), seconds)
    return found


def budget(service: str, phase: str) -> float:
    """Seconds for which ``service`` may be away in ``phase``."""
    usual = BUDGET if phase in window.WINDOW else AFTERWARDS
    return BUDGETS.get((service, phase), usual)


def away(service: str, found: dict[str, float]) -> Check:
    """Whether ``service`` was away for no longer than its budgets allow."""
    told, wrong = [], False
    for phase, seconds in found.items():
        allowed = budget(service, phase)
        wrong = wrong or seconds > allowed
        told.append(f"{seconds:.1f} s in {phase}, allowed are {allowed:g} s")
    return Check(f"{service} away", not wrong, "; ".join(told) or "never")


def altogether(
    directory: Path, service: str, lines: list[Line], name: str, span: Span
) -> Check:
    """Whether ``service`` was away for no more than a part of ``span`` in all.

    Its longest absence has a budget of its own, and what its restart took does not
    count.

    :param name: of the span.
    """
    tries = window.tries(directory)
    begin, end = span
    gone = [
        max(0.0, min(until, end) - max(since, begin))
        for since, until in absences(lines, RIGHT[service])
        if (service, phase_at(tries, since)) not in BUDGETS
    ]
    seconds = sum(gone) - max(gone, default=0.0)
    allowed = max(BUDGET, SHARE * (end - begin))
    told = f"{seconds:.1f} s of {end - begin:.0f} besides its longest absence"
    detail = f"{told}, allowed are {allowed:.1f} s"
    return Check(f"{service} away {name} in all", seconds <= allowed, detail)


def unknown(service: str, lines: list[Line]) -> Check:
    """That every answer says that the API is there, or that it is away."""
    wrong = [
        f"{one.answer} at {clock(one.time)} UTC"
        for one in lines
        if one.answer != RIGHT[service]
        and not AWAY.fullmatch(one.answer)
        and not (service == LOCK and UNLOCKED.fullmatch(one.answer))
    ]
    return Check(f"{service} answers", not wrong, "; ".join(wrong) or "as a member's")


def locked(directory: Path, moments: window.Bounds) -> Span:
    """When the locks must hold: begin-maintenance's end to end-maintenance's start.

    The last try counts of a begin-maintenance that was resumed.
    """
    tries = window.tries(directory)
    since = min(tries["begin-maintenance"][-1][1], moments.end)
    ends = [begin for begin, _end in tries.get("end-maintenance", ()) if begin > since]
    return since, min(ends, default=moments.end)


def let_through(lines: list[Line], span: Span) -> Check:
    """That Nova refused each call of the member for the lock while the locks held."""
    wrong = [
        line
        for line in lines
        if line.answer != RIGHT[LOCK]
        and line.answer[:1] in ("2", "3", "4")
        and line.until > span[0]
        and line.time < span[1]
    ]
    detail = "; ".join(
        f"{one.answer}, {one.last - one.first + 1} times from {clock(one.time)} UTC on"
        for one in wrong
    )
    name = "a member's calls that the lock did not refuse"
    return Check(name, not wrong, detail or "none")


def check_apis(directory: Path) -> Finding:
    """Each API answered a member throughout, apart from what its budget allows."""
    found = prober.read(directory / FILE)
    moments = window.bounds(directory)
    spans = dict.fromkeys(prober.APIS, (moments.begin, moments.gathered))
    if documents.read(directory / "before.json")["servers"]:
        spans[LOCK] = locked(directory, moments)
    checks, worst = [], (0.0, "no API was away")
    for service, (begin, end) in spans.items():
        lines = [line for line in found if line.service == service]
        # The lock's last line was written when the maintenance ended.
        written = end if service == LOCK and moments.ended else end - UNWRITTEN
        wrong = hole(lines, begin, max(begin, written))
        told = wrong or f"{len(lines)} lines"
        checks.append(Check(f"{service} probed", not wrong, told))
        gone = longest(directory, service, lines, begin, end)
        checks += [away(service, gone), unknown(service, lines)]
        inside = (begin, min(end, moments.end))
        parts = [("in the window", inside)]
        if end > moments.end:
            parts.append(("after it", (moments.end, end)))
        checks += [altogether(directory, service, lines, *part) for part in parts]
        for phase, seconds in gone.items():
            told = f"at the longest away: {service} for {seconds:.1f} s in {phase}"
            worst = max(worst, (seconds, told))
        if service == LOCK:
            checks.append(let_through(lines, (begin, end)))
    return Finding("APIs", checks, worst[1])
