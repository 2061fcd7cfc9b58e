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

"""The record of a run is whole, and there even when the run failed."""

import json
from pathlib import Path

import pytest

from ironic_sideways import exceptions
from ironic_sideways.migrate import classify, record
from ironic_sideways.tests import rows, samples

VERDICT = classify.Verdict(
    samples.source(rows.used_node(1), rows.plugged(1)), classify.Outcome.MIGRATE
)


def test_a_record_holds_its_rows_and_fields_and_no_secret(tmp_path: Path) -> None:
    path = tmp_path / "migration.json"
    with record.recording(path, run_id="r") as entry:
        entry.row(VERDICT)
        entry.row(VERDICT)
        entry.fields(result="done")
    found = json.loads(path.read_text())
    assert found["run_id"] == "r"
    assert found["result"] == "done"
    assert [row["uuid"] for row in found["rows"]] == [rows.node_uuid(1)] * 2
    assert "s3cret" not in path.read_text()


def test_a_failed_run_is_recorded_with_its_error(tmp_path: Path) -> None:
    path = tmp_path / "migration.json"
    with (
        pytest.raises(exceptions.SidewaysError),
        record.recording(path, run_id="r") as entry,
    ):
        entry.row(VERDICT)
        raise exceptions.SidewaysError("the disk is full")
    found = json.loads(path.read_text())
    assert (found["result"], found["error"]) == ("failed", "the disk is full")


def test_an_interrupted_run_leaves_the_record_of_before(tmp_path: Path) -> None:
    path = tmp_path / "migration.json"
    path.write_text("before")
    with pytest.raises(KeyboardInterrupt), record.recording(path):
        raise KeyboardInterrupt
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]
