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

"""Boots: each operation has its own, after a command of its own."""

import pytest

from ironic_sideways.evidence import documents
from ironic_sideways.report import boots, operations
from ironic_sideways.tests.unit.report.small_move import (
    files,
    guests,
    phases,
    small_cloud,
)


def failed(evidence) -> list[str]:
    found = documents.read(evidence / "operations.json")
    before = documents.read(evidence / "before.json")
    checks = boots.check(evidence, found, before, operations.BOOTING)
    return [check.name for check in checks if not check.ok]


def without(evidence, **values):
    """Drop the heartbeats of machine and boot."""
    path = evidence / "heartbeat.jsonl"
    files.write_lines(
        path,
        (b for b in documents.read_lines(path) if not values.items() <= b.items()),
    )


@pytest.mark.parametrize(
    ("mac", "boot_id", "names"),
    [
        (small_cloud.mac(3), "boot-3", ["back, new server"]),
        (small_cloud.mac(1), "boot-2", ["back, net-booted reboot"]),
        (small_cloud.mac(1), "boot-1", []),
    ],
)
def test_an_operation_without_a_boot_of_its_own_is_named(evidence, mac, boot_id, names):
    assert failed(evidence) == []

    without(evidence, mac=mac, boot_id=boot_id)

    assert failed(evidence) == names


def test_a_boot_once_the_operations_are_over_is_none_of_them(evidence):
    late = guests.beats((1, 2), 3, "boot-3", phases.OPERATED + 39)
    without(evidence, mac=small_cloud.mac(3))
    path = evidence / "heartbeat.jsonl"
    files.write_lines(path, [*documents.read_lines(path), *late])

    assert failed(evidence) == ["back, new server"]


def test_a_machine_that_was_switched_off_last_did_not_boot_by_its_bmc(evidence):
    def swapped(document):
        soft = next(
            n for n, c in enumerate(document["commands"]) if c["command"] == "soft"
        )
        one, other = document["commands"][soft : soft + 2]
        one["command"], other["command"] = other["command"], one["command"]

    files.edit(evidence / "bmc.json", swapped)

    assert failed(evidence) == ["switched on for each boot, machine-1"]


def test_one_command_is_of_one_boot(evidence):
    files.edit(evidence / "bmc.json", lambda d: d["commands"].pop(3))

    assert failed(evidence) == ["switched on for each boot, machine-1"]
