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

from ironic_sideways.nova_bm import schema
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


@pytest.fixture
def two_nics(
    driver: BareMetalDriver, node: str, engine: sa.Engine
) -> Callable[[], list[tuple[str, str | None]]]:
    """Give the node a second NIC; then read addresses and VIFs."""
    nics, of_node = schema.bm_interfaces, driver.rows.node(node).id
    with engine.begin() as connection:
        connection.execute(
            nics.insert().values(
                bm_node_id=of_node, address="52:54:00:03:01:00", deleted=False
            )
        )

    def read() -> list[tuple[str, str | None]]:
        found = driver.rows.interfaces(driver.rows.node(node))
        return [(nic.address[-5:], nic.vif_uuid) for nic in found]

    return read


@pytest.mark.parametrize(
    ("own", "given"),
    [
        ([None], ["01:00"]),
        (["52:54:00:03:00:00"], ["00:00"]),
        (["52:54:00:03:01:00"], ["01:00"]),
        ([None, None], ["01:00", "00:00"]),
        (["52:54:00:03:00:00", None], ["00:00", "01:00"]),
    ],
)
def test_t2_a_vif_is_recorded_on_the_first_free_nic_whatever_its_address(
    driver: BareMetalDriver,
    admin: RequestContext,
    node: str,
    ports: fakes.Neutron,
    two_nics: Callable[[], list[tuple[str, str | None]]],
    own: list[str | None],
    given: list[str],
) -> None:
    names = [ports.add(f"port-{n}", mac) for n, mac in enumerate(own)]
    spawn(driver, admin, make_instance(node), *names)
    recorded = [*names, None][:2]
    assert two_nics() == list(zip(("00:00", "01:00"), recorded, strict=True))
    assert [ports.ports[name]["mac_address"][-5:] for name in names] == given


def test_t2_a_second_port_gets_the_address_that_the_first_one_left(
    driver: BareMetalDriver,
    running: Instance,
    ports: fakes.Neutron,
    two_nics: Callable[[], list[tuple[str, str | None]]],
) -> None:
    ports.add("port-2")
    driver.plug_vifs(running, network_info("port-1", "port-2"))
    assert two_nics() == [("00:00", "port-1"), ("01:00", "port-2")]
    assert ports.ports["port-2"]["mac_address"] == "52:54:00:03:01:00"


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
