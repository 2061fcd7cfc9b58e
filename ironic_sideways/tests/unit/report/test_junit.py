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

"""junit.xml: as CI systems read it, each check and each phase."""

import junitparser
import pytest

from ironic_sideways.evidence import events
from ironic_sideways.report import junit, verdict
from ironic_sideways.tests.unit.report import example, small_move
from ironic_sideways.tests.unit.report.small_move import files


def parsed(directory):
    text = junit.junit(directory, verdict.verdict(directory))
    return junitparser.JUnitXml.fromstring(text.encode())


def test_a_run_that_passed_has_no_failure(tmp_path):
    example.good(tmp_path)

    report = parsed(tmp_path)

    assert (report.failures, report.errors) == (0, 0)
    assert {suite.name for suite in report} == {"phases", *small_move.SUBJECTS}


def test_each_failed_check_is_a_failure_with_its_evidence(tmp_path):
    example.failed(tmp_path)
    red = verdict.verdict(tmp_path)

    report = parsed(tmp_path)

    assert report.failures == sum(len(f.failures) for f in red.findings)
    (case,) = (
        case
        for suite in report
        for case in suite
        if case.name == "machine bm-03" and case.result
    )
    assert "boot_id" in case.result[0].message
    assert "evidence: " in case.result[0].text


def test_a_phase_has_its_seconds_and_its_failure(tmp_path):
    example.cut_short(tmp_path)

    (phases,) = (suite for suite in parsed(tmp_path) if suite.name == "phases")
    cases = {case.name: case for case in phases}

    assert cases["prepare"].time == 14.2
    assert "pm_user is NULL" in cases["migrate"].result[0].message


def test_what_was_left_out_is_skipped(tmp_path):
    example.good(tmp_path)
    (tmp_path / "tempest" / "results.json").unlink()
    events.append(tmp_path / "events.jsonl", "left-out", subjects=["tempest"])

    assert parsed(tmp_path).skipped == 1


@pytest.mark.parametrize("text", ["\x00\x1b[31m", "<b>&", "\ud800 alone", "a\x0bb"])
def test_whatever_a_log_says_the_file_can_be_read(tmp_path, text):
    example.good(tmp_path)
    files.edit(
        tmp_path / "operations.json", lambda d: d[0].update(ok=False, detail=text)
    )

    assert parsed(tmp_path).failures


def test_without_any_evidence_it_is_all_failures(tmp_path):
    report = parsed(tmp_path)

    assert report.failures == report.tests
