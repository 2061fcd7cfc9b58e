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

"""A BMC answers on, whatever messages reach it."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from ironic_sideways import exceptions, ipmi, waits
from ironic_sideways.hardware import bmc, machines
from ironic_sideways.tests.functional.hardware import rack

#: Of RMCP+ messages, their payload types: what opens a session, and the third message
#: of its handshake.
OPEN, RAKP_3 = 0x10, 0x14


def message(kind: int, payload: bytes) -> bytes:
    """Of no session yet (IPMI 2.0, table 13-8)."""
    head = bytes.fromhex("0600ff0706") + bytes([kind]) + bytes(8)
    return head + len(payload).to_bytes(2, "little") + payload


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "vbmcd.log"


@pytest.fixture
def place(tmp_path: Path, log: Path) -> Iterator[ipmi.Bmc]:
    """A BMC without a machine: its port needs no root."""
    config = tmp_path / "vbmc"
    machine = machines.Machine("one", "uuid", 0, ("mac",), "127.0.240.20", 26623)
    bmc.prepare(config)
    bmc._write(config / "one", machine, "qemu:///system")
    vbmcd = rack.Daemon(bmc.command(config), log, **bmc.environment())
    try:
        yield bmc.credentials(config)["one"].bmc
    finally:
        vbmcd.stop()


def test_a_message_out_of_turn_ends_no_bmc(place: ipmi.Bmc, log: Path) -> None:
    """As of a client that was answered late, or of anybody."""

    def fault() -> str:
        try:
            return "" if "Device ID" in ipmi.run(place, "mc", "info") else "no id"
        except exceptions.SidewaysError as error:
            return str(error)

    waits.wait_for(fault, lambda said: not said, "the BMC", timeout=60)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(60)
        client.connect((place.address, place.port))
        client.send(message(OPEN, bytes(32)))
        client.recv(1000)
        client.send(message(RAKP_3, bytes(28)))
        waits.wait_for(log.read_text, lambda s: "out of turn" in s, "it", timeout=60)

    assert fault() == ""
    assert log.read_text().count("Started the BMC") == 1
    assert "Traceback" not in log.read_text()
