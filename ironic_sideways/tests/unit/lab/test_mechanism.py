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

"""A bound port has a line for dnsmasq; any other has none."""

from typing import Any

import pytest

mechanism = pytest.importorskip("ironic_sideways.lab.mechanism")

MAC = "52:54:00:07:00:01"


class Hosts:
    """dnsmasq's hosts in memory."""

    def __init__(self) -> None:
        self.known: dict[str, str] = {}
        self.options: dict[str, dict[str, str]] = {}

    def assign(self, mac: str, address: str, options: dict[str, str]) -> None:
        self.known[mac] = address
        self.options[mac] = options

    def withdraw(self, mac: str) -> None:
        self.known.pop(mac, None)


def port(**changes: Any) -> dict[str, Any]:
    return {
        "id": "p",
        "mac_address": MAC,
        "fixed_ips": [{"ip_address": "172.30.7.10"}],
        "binding:vif_type": "other",
        "binding:vnic_type": "normal",
    } | changes


@pytest.mark.parametrize("vif_type", ["unbound", "binding_failed", "", None, "ovs"])
def test_a_port_that_others_bound_has_no_address(vif_type: str | None) -> None:
    assert mechanism.address_of(port(**{"binding:vif_type": vif_type})) is None


def test_a_bound_port_has_its_first_ipv4_address() -> None:
    fixed = [{"ip_address": "fd00::1"}, {"ip_address": "172.30.7.11"}]

    assert mechanism.address_of(port(fixed_ips=fixed)) == "172.30.7.11"


def test_a_port_without_fixed_address_has_none() -> None:
    assert mechanism.address_of(port(fixed_ips=[])) is None


def test_a_new_mac_takes_the_line_of_the_old_one() -> None:
    hosts = Hosts()
    mechanism.follow(hosts, port(), None)
    mechanism.follow(hosts, port(mac_address="52:54:00:07:00:02"), port())

    assert hosts.known == {"52:54:00:07:00:02": "172.30.7.10"}


def test_unbinding_takes_the_line_away() -> None:
    hosts = Hosts()
    mechanism.follow(hosts, port(), None)
    mechanism.follow(hosts, port(**{"binding:vif_type": "unbound"}), port())

    assert hosts.known == {}


def test_a_bound_ports_own_dhcp_options_go_with_its_address() -> None:
    hosts = Hosts()
    extra = [
        {"opt_name": "bootfile-name", "opt_value": "pxelinux.0", "ip_version": 4},
        {"opt_name": "tftp-server", "opt_value": "172.30.7.1"},
        {"opt_name": "bootfile-url", "opt_value": "tftp://x", "ip_version": 6},
    ]
    mechanism.follow(hosts, port(extra_dhcp_opts=extra), port())
    assert hosts.options == {
        MAC: {"bootfile-name": "pxelinux.0", "tftp-server": "172.30.7.1"}
    }

    mechanism.follow(hosts, port(), port(extra_dhcp_opts=extra))
    assert hosts.options == {MAC: {}}


class Context:
    """As much of ML2's PortContext as the driver uses."""

    host = "any"

    def __init__(self, vnic_type: str) -> None:
        self.current = port(**{"binding:vnic_type": vnic_type})
        self.segments_to_bind = [{"id": "segment", "physical_network": "lab"}]
        self.bound: list[Any] = []

    def set_binding(self, *values: Any, **named: Any) -> None:
        self.bound.append((values, named))


@pytest.mark.parametrize("vnic_type", ["normal", "baremetal"])
def test_ports_of_instances_and_nodes_are_bound(vnic_type: str) -> None:
    context = Context(vnic_type)
    mechanism.LabMechanismDriver().bind_port(context)

    assert context.bound == [(("segment", "other", {}), {"status": "ACTIVE"})]


def test_other_kinds_of_ports_are_left_to_others() -> None:
    context = Context("direct")
    mechanism.LabMechanismDriver().bind_port(context)

    assert context.bound == []


@pytest.mark.parametrize(("network", "bound"), [("lab", 1), ("public", 0)])
def test_beside_other_drivers_it_binds_its_own_network_alone(
    network: str, bound: int
) -> None:
    driver = mechanism.LabMechanismDriver()
    driver.physical_network = network
    context = Context("normal")
    driver.bind_port(context)

    assert len(context.bound) == bound
