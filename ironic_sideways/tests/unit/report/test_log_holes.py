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
"""Holes in a log: where it must have told something, and did not."""

import pytest

from ironic_sideways.report import log_holes, log_lines
from ironic_sideways.tests.unit.report import example
from ironic_sideways.tests.unit.report.example import clock
from ironic_sideways.tests.unit.report.small_move import files, phases


@pytest.mark.parametrize(
    ("times", "says"),
    [
        ([100.0, 400.0, 690.0], ""),
        ([100.0, 690.0], "no line for 590 s from 00:01:40 UTC on"),
        ([690.0, 700.0], "no line for 690 s from 00:00:00 UTC on"),
        ([], "no line for 800 s from 00:00:00 UTC on"),
    ],
)
def test_what_tells_its_periodic_tasks_is_not_silent_for_long(times, says):
    assert log_holes.silent(times, 0.0, 800.0) == says


def test_a_call_that_was_answered_is_told(evidence):
    begin = int(phases.BEGIN)
    told = [float(begin + at) for at in range(0, 110, 10)]

    assert log_holes.untold(evidence, "nova-api", told) == ""
    assert "it has none" in log_holes.untold(evidence, "nova-api", told[:2] + told[6:])


def test_an_api_that_was_away_has_nothing_to_tell(evidence):
    (evidence / "api.jsonl").write_text("")

    assert log_holes.untold(evidence, "nova-api", [1000.0, 1110.0]) == ""


def test_a_power_command_is_told_by_the_conductor(tmp_path):
    example.good(tmp_path)
    told = [*log_lines.lines(tmp_path, "ironic-conductor.log")]
    command = {"time": clock.span("tempest")[0], "domain": "bm-03", "command": "off"}

    assert log_holes.unswitched(tmp_path, told) == ""
    files.edit(tmp_path / "bmc.json", lambda d: d["commands"].append(command))
    says = log_holes.unswitched(tmp_path, told)
    assert says == "nothing of bm-03 after power off at 10:02:21 UTC"
    files.edit(tmp_path / "bmc.json", lambda d: d["commands"].pop())
    assert "nothing of bm-01 after" in log_holes.unswitched(tmp_path, [])
