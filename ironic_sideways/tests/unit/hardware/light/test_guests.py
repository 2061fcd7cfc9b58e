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

"""What a light machine boots, and that all guests act each in its time."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ironic_sideways.hardware import dhcp_message, machines
from ironic_sideways.hardware.light import disk, guests, wire
from ironic_sideways.hardware.light.guest import Guest
from ironic_sideways.hardware.light.power import Power

ROOT = "0a1b2c3d-0000-4000-8000-000000000001"
OTHER = "0a1b2c3d-0000-4000-8000-000000000002"
MACHINE = machines.Machine("one", "uuid", 0, ("52:54:00:00:00:01",), "127.0.0.1")


@pytest.mark.parametrize(
    ("device", "network", "held", "boots"),
    [
        ("hd", None, None, True),
        ("hd", ROOT, None, True),
        ("hd", None, ROOT, False),
        ("network", None, None, True),
        ("network", ROOT, ROOT, True),
        ("network", ROOT, OTHER, False),
        ("network", ROOT, None, False),
    ],
)
def test_a_machine_boots_what_a_real_one_would(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    device: str,
    network: str | None,
    held: str | None,
    boots: bool,
) -> None:
    Power(tmp_path, "one").boot_from(device)
    monkeypatch.setattr(disk, "told_by_the_network", lambda *places: network)
    monkeypatch.setattr(disk, "read", lambda *place: disk.Disk(held))
    found = guests.boots(MACHINE, tmp_path, tmp_path, tmp_path)

    assert found == (disk.Disk(held) if boots else None)


class Nic:
    """Gives each MAC that asks an address."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def send(self, mac: str, message: bytes) -> None:
        self.asked.append(mac)

    def answers(self) -> Iterator[dhcp_message.Answer]:
        options = {51: (120).to_bytes(4, "big"), 224: b"collector"}
        for mac in self.asked:
            yield dhcp_message.Answer(5, mac, "172.30.7.10", options)
        self.asked = []


def test_those_that_are_on_are_heard_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[list[str]] = []

    def ask(self: wire.Line, queries: list[str]) -> list[bool]:
        sent.append(queries)
        return [True] * len(queries)

    monkeypatch.setattr(wire.Line, "ask", ask)
    names = [f"n{number}" for number in range(guests.TOGETHER + 3)]
    made = [
        Guest(name, (f"52:54:00:00:00:{i:02x}",), Power(tmp_path, name), disk.Disk)
        for i, name in enumerate(names)
    ]
    for name in names[1:]:
        Power(tmp_path, name).on()
    nic: Any = Nic()
    all_of_them = guests.Guests(made, nic)
    all_of_them.turn()
    assert sent == []
    all_of_them.turn()

    assert [len(queries) for queries in sent] == [guests.TOGETHER, 2]
    assert all(guest.number == 2 for guest in made[1:])
    assert made[0].number == 1
    all_of_them.turn()
    assert len(sent) == 2
