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

"""Each way in which Nova, Ironic and Placement may disagree has a word."""

import copy
from typing import Any

import pytest

from ironic_sideways.trials.workers import consistency


@pytest.fixture
def seen() -> dict[str, Any]:
    def node(uuid: str, instance: str | None) -> dict[str, Any]:
        return {
            "uuid": uuid,
            "instance_uuid": instance,
            "provision_state": "active" if instance else "available",
            "last_error": None,
            "resource_class": "baremetal",
        }

    def provider(uuid: str, allocations: dict[str, Any]) -> dict[str, Any]:
        unit = {"total": 1, "reserved": 0}
        return {
            "uuid": uuid,
            "name": uuid,
            "allocations": allocations,
            "inventories": {"CUSTOM_BAREMETAL": unit},
        }

    return {
        "nodes": [node("used", "server"), node("free", None)],
        "hypervisors": ["used", "free"],
        "providers": [
            provider("used", {"server": {"CUSTOM_BAREMETAL": 1}}),
            provider("free", {}),
        ],
        "servers": [{"uuid": "server", "node": "used", "task_state": None}],
    }


def test_a_cloud_at_rest_has_no_fault(seen: dict[str, Any]) -> None:
    assert consistency.faults(seen) == []


@pytest.mark.parametrize(
    ("where", "change", "says"),
    [
        ("nodes", {"provision_state": "error"}, "node used is error, expected active"),
        ("nodes", {"last_error": "no answer"}, "last error: no answer"),
        ("nodes", {"instance_uuid": "other"}, "holds instance other"),
        ("servers", {"task_state": "deleting"}, "is in task state deleting"),
        ("servers", {"node": "free"}, "holds instance server, Nova has it elsewhere"),
        ("providers", {"allocations": {}}, "node used: {} allocated"),
        ("providers", {"uuid": "copy"}, "node used has 1 providers"),
    ],
)
def test_what_differs_is_named(
    seen: dict[str, Any], where: str, change: dict[str, Any], says: str
) -> None:
    seen[where][0] |= change

    assert any(says in fault for fault in consistency.faults(seen))


def test_a_second_provider_or_compute_node_is_named(seen: dict[str, Any]) -> None:
    seen["providers"].append(copy.deepcopy(seen["providers"][0]) | {"uuid": "copy"})
    seen["hypervisors"].append("used")

    found = consistency.faults(seen)

    assert "node used has 2 providers" in found
    assert "node used is 2 compute nodes" in found


def test_an_instance_on_no_node_is_named(seen: dict[str, Any]) -> None:
    seen["servers"].append({"uuid": "lost", "node": "gone", "task_state": None})
    seen["providers"].append({"uuid": "gone", "name": "gone", "allocations": {}})

    found = consistency.faults(seen)

    assert "instance lost is on no node of Ironic" in found
    assert "provider gone belongs to no node" in found


def test_a_free_node_that_nobody_can_have_is_named(seen: dict[str, Any]) -> None:
    for provider in seen["providers"]:
        provider["inventories"]["CUSTOM_BAREMETAL"]["reserved"] = 1

    assert consistency.faults(seen) == [
        "node free is free, and Placement does not offer it"
    ]


def test_a_node_of_an_instance_that_is_gone_is_leaked(seen: dict[str, Any]) -> None:
    assert consistency.leaked(seen) == []

    seen["servers"] = []

    assert consistency.leaked(seen) == ["used"]


def test_what_evidence_keeps_of_a_node_shows_a_second_provider(
    seen: dict[str, Any],
) -> None:
    seen["providers"].append({"uuid": "copy", "name": "used", "allocations": {}})

    used, free = consistency.recorded(seen)

    assert used["providers"] == ["used", "copy"]
    assert free == {
        "uuid": "free",
        "instance": None,
        "provision_state": "available",
        "compute_nodes": 1,
        "providers": ["free"],
    }
