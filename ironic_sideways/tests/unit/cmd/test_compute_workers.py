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

import pytest

from ironic_sideways.cmd import compute_workers, main

GOOD = {"name": "idle", "ok": True, "detail": "the other one booted it"}
BAD = {"name": "in a reboot", "ok": False, "detail": "no beat", "mended": "rebooted"}


@pytest.mark.parametrize(
    ("rows", "words", "code"),
    [
        ([GOOD, GOOD], [], 0),
        ([GOOD, BAD], [], 1),
        ([GOOD, BAD], ["--single", "nova.compute.manager.ComputeManager"], 0),
    ],
)
def test_a_failed_round_fails_it_where_the_workers_are_not_for_comparison(
    monkeypatch, tmp_path, capsys, rows, words, code
):
    found = {"rounds": rows, "killed": 2}
    monkeypatch.setattr(compute_workers, "trial", lambda args: found)
    output = tmp_path / "clustered.json"

    assert main.main(["compute-workers", "--output", str(output), *words]) == code

    assert json.loads(output.read_text()) == found
    said = capsys.readouterr()
    assert "ok  idle: the other one booted it" in said.out
    assert ("FAILED  in a reboot: no beat (rebooted)" in said.out) is (BAD in rows)
    assert ("first: in a reboot: no beat" in said.err) is bool(code)
