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

import json
from pathlib import Path
from typing import Any

import pytest

from ironic_sideways.report.agreement import run
from ironic_sideways.tests.unit.report.small_move import files, phases


def events(directory: Path, *found: files.Document) -> None:
    files.write_lines(directory / "events.jsonl", found)


BEGUN = phases.phase("migrate", "started", 10)


@pytest.mark.parametrize(
    ("found", "told"),
    [
        ([BEGUN, phases.phase("migrate", "ok", 14, 4)], ""),
        ([BEGUN, phases.phase("migrate", "ok", 99, 4)], "lay between"),
        ([phases.phase("migrate", "ok", 14, 4)], "has an end and no begin"),
        ([phases.phase("prepare", "ok", 14, 4)], ""),
        ([phases.phase("migrate", "started", 10, 4)], "took time when it began"),
        ([phases.phase("prepare", "ok", at) for at in (14, 9)], "after 00:00:14"),
    ],
)
def test_events_are_in_order_and_take_their_time(tmp_path, found, told) -> None:
    events(tmp_path, *found)

    wrong = list(run.moments(tmp_path, {}))

    assert len(wrong) == bool(told)
    assert told in "".join(wrong)


def test_evidence_of_a_phase_that_never_began_is_an_earlier_run_s(tmp_path) -> None:
    (tmp_path / "operations.json").write_text("[]")
    events(tmp_path, phases.phase("migrate", "started", 10))
    assert len(list(run.begun(tmp_path, {}))) == 1

    events(tmp_path, phases.phase("operate", "started", 10))
    assert list(run.begun(tmp_path, {})) == []


@pytest.mark.parametrize(
    ("moved_by", "red"), [(["run-1"], 0), (["run-1", "run-2"], 0), ([], 1), (["x"], 1)]
)
def test_what_was_tried_was_tried_on_what_this_run_moved(tmp_path, moved_by, red):
    nodes = [{"run_id": "run-1"}, {"run_id": None}]
    files.write(tmp_path / "takeover.json", {"nodes": nodes})
    files.write(tmp_path / "proxy.json", [{"moved_by": moved_by}])

    assert len(list(run.moved_by(tmp_path, {}))) == red


GOOD: dict[str, Any] = {
    "begin": 100.0,
    "node": "node-1",
    "agent": {"after": 20},
    "changes": [
        {"after": 2, "state": "deploying", "step": "deploy"},
        {"after": 12, "state": "wait call-back", "step": "write_image"},
        {"after": 30, "state": "active", "step": None},
    ],
    "beating": 40.0,
}
DONE = {"ok": True, "deploy": GOOD, "seconds": 45.0, "node": "node-1"}


@pytest.mark.parametrize(
    ("record", "operation", "told"),
    [
        ({}, {}, ""),
        ({"begin": 5.0}, {}, "in no phase"),
        ({"beating": 400.0}, {}, "heartbeat came after 400.0 s"),
        ({"beating": 25.0}, {}, "not in order of time"),
        ({"agent": {"after": 31}}, {}, "the agent came after 31 s"),
        ({"changes": GOOD["changes"][::2]}, {}, "step write_image was not in state"),
        ({"changes": [*GOOD["changes"], GOOD["changes"][2]]}, {}, "is told twice"),
        ({}, {"node": "node-2"}, "node node-1, its instance's: node-2"),
        ({}, {"node": None, "allocation": {"node-3": {}}}, "its instance's: node-3"),
    ],
)
def test_a_deploy_that_cannot_be_is_told(record, operation, told) -> None:
    wrong = list(run.deploy({**GOOD, **record}, {**DONE, **operation}, [(90.0, 200.0)]))

    assert len(wrong) == bool(told)
    assert told in "".join(wrong)


def test_a_deploy_without_its_guest_is_told() -> None:
    record = {key: value for key, value in GOOD.items() if key != "beating"}

    (wrong,) = run.deploy(record, DONE, [(90.0, 200.0)])

    assert wrong == "no time of its guest's heartbeat"


def test_each_machines_bmc_password_is_searched_for(tmp_path: Path) -> None:
    before = {"machines": [{"name": "one"}, {"name": "two"}]}
    for sought, red in ((["one", "two"], 0), (["one"], 1), ([], 0)):
        names = [f"{run.BMC}{name}" for name in sought]
        (tmp_path / "secrets.json").write_text(json.dumps({"sought": names}))
        assert len(list(run.sought(tmp_path, before))) == red
