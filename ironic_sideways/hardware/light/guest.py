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

"""One light machine's guest: what guest_init.sh does, as a state and no process.

It takes an address by DHCP on the NIC that gets one, renews the lease, and
has a numbered heartbeat each second for the collector that option 224 names, the same
number until that has acknowledged it.
"""

import dataclasses
import logging
import socket
import struct
import urllib.parse
import uuid
from collections.abc import Callable

from ironic_sideways.hardware import dhcp_message
from ironic_sideways.hardware.light.disk import Disk
from ironic_sideways.hardware.light.power import Power

LOG = logging.getLogger(__name__)

#: Of dnsmasq.conf: where the heartbeat collector listens.
COLLECTOR = 224
WANTED = bytes((dhcp_message.LEASE_TIME, COLLECTOR))

#: Seconds: between two looks at the power of a machine that is off, two heartbeats, two
#: tries of one that was not heard, two questions for an address, two for a renewal.
OFF, BEAT, UNHEARD, ASKING, RENEWING = 0.5, 1.0, 0.5, 1.0, 10.0


@dataclasses.dataclass(frozen=True)
class Lease:
    """An address: when to renew it and when it ends, by the monotonic clock."""

    mac: str
    address: str
    collector: str
    renew: float
    end: float


@dataclasses.dataclass
class Guest:
    """The guest of the machine ``name``.

    :param boots: the disk that the machine boots now; None where it does not boot.
    :param due: when it acts next, by the monotonic clock.
    """

    name: str
    macs: tuple[str, ...]
    power: Power
    boots: Callable[[], Disk | None]
    due: float = 0.0
    switched: str | None = None
    disk: Disk | None = None
    boot_id: str = ""
    number: int = 1
    lease: Lease | None = None
    heard: bool | None = None

    def act(self, now: float) -> list[tuple[str, bytes]]:
        """Follow the power, and ask for an address or for more time with it.

        :returns: from which MAC which DHCP message is sent.
        """
        switched = self.power.since()
        if switched != self.switched:
            self._switch(switched)
        if self.disk is None:
            self.due = now + OFF
            return []
        if self.lease is not None and now >= self.lease.end:
            LOG.warning("%s: the lease of %s ended", self.name, self.lease.address)
            self.lease = None
        if self.lease is None:
            self.due = now + ASKING
            options = {dhcp_message.WANTED: WANTED}
            return [
                (mac, self._message(mac, dhcp_message.DISCOVER, options))
                for mac in self.macs
            ]
        self.due = now + BEAT
        if now < self.lease.renew:
            return []
        self.lease = dataclasses.replace(self.lease, renew=now + RENEWING)
        return [self._request(self.lease.mac, self.lease.address, {})]

    def _switch(self, switched: str | None) -> None:
        self.switched = switched
        self.disk = self.boots() if switched else None
        self.boot_id, self.number = str(uuid.uuid4()), 1
        self.lease = self.heard = None
        if switched is None:
            LOG.info("%s: off", self.name)
        elif self.disk is None:
            LOG.warning("%s: on, and finds nothing to boot", self.name)
        else:
            LOG.info("%s: boot %s, %s", self.name, self.boot_id, self.disk)

    def _message(self, mac: str, kind: int, options: dict[int, bytes]) -> bytes:
        return dhcp_message.pack(mac, kind, options, flags=dhcp_message.BROADCAST)

    def _request(
        self, mac: str, address: str, server: dict[int, bytes]
    ) -> tuple[str, bytes]:
        """Ask for an address.

        :param server: the option that names whose offer is taken; without it a known
            address is asked for, as after a reboot (RFC 2131, 4.3.2).
        """
        options = {
            dhcp_message.ADDRESS: socket.inet_aton(address),
            dhcp_message.WANTED: WANTED,
            **server,
        }
        return mac, self._message(mac, dhcp_message.REQUEST, options)

    def answered(
        self, answer: dhcp_message.Answer, now: float
    ) -> list[tuple[str, bytes]]:
        """Take what the DHCP server says to one of the MACs; as ``act``."""
        if self.disk is None or (self.lease and self.lease.mac != answer.mac):
            return []
        if answer.kind == dhcp_message.OFFER and self.lease is None:
            server = {dhcp_message.SERVER: answer.options[dhcp_message.SERVER]}
            return [self._request(answer.mac, answer.address, server)]
        if answer.kind == dhcp_message.NAK:
            LOG.warning("%s: the DHCP server refuses its address", self.name)
            self.lease = None
        if answer.kind == dhcp_message.ACK:
            self._hold(answer, now)
        return []

    def _hold(self, answer: dhcp_message.Answer, now: float) -> None:
        collector = answer.options.get(COLLECTOR, b"").decode(errors="replace")
        (seconds,) = struct.unpack("!I", answer.options[dhcp_message.LEASE_TIME])
        if self.lease is None:
            LOG.info("%s: bound %s on %s", self.name, answer.address, answer.mac)
            self.due = now
        self.lease = Lease(
            answer.mac, answer.address, collector, now + seconds / 2, now + seconds
        )

    def beat(self) -> str | None:
        """The heartbeat that is to be sent now, as a query; None without a lease."""
        if self.disk is None or self.lease is None or not self.lease.collector:
            return None
        told = {
            "mac": self.lease.mac,
            "boot_id": self.boot_id,
            "seq": self.number,
            "ip": self.lease.address,
            **dataclasses.asdict(self.disk),
        }
        known = {name: value for name, value in told.items() if value is not None}
        return urllib.parse.urlencode(known, safe=":")

    def sent(self, heard: bool, now: float) -> None:
        """Whether the collector has acknowledged the heartbeat."""
        if heard != self.heard:
            told = "heard" if heard else "not heard"
            LOG.info("%s: heartbeat %s %s", self.name, self.number, told)
        self.heard = heard
        self.number += heard
        self.due = now + (BEAT if heard else UNHEARD)
