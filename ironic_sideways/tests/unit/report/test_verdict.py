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

"""The verdict: green on a whole evidence directory, red by name on each fault."""

import json
import unicodedata
from pathlib import Path
from typing import Any

import pytest

from ironic_sideways.cmd import main
from ironic_sideways.evidence import documents
from ironic_sideways.report import junit, summary, verdict
from ironic_sideways.report.page import render
from ironic_sideways.tests.unit.report import complete, small_move
from ironic_sideways.tests.unit.report.small_move import files, log_files, phases

FILES = [
    "events.jsonl",
    "before.json",
    "after.json",
    "ended.json",
    "maintenance.json",
    "migration.json",
    "takeover.json",
    "resources.json",
    "heartbeat.jsonl",
    "leases.jsonl",
    "bmc.json",
    "operations.json",
    "proxy.json",
    "logs/ironic-conductor.log",
    "logs/nova-compute.log",
    "secrets.json",
    "tempest/results.json",
]


def red(directory: Path) -> dict[str, list[str]]:
    """Subject -> names of the failed checks."""
    return {
        finding.name: [check.name for check in finding.failures]
        for finding in verdict.verdict(directory).findings
        if not finding.ok
    }


def test_a_move_that_went_well_is_green(evidence):
    assert red(evidence) == {}


def test_no_judge_changes_what_all_of_them_read(tmp_path):
    complete.lay_down(tmp_path, nodes=8)
    held: documents.Held = {}

    with documents.read_once(held):
        assert render.render(tmp_path, verdict.verdict(tmp_path))

    assert {path.name for path, *_ in held} > {"before.json", "events.jsonl"}
    for (path, parse, more), found in held.items():
        assert parse(path, *more) == found, path


def test_a_move_of_free_nodes_alone_is_green(evidence):
    small_move.without_instances(evidence)

    assert red(evidence) == {}


@pytest.mark.parametrize("name", ["takeover", "resources"])
def test_a_move_of_free_nodes_must_account_for_each_machine(evidence, name):
    small_move.without_instances(evidence)
    keep(f"{name}.json", "nodes", 1)(evidence)

    assert len(red(evidence)) == 1


@pytest.mark.parametrize("name", FILES)
def test_absent_evidence_is_a_failure_that_names_it(evidence, name):
    (evidence / name).unlink()

    failures = [
        check.detail
        for finding in verdict.verdict(evidence).findings
        for check in finding.failures
    ]

    assert any(Path(name).name in detail for detail in failures)


@pytest.mark.parametrize("name", [name for name in FILES if name.endswith("json")])
def test_truncated_evidence_is_a_failure_and_no_traceback(evidence, name):
    path = evidence / name
    path.write_text(path.read_text()[:-20])

    assert red(evidence)


@pytest.mark.parametrize("name", [name for name in FILES if name.endswith("json")])
def test_emptied_evidence_is_a_failure_and_no_traceback(evidence, name):
    files.write(evidence / name, type(json.loads((evidence / name).read_text()))())

    assert red(evidence)


def each(name: str, key: str, **change: Any) -> Any:
    """Change every one of a document's ``key``."""

    def mutate(directory: Path) -> None:
        def alter(document: Any) -> None:
            for row in document[key]:
                row.update(change)

        files.edit(directory / name, alter)

    return mutate


def keep(name: str, key: str | None, number: int) -> Any:
    """Keep the first ``number`` of a document's ``key``, or of a list."""

    def cut(document: Any) -> None:
        del (document[key] if key else document)[number:]

    return lambda directory: files.edit(directory / name, cut)


def all_machines_off(directory: Path) -> None:
    for name in ("before.json", "after.json"):
        each(name, "machines", power="off")(directory)


def stock_manager(directory: Path) -> None:
    manager = "nova.compute.manager.ComputeManager"
    files.edit(
        directory / "resources.json", lambda d: d["loaded"].update(manager=manager)
    )


def machine_switched(directory: Path) -> None:
    with (directory / "logs" / "ironic-conductor.log").open("a") as log:
        text = "Changing hardware state to 'power off'."
        log.write(log_files.log_line(phases.BEGIN + 20, text, "WARNING"))


def no_command_after(directory: Path) -> None:
    keep("bmc.json", "commands", 1)(directory)


