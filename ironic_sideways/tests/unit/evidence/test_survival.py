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

from ironic_sideways.tests.unit.evidence.conftest import failures


def test_a_cloud_that_moved_whole_survived(before, after):
    assert failures(before, after) == []


def test_machines_without_evidence_after_are_a_failure(before, after):
    del after["machines"]

    found = failures(before, after)

    assert found == ["machines: not in the snapshot after"]


def test_under_the_plain_fake_driver_the_machines_must_be_in_ironic(before, after):
    before["base_driver"] = "fake"
    before["servers"] = after["servers"] = []
    before["machines"][0]["uuid"] = "a node that Ironic lacks"
    after["machines"][0]["uuid"] = "a node that Ironic lacks"
    after["ironic_nodes"] = []

    assert failures(before, after) == [
        "ironic node a node that Ironic lacks: is not in Ironic"
    ]
