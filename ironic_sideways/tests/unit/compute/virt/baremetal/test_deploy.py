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

"""A claimed node on its way up and down, and where it fails."""

from collections.abc import Callable

import pytest
import sqlalchemy as sa
from nova import exception
from nova.context import RequestContext
from nova.objects.instance import Instance
from nova.virt.baremetal import BareMetalDriver

from ironic_sideways.tests.unit.compute import fakes
from ironic_sideways.tests.unit.compute.conftest import make_instance, network_info
from ironic_sideways.tests.unit.compute.virt.baremetal.conftest import POWERED_ON, spawn


def test_spawn_writes_the_instance_into_the_row(
    driver: BareMetalDriver,
    admin: RequestContext,
    node: str,
    row: Callable[[str], sa.Row],
) -> None:
    instance = make_instance(node)
    spawn(driver, admin, instance)
    found = row(node)
    assert found.instance_uuid == instance.uuid
    assert found.instance_name == "web"
    assert found.task_state == "active"
    assert (found.root_mb, found.swap_mb, found.ephemeral_mb) == (2048, 1, 3072)
    assert not found.preserve_ephemeral


def test_spawn_makes_sure_that_the_machine_starts_from_off(
    driver: BareMetalDriver, admin: RequestContext, node: str, bmcs: fakes.Bmcs
) -> None:
    bmcs.power("bmc-0", "on")
    spawn(driver, admin, make_instance(node))
    assert bmcs.asked() == POWERED_ON


def test_a_spawn_that_cannot_plug_gives_the_node_back(
    driver: BareMetalDriver,
    admin: RequestContext,
    node: str,
    row: Callable[[str], sa.Row],
    ports: fakes.Neutron,
) -> None:
    ports.add("port-1")
    ports.binds = False
    with pytest.raises(exception.PortBindingFailed):
        spawn(driver, admin, make_instance(node), "port-1")
    found = row(node)
    assert (found.task_state, found.instance_uuid) == ("deleted", None)
    assert ports.ports["port-1"]["mac_address"] != "52:54:00:03:00:00"


def test_a_node_that_cannot_be_given_back_stays_with_its_instance_in_error(
    driver: BareMetalDriver,
    admin: RequestContext,
    node: str,
    row: Callable[[str], sa.Row],
    bmcs: fakes.Bmcs,
) -> None:
    bmcs.fail("bmc-0", "broken")
    instance = make_instance(node)
    with pytest.raises(Exception, match="no answer"):
        spawn(driver, admin, instance)
    found = row(node)
    assert (found.task_state, found.instance_uuid) == ("error", instance.uuid)


def test_destroy_frees_the_row_as_nova_baremetal_did(
    driver: BareMetalDriver,
    admin: RequestContext,
    running: Instance,
    node: str,
    row: Callable[[str], sa.Row],
    vif_uuid: Callable[[str], str | None],
    bmcs: fakes.Bmcs,
) -> None:
    driver.destroy(admin, running, network_info("port-1"))
    found = row(node)
    assert found.task_state == "deleted"
    assert (found.instance_uuid, found.instance_name) == (None, None)
    assert (found.root_mb, found.swap_mb) == (0, 0)
    assert found.ephemeral_mb == 3072
    assert vif_uuid(node) is None
    assert bmcs.asked() == ["bmc-0 power off"]


def test_a_machine_that_stays_on_keeps_its_instance_and_addresses(
    driver: BareMetalDriver,
    admin: RequestContext,
    running: Instance,
    node: str,
    row: Callable[[str], sa.Row],
    ports: fakes.Neutron,
    bmcs: fakes.Bmcs,
) -> None:
    bmcs.fail("bmc-0", "stuck")
    with pytest.raises(exception.InstancePowerOffFailure, match="seen last: on"):
        driver.destroy(admin, running, network_info("port-1"))
    found = row(node)
    assert (found.task_state, found.instance_uuid) == ("error", running.uuid)
    assert ports.ports["port-1"]["binding:host_id"] == "isw3"


def test_a_rebuild_whose_machine_stays_on_keeps_the_node_with_its_instance(
    driver: BareMetalDriver,
    admin: RequestContext,
    running: Instance,
    node: str,
    row: Callable[[str], sa.Row],
    bmcs: fakes.Bmcs,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(type(running), "save", lambda _self, **_: None)
    bmcs.fail("bmc-0", "stuck")
    with pytest.raises(Exception, match="to be off"):
        driver.rebuild(context=admin, instance=running)
    assert (row(node).task_state, row(node).instance_uuid) == ("error", running.uuid)
