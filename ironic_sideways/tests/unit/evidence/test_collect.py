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

"""What lies outside the evidence is copied to it, secrets sought in all of it."""

import json

import pytest

from ironic_sideways import exceptions
from ironic_sideways.evidence import collect


def test_logs_are_copied_and_searched_for_what_must_not_be_there(tmp_path):
    logs, evidence = tmp_path / "logs", tmp_path / "evidence"
    logs.mkdir()
    (logs / "vbmcd.log").write_text("")
    (logs / "nova-api.log").write_text("one\nuses very-secret-word\n")
    (logs / "notes.txt").write_text("no log")
    secret = tmp_path / "passwords.json"
    secret.write_text(json.dumps({"nova": "very-secret-word"}))

    assert collect.collect(logs, evidence, [secret]) == []

    copied = sorted(path.name for path in (evidence / "logs").iterdir())
    assert copied == ["nova-api.log", "vbmcd.log"]
    (hit,) = json.loads((evidence / "secrets.json").read_text())["hits"]
    assert (hit["file"], hit["line"]) == ("logs/nova-api.log", 2)
    assert "very-secret-word" not in (evidence / "secrets.json").read_text()
    assert json.loads((evidence / "bmc.json").read_text()) == {"commands": []}


def test_without_the_bmcs_log_nothing_is_collected(tmp_path):
    with pytest.raises(exceptions.SidewaysError, match=r"vbmcd\.log: absent"):
        collect.collect(tmp_path, tmp_path / "evidence", [])
    assert not (tmp_path / "evidence").exists()
