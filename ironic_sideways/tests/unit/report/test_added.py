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

"""What a run was told to do more is judged, though it never came to it."""

from pathlib import Path

import pytest

from ironic_sideways.cmd import main
from ironic_sideways.evidence import events
from ironic_sideways.report import added, schemas, verdict
from ironic_sideways.tests.unit.report import whole


@pytest.fixture
def evidence(tmp_path: Path) -> Path:
    whole.lay_down(tmp_path)
    return tmp_path


def judged(directory: Path) -> dict[str, str]:
    return {
        finding.name: finding.state for finding in verdict.verdict(directory).findings
    }


def test_a_run_that_was_told_no_more_is_judged_on_no_more(evidence: Path) -> None:
    assert added.subjects(evidence) == ()
    assert judged(evidence).keys() == verdict.SUBJECTS.keys()


def test_what_it_was_told_and_never_did_is_absent(evidence: Path) -> None:
    told = ["record", "--events", str(evidence / "events.jsonl"), "--added"]
    assert main.main([*told, "exact-match", "workers"]) == 0

    found = judged(evidence)

    assert (found["exact-match"], found["workers"]) == ("absent", "absent")
    assert schemas.check_evidence(evidence).ok


def test_a_phase_that_began_is_judged_without_a_record(evidence: Path) -> None:
    phase = {"name": "workers", "result": "started", "seconds": 0, "figure": ""}
    events.append(evidence / "events.jsonl", "phase", **phase)

    assert added.subjects(evidence) == ("workers",)


def test_evidence_that_is_there_is_judged_without_a_record(evidence: Path) -> None:
    whole.write(evidence / "exact-match.json", [])

    assert judged(evidence)["exact-match"] == "failed"


@pytest.mark.parametrize("line", ['{"kind": "added"}', '["added"]', '"x"', "{"])
def test_a_record_that_is_none_is_told_by_others(evidence: Path, line: str) -> None:
    with (evidence / "events.jsonl").open("a") as file:
        file.write(line + "\n")

    assert added.subjects(evidence) == ()
    assert "failed" in judged(evidence).values()


def test_each_has_a_subject_and_its_evidence() -> None:
    assert {name: one.files[0] for name, one in verdict.ADDED.items()} == added.EVIDENCE
