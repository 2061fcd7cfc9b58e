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

"""When the phases of a small move began, and what events.jsonl tells of them."""

import datetime

from ironic_sideways.report import window
from ironic_sideways.tests.unit.report.small_move.files import Document

BEGIN, END, OPERATED, GATHERED = 1000.0, 1060.0, 1070.0, 1120.0


def phase(name: str, result: str, time: float, seconds: float = 0.0) -> Document:
    return {
        **{"kind": "phase", "name": name, "result": result, "figure": ""},
        **{"time": time, "seconds": seconds, "memory_used_mb": 3000},
    }


#: When each phase begins, in seconds from the begin of maintenance; it takes two.
STARTS = {
    "deploy-ramdisk": -20.0,
    "ironic-database": -10.0,
    **{name: 4.5 * at for at, name in enumerate(window.WINDOW[2:-1])},
    "end-maintenance": 50.0,
    "verify": 60.0,
    "restarted": 64.0,
}

#: When what is tried when the operations are over begins, in seconds from OPERATED.
TRIED = {"proxy": 40.0, "tempest": 43.0, "last-look": 46.0}


def lasting(name: str, begin: float) -> list[Document]:
    """A phase of two seconds."""
    return [phase(name, "started", begin), phase(name, "ok", begin + 2, 2.0)]


def phase_events() -> list[Document]:
    found = [phase("prepare", "ok", BEGIN - 50, 100.0)]
    found += lasting("tempest-base", BEGIN - 49)
    for name in (*window.PHASES, "restarted"):
        begin = BEGIN + STARTS[name]
        end = END if name == "end-maintenance" else begin + 2
        found += [phase(name, "started", begin), phase(name, "ok", end, end - begin)]
    return [
        *found,
        phase("operate", "started", OPERATED),
        phase("operate", "ok", OPERATED + 39, 39.0),
        *(event for n, at in TRIED.items() for event in lasting(n, OPERATED + at)),
        phase("collect", "started", GATHERED),
        phase("collect", "ok", GATHERED + 1, 1.0),
    ]


def moment(name: str) -> float:
    """A second after a phase's begin."""
    return BEGIN + STARTS[name] + 1


def written(name: str) -> str:
    """The same, as the tools that an operator has write it."""
    return datetime.datetime.fromtimestamp(moment(name), datetime.UTC).isoformat()
