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

"""Light machines: their BMCs, asked by ipmitool, and their guests on a bridge.

Needs root, for the bridge, and what bindep.txt lists under lab.
"""

import contextlib
import dataclasses
import os
import socket
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ironic_sideways import exceptions, ipmi, waits
from ironic_sideways.evidence import heartbeat, leases
from ironic_sideways.hardware import bmc, machines, vbmc_log
from ironic_sideways.hardware.light.power import Power
from ironic_sideways.lab import layout
from ironic_sideways.tests.functional.hardware import rack, test_vbmcd

NAMES = ("one", "two", "three")
#: What select() takes at most.
SELECTABLE = 1024


class Bmcs:
    """Three light BMCs in one process."""

    def __init__(self, root: Path) -> None:
        self.config = root / "vbmc"
        self.machines = root / "machines"
        self.machines.mkdir()
        self.log = root / "vbmcd.log"
        bmc.prepare(self.config)
        for index, name in enumerate(NAMES):
            place = (f"127.0.240.{40 + index}", 26625)
            machine = machines.Machine(name, "uuid", index, ("mac",), *place)
            bmc._write(self.config / name, machine, "")
        self.start()

    def start(self) -> None:
        command = bmc.command(self.config, self.machines)
        self._daemon = rack.Daemon(command, self.log, **bmc.environment())
        try:
            bmc.wait_ready(self.config, NAMES, self.log, timeout=240)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        self._daemon.stop()

    def __getitem__(self, name: str) -> ipmi.Bmc:
        return bmc.credentials(self.config)[name].bmc

    def states(self) -> dict[str, str]:
        return {name: ipmi.power_status(self[name]) for name in NAMES}

    def fault(self, name: str, change: Callable[[ipmi.Bmc], ipmi.Bmc]) -> str:
        try:
            ipmi.power_status(change(self[name]), timeout=6)
        except exceptions.SidewaysError as error:
            return str(error)
        return ""


@pytest.fixture
def bmcs(tmp_path: Path) -> Iterator[Bmcs]:
    # Descriptors that the daemon inherits: its own are beyond select()'s.
    descriptors = [os.open(os.devnull, os.O_RDONLY) for _ in range(SELECTABLE)]
    for one in descriptors:
        os.set_inheritable(one, True)
    made = Bmcs(tmp_path)
    try:
        yield made
    finally:
        made.stop()
        for one in descriptors:
            os.close(one)


def test_each_has_a_power_state_of_its_own_that_outlives_the_process(
    bmcs: Bmcs,
) -> None:
    ipmi.power(bmcs["one"], "on")
    ipmi.power(bmcs["three"], "on")
    ipmi.power(bmcs["three"], "soft")
    assert bmcs.states() == {"one": "on", "two": "off", "three": "off"}
    bmcs.stop()
    bmcs.start()

    assert bmcs.states() == {"one": "on", "two": "off", "three": "off"}


def test_each_power_command_is_counted_and_no_question(bmcs: Bmcs) -> None:
    bmcs.states()
    for action in ("on", "reset", "soft", "off"):
        ipmi.power(bmcs["two"], action)
    with bmcs.log.open() as lines:
        found = list(vbmc_log.power_commands(lines))

    assert [(one.domain, one.command) for one in found] == [
        ("two", action) for action in ("on", "reset", "soft", "off")
    ]


@pytest.mark.parametrize("whose", ["nobody's", "another's"])
def test_a_wrong_password_is_refused(bmcs: Bmcs, whose: str) -> None:
    password = bmcs["two"].password if whose == "another's" else "wrong"
    said = bmcs.fault("one", lambda one: dataclasses.replace(one, password=password))

    assert "Unable to establish" in said


def test_a_silent_bmc_affects_no_other(bmcs: Bmcs) -> None:
    silence = bmcs.config / "one" / "silent"
    silence.touch()
    assert "within 6 s" in bmcs.fault("one", lambda one: one)
    assert bmcs.fault("two", lambda one: one) == ""
    silence.unlink()

    assert bmcs.fault("one", lambda one: one) == ""


def test_a_boot_device_is_kept(bmcs: Bmcs) -> None:
    ipmi.boot_device(bmcs["one"], "pxe")
    bmcs.stop()
    bmcs.start()

    told = ipmi.run(bmcs["one"], "chassis", "bootparam", "get", "5")
    assert "Force PXE" in told


def test_a_message_out_of_turn_is_dropped(bmcs: Bmcs) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(60)
        client.connect((bmcs["one"].address, bmcs["one"].port))
        client.send(test_vbmcd.message(test_vbmcd.OPEN, bytes(32)))
        client.recv(1000)
        client.send(test_vbmcd.message(test_vbmcd.RAKP_3, bytes(28)))
        waits.wait_for(
            bmcs.log.read_text, lambda said: "out of turn" in said, "it", timeout=60
        )

    assert bmcs.fault("one", lambda one: one) == ""
    assert "Traceback" not in bmcs.log.read_text()


