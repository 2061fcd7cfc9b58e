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

"""The nodes at the end of a run: as they were moved, and none put aside."""

import pytest

from ironic_sideways.report import last_look
from ironic_sideways.tests.unit.report import whole


def failures(evidence) -> dict[str, str]:
    checks = last_look.check_last_look(evidence).failures
    return {check.name: check.detail for check in checks}


@pytest.mark.parametrize("state", last_look.AT_REST)
def test_a_node_in_use_or_on_its_way_to_be_free_is_at_rest(evidence, state):
    change = {"provision_state": state}
    whole.edit(evidence / last_look.FILE, lambda d: d["nodes"][0].update(change))

    assert failures(evidence) == {}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"maintenance": True}, "maintenance: False became True"),
        ({"provision_state": "clean failed"}, "clean failed, expected one of active,"),
        ({"conductor": None}, "conductor: 'isw0' became None"),
        ({"retired": True}, "retired: False became True"),
    ],
)
def test_a_node_that_was_put_aside_is_named(evidence, change, says):
    whole.edit(evidence / last_look.FILE, lambda d: d["nodes"][0].update(change))

    assert says in failures(evidence)["ironic node node-run at the end"]


def test_a_look_before_the_trials_is_none(evidence):
    whole.edit(evidence / last_look.FILE, lambda d: d.update(taken_at=whole.OPERATED))

    assert failures(evidence) == {
        "taken when all was tried": "taken before the end of operate, proxy, tempest"
    }


def test_a_node_that_is_gone_is_missed(evidence):
    whole.edit(evidence / last_look.FILE, lambda d: d["nodes"].pop())

    assert "missing ['node-free']" in failures(evidence)["every node accounted for"]
