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

"""Figures against goals: said, recorded, and never a failure."""

import pytest

from ironic_sideways.cmd import main
from ironic_sideways.evidence import events
from ironic_sideways.report import figures
from ironic_sideways.tests.unit.report import small_move
from ironic_sideways.tests.unit.report.small_move import files, guests, phases
from ironic_sideways.tests.unit.report.small_move.phases import BEGIN, END


def printed(directory, capsys) -> list[str]:
    main.main(["verdict", str(directory)])
    return capsys.readouterr().out.splitlines()


def test_each_figure_says_whether_its_goal_was_met(evidence, capsys):
    assert printed(evidence, capsys)[-7:] == [
        "maintenance window: 60 s (goal 90 s: met)",
        "all phases: 188 s (goal 900 s: met)",
        "memory at most: 3000 MiB (goal 8192 MiB: met)",
        "slowest deploy by the agent: 35 s (goal 120 s: met)",
        "longest silence of a survivor: 1 s (goal 5 s: met)",
        "heartbeats lost: 0 (goal 0: met)",
        "verdict: PASSED",
    ]


def test_a_missed_goal_is_said_and_no_failure(evidence, capsys):
    rows = phases.phase_events()
    rows[0]["memory_used_mb"] = 9000
    files.write_lines(evidence / "events.jsonl", rows)

    lines = printed(evidence, capsys)

    assert "memory at most: 9000 MiB (goal 8192 MiB: missed)" in lines
    assert lines[-1] == "verdict: PASSED"


def test_memory_of_the_machine_that_judges_later_does_not_count(evidence):
    later = {"time": END, "kind": "figures", "memory_used_mb": 64000}
    files.write_lines(evidence / "events.jsonl", [*phases.phase_events(), later])

    assert figures.peak_memory(evidence).value == 3000


@pytest.mark.parametrize(("prepare", "goal"), [(100.0, 900), (3.0, 360)])
def test_a_prepared_machine_has_the_shorter_goal(evidence, prepare, goal):
    rows = phases.phase_events()
    rows[0]["seconds"] = prepare
    files.write_lines(evidence / "events.jsonl", rows)

    assert figures.total_seconds(evidence).goal == goal


def test_phases_that_failed_count_in_the_total(evidence):
    rows = phases.phase_events()
    before = figures.total_seconds(evidence).value or 0.0
    rows.append(phases.phase("tempest", "failed", END, 300.0))
    files.write_lines(evidence / "events.jsonl", rows)

    assert figures.total_seconds(evidence).value == before + 300


def test_lost_heartbeats_are_a_line_of_their_own(evidence, capsys):
    rows = guests.beats(n for n in range(1, 81) if n not in (30, 31))
    files.write_lines(evidence / "heartbeat.jsonl", rows)

    lines = printed(evidence, capsys)

    assert "heartbeats lost: 2 (goal 0: missed)" in lines
    assert "longest silence of a survivor: 3 s (goal 5 s: met)" in lines


def test_without_a_deploy_by_the_agent_no_goal_is_missed(evidence):
    small_move.without_instances(evidence)

    assert str(figures.slowest_deploy(evidence)).endswith("not measured (no goal)")


def test_figures_without_evidence_are_unknown_and_missed(evidence, capsys):
    (evidence / "heartbeat.jsonl").unlink()
    (evidence / "events.jsonl").unlink()

    lines = printed(evidence, capsys)

    assert "heartbeats lost: not measured (goal 0)" in lines
    assert "maintenance window: not measured (goal 90 s)" in lines


def test_verdict_and_figures_are_recorded_as_one_event_when_asked(evidence):
    path = evidence / "events.jsonl"
    before = events.read(path)

    assert main.main(["verdict", str(evidence)]) == 0
    assert events.read(path) == before

    assert main.main(["verdict", str(evidence), "--record"]) == 0
    (event,) = events.read(path)[len(before) :]
    assert event["kind"] == "figures"
    assert (event["verdict"], event["failed"]) == ("passed", [])
    assert event["figures"][0] == {
        "name": "maintenance window",
        "value": END - BEGIN,
        "unit": "s",
        "goal": 90.0,
        "met": True,
    }


def test_a_recorded_verdict_can_be_computed_and_recorded_again(evidence):
    (evidence / "bmc.json").unlink()

    for _ in range(2):
        assert main.main(["verdict", str(evidence), "--record"]) == 1

    first, second = events.read(evidence / "events.jsonl")[-2:]
    assert first["failed"] == second["failed"] == ["BMCs"]
    assert first["figures"][:2] == second["figures"][:2]
