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
import types

import pytest

from ironic_sideways.cmd import connections, main
from ironic_sideways.lab import record
from ironic_sideways.lab.layout import Layout
from ironic_sideways.nova_bm import database
from ironic_sideways.trials import fail_over

DONE = {"name": "kill", "ok": True, "seconds": 2.0, "detail": "gone"}
FAILED = {"name": "take over", "ok": False, "seconds": 9.0, "detail": "node-1 is not"}


@pytest.fixture
def connected(monkeypatch, tmp_path):
    """The clouds that were connected to; the steps are put in ``steps``."""
    found = types.SimpleNamespace(clouds=[], steps=[])
    monkeypatch.setattr(connections, "connect", found.clouds.append)
    monkeypatch.setattr(record, "open_lab", lambda directory: (Layout(tmp_path), None))
    monkeypatch.setattr(database, "resolve_url", lambda url, name: url)
    monkeypatch.setattr(database, "engine", lambda url: url)
    trial = types.SimpleNamespace(everything=lambda: {"steps": found.steps})
    monkeypatch.setattr(fail_over, "FailOver", lambda *_: trial)
    found.output = tmp_path / "fail-over.json"
    return found


def run(found, *words):
    return main.main(["fail-over", "--output", str(found.output), *words])


def test_a_second_conductor_that_took_over_is_told_with_its_time(connected, capsys):
    connected.steps += [DONE, DONE]

    assert run(connected) == 0

    said = capsys.readouterr().out
    assert "ok  kill (2.0 s): gone" in said
    assert "took over and gave back, 4 s" in said
    assert json.loads(connected.output.read_text()) == {"steps": [DONE, DONE]}
    assert connected.clouds == ["demo", "admin", "system"]


def test_a_step_that_failed_ends_it_with_its_evidence_written(connected, capsys):
    connected.steps += [DONE, FAILED]

    assert run(connected) == 3

    said = capsys.readouterr()
    assert "FAILED  take over (9.0 s): node-1 is not" in said.out
    assert "take over: node-1 is not" in said.err
    assert json.loads(connected.output.read_text())["steps"][-1] == FAILED
