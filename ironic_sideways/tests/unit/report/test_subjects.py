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

"""What a run leaves out is said by its evidence, or it is missed.

What it was told to do more is judged, though it never came to it.
"""

import json

import pytest

from ironic_sideways.cmd import main
from ironic_sideways.evidence import documents, events
from ironic_sideways.evidence.compare import Check
from ironic_sideways.report import schemas, subjects, verdict
from ironic_sideways.report.findings import Finding
from ironic_sideways.report.subjects import Judged, Section, Subject
from ironic_sideways.tests.unit.report import small_move
from ironic_sideways.tests.unit.report.small_move import files


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
    files.edit(evidence / "proxy.json", lambda d: d[0].update(ok=False))
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

    assert subjects.left_out(without_tempest, verdict.SUBJECTS) == ()
    assert "tempest: evidence" in red(without_tempest)


def judged(directory):
    return {
        finding.name: finding.state for finding in verdict.verdict(directory).findings
    }


def test_a_run_that_was_told_no_more_is_judged_on_no_more(evidence):
    assert subjects.added(evidence, verdict.SUBJECTS) == ()
    assert list(judged(evidence)) == small_move.SUBJECTS


def test_what_it_was_told_and_never_did_is_absent(evidence):
    told = ["record", "--events", str(evidence / "events.jsonl"), "--added"]
    assert main.main([*told, "exact-match", "workers"]) == 0

    found = judged(evidence)

    assert (found["exact-match"], found["workers"]) == ("absent", "absent")
    assert schemas.check_evidence(evidence).ok


def test_a_phase_that_began_is_judged_without_a_record(evidence):
    phase = {"name": "workers", "result": "started", "seconds": 0, "figure": ""}
    events.append(evidence / "events.jsonl", "phase", **phase)

    assert subjects.added(evidence, verdict.SUBJECTS) == ("workers",)


def test_evidence_that_is_there_is_judged_without_a_record(evidence):
    files.write(evidence / "exact-match.json", [])

    assert judged(evidence)["exact-match"] == "failed"


@pytest.mark.parametrize("line", ['{"kind": "added"}', '["added"]', '"x"', "{"])
def test_a_record_that_is_none_is_told_by_others(evidence, line):
    with (evidence / "events.jsonl").open("a") as file:
        file.write(line + "\n")

    assert subjects.added(evidence, verdict.SUBJECTS) == ()
    assert "failed" in judged(evidence).values()


def test_what_a_run_may_leave_out_or_add_has_evidence_of_its_own():
    described = {file for schema in schemas.every() for file in schema.files}
    found = {
        judged: {
            n: s.files[0] for n, s in verdict.SUBJECTS.items() if s.judged is judged
        }
        for judged in (Judged.UNLESS_LEFT_OUT, Judged.WHEN_ADDED)
    }

    assert found[Judged.UNLESS_LEFT_OUT] == {
        "restarted": "restarted.json",
        "operations": "operations.json",
        "judges-again": "judges-again.json",
        "proxy": "proxy.json",
        "tempest": "tempest/results.json",
        "last look": "last-look.json",
    }
    assert found[Judged.WHEN_ADDED] == {
        "fail-over": "fail-over.json",
        "exact-match": "exact-match.json",
        "workers": "clustered.json",
    }
    assert all(described.issuperset(one.values()) for one in found.values())


def test_the_pages_links_to_its_sections_stay():
    found = [one.section.anchor for one in verdict.SUBJECTS.values() if one.section]

    assert found == ["operations", "proxy", "fail-over", "shapes", "workers"]


def consoles(directory):
    """What the developer's guide adds: a check of its own, on steps."""
    found = documents.read(directory / "consoles.json")["seen"]
    checks = [Check(row["name"], row["ok"], row["detail"]) for row in found]
    return Finding("consoles", checks, f"{len(found)} consoles")


def test_a_subject_is_one_object(evidence, monkeypatch):
    section = Section("consoles", "Serial consoles", "Who said what.", steps="seen")
    subject = Subject(consoles, ("consoles.json",), Judged.UNLESS_LEFT_OUT, section)
    monkeypatch.setitem(verdict.SUBJECTS, "consoles", subject)
    row = {"name": "bm-01", "ok": False, "detail": "said nothing", "seconds": 2.5}
    assert judged(evidence)["consoles"] == "absent"
    record(evidence, "consoles")
    assert "consoles" not in judged(evidence)

    files.write(evidence / "consoles.json", {"seen": [row]})

    assert "consoles: bm-01" in red(evidence)
    assert "evidence: left out: consoles" in red(evidence)
    assert main.main(["report", str(evidence)]) == 0
    texts = {
        name: (evidence / name).read_text()
        for name in ("summary.txt", "junit.xml", "report.html")
    }
    assert [name for name, text in texts.items() if "said nothing" not in text] == []
    page = texts["report.html"]
    assert '<a href="#consoles">Serial consoles <span class="count">1<' in page
    section = page.partition('<section id="consoles"')[2].partition("</section>")[0]
    assert "Who said what." in section and "2.5</td>" in section