def no_command_before(directory: Path) -> None:
    files.edit(directory / "bmc.json", lambda d: d["commands"].pop(0))


def most_tests_skipped(directory: Path) -> None:
    def skip(document: Any) -> None:
        document["counts"].update(passed=1, skipped=60, excluded=0)
        document["tests"] = [document["tests"][0]] + [
            {"name": f"s{n}", "outcome": "skipped", "reason": "why not"}
            for n in range(60)
        ]

    files.edit(directory / "tempest" / "results.json", skip)


@pytest.mark.parametrize(
    ("mutate", "subject"),
    [
        (keep("takeover.json", "nodes", 1), "take-over"),
        (each("takeover.json", "nodes", last_error="it broke"), "take-over"),
        (each("takeover.json", "nodes", maintenance=1), "take-over"),
        (each("takeover.json", "nodes", provision_state="available"), "take-over"),
        (each("takeover.json", "nodes", online=0), "take-over"),
        (each("takeover.json", "nodes", power_state="power on"), "take-over"),
        (machine_switched, "logs"),
        (keep("resources.json", "nodes", 1), "resources"),
        (each("resources.json", "nodes", allocations={}), "resources"),
        (each("resources.json", "nodes", hypervisor={"name": "host"}), "resources"),
        (stock_manager, "resources"),
        (keep("migration.json", "rows", 1), "migration"),
        (each("migration.json", "rows", instance_uuid=None), "migration"),
        (keep("operations.json", None, 1), "operations"),
        (all_machines_off, "survival"),
        (each("after.json", "ironic_nodes", power_state="power on"), "survival"),
        (no_command_before, "BMCs"),
        (no_command_after, "BMCs"),
        (keep("maintenance.json", "lock", 0), "maintenance"),
        (keep("maintenance.json", "refused", 5), "maintenance"),
        (keep("maintenance.json", "permitted", 1), "maintenance"),
        (each("after.json", "servers", locked=False), "maintenance"),
        (each("ended.json", "servers", locked=False), "maintenance"),
        (each("ended.json", "servers", locked_reason="other"), "maintenance"),
        (each("ended.json", "services", status="disabled"), "maintenance"),
        (each("ended.json", "services", disabled_reason="left"), "maintenance"),
        (each("after.json", "services", status="enabled"), "maintenance"),
        (most_tests_skipped, "tempest"),
    ],
)
def test_contradicting_evidence_is_red_for_its_subject(evidence, mutate, subject):
    mutate(evidence)

    assert subject in red(evidence)


def last_line(evidence: Path, capsys: Any) -> str:
    assert main.main(["verdict", str(evidence)]) == 1
    return capsys.readouterr().out.splitlines()[-1]


def record_commands(evidence: Path) -> None:
    """As upgrade-ironic does at its begin."""
    path = evidence / "events.jsonl"
    event: dict[str, Any] = {"kind": "commands", "time": 990.0, "memory_used_mb": 1}
    event |= {"resume": "go on", "roll_back": "go back"}
    path.write_text(json.dumps(event) + "\n" + path.read_text())


def test_a_red_verdict_ends_with_check_evidence_and_the_ways_on(evidence, capsys):
    record_commands(evidence)
    each("takeover.json", "nodes", maintenance=1)(evidence)
    document = json.loads((evidence / "takeover.json").read_text())
    (evidence / "takeover.json").write_text(json.dumps(document, indent=2))
    lines = (evidence / "takeover.json").read_text().splitlines()
    number = next(n for n, line in enumerate(lines, start=1) if "node-run" in line)

    assert last_line(evidence, capsys) == (
        "verdict: FAILED: take-over: take-over of node-run: is in maintenance"
        " | red: take-over, agreement"
        f" | evidence: takeover.json:{number} | resume: go on"
        " | roll back: not possible"
    )


