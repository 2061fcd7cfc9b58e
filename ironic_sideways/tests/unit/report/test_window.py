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

"""Phases and power commands, held against the window's moments."""

import json

import pytest

from ironic_sideways.report import verdict, window
from ironic_sideways.tests.unit.report.small_move import files, phases
from ironic_sideways.tests.unit.report.small_move.phases import (
    BEGIN,
    END,
    GATHERED,
    OPERATED,
)


def failed(finding) -> list[str]:
    return [check.name for check in finding.failures]


@pytest.mark.parametrize("phase", window.PHASES)
def test_a_phase_that_never_ran_is_a_failure(evidence, phase):
    rows = [row for row in phases.phase_events() if row["name"] != phase]
    path = evidence / "events.jsonl"
    files.write_lines(path, rows)

    found = window.check_phases(evidence)

    assert failed(found) == [f"phase {phase}"]
    assert {check.state for check in found.failures} == {"absent"}


def test_a_phase_that_failed_and_was_done_later_is_no_failure(evidence):
    rows = [phases.phase("migrate", "failed", BEGIN), *phases.phase_events()]
    files.write_lines(evidence / "events.jsonl", rows)

    assert window.check_phases(evidence).ok


def test_a_maintenance_that_was_rolled_back_does_not_count(evidence):
    earlier = [
        phases.phase("begin-maintenance", "started", BEGIN - 500),
        phases.phase("undo-begin-maintenance", "ok", BEGIN - 400),
    ]
    files.write_lines(evidence / "events.jsonl", earlier + phases.phase_events())

    assert window.bounds(evidence) == window.Bounds(BEGIN, END, OPERATED, GATHERED)


def test_the_first_of_several_tries_to_operate_ends_the_watch(evidence):
    later = [phases.phase("operate", "started", OPERATED + 100)]
    files.write_lines(evidence / "events.jsonl", phases.phase_events() + later)

    assert window.bounds(evidence).operated == OPERATED


def test_light_machines_are_watched_until_one_is_switched(evidence):
    rows = [
        {**row, "name": "switch"} if row["name"] == "operate" else row
        for row in phases.phase_events()
    ]
    files.write_lines(evidence / "events.jsonl", rows)

    assert window.bounds(evidence).operated == OPERATED


def test_a_run_that_operated_nothing_is_watched_to_its_last_phase(evidence):
    without = ("operate", *phases.TRIED, "collect")
    rows = [row for row in phases.phase_events() if row["name"] not in without]
    figures = {**phases.phase("", "", OPERATED + 900), "kind": "figures"}
    files.write_lines(evidence / "events.jsonl", [*rows, figures])

    assert window.bounds(evidence).operated == END + 6


def test_a_phase_that_failed_in_the_window_is_watched_to_its_end(evidence):
    """What a conductor did to a machine is why it failed."""
    rows = [
        phases.phase("begin-maintenance", "started", BEGIN),
        phases.phase("takeover", "started", BEGIN + 20),
        phases.phase("takeover", "failed", BEGIN + 40),
    ]
    files.write_lines(evidence / "events.jsonl", rows)
    command = {"time": BEGIN + 30, "domain": "machine-1", "command": "off"}
    files.edit(evidence / "bmc.json", lambda d: d["commands"].append(command))

    assert window.bounds(evidence) == window.Bounds(
        BEGIN, BEGIN + 20, BEGIN + 40, BEGIN + 40, ended=False
    )
    assert "power of machine-1" in failed(window.check_bmc(evidence))


@pytest.mark.parametrize("moment", [BEGIN + 1, END + 1])
def test_a_power_command_before_the_operations_is_a_failure(evidence, moment):
    command = {"time": moment, "domain": "machine-1", "command": "off"}
    files.edit(evidence / "bmc.json", lambda d: d["commands"].append(command))

    assert failed(window.check_bmc(evidence)) == ["power of machine-1"]


def test_a_bmc_log_that_heard_nothing_at_all_is_no_evidence(evidence):
    files.edit(evidence / "bmc.json", lambda d: d["commands"].clear())

    assert failed(window.check_bmc(evidence)) == ["BMC log is complete"]


def test_the_plain_fake_driver_switches_no_machine_before_the_move(evidence):
    files.edit(evidence / "before.json", lambda d: d.update(base_driver="fake"))
    files.edit(evidence / "bmc.json", lambda d: d["commands"].pop(0))

    assert window.check_bmc(evidence).ok


def test_a_phase_that_failed_before_the_window_is_told_first(evidence):
    events = [
        phases.phase("prepare", "ok", phases.BEGIN),
        {**phases.phase("workload", "failed", phases.BEGIN + 9), "figure": "no host"},
    ]
    files.write_lines(evidence / "events.jsonl", events)

    found = window.check_phases(evidence)

    first = found.failures[0]
    assert (first.name, first.detail) == ("phase workload", "no host")
    assert found.figure == "maintenance never began"


def test_a_phase_outside_of_the_window_that_was_killed_is_told_once(evidence):
    path = evidence / "events.jsonl"
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    ended = ("proxy", "ok")
    kept = [row for row in rows if (row.get("name"), row.get("result")) != ended]
    files.write_lines(path, kept)
    found = verdict.verdict(evidence)

    failures = [check for finding in found.findings for check in finding.failures]
    (check, *_) = [one for one in failures if one.name == "phase proxy"]
    assert check.detail == "was begun, not ended"
    assert "moments agree" not in {one.name for one in failures}
