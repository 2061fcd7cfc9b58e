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
"""Holes in the middle of a log: it spans the run, and lacks minutes of it.

Some are never silent for long: those of periodic tasks, and those that have a line of
each call that the prober had answered. The conductor's, at level INFO, may have nothing
to tell for minutes, 307 s were seen while machines were deployed: it tells of each node
whose BMC it gives a power command.
"""

import bisect
import itertools
from collections import defaultdict
from pathlib import Path
from typing import Any

from ironic_sideways.evidence import compare, documents, prober
from ironic_sideways.report import apis, window
from ironic_sideways.report.findings import Line, clock

#: What tells its periodic tasks, or is asked by those of the conductor or of
#: nova-compute, each minute; and seconds between two lines, at most: 116 were seen on
#: two busy cores, of which nova-compute was stopped for some (2026-11-30).
PERIODIC = ("nova-compute", "vbmcd", "ironic-api")
LONGEST = 300.0

#: The prober's calls that a log tells: log, service.
TELLS = {
    **{name: name for name in ("keystone", "neutron", "glance", "placement")},
    "nova-api": "nova",
}
#: Answered calls, at most, between two lines of such a log: lines of api.jsonl are of
#: ten seconds, and a log's moments of whole seconds in some lanes.
UNTOLD = 20

#: Seconds, at most, until the conductor has told of a node whose BMC it gave a power
#: command: 11 were seen in nine runs. It may tell whole seconds alone.
TOLD = 60.0


def silent(times: list[float], begin: float, end: float) -> str:
    """Where a log says nothing for too long between two moments; empty when nowhere."""
    heard = [begin, *(time for time in times if begin < time < end), end]
    since, until = max(
        itertools.pairwise(sorted(heard)), key=lambda pair: pair[1] - pair[0]
    )
    if until - since <= LONGEST:
        return ""
    return f"no line for {until - since:.0f} s from {clock(since)} UTC on"


def untold(directory: Path, name: str, times: list[float]) -> str:
    """Where calls were answered that the log does not tell; empty when nowhere.

    :param name: of a log in ``TELLS``.
    """
    path, service = directory / apis.FILE, TELLS[name]
    if not path.exists():
        # The APIs' own subject says so.
        return ""
    answered = [
        line
        for line in prober.read(path)
        if line.service == service and line.answer == apis.RIGHT[service]
    ]
    for since, until in itertools.pairwise(sorted(times)):
        # Few gaps are so long, and a run has thousands.
        if until - since < UNTOLD * prober.PERIOD:
            continue
        calls = sum(
            line.last - line.first + 1
            for line in answered
            if since < line.time and line.until < until
        )
        if calls > UNTOLD:
            return f"of {calls} answered calls from {clock(since)} UTC on it has none"
    return ""


def unswitched(directory: Path, lines: list[Line]) -> str:
    """Which power commands the conductor says nothing about; empty when none.

    From when machines are operated on purpose: what reached a BMC then was Ironic's.

    :param lines: of the conductor's log.
    """
    path, moments = directory / "bmc.json", window.bounds(directory)
    if not path.exists():
        # The BMCs' own subject says so.
        return ""
    before = documents.read(directory / "before.json")
    nodes = {
        m["name"]: uuid for uuid, m in compare.by(before["machines"], "uuid").items()
    }
    told: dict[str, list[float]] = defaultdict(list)
    for line in sorted(lines, key=lambda line: line.time):
        for name, uuid in nodes.items():
            if uuid in line.text:
                told[name].append(line.time)
    late = moments.gathered - TOLD
    wrong = [
        command
        for command in documents.read(path)["commands"]
        if moments.operated < command["time"] < late and not soon(command, told)
    ]
    return "; ".join(
        f"nothing of {one['domain']} after power {one['command']} at"
        f" {clock(one['time'])} UTC"
        for one in wrong[:3]
    )


def soon(command: dict[str, Any], told: dict[str, list[float]]) -> bool:
    times = told[command["domain"]]
    at = bisect.bisect_left(times, command["time"] - 1)
    return at < len(times) and times[at] <= command["time"] + TOLD
