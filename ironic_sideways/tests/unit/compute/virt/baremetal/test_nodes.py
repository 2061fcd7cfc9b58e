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
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from nova import exception
from nova.compute.provider_tree import ProviderTree
from nova.objects import ComputeNode
from nova.virt import node
from nova.virt.baremetal import BareMetalDriver, nodes
from oslo_config import cfg

from ironic_sideways import exceptions
from ironic_sideways.nova_bm import schema


def inventory_of(driver: BareMetalDriver, uuid: str) -> dict:
    """What Placement would be told."""
    tree = ProviderTree()
    tree.new_root(uuid, uuid)
    driver.update_provider_tree(tree, uuid)
    return tree.data(uuid).inventory


def test_each_live_row_of_this_host_is_a_node_named_by_its_uuid(
    driver: BareMetalDriver, add_node: Callable[..., str]
) -> None:
    ours = [add_node(), add_node(instance_uuid="i", task_state="active")]
    add_node(service_host="another")
    add_node(deleted=True)
    add_node(deleted=None)
    add_node(uuid=None)
    assert driver.get_available_nodes() == ours
    assert driver.get_nodenames_by_uuid() == dict(zip(ours, ours, strict=True))


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


def test_a_free_node_offers_all_it_has(
    driver: BareMetalDriver, add_node: Callable[..., str]
) -> None:
    inventory = inventory_of(driver, add_node(task_state="deleted"))
    found = {name: (of["total"], of["reserved"]) for name, of in inventory.items()}
    assert found == {"VCPU": (2, 0), "MEMORY_MB": (512, 0), "DISK_GB": (10, 0)}
    assert {of["allocation_ratio"] for of in inventory.values()} == {1.0}


@pytest.mark.parametrize(
    "columns",
    [
        {"instance_uuid": "i", "task_state": "active"},
        {"instance_uuid": "i", "task_state": "building"},
        {"task_state": "error"},
    ],
)
def test_a_node_in_use_or_in_trouble_is_taken_whole(
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


def test_a_node_that_is_gone_is_no_compute_host(driver: BareMetalDriver) -> None:
    with pytest.raises(exception.ComputeHostNotFound):
        driver.get_available_resource("gone")


def test_nova_may_delete_only_what_nova_baremetal_deleted(
    driver: BareMetalDriver, add_node: Callable[..., str]
) -> None:
    assert driver.is_node_deleted(add_node(deleted=True))
    assert not driver.is_node_deleted(add_node(service_host="another"))
    assert not driver.is_node_deleted("not in this database at all")


def test_instances_are_those_of_this_hosts_nodes(
    driver: BareMetalDriver, add_node: Callable[..., str]
) -> None:
    add_node()
    add_node(instance_uuid="ours", instance_name="web", task_state="active")
    add_node(instance_uuid="theirs", service_host="another")
    assert driver.list_instance_uuids() == ["ours"]
    assert driver.list_instances() == ["web"]


def test_an_unreadable_database_is_not_an_empty_one(
    driver: BareMetalDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise exceptions.SidewaysError("gone")

    monkeypatch.setattr(driver.rows, "nodes", fail)
    with pytest.raises(exception.VirtDriverNotReady):
        driver.get_available_nodes()


@pytest.fixture
def started(
    engine: sa.Engine, monkeypatch: pytest.MonkeyPatch, nova_conf: cfg.ConfigOpts
) -> Callable[[], BareMetalDriver]:
    """Start a driver whose sql_connection leads to ``engine``."""
    monkeypatch.setattr(nodes.database, "resolve_url", lambda text, _option: text)
    monkeypatch.setattr(nodes.database, "engine", lambda _url: engine)
    monkeypatch.setattr(node, "LOCAL_NODE_UUID", None)
    nova_conf.set_override("sql_connection", "nova_bm", "baremetal")

    def start() -> BareMetalDriver:
        driver = BareMetalDriver(None)
        driver.init_host("isw3")
        return driver

    return start


def test_a_restart_finds_the_identity_that_nova_asks_for(
    started: Callable[[], BareMetalDriver],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    started()
    identity = (tmp_path / "compute_id").read_text()
    monkeypatch.setattr(node, "LOCAL_NODE_UUID", None)
    started()
    assert node.read_local_node_uuid() == identity


def test_the_flavor_extra_specs_are_the_hosts(
    started: Callable[[], BareMetalDriver],
    add_node: Callable[..., str],
    nova_conf: cfg.ConfigOpts,
) -> None:
    nova_conf.set_override("flavor_extra_specs", ["cpu_arch:amd64"], "baremetal")
    resources = started().get_available_resource(add_node())
    assert resources["supported_instances"] == [("x86_64", "baremetal", "hvm")]
    assert resources["stats"] == {"cpu_arch": "amd64"}


@pytest.mark.parametrize("entry", ["cpu_arch", ":x86_64", "cpu_arch:abacus"])
def test_a_wrong_extra_spec_stops_the_start(
    started: Callable[[], BareMetalDriver], nova_conf: cfg.ConfigOpts, entry: str
) -> None:
    nova_conf.set_override("flavor_extra_specs", [entry], "baremetal")
    with pytest.raises(exception.InvalidConfiguration, match="flavor_extra_specs"):
        started()


def test_a_database_that_is_not_nova_bm_stops_the_start(
    started: Callable[[], BareMetalDriver], engine: sa.Engine
) -> None:
    with engine.begin() as connection:
        connection.execute(sa.delete(schema.migrate_version))
    with pytest.raises(exception.InvalidConfiguration, match="expected nova_bm"):
        started()


def test_no_database_url_stops_the_start(
    started: Callable[[], BareMetalDriver], nova_conf: cfg.ConfigOpts
) -> None:
    nova_conf.set_override("sql_connection", None, "baremetal")
    with pytest.raises(exception.InvalidConfiguration, match="sql_connection"):
        started()


def test_before_the_start_no_node_is_known() -> None:
    with pytest.raises(exception.VirtDriverNotReady):
        BareMetalDriver(None).get_available_nodes()
