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

import pytest

from ironic_sideways.report import window
from ironic_sideways.tests.unit.report import whole
from ironic_sideways.tests.unit.report.whole import BEGIN, END, GATHERED, OPERATED


def failed(finding) -> list[str]:
    return [check.name for check in finding.failures]


@pytest.mark.parametrize("phase", window.PHASES)
def test_a_phase_that_never_ran_is_a_failure(evidence, phase):
    rows = [row for row in whole.phase_events() if row["name"] != phase]
    path = evidence / "events.jsonl"
    whole.write_lines(path, rows)

    found = window.check_phases(evidence)

    assert failed(found) == [f"phase {phase}"]
    assert {check.state for check in found.failures} == {"absent"}


def test_a_phase_that_failed_and_was_done_later_is_no_failure(evidence):
    rows = [whole.phase("migrate", "failed", BEGIN), *whole.phase_events()]
    whole.write_lines(evidence / "events.jsonl", rows)

    assert window.check_phases(evidence).ok


def test_a_maintenance_that_was_rolled_back_does_not_count(evidence):
    earlier = [
        whole.phase("begin-maintenance", "started", BEGIN - 500),
        whole.phase("undo-begin-maintenance", "ok", BEGIN - 400),
    ]
    whole.write_lines(evidence / "events.jsonl", earlier + whole.phase_events())

    assert window.bounds(evidence) == window.Bounds(BEGIN, END, OPERATED, GATHERED)


def test_the_first_of_several_tries_to_operate_ends_the_watch(evidence):
    later = [whole.phase("operate", "started", OPERATED + 100)]
    whole.write_lines(evidence / "events.jsonl", whole.phase_events() + later)

    assert window.bounds(evidence).operated == OPERATED


def test_a_run_that_operated_nothing_is_watched_to_its_last_phase(evidence):
    without = ("operate", *whole.TRIED, "collect")
    rows = [row for row in whole.phase_events() if row["name"] not in without]
    figures = {**whole.phase("", "", OPERATED + 900), "kind": "figures"}
    whole.write_lines(evidence / "events.jsonl", [*rows, figures])

    assert window.bounds(evidence).operated == END + 6


def test_a_phase_that_failed_in_the_window_is_watched_to_its_end(evidence):
    """What a conductor did to a machine is why it failed."""
    rows = [
        whole.phase("begin-maintenance", "started", BEGIN),
        whole.phase("takeover", "started", BEGIN + 20),
        whole.phase("takeover", "failed", BEGIN + 40),
    ]
    whole.write_lines(evidence / "events.jsonl", rows)
    command = {"time": BEGIN + 30, "domain": "machine-1", "command": "off"}
    whole.edit(evidence / "bmc.json", lambda d: d["commands"].append(command))

    assert window.bounds(evidence) == window.Bounds(
        BEGIN, BEGIN + 20, BEGIN + 40, BEGIN + 40, ended=False
    )
    assert "power of machine-1" in failed(window.check_bmc(evidence))


@pytest.mark.parametrize("moment", [BEGIN + 1, END + 1])
def test_a_power_command_before_the_operations_is_a_failure(evidence, moment):
    command = {"time": moment, "domain": "machine-1", "command": "off"}
    whole.edit(evidence / "bmc.json", lambda d: d["commands"].append(command))

    assert failed(window.check_bmc(evidence)) == ["power of machine-1"]


def test_a_bmc_log_that_heard_nothing_at_all_is_no_evidence(evidence):
    whole.edit(evidence / "bmc.json", lambda d: d["commands"].clear())

    assert failed(window.check_bmc(evidence)) == ["BMC log is complete"]


def test_the_plain_fake_driver_switches_no_machine_before_the_move(evidence):
    whole.edit(evidence / "before.json", lambda d: d.update(base_driver="fake"))
    whole.edit(evidence / "bmc.json", lambda d: d["commands"].pop(0))

    assert window.check_bmc(evidence).ok


def test_a_phase_that_failed_before_the_window_is_told_first(evidence):
    events = [
        whole.phase("prepare", "ok", whole.BEGIN),
        {**whole.phase("workload", "failed", whole.BEGIN + 9), "figure": "no host"},
    ]
    whole.write_lines(evidence / "events.jsonl", events)

    found = window.check_phases(evidence)

    first = found.failures[0]
    assert (first.name, first.detail) == ("phase workload", "no host")
    assert found.figure == "maintenance never began"
