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

"""What a node is worth to Nova and Placement."""

import json
from collections.abc import Callable

import pytest
from nova.compute.provider_tree import ProviderTree
from nova.objects import ComputeNode
from nova.virt.baremetal import BareMetalDriver


def inventory_of(driver: BareMetalDriver, uuid: str) -> dict:
    """What Placement would be told."""
    tree = ProviderTree()
    tree.new_root(uuid, uuid)
    driver.update_provider_tree(tree, uuid)
    return tree.data(uuid).inventory


def test_a_compute_node_is_made_of_the_row(
    driver: BareMetalDriver, add_node: Callable[..., str]
) -> None:
    uuid = add_node()
    resources = driver.get_available_resource(uuid)
    reported = ComputeNode()
    reported.update_from_virt_driver(resources)
    assert (reported.uuid, reported.hypervisor_hostname) == (uuid, uuid)
    assert (reported.vcpus, reported.memory_mb, reported.local_gb) == (2, 512, 10)
    assert reported.vcpus_used == 0
    assert reported.hypervisor_type == "baremetal"
    specs = [(s.arch, s.hv_type, s.vm_mode) for s in reported.supported_hv_specs]
    assert specs == [("x86_64", "baremetal", "hvm")]
    assert resources["stats"] == {"cpu_arch": "x86_64"}


def test_the_hypervisors_api_can_read_the_cpu_info(
    driver: BareMetalDriver, add_node: Callable[..., str]
) -> None:
    cpu_info = driver.get_available_resource(add_node())["cpu_info"]
    assert not cpu_info or json.loads(cpu_info)


@pytest.mark.parametrize("task_state", [None, "deleted", "deploy failed", "error"])
def test_t4_a_node_without_instance_offers_all_it_has(
    driver: BareMetalDriver, add_node: Callable[..., str], task_state: str | None
) -> None:
    inventory = inventory_of(driver, add_node(task_state=task_state))
    found = {name: (of["total"], of["reserved"]) for name, of in inventory.items()}
    assert found == {"VCPU": (2, 0), "MEMORY_MB": (512, 0), "DISK_GB": (10, 0)}
    assert {of["allocation_ratio"] for of in inventory.values()} == {1.0}


@pytest.mark.parametrize(
    "columns",
    [
        {"instance_uuid": "i", "task_state": "active"},
        {"instance_uuid": "i", "task_state": "building"},
        {"instance_uuid": "i", "task_state": "error"},
    ],
)
def test_a_node_with_an_instance_is_taken_whole(
    driver: BareMetalDriver, add_node: Callable[..., str], columns: dict[str, object]
) -> None:
    uuid = add_node(**columns)
    inventory = inventory_of(driver, uuid)
    assert all(of["reserved"] == of["total"] for of in inventory.values())
    assert driver.get_available_resource(uuid)["memory_mb_used"] == 512


def test_what_a_row_does_not_know_is_not_offered(
    driver: BareMetalDriver, add_node: Callable[..., str]
) -> None:
    assert set(inventory_of(driver, add_node(local_gb=None))) == {"VCPU", "MEMORY_MB"}
