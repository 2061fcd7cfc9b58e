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

import dataclasses
import math

import pytest

from ironic_sideways.evidence.compare import Check
from ironic_sideways.report import findings
from ironic_sideways.report.findings import Finding, Line, Verdict

GOOD = Check("one", True, "well")
BAD = Check("two", False, "it\n broke", where="after.json:3")
AWAY = Check("three", False, "absent", absent=True)


@pytest.mark.parametrize(
    ("checks", "nothing", "state", "word"),
    [
        ([GOOD], False, "ok", "OK"),
        ([GOOD], True, "nothing", "-"),
        ([GOOD, BAD], False, "failed", "FAILED"),
        ([BAD, AWAY], False, "failed", "FAILED"),
        ([GOOD, AWAY], False, "absent", "ABSENT"),
        ([], False, "failed", "FAILED"),
    ],
)
def test_a_finding_is_what_its_checks_are(checks, nothing, state, word) -> None:
    finding = Finding("logs", checks, "3 lines", nothing)

    assert (finding.state, finding.word) == (state, word)
    assert finding.ok is (state in ("ok", "nothing"))
    assert ("nothing to check: " in finding.told) is (state == "nothing")


def test_what_is_wrong_is_looked_at_before_the_window_and_what_is_absent() -> None:
    verdict = Verdict(
        [
            Finding("leases", [AWAY], ""),
            Finding("window", [BAD], ""),
            Finding("empty", [], ""),
            Finding("logs", [GOOD, BAD], ""),
        ],
        resume="again",
    )

    assert verdict.first == (verdict.findings[3], BAD)
    assert verdict.red == ["leases", "window", "empty", "logs"]
    assert verdict.unreached == ["leases"]
    assert verdict.last_line() == (
        "verdict: FAILED: logs: two: it broke | red: leases, window, empty, logs | "
        "evidence: after.json:3 | resume: again | roll back: not possible"
    )


def test_where_all_is_well_there_is_nothing_to_look_at() -> None:
    verdict = Verdict([Finding("logs", [GOOD], "")])

    assert verdict.passed
    assert verdict.first is None
    assert verdict.last_line() == "verdict: PASSED"


def test_a_subject_without_a_check_is_red() -> None:
    verdict = Verdict([Finding("logs", [], "")])

    assert not verdict.passed
    assert verdict.first == (verdict.findings[0], findings.NOTHING)


@pytest.mark.parametrize(
    ("checks", "told"),
    [
        ([GOOD, GOOD], [Check("all", True, "2 checks")]),
        ([GOOD, BAD], [BAD]),
        ([], []),
    ],
)
def test_checks_that_are_told_in_one_show_their_failures_alone(checks, told) -> None:
    assert findings.in_one("all", checks) == told


def test_a_line_says_where_and_when_it_is_and_how_often() -> None:
    line = Line("logs/nova-api.log", 7, 3661.0, " gone\n", 2)

    assert str(line) == "logs/nova-api.log:7: 01:01:01 gone (2 times)"
    assert str(dataclasses.replace(line, time=0, times=1)).endswith(":7: ? gone")
    assert findings.clock(math.inf) == "?"


def test_broken_evidence_is_a_finding_with_its_place() -> None:
    (check,) = findings.broken("logs", "cut short", where="secrets.json:1").checks

    assert (check.ok, check.detail, check.where) == (
        *(False, "cut short"),
        "secrets.json:1",
    )
