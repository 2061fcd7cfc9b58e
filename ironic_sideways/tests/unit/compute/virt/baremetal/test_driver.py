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
from types import SimpleNamespace

import pytest
import sqlalchemy as sa
from nova import exception
from nova.compute import power_state
from nova.context import RequestContext
from nova.objects.instance import Instance
from nova.virt.baremetal import BareMetalDriver
from nova.virt.driver import ComputeDriver

from ironic_sideways.tests.unit.compute import fakes
from ironic_sideways.tests.unit.compute.conftest import make_instance, network_info
from ironic_sideways.tests.unit.compute.virt.baremetal.conftest import POWERED_ON, spawn
from ironic_sideways.trials.tempest import features


def test_spawn_sends_an_instance_on_when_another_one_has_the_node(
    driver: BareMetalDriver,
    admin: RequestContext,
    running: Instance,
    node: str,
    row: Callable[[str], sa.Row],
    bmcs: fakes.Bmcs,
) -> None:
    with pytest.raises(exception.ComputeResourcesUnavailable, match="not free"):
        spawn(driver, admin, make_instance(node))
    assert row(node).instance_uuid == running.uuid
    assert bmcs.asked() == []


def test_destroy_of_an_instance_that_no_node_holds_succeeds(
    driver: BareMetalDriver, admin: RequestContext, node: str, bmcs: fakes.Bmcs
) -> None:
    driver.destroy(admin, make_instance(node), None)
    assert bmcs.asked() == []


@pytest.mark.parametrize("reboot_type", ["SOFT", "HARD"])
def test_reboot_is_off_and_on(
    driver: BareMetalDriver,
    admin: RequestContext,
    running: Instance,
    bmcs: fakes.Bmcs,
    reboot_type: str,
) -> None:
    driver.reboot(admin, running, network_info(), reboot_type)
    assert bmcs.asked() == POWERED_ON


def test_a_stopped_instance_is_still_active_in_nova_bm(
    driver: BareMetalDriver,
    running: Instance,
    node: str,
    row: Callable[[str], sa.Row],
    bmcs: fakes.Bmcs,
) -> None:
    driver.power_off(running)
    assert driver.get_info(running).state == power_state.SHUTDOWN
    assert row(node).task_state == "active"


def test_power_on_waits_for_the_bmc(
    driver: BareMetalDriver, admin: RequestContext, running: Instance, bmcs: fakes.Bmcs
) -> None:
    driver.power_off(running)
    bmcs.fail("bmc-0", "stuck")
    with pytest.raises(exception.InstancePowerOnFailure, match="seen last: off"):
        driver.power_on(admin, running, network_info())


def test_the_power_state_is_the_bmcs(
    driver: BareMetalDriver, running: Instance, bmcs: fakes.Bmcs
) -> None:
    assert driver.get_info(running).state == power_state.RUNNING
    bmcs.power("bmc-0", "off")
    assert driver.get_info(running).state == power_state.SHUTDOWN
    bmcs.fail("bmc-0", "broken")
    assert driver.get_info(running).state == power_state.NOSTATE


def test_an_instance_that_no_node_holds_has_no_power_state(
    driver: BareMetalDriver, node: str
) -> None:
    with pytest.raises(exception.InstanceNotFound):
        driver.get_info(make_instance(node))


def test_of_two_rows_with_one_instance_the_one_that_nova_names_counts(
    driver: BareMetalDriver, add_node: Callable[..., str], bmcs: fakes.Bmcs
) -> None:
    instance = make_instance(add_node())
    first = add_node(instance_uuid=instance.uuid, task_state="active")
    second = add_node(instance_uuid=instance.uuid, task_state="active")
    assert first != second
    instance.node = second
    driver.power_off(instance)
    assert bmcs.asked() == ["bmc-2 power off"]


def test_rebuild_deploys_again_on_the_same_node(
    driver: BareMetalDriver,
    admin: RequestContext,
    running: Instance,
    node: str,
    row: Callable[[str], sa.Row],
    bmcs: fakes.Bmcs,
    vif_uuid: Callable[[str], str | None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    saved = []
    monkeypatch.setattr(
        type(running), "save", lambda _self, **named: saved.append(named)
    )
    driver.rebuild(
        context=admin,
        instance=running,
        image_meta=SimpleNamespace(),
        network_info=network_info("port-1"),
        preserve_ephemeral=True,
        # What the API says from microversion 2.93 on, without a volume too.
        reimage_boot_volume=True,
    )
    assert saved == [{"expected_task_state": ["rebuilding"]}]
    assert row(node).task_state == "active"
    assert row(node).preserve_ephemeral
    assert bmcs.asked() == POWERED_ON
    assert vif_uuid(node) == "port-1"


def test_ports_come_unbound_and_nova_leaves_their_host_alone(
    driver: BareMetalDriver, admin: RequestContext, running: Instance
) -> None:
    assert driver.network_binding_host_id(admin, running) is None
    assert driver.manages_network_binding_host_id()


def test_an_instance_that_no_node_holds_neither_stops_a_start_nor_a_cleanup(
    driver: BareMetalDriver, node: str, ports: fakes.Neutron
) -> None:
    ports.add("port-1")
    before = dict(ports.ports["port-1"])
    driver.plug_vifs(make_instance(node), network_info("port-1"))
    driver.unplug_vifs(make_instance(node), network_info("port-1"))
    assert ports.ports["port-1"] == before


def test_it_lacks_what_tempest_is_told_that_the_base_lacks() -> None:
    for method in ("attach_interface", "rescue", "pause", "snapshot"):
        assert getattr(BareMetalDriver, method) is getattr(ComputeDriver, method)
    assert set(features.MISSING_BEFORE) >= {"interface_attach", "rescue"}
