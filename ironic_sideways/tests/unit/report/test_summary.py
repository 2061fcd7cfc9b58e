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

"""summary.txt: verdict first, every subject and phase, on lines that fit."""

import pytest

from ironic_sideways.cmd import main
from ironic_sideways.report import summary, verdict
from ironic_sideways.report.page import render
from ironic_sideways.tests.unit.report import example, small_move
from ironic_sideways.tests.unit.report.example import clock
from ironic_sideways.tests.unit.report.small_move import log_files


def told(directory):
    return summary.summary(directory, verdict.verdict(directory))


def test_a_run_that_passed_says_so_first(tmp_path):
    example.good(tmp_path)

    lines = told(tmp_path).splitlines()

    assert lines[0] == "PASSED"
    assert "  heartbeats lost: 0 (goal 0: met)" in lines


def test_a_red_one_says_what_failed_why_and_where(tmp_path):
    example.failed(tmp_path)

    head = told(tmp_path).splitlines()[:8]

    assert head[0].startswith("FAILED: survival, heartbeats")
    assert head[1].endswith("survival: machine bm-03")
    assert "boot_id" in head[2]
    assert any("tools/run_upgrade.sh --resume" in line for line in head)


def test_a_phase_that_failed_is_seen_among_the_phases(tmp_path):
    example.cut_short(tmp_path)

    (line,) = [x for x in told(tmp_path).splitlines() if x.startswith("  migrate ")]

    assert line.endswith("FAILED")


def test_every_subject_and_phase_is_named(tmp_path):
    example.good(tmp_path)
    text = told(tmp_path)

    for name in (*small_move.SUBJECTS, *(phase for phase, _s, _f in clock.PHASES)):
        assert f"  {name} " in text


def test_where_the_evidence_lay_is_not_told(tmp_path):
    assert str(tmp_path) not in told(tmp_path)


def test_errors_that_no_rule_knows_are_told(tmp_path):
    example.failed(tmp_path)

    text = told(tmp_path)

    assert "ERROR lines in the window that match no rule, not judged: 1" in text
    assert "logs/nova-compute.log:" in text
    assert "(3 times)" in text


def test_of_many_unknown_errors_the_first_are_told_and_the_rest_counted(tmp_path):
    example.good(tmp_path)
    log = tmp_path / "logs" / "nova-api.log"
    moment = clock.span("compute")[0]
    lines = (
        log_files.log_line(moment + second, f"kind {x}", "ERROR")
        for second, x in enumerate("abcdefg")
    )
    log.write_text(log.read_text() + "".join(lines))

    text = told(tmp_path)

    assert "kind e" in text
    assert "kind f" not in text
    assert "and 2 more lines" in text


def test_what_was_not_reached_is_told_apart_from_what_failed(tmp_path):
    example.cut_short(tmp_path)
    found = verdict.verdict(tmp_path)

    failed, apart, *_ = summary.summary(tmp_path, found).splitlines()

    assert failed.startswith("FAILED: window") and "tempest" not in failed
    assert apart.startswith("  not reached    ") and found.unreached
    assert not set(found.unreached) & set(failed.removeprefix("FAILED: ").split(", "))
    page = render.render(tmp_path, found)
    assert "<dt>Not reached</dt>" in page
    assert f"{len(found.unreached)} not reached" in page


@pytest.mark.parametrize(
    ("change", "idle"),
    [
        (
            small_move.without_instances,
            {"DHCP options", "agreement", "heartbeats", "leases"},
        ),
        (lambda directory: None, set()),
    ],
)
def test_a_subject_with_nothing_to_check_says_so_instead_of_ok(
    evidence, change, idle, capsys
):
    change(evidence)

    lines = list(summary.subjects(verdict.verdict(evidence)))
    main.main(["verdict", str(evidence)])

    for printed in (lines, capsys.readouterr().out.splitlines()):
        told = [line for line in printed if "nothing to check: " in line]
        assert all(line.startswith("  -       ") for line in told)
        assert {line[10:22].strip() for line in told} == idle
