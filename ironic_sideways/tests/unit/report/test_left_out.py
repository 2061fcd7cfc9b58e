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

"""What a run leaves out is said by its evidence, or it is missed."""

import json

import pytest

from ironic_sideways.cmd import main
from ironic_sideways.report import left_out, verdict
from ironic_sideways.tests.unit.report import whole


@pytest.fixture
def without_tempest(evidence):
    """The evidence of a run without Tempest, which nothing says yet."""
    (evidence / "tempest" / "results.json").unlink()
    return evidence


def record(directory, *subjects):
    events = str(directory / "events.jsonl")
    assert main.main(["record", "--events", events, "--left-out", *subjects]) == 0


def red(directory):
    return {
        f"{finding.name}: {check.name}"
        for finding in verdict.verdict(directory).findings
        for check in finding.failures
    }


def test_what_is_recorded_is_said_and_not_judged(without_tempest, capsys):
    record(without_tempest, "tempest")

    assert main.main(["verdict", str(without_tempest)]) == 0

    printed = capsys.readouterr().out
    assert "tempest      left out of this run" in printed
    assert printed.splitlines()[-1] == "verdict: PASSED"


def test_its_evidence_is_the_line_that_records_it(without_tempest):
    record(without_tempest, "tempest")
    number = len((without_tempest / "events.jsonl").read_text().splitlines())

    evidence, *_ = verdict.verdict(without_tempest).findings

    (check,) = (c for c in evidence.checks if c.name == "left out: tempest")
    assert check.where == f"events.jsonl:{number}"


def test_a_verdict_and_a_page_of_saved_artifacts_need_no_option(
    without_tempest, capsys
):
    record(without_tempest, "tempest")
    main.main(["verdict", str(without_tempest), "--record"])

    assert main.main(["verdict", str(without_tempest)]) == 0
    assert main.main(["report", str(without_tempest)]) == 0

    assert "PASSED" in (without_tempest / "summary.txt").read_text()
    assert "left out of this run" in (without_tempest / "report.html").read_text()


def test_what_nobody_recorded_is_missed(without_tempest):
    assert red(without_tempest) == {"tempest: evidence"}


def test_a_run_that_leaves_out_nothing_any_more_is_judged_whole(without_tempest):
    record(without_tempest, "tempest")
    record(without_tempest)

    assert red(without_tempest) == {"tempest: evidence"}


def test_evidence_of_what_was_left_out_is_judged_and_contradicts(evidence):
    whole.edit(evidence / "proxy.json", lambda d: d[0].update(ok=False))
    name = json.loads((evidence / "proxy.json").read_text())[0]["name"]
    record(evidence, "proxy")

    assert red(evidence) == {"evidence: left out: proxy", f"proxy: {name}"}


def test_no_run_leaves_out_what_every_run_has(evidence):
    (evidence / "heartbeat.jsonl").unlink()
    record(evidence, "heartbeats")

    assert "evidence: left out: heartbeats" in red(evidence)
    assert "heartbeats: evidence" in red(evidence)


@pytest.mark.parametrize("line", ['{"kind": "left-out"}', '["left-out"]', '"x"', "{"])
def test_a_malformed_record_leaves_out_nothing(without_tempest, line):
    path = without_tempest / "events.jsonl"
    path.write_text(f"{path.read_text()}{line}\n")

    assert "tempest: evidence" in red(without_tempest)


def test_without_events_nothing_is_left_out(without_tempest):
    (without_tempest / "events.jsonl").unlink()

    assert left_out.subjects(without_tempest) == ()
    assert "tempest: evidence" in red(without_tempest)


def test_each_optional_subject_is_one_of_the_verdicts():
    for subject, file in left_out.OPTIONAL.items():
        assert file in verdict.SUBJECTS[subject].files
