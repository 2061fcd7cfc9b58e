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

"""A node's NICs and the ports on them."""

from collections.abc import Callable

import pytest
import sqlalchemy as sa
from nova import exception
from nova.context import RequestContext
from nova.objects.instance import Instance
from nova.virt.baremetal import BareMetalDriver

from ironic_sideways.tests.unit.compute import fakes
from ironic_sideways.tests.unit.compute.conftest import make_instance, network_info
from ironic_sideways.tests.unit.compute.virt.baremetal.conftest import spawn


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
