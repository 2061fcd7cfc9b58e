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

from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from nova import exception
from nova.virt import node
from nova.virt.baremetal import BareMetalDriver
from oslo_config import cfg

from ironic_sideways import exceptions
from ironic_sideways.nova_bm import schema


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
