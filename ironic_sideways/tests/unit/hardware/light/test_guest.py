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

"""A light guest does what a real one does, by a clock that the tests turn."""

import urllib.parse
from pathlib import Path

import pytest

from ironic_sideways.evidence import heartbeat
from ironic_sideways.hardware import dhcp_message as dhcp
from ironic_sideways.hardware.light.disk import Disk
from ironic_sideways.hardware.light.guest import Guest
from ironic_sideways.hardware.light.power import Power

MACS = ("52:54:00:07:00:01", "52:54:01:07:00:01")
ROOT = "0a1b2c3d-0000-4000-8000-000000000001"
IP = "172.30.7.10"


def answer(kind: int, mac: str = MACS[1]) -> dhcp.Answer:
    options = {
        dhcp.SERVER: bytes((172, 30, 7, 1)),
        dhcp.LEASE_TIME: (120).to_bytes(4, "big"),
        224: b"172.30.7.1:21010",
    }
    return dhcp.Answer(kind, mac, IP, options)


@pytest.fixture
def guest(tmp_path: Path) -> Guest:
    """On, and with a lease since the second 0."""
    made = Guest("one", MACS, Power(tmp_path, "one"), lambda: Disk(ROOT, ROOT))
    made.power.on()
    made.act(0)
    made.answered(answer(dhcp.OFFER), 0)
    made.answered(answer(dhcp.ACK), 0)
    return made


def kinds(messages: list[tuple[str, bytes]]) -> list[tuple[str, int]]:
    return [(mac, message[242]) for mac, message in messages]


def told(guest: Guest) -> dict[str, str]:
    return dict(urllib.parse.parse_qsl(guest.beat() or ""))


def test_a_machine_that_is_off_does_nothing(tmp_path: Path) -> None:
    made = Guest("one", MACS, Power(tmp_path, "one"), Disk)

    assert made.act(0) == []
    assert made.beat() is None


def test_it_asks_on_each_nic_and_takes_what_one_of_them_is_offered(
    tmp_path: Path,
) -> None:
    made = Guest("one", MACS, Power(tmp_path, "one"), Disk)
    made.power.on()

    assert kinds(made.act(0)) == [(mac, dhcp.DISCOVER) for mac in MACS]
    assert made.due == 1
    requests = made.answered(answer(dhcp.OFFER), 0.1)
    assert kinds(requests) == [(MACS[1], dhcp.REQUEST)]
    assert b"\x36\x04\xac\x1e\x07\x01" in requests[0][1]
    assert made.beat() is None
    made.answered(answer(dhcp.ACK), 0.2)
    assert kinds(made.act(0.2)) == []
    assert (told(made)["mac"], told(made)["ip"]) == (MACS[1], IP)


def test_its_beat_is_one_that_the_collector_takes(guest: Guest) -> None:
    found = heartbeat.beat_from_query(guest.beat() or "", 5.0)

    assert (found.seq, found.root, found.marker) == (1, ROOT, ROOT)
    assert found.ephemeral is None


def test_the_same_number_is_sent_until_it_is_heard(guest: Guest) -> None:
    guest.sent(False, 1)
    assert (told(guest)["seq"], guest.due) == ("1", 1.5)
    guest.sent(True, 1.5)

    assert (told(guest)["seq"], guest.due) == ("2", 2.5)


def test_a_lease_is_renewed_at_half_its_time_and_again_until_it_is_granted(
    guest: Guest,
) -> None:
    assert guest.act(59) == []
    assert kinds(guest.act(60)) == [(MACS[1], dhcp.REQUEST)]
    assert guest.act(69) == []
    assert kinds(guest.act(70)) == [(MACS[1], dhcp.REQUEST)]
    guest.answered(answer(dhcp.ACK), 70)

    assert guest.act(129) == []
    assert guest.beat() is not None


def test_without_a_renewal_it_is_silent_and_asks_anew(guest: Guest) -> None:
    sent = guest.act(120)

    assert kinds(sent) == [(mac, dhcp.DISCOVER) for mac in MACS]
    assert guest.beat() is None


def test_a_refusal_ends_the_lease(guest: Guest) -> None:
    guest.answered(answer(dhcp.NAK), 10)

    assert guest.beat() is None


def test_what_another_nic_is_told_changes_nothing(guest: Guest) -> None:
    guest.answered(answer(dhcp.NAK, MACS[0]), 10)

    assert told(guest)["mac"] == MACS[1]


def test_it_stops_when_its_power_goes(guest: Guest) -> None:
    guest.power.off()
    guest.act(2)

    assert guest.beat() is None
    assert guest.due == 2.5


@pytest.mark.parametrize("ways", [("reset",), ("off", "on")])
def test_a_new_power_on_is_a_new_boot(guest: Guest, ways: tuple[str, ...]) -> None:
    before = told(guest)
    guest.sent(True, 1)
    for way in ways:
        getattr(guest.power, way)()
    guest.act(2)
    guest.answered(answer(dhcp.ACK), 2)

    assert told(guest)["boot_id"] != before["boot_id"]
    assert told(guest)["seq"] == "1"


def test_a_machine_that_finds_nothing_to_boot_is_silent(tmp_path: Path) -> None:
    made = Guest("one", MACS, Power(tmp_path, "one"), lambda: None)
    made.power.on()

    assert made.act(0) == []
    assert made.answered(answer(dhcp.ACK), 0) == []
    assert made.beat() is None
