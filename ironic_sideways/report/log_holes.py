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
each call that the prober had answered. Others, as the conductor's at level INFO, have
nothing to tell for minutes: 307 s were seen while machines were deployed.
"""

import itertools
from pathlib import Path

from ironic_sideways.evidence import prober
from ironic_sideways.report import apis
from ironic_sideways.report.findings import clock

#: What tells its periodic tasks, or is asked by those of the conductor, each minute;
#: and seconds between two lines, at most: 116 were seen on two busy cores, of which
#: nova-compute was stopped for some (2026-11-30).
PERIODIC = ("nova-compute", "vbmcd")
LONGEST = 300.0

#: The prober's calls that a log tells: log, service.
TELLS = {"nova-api": "nova", "placement": "placement"}
#: Answered calls, at most, between two lines of such a log: lines of api.jsonl are of
#: ten seconds, and a log's moments of whole seconds in some lanes.
UNTOLD = 20


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
