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
from oslo_config import cfg

from ironic_sideways.tests.unit.compute import fakes
from ironic_sideways.tests.unit.compute.conftest import make_instance, network_info
from ironic_sideways.trials.tempest import features

POWERED_ON = ["bmc-0 power off", "bmc-0 power on"]


@pytest.fixture
def node(add_node: Callable[..., str]) -> str:
    return add_node(ephemeral_mb=7)


@pytest.fixture
def running(
    driver: BareMetalDriver,
    admin: RequestContext,
    node: str,
    ports: fakes.Neutron,
    bmcs: fakes.Bmcs,
) -> Instance:
    """An instance that was spawned with port-1, and nothing asked of the BMC yet."""
    instance = make_instance(node)
    ports.add("port-1")
    spawn(driver, admin, instance, "port-1")
    (bmcs._directory / "log").unlink()
    return instance


def spawn(
    driver: BareMetalDriver, admin: RequestContext, instance: Instance, *port_ids: str
) -> None:
    driver.spawn(
        admin, instance, None, [], None, {}, network_info=network_info(*port_ids)
    )


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


def test_spawn_gives_the_port_the_nics_mac_address_and_binds_it(
    driver: BareMetalDriver,
    admin: RequestContext,
    node: str,
    ports: fakes.Neutron,
    vif_uuid: Callable[[str], str | None],
) -> None:
    ports.add("port-1")
    instance = make_instance(node)
    spawn(driver, admin, instance, "port-1")
    assert ports.ports["port-1"]["mac_address"] == "52:54:00:03:00:00"
    assert ports.ports["port-1"]["binding:host_id"] == "isw3"
    assert vif_uuid(node) == "port-1"
    assert driver.refreshed == [instance.uuid]


@pytest.mark.parametrize(
    ("extra_specs", "words"),
    [
        ({"cpu_arch": "x86_64"}, "no deploy kernel"),
        ({"baremetal:deploy_kernel_id": "kernel-id"}, "no deploy ramdisk"),
        (
            {
                "baremetal:deploy_kernel_id": "kernel-id",
                "baremetal:deploy_ramdisk_id": "gone",
            },
            "deploy ramdisk image gone: expected it active in glance, found no such",
        ),
    ],
)
def test_spawn_refuses_a_flavor_without_its_deploy_images_and_touches_nothing(
    driver: BareMetalDriver,
    admin: RequestContext,
    node: str,
    row: Callable[[str], sa.Row],
    bmcs: fakes.Bmcs,
    extra_specs: dict[str, str],
    words: str,
) -> None:
    before = row(node)
    with pytest.raises(exception.BuildAbortException, match=words):
        spawn(driver, admin, make_instance(node, **extra_specs))
    assert row(node) == before
    assert bmcs.asked() == []


def test_spawn_refuses_a_deploy_image_that_is_not_active(
    driver: BareMetalDriver, admin: RequestContext, node: str, glance: dict[str, str]
) -> None:
    glance["kernel-id"] = "queued"
    with pytest.raises(exception.BuildAbortException, match="found queued"):
        spawn(driver, admin, make_instance(node))


def test_a_flavor_may_leave_the_deploy_images_to_the_configuration(
    driver: BareMetalDriver,
    admin: RequestContext,
    node: str,
    row: Callable[[str], sa.Row],
    nova_conf: cfg.ConfigOpts,
) -> None:
    nova_conf.set_override("deploy_kernel", "kernel-id", "baremetal")
    nova_conf.set_override("deploy_ramdisk", "ramdisk-id", "baremetal")
    spawn(driver, admin, make_instance(node, cpu_arch="x86_64"))
    assert row(node).task_state == "active"


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


def test_a_port_that_outlives_its_instance_gives_up_the_nics_mac_address(
    driver: BareMetalDriver,
    admin: RequestContext,
    running: Instance,
    ports: fakes.Neutron,
) -> None:
    driver.destroy(admin, running, network_info("port-1"))
    assert ports.ports["port-1"]["binding:host_id"] == ""
    assert ports.ports["port-1"]["mac_address"] != "52:54:00:03:00:00"


def test_destroy_minds_no_port_that_is_gone(
    driver: BareMetalDriver,
    admin: RequestContext,
    running: Instance,
    ports: fakes.Neutron,
    node: str,
    row: Callable[[str], sa.Row],
) -> None:
    del ports.ports["port-1"]
    driver.destroy(admin, running, network_info("port-1"))
    assert row(node).task_state == "deleted"


def test_destroy_of_an_instance_that_no_node_holds_succeeds(
    driver: BareMetalDriver, admin: RequestContext, node: str, bmcs: fakes.Bmcs
) -> None:
    driver.destroy(admin, make_instance(node), None)
    assert bmcs.asked() == []


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


def test_a_rebuild_that_fails_keeps_the_node_with_its_instance(
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


def test_ports_come_unbound_and_nova_leaves_their_host_alone(
    driver: BareMetalDriver, admin: RequestContext, running: Instance
) -> None:
    assert driver.network_binding_host_id(admin, running) is None
    assert driver.manages_network_binding_host_id()


def test_plugging_again_at_start_changes_nothing(
    driver: BareMetalDriver,
    running: Instance,
    ports: fakes.Neutron,
    node: str,
    vif_uuid: Callable[[str], str | None],
) -> None:
    before = dict(ports.ports["port-1"])
    driver.plug_vifs(running, network_info("port-1"))
    assert ports.ports["port-1"] == before
    assert vif_uuid(node) == "port-1"


def test_more_ports_than_nics_are_refused(
    driver: BareMetalDriver, running: Instance, ports: fakes.Neutron
) -> None:
    ports.add("port-2")
    with pytest.raises(exception.VirtualInterfacePlugException, match="0 of its 1"):
        driver.plug_vifs(running, network_info("port-2"))


def test_unplugged_ports_leave_the_nic(
    driver: BareMetalDriver,
    running: Instance,
    node: str,
    vif_uuid: Callable[[str], str | None],
) -> None:
    driver.unplug_vifs(running, network_info("port-1"))
    assert vif_uuid(node) is None


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
