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

"""The guests of light machines: one process that lives for all of them.

Those that are on when it starts boot then, as after a loss of power.
"""

import functools
import logging
import select
import sys
import time
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from ironic_sideways.hardware import machines
from ironic_sideways.hardware.light import disk
from ironic_sideways.hardware.light.guest import Guest
from ironic_sideways.hardware.light.power import Power
from ironic_sideways.hardware.light.wire import Line, Nic

#: Seconds that guests are waited for before their heartbeats go out together.
TURN = 0.02
#: Heartbeats that go out at once.
TOGETHER = 50


def boots(
    machine: machines.Machine, directory: Path, tftp: Path, http: Path
) -> disk.Disk | None:
    """The disk that the machine boots now; None where it finds nothing to boot.

    As a real one does: from the root file system that a network boot leads to, else
    from the disk, if that has a loader.
    """
    held = disk.read(directory, machine.name)
    root = None
    if Power(directory, machine.name).boot_device() == "network":
        root = disk.told_by_the_network(machine.macs, tftp, http)
    return held if held.root == root else None


class Guests:
    """All guests, their NIC and their lines to the collector."""

    def __init__(self, guests: Iterable[Guest], nic: Nic) -> None:
        self.guests = list(guests)
        self._nic = nic
        self._of_mac = {mac: guest for guest in self.guests for mac in guest.macs}
        self._lines: dict[str, Line] = {}

    def turn(self) -> None:
        """Let every guest that is due act once."""
        now = time.monotonic()
        for answer in self._nic.answers():
            if guest := self._of_mac.get(answer.mac):
                self._send(guest.answered(answer, now))
        beats: dict[str, list[tuple[Guest, str]]] = defaultdict(list)
        for guest in self.guests:
            if guest.due <= now:
                self._send(guest.act(now))
                beat = guest.beat()
                if beat is not None and guest.lease is not None:
                    beats[guest.lease.collector].append((guest, beat))
        for collector, mine in beats.items():
            for first in range(0, len(mine), TOGETHER):
                self._tell(collector, mine[first : first + TOGETHER])

    def _send(self, messages: Iterable[tuple[str, bytes]]) -> None:
        for mac, message in messages:
            self._nic.send(mac, message)

    def _tell(self, collector: str, beats: list[tuple[Guest, str]]) -> None:
        line = self._lines.setdefault(collector, Line(collector))
        answers = line.ask([beat for _, beat in beats])
        now = time.monotonic()
        for (guest, _), heard in zip(beats, answers, strict=True):
            guest.sent(heard, now)


def main(known: Path, directory: Path, device: str, tftp: Path, http: Path) -> None:
    """Live until SIGTERM.

    :param known: machines.json.
    :param directory: of the machines' power and disks.
    :param device: the network device that stands for their NICs.
    :param tftp: root of the base's TFTP server.
    :param http: Ironic's http_root.
    """
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s"
    )
    nic = Nic(device)
    now = time.monotonic()
    planned = machines.read(known)
    guests = Guests(
        (
            Guest(
                machine.name,
                machine.macs,
                Power(directory, machine.name),
                functools.partial(boots, machine, directory, tftp, http),
                # Not all in the same moment of each second.
                due=now + machine.index / len(planned),
            )
            for machine in planned
        ),
        nic,
    )
    while True:
        guests.turn()
        select.select([nic.socket], [], [], TURN)


if __name__ == "__main__":
    main(
        *(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]),
        *(Path(sys.argv[4]), Path(sys.argv[5])),
    )
