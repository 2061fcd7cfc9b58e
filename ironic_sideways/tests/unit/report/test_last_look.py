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

import json

import pytest

from ironic_sideways.report import last_look
from ironic_sideways.tests.unit.report.small_move import files, phases


def failures(evidence) -> dict[str, str]:
    checks = last_look.check_last_look(evidence).failures
    return {check.name: check.detail for check in checks}


def without_tempest(evidence) -> None:
    """Then the instances are there still that no operation has deleted."""
    path = evidence / "events.jsonl"
    told = [json.loads(line) for line in path.read_text().splitlines()]
    files.write_lines(path, [e for e in told if e["name"] != "tempest"])


def hold(evidence, number: int, instance: str | None) -> None:
    change = {
        "instance_uuid": instance,
        "provision_state": "active" if instance else "available",
    }
    files.edit(evidence / last_look.FILE, lambda d: d["nodes"][number].update(change))


def test_without_tempest_what_no_operation_deleted_is_in_use(evidence):
    without_tempest(evidence)
    hold(evidence, 1, "server-stop")
    hold(evidence, 2, "new")

    assert failures(evidence) == {}


def test_without_tempest_a_survivor_that_nobody_deleted_is_missed(evidence):
    without_tempest(evidence)
    hold(evidence, 2, "new")

    assert failures(evidence) == {
        "ironic node node-stop at the end": "available, expected active"
    }


def test_a_node_that_tempest_did_not_give_back_is_named(evidence):
    hold(evidence, 1, "left behind")

    assert failures(evidence) == {
        "ironic node node-stop at the end": "active, expected available"
    }


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"maintenance": True}, "maintenance: False became True"),
        *(
            ({"provision_state": state}, f"{state}, expected available")
            for state in ("clean failed", "deleting", "cleaning", "clean wait")
        ),
        ({"instance_uuid": "left"}, "available, and its instance is left"),
        ({"conductor": None}, "conductor: 'isw0' became None"),
        ({"retired": True}, "retired: False became True"),
    ],
)
def test_a_node_that_was_put_aside_is_named(evidence, change, says):
    files.edit(evidence / last_look.FILE, lambda d: d["nodes"][0].update(change))

    assert says in failures(evidence)["ironic node node-run at the end"]


def test_a_look_before_the_trials_is_none(evidence):
    files.edit(evidence / last_look.FILE, lambda d: d.update(taken_at=phases.OPERATED))

    assert failures(evidence) == {
        "taken when all was tried": "taken before the end of operate, proxy, tempest"
    }


def test_a_node_that_is_gone_is_missed(evidence):
    files.edit(evidence / last_look.FILE, lambda d: d["nodes"].pop())

    assert "missing ['node-free']" in failures(evidence)["every node accounted for"]
