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

"""ironic-sideways record: one event, as the verdict reads it."""

from pathlib import Path
from typing import Any

import pytest

from ironic_sideways.cmd import main
from ironic_sideways.evidence import events


@pytest.mark.parametrize(
    ("words", "kind", "expected"),
    [
        (
            ["--phase=migrate", "--result=ok", "--seconds=2.5", "--figure=8 nodes"],
            "phase",
            {"name": "migrate", "result": "ok", "seconds": 2.5, "figure": "8 nodes"},
        ),
        (
            ["--go-on-by", "resume it", "--go-back-by", "roll it back"],
            "commands",
            {"resume": "resume it", "roll_back": "roll it back"},
        ),
        (["--left-out"], "left-out", {"subjects": []}),
        (["--left-out", "tempest"], "left-out", {"subjects": ["tempest"]}),
        (["--added", "workers"], "added", {"subjects": ["workers"]}),
    ],
)
def test_what_is_said_becomes_one_event(
    tmp_path: Path, words: list[str], kind: str, expected: dict[str, Any]
) -> None:
    path = tmp_path / "events.jsonl"
    assert main.main(["record", "--events", str(path), *words]) == 0
    (event,) = events.read(path)
    assert event["kind"] == kind
    assert {key: event.get(key) for key in expected} == expected


def test_a_phase_without_result_is_bad_usage(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "events.jsonl"
    assert main.main(["record", "--events", str(path), "--phase", "migrate"]) == 2
    assert "--result: expected with --phase" in capsys.readouterr().err
    assert not path.exists()
