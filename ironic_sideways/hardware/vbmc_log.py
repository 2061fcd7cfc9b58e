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

"""Power commands in vbmcd's debug log: which machine, when and how."""

import calendar
import dataclasses
import re
import time
from collections.abc import Iterable, Iterator

#: virtualbmc/vbmc.py logs one of these at the start of each power command, and
#: virtualbmc/log.py puts the time before it, local time: bmc.environment sets
#: TZ=UTC. A query ("Get power state called") is no power command.
COMMANDS = {
    "Power on": "on",
    "Power off": "off",
    "Soft power off": "soft",
    "Power reset": "reset",
    "Power diag": "diag",
}
_LINE = re.compile(
    r"^(?P<time>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d),(?P<ms>\d{3}) \d+ DEBUG VirtualBMC "
    rf"\[-\] (?P<words>{'|'.join(COMMANDS)}) called for domain (?P<domain>\S+)$"
)


@dataclasses.dataclass(frozen=True)
class PowerCommand:
    """One power command that a virtual BMC received.

    :param time: seconds since the epoch.
    :param domain: the libvirt domain's name.
    :param command: on, off, soft, reset or diag.
    """

    time: float
    domain: str
    command: str


def power_commands(lines: Iterable[str]) -> Iterator[PowerCommand]:
    """The power commands in vbmcd's log, in its order; other lines are ignored."""
    for line in lines:
        found = _LINE.match(line.rstrip("\n"))
        if found:
            moment = time.strptime(found["time"], "%Y-%m-%d %H:%M:%S")
            yield PowerCommand(
                time=calendar.timegm(moment) + int(found["ms"]) / 1000,
                domain=found["domain"],
                command=COMMANDS[found["words"]],
            )