#: Apart from every lab, and from the rack.
BRIDGE, DEVICE = "isw-light", "isw-light-g"
GATEWAY, HEARTBEAT_PORT = "172.30.241.1", 26991


class Guests:
    """A bridge with DHCP, a collector, and three light guests in one process."""

    def __init__(self, root: Path, undo: contextlib.ExitStack) -> None:
        self.root = root
        self.record = root / "heartbeat.jsonl"
        self.planned = [
            machines.Machine(
                name, "uuid", index, machines.macs(241, index), "127.0.0.1"
            )
            for index, name in enumerate(NAMES)
        ]
        machines.write(root / "machines.json", self.planned)
        rack.run("ip", "link", "add", BRIDGE, "type", "bridge", "forward_delay", "0")
        undo.callback(rack.run, "ip", "link", "delete", BRIDGE)
        rack.run("ip", "address", "add", f"{GATEWAY}/24", "dev", BRIDGE)
        end = ("isw-light-b", "type", "veth", "peer", "name", DEVICE)
        rack.run("ip", "link", "add", *end)
        undo.callback(rack.run, "ip", "link", "delete", DEVICE)
        rack.run("ip", "link", "set", end[0], "master", BRIDGE, "up")
        for device in (DEVICE, BRIDGE):
            rack.run("ip", "link", "set", device, "up")
        undo.callback(rack.Daemon(self._dnsmasq(), root / "dnsmasq.log").stop)
        rack.collect(undo, self.record, GATEWAY, HEARTBEAT_PORT)
        (root / "evidence").mkdir()
        module = "ironic_sideways.hardware.light.guests"
        words = [root / "machines.json", root, DEVICE, root / "tftp", root / "http"]
        command = [sys.executable, "-P", "-m", module, *map(str, words)]
        undo.callback(rack.Daemon(command, root / "guests.log").stop)

    def _dnsmasq(self) -> list[str]:
        hosts = "".join(
            f"dhcp-host={one.macs[1]},172.30.241.{10 + one.index}\n"
            for one in self.planned
        )
        config = self.root / "dnsmasq.conf"
        config.write_text(
            f"interface={BRIDGE}\nbind-interfaces\nexcept-interface=lo\nport=0\n"
            f"dhcp-range=172.30.241.0,static,2m\n{hosts}no-ping\nuser=root\n"
            f"dhcp-leasefile={self.root}/leases\n"
            f"dhcp-script={layout.Layout(self.root).lease_script}\nscript-on-renewal\n"
            f'dhcp-option=224,"{GATEWAY}:{HEARTBEAT_PORT}"\n'
        )
        pid_file = f"--pid-file={self.root}/dnsmasq.pid"
        words = ["dnsmasq", "--keep-in-foreground", f"--conf-file={config}", pid_file]
        return ["env", f"IRONIC_SIDEWAYS_LAB={self.root}", *words]

    def power(self, name: str) -> Power:
        return Power(self.root, name)

    def streams(self, name: str) -> list[heartbeat.Stream]:
        macs = self.planned[NAMES.index(name)].macs
        found = heartbeat.streams(heartbeat.read(self.record))
        return [stream for stream in found if stream.mac in macs]

    def wait(self, name: str, boots: int, beats: int) -> heartbeat.Stream:
        """The newest boot of a machine, once it has so many heartbeats."""
        found = waits.wait_for(
            lambda: self.streams(name),
            lambda seen: len(seen) >= boots and seen[-1].last_seq >= beats,
            f"{beats} heartbeats in boot {boots} of {name}",
            timeout=240,
        )
        return max(found, key=lambda stream: stream.first_time)


@pytest.fixture
def guests(tmp_path: Path) -> Iterator[Guests]:
    with contextlib.ExitStack() as undo:
        yield Guests(tmp_path, undo)


def test_a_guest_lives_from_power_on_to_power_off(guests: Guests) -> None:
    guests.power("one").on()
    guests.power("two").on()
    first = guests.wait("one", 1, 3)
    guests.wait("two", 1, 3)
    guests.power("one").off()
    off = time.time()
    after = guests.wait("two", 1, guests.streams("two")[0].last_seq + 3)

    assert first.ips == ("172.30.241.10",)
    assert first.mac == guests.planned[0].macs[1]
    assert guests.streams("one")[0].last_time < off + 1
    assert after.missing == ()
    assert guests.streams("three") == []
    guests.power("one").on()
    assert guests.wait("one", 2, 2).boot_id != first.boot_id


def test_a_guests_lease_is_renewed(guests: Guests) -> None:
    guests.power("three").on()
    stream = guests.wait("three", 1, 1)
    path = guests.root / "evidence" / "leases.jsonl"
    waits.wait_for(
        lambda: leases.renewed(leases.read(path), stream.mac, 0, time.time()),
        lambda address: address == "172.30.241.12",
        "a renewal",
        timeout=240,
    )