def test_there_is_a_way_back_until_maintenance_has_ended(evidence, capsys):
    record_commands(evidence)
    path = evidence / "events.jsonl"
    events = path.read_text().splitlines()
    cut = next(
        n for n, line in enumerate(events) if '"compute", "result": "ok"' in line
    )
    failed = phases.phase("compute", "failed", phases.BEGIN, 3.0)
    failed["figure"] = "no such driver"
    path.write_text("\n".join([*events[:cut], json.dumps(failed)]) + "\n")
    later = ("after", "ended", "judges", "restarted", "judges-again")
    last = "tempest/results", "last-look"
    for name in ("allocations", "resources", *later, *last):
        (evidence / f"{name}.json").unlink()
    log = evidence / "phases" / "compute.log"
    log.parent.mkdir(exist_ok=True)
    log.write_text("begin\n\nno such driver\n\n")

    line = last_line(evidence, capsys)

    assert line.startswith("verdict: FAILED: window: phase compute: no such driver | ")
    assert line.endswith(
        "| evidence: phases/compute.log:3 | resume: go on | roll back: go back"
    )


def test_a_run_that_goes_on_after_the_maintenance_has_no_way_back_either(
    evidence, capsys
):
    record_commands(evidence)
    path = evidence / "events.jsonl"
    begin, *others = path.read_text().splitlines()
    path.write_text("\n".join([begin, *others, begin]) + "\n")
    each("takeover.json", "nodes", maintenance=1)(evidence)

    line = last_line(evidence, capsys)

    assert line.endswith("| resume: go on | roll back: not possible")


def test_absent_evidence_comes_last_among_what_failed(evidence, capsys):
    (evidence / "migration.json").unlink()
    each("takeover.json", "nodes", maintenance=1)(evidence)

    assert "FAILED: take-over: " in last_line(evidence, capsys)


def test_absent_evidence_is_called_absent(evidence, capsys):
    (evidence / "bmc.json").unlink()
    found = verdict.verdict(evidence)

    assert {finding.name: finding.state for finding in found.findings if not finding.ok}
    assert found.red == ["BMCs"]
    assert [(c.state, c.where) for f in found.findings for c in f.failures] == [
        ("absent", "bmc.json")
    ]


def test_the_verdict_is_written_as_json_too(evidence, tmp_path):
    (evidence / "bmc.json").unlink()
    file = tmp_path / "verdict.json"

    assert main.main(["verdict", str(evidence), "--json", str(file)]) == 1

    document = json.loads(file.read_text())
    states = {finding["name"]: finding["state"] for finding in document["findings"]}
    assert not document["passed"]
    assert states["BMCs"] == "absent" and states["take-over"] == "ok"


HOSTILE = "\x1b]0;gone\x07\x1b[2J\x9b31m\u202eoh password=hunter2x amqp://a:hunter2x@b"


def test_s7_no_detail_makes_up_a_line_of_the_verdict(evidence, capsys):
    made_up = "x\n  OK      survival     all of it\nverdict: PASSED"
    files.edit(
        evidence / "operations.json", lambda d: d[0].update(ok=False, detail=made_up)
    )

    assert main.main(["verdict", str(evidence)]) == 1

    lines = capsys.readouterr().out.splitlines()
    assert "verdict: PASSED" not in lines
    assert [line for line in lines if line.endswith("all of it")] == []


def test_s7_what_a_log_says_is_masked_and_cleaned_for_the_terminal(
    evidence, tmp_path, capsys
):
    """What anybody can have a service log, or the cause of a phase's failure say."""
    log = evidence / "logs" / "nova-api.log"
    log.write_text(log_files.log_line(phases.BEGIN + 20, HOSTILE, "ERROR"))
    each("takeover.json", "nodes", last_error=HOSTILE, maintenance=1)(evidence)
    files.edit(evidence / "after.json", lambda d: d["servers"][0].update(name=HOSTILE))
    file = tmp_path / "verdict.json"

    assert main.main(["verdict", str(evidence), "--json", str(file)]) == 1

    judged = verdict.verdict(evidence)
    texts = {
        "verdict.txt": capsys.readouterr().out,
        "verdict.json": str(json.loads(file.read_text())),
        "summary.txt": summary.summary(evidence, judged),
        "junit.xml": junit.junit(evidence, judged),
        "report.html": render.render(evidence, judged),
    }
    for name, text in texts.items():
        assert "oh password=***" in text.replace("&#39;", "'"), name
        assert "hunter2x" not in text, name
        wrong = [c for c in text if unicodedata.category(c) in ("Cc", "Cf")]
        assert set(wrong) <= {"\n", "\t", "\xad"}, name
