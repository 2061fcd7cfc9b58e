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

"""The take-over judged anew, node by node."""

from ironic_sideways.report import takeover
from ironic_sideways.tests.unit.report.small_move import files


def failed(evidence) -> list[str]:
    return [check.name for check in takeover.check_takeover(evidence).failures]


def test_a_node_that_no_conductor_took_is_named(evidence):
    files.edit(evidence / "takeover.json", lambda d: d["nodes"][0].update(online=None))

    assert failed(evidence) == ["take-over of node-run"]


def test_a_node_that_the_evidence_lacks_is_named(evidence):
    files.edit(evidence / "takeover.json", lambda d: d["nodes"].pop())

    (check,) = takeover.check_takeover(evidence).failures

    assert check.detail == "missing ['node-free'], unexpected []"


def test_a_line_of_power_sync_seen_in_the_phase_is_a_failure(evidence):
    line = "ironic-conductor.log:7: Changing hardware state to power off"
    files.edit(evidence / "takeover.json", lambda d: d["forbidden"].append(line))

    assert failed(evidence) == ["no machine acted on"]
