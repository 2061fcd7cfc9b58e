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

"""Survivors' heartbeats, held against the window's moments."""

import re

import pytest

from ironic_sideways.report import beats
from ironic_sideways.tests.unit.report.small_move import files, guests
from ironic_sideways.tests.unit.report.small_move.phases import BEGIN


def heartbeats(directory, rows) -> list[str]:
    files.write_lines(directory / "heartbeat.jsonl", rows)
    return [check.name for check in beats.check_heartbeats(directory).failures]


def test_a_lost_heartbeat_is_a_failure(evidence):
    rows = guests.beats(n for n in range(1, 76) if n != 30)

    assert heartbeats(evidence, rows) == ["no heartbeat lost"]


def test_a_loss_is_at_the_line_of_the_beat_after_it(evidence):
    rows = [row for row in guests.beats(range(1, 76)) if row["seq"] not in (40, 41)]
    files.write_lines(evidence / "heartbeat.jsonl", rows)

    finding = beats.check_heartbeats(evidence)

    (check,) = (c for c in finding.failures if c.name == "no heartbeat lost")
    assert check.where == "heartbeat.jsonl:40"
    assert rows[39]["seq"] == 42


def test_who_was_not_heard_through_the_window_is_told_by_the_clock(evidence):
    files.write_lines(evidence / "heartbeat.jsonl", guests.beats(range(1, 20)))

    finding = beats.check_heartbeats(evidence)

    detail = finding.failures[0].detail
    clock = r"\d\d:\d\d:\d\d"
    assert re.fullmatch(
        f"heartbeats only from {clock} to {clock}, window {clock} to {clock} UTC",
        detail,
    )


def test_a_machine_that_fell_silent_in_the_window_is_a_failure(evidence):
    found = heartbeats(evidence, guests.beats(range(1, 40)))

    assert found == ["heartbeat of machine-1", "a survivor sends heartbeats"]


@pytest.mark.parametrize("last", [30, 67])
def test_a_machine_rebooted_before_the_operations_is_a_failure(evidence, last):
    rows = guests.beats(range(1, last)) + guests.beats(
        range(last, 76), boot_id="boot-2"
    )

    assert "heartbeat of machine-1" in heartbeats(evidence, rows)


def test_a_machine_rebooted_by_the_operations_is_none(evidence):
    rows = guests.beats(range(1, 80)) + guests.beats(range(82, 90), boot_id="boot-2")

    assert heartbeats(evidence, rows) == []


def test_beats_from_an_address_that_is_not_the_ports_are_a_failure(evidence):
    rows = [{**row, "ip": "172.30.0.99"} for row in guests.beats(range(1, 76))]

    assert "heartbeat of machine-1" in heartbeats(evidence, rows)


def test_an_address_that_changes_in_the_window_is_a_failure(evidence):
    rows = guests.beats(range(1, 76))
    rows[40]["ip"] = "172.30.0.99"

    assert "heartbeat of machine-1" in heartbeats(evidence, rows)


def test_a_stopped_machine_that_beats_in_the_window_is_a_failure(evidence):
    rows = guests.beats(range(1, 76)) + guests.beats(range(1, 20), 2, "boot-2", BEGIN)

    assert heartbeats(evidence, rows) == ["silence of machine-2"]


def test_a_machine_that_never_ran_under_an_active_instance_is_a_failure(evidence):
    def off(document):
        document["machines"][0]["power"] = "off"

    files.edit(evidence / "before.json", off)

    assert heartbeats(evidence, []) == [
        "heartbeat of machine-1",
        "a survivor sends heartbeats",
    ]
