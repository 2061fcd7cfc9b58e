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

"""The BMCs of light machines: one process that answers IPMI for all of them.

The configuration directory says which there are, as vbmcd's does, and the log reads as
vbmcd's. A BMC whose directory holds a file ``silent`` hears everything and answers
nothing, as one behind a broken cable.

pyghmi waits for messages by select(), which takes no descriptor above 1,023, and knows
a session by the client's address alone, of whichever BMC: both are done here.
"""

import contextlib
import resource
import selectors
import socket
import sys
import time
from pathlib import Path
from typing import Any

from pyghmi.ipmi import bmc as pyghmi_bmc
from pyghmi.ipmi.private import serversession, session
from virtualbmc import log

from ironic_sideways import exceptions
from ironic_sideways.hardware import bmc, ipmi_session
from ironic_sideways.hardware.light.power import Power

#: Seconds between two looks at the directory.
INTERVAL = 0.5
#: Sessions of a BMC, at most: clients end without closing theirs.
SESSIONS = 16
#: Bytes of a message, at most: what pyghmi reads.
MESSAGE = 3000
#: Authentication and payload type of IPMI 2.0's messages outside a session, and of
#: those that open one; IPMI 1.5 is spoken outside sessions alone (13.6, table 13-8).
RMCP_PLUS, OPEN = b"\x06\x00", b"\x06\x10"

#: Boot devices that virtualbmc takes, by pyghmi's names of them.
DEVICES = ("network", "hd", "optical")
#: Invalid data field in request (IPMI 2.0, table 5-2).
INVALID_DATA = 0xCC

LOG = log.get_logger()


class Session(ipmi_session.Session):
    """A client's session, which its BMC knows."""

    def __init__(self, *beginning: Any, bmc: "Bmc") -> None:
        super().__init__(*beginning, bmc=bmc)
        session.Session.bmc_handlers.pop(self.sockaddr)
        bmc.remember(self)

    def close_server_session(self) -> None:
        self.bmc.sessions.pop(self.sockaddr, None)


def _bind(server: tuple[Any, ...]) -> socket.socket:
    """What pyghmi asks for a BMC's socket, without a thread that waits for it."""
    made = socket.socket(server[0], socket.SOCK_DGRAM)
    try:
        made.bind(server[4])
    except OSError:
        made.close()
        raise
    return made


class Bmc(pyghmi_bmc.Bmc):  # type: ignore[misc, unused-ignore]
    """The BMC of one light machine.

    :param power: of the machine.
    :param silence: while this file exists, nothing is answered.
    :raises OSError: its address and port cannot be had.
    """

    def __init__(self, known: bmc.Credentials, power: Power, silence: Path) -> None:
        place = known.bmc
        super().__init__(
            {place.username: place.password}, place.port, address=place.address
        )
        session.Session.bmc_handlers.pop(self.serversocket)
        self.name = known.domain
        self.power = power
        self.silence = silence
        self.sessions: dict[Any, Session] = {}

    def close(self) -> None:
        """Give up the address."""
        self.serversocket.close()

    def remember(self, one: Session) -> None:
        """Know a session, and forget the oldest if there are too many."""
        self.sessions[one.sockaddr] = one
        if len(self.sessions) > SESSIONS:
            del self.sessions[next(iter(self.sessions))]

    def receive(self) -> None:
        """Answer what has arrived; what cannot be answered ends nothing.

        It is a defect of ours all the same: the traceback makes the verdict red.
        """
        while True:
            # pyghmi makes it blocking when it sends.
            try:
                data, client = self.serversocket.recvfrom(MESSAGE, socket.MSG_DONTWAIT)
            except OSError:
                return
            if self.silence.exists():
                continue
            try:
                self._answer(bytearray(data), client)
            except Exception:
                LOG.exception("BMC of %s: a message of %s", self.name, client)

    def _answer(self, data: bytearray, client: Any) -> None:
        if data[:1] != b"\x06" or data[2:4] != b"\xff\x07":
            return
        # A client that begins anew knows nothing of what went before.
        if data[4:6] not in (RMCP_PLUS, OPEN) and data[4:5] == RMCP_PLUS[:1]:
            known = self.sessions.get(client)
            if known is not None:
                known._handle_ipmi_packet(data, sockaddr=client)
        else:
            self.sessions.pop(client, None)
            self.sessionless_data(data, client)

    def _told(self, words: str) -> None:
        # virtualbmc's words (virtualbmc/vbmc.py), which vbmc_log reads.
        LOG.debug("%s called for domain %s", words, self.name)

    def get_power_state(self) -> int:
        self._told("Get power state")
        return int(self.power.since() is not None)

    def power_on(self) -> None:
        self._told("Power on")
        self.power.on()

    def power_off(self) -> None:
        self._told("Power off")
        self.power.off()

    def power_shutdown(self) -> None:
        self._told("Soft power off")
        self.power.off()

    def power_reset(self) -> None:
        self._told("Power reset")
        self.power.reset()

    def pulse_diag(self) -> None:
        self._told("Power diag")

    def get_boot_device(self) -> str:
        return self.power.boot_device()

    def set_boot_device(self, bootdevice: str) -> int | None:
        self._told(f"Set boot device {bootdevice}")
        if bootdevice not in DEVICES:
            return INVALID_DATA
        self.power.boot_from(bootdevice)
        return None


class Bmcs:
    """The BMCs of a configuration directory, by the machine's name."""

    def __init__(self, config_dir: Path, machines: Path) -> None:
        self.config_dir = config_dir
        self.machines = machines
        self.running: dict[str, tuple[int, Bmc]] = {}
        self._poller = selectors.DefaultSelector()
        serversession.ServerSession = Session
        session.Session._assignsocket = staticmethod(_bind)

    def follow(self) -> None:
        """Make what runs the BMCs that the directory has now."""
        written = {}
        for path in self.config_dir.glob("*/config"):
            # One that is gone by now has no time either.
            with contextlib.suppress(FileNotFoundError):
                written[path.parent.name] = path.stat().st_mtime_ns
        for name, (known, _) in list(self.running.items()):
            if written.get(name) != known:
                self._end(name)
        for name in sorted(written.keys() - self.running.keys()):
            try:
                self._start(name, written[name])
            except (OSError, exceptions.SidewaysError) as error:
                LOG.error("BMC of %s: %s", name, error)

    def _start(self, name: str, written: int) -> None:
        place = self.config_dir / name
        known = bmc.read(place / "config")
        made = Bmc(known, Power(self.machines, name), place / "silent")
        self._poller.register(made.serversocket, selectors.EVENT_READ, made.receive)
        self.running[name] = written, made
        LOG.info("Started the BMC of %s at %s", name, known.bmc)

    def _end(self, name: str) -> None:
        _, one = self.running.pop(name)
        self._poller.unregister(one.serversocket)
        one.close()
        LOG.info("The BMC of %s is gone", name)

    def serve(self, seconds: float) -> None:
        """Answer for so long."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            for key, _ in self._poller.select(left):
                key.data()


def main(config_dir: Path, machines: Path) -> None:
    """Answer, and follow the directory, until SIGTERM."""
    # Power commands are logged at this level alone (vbmc_log reads them).
    LOG.setLevel("DEBUG")
    # A socket each; where the hard limit is less, those without one are in the log.
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    bmcs = Bmcs(config_dir, machines)
    while True:
        bmcs.follow()
        bmcs.serve(INTERVAL)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
