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

"""Two labs share nothing."""

import ipaddress
import itertools
from pathlib import Path

import pytest

from ironic_sideways import exceptions
from ironic_sideways.lab import service_table
from ironic_sideways.lab.layout import (
    MAX_LIGHT_NODES,
    MAX_LIGHT_NUMBER,
    MAX_NODES,
    MAX_NUMBER,
    Layout,
)


def everything(layout: Layout) -> set[object]:
    nodes = MAX_LIGHT_NODES if layout.light else MAX_NODES
    return {
        *(layout.port(name) for name in service_table.listeners()),
        *(layout.bmc_address(index) for index in range(nodes)),
        *(layout.machine_name(index) for index in range(nodes)),
        layout.bridge,
        layout.guests,
        layout.network,
        layout.network6,
        layout.gateway,
        layout.compute_host,
    }


def test_neighbouring_labs_have_no_port_address_or_name_in_common() -> None:
    labs = [everything(Layout(Path("/lab"), number)) for number in (0, 1, 10, 99)]

    assert len(set().union(*labs)) == sum(len(lab) for lab in labs)


def test_light_labs_have_room_for_a_thousand_nodes_each() -> None:
    labs = [
        *(Layout(Path("/lab"), n, light=True) for n in (0, 1, MAX_LIGHT_NUMBER)),
        *(Layout(Path("/lab"), n) for n in (2, 3, MAX_NUMBER)),
    ]
    everything_of_each = [everything(lab) for lab in labs]

    assert len(set().union(*everything_of_each)) == sum(map(len, everything_of_each))
    for one, other in itertools.combinations(labs, 2):
        assert not one.network.overlaps(other.network)
    for lab in labs[:3]:
        first, last = map(ipaddress.ip_address, lab.pool)
        assert int(last) - int(first) >= MAX_LIGHT_NODES
        assert {first, last} < set(lab.network.hosts())
        assert len(lab.guests) <= 15


def test_a_light_lab_of_a_higher_number_is_refused() -> None:
    with pytest.raises(exceptions.UsageError, match="expected 0 to 31 of a light lab"):
        Layout(Path("/lab"), MAX_LIGHT_NUMBER + 1, light=True)


def test_a_light_lab_has_light_guests_in_the_place_of_libvirt() -> None:
    usual = Layout(Path("/lab"), 3).names("hardware")
    light = Layout(Path("/lab"), 3, light=True).names("hardware")

    assert set(usual) ^ set(light) == {"libvirtd", "light-guests"}


def test_ports_stay_below_the_range_that_the_kernel_gives_away() -> None:
    last = Layout(Path("/lab"), MAX_NUMBER)

    assert max(last.port(name) for name in service_table.listeners()) < 32768


@pytest.mark.parametrize("number", [-1, MAX_NUMBER + 1])
def test_a_number_outside_the_blocks_of_ports_is_refused(number: int) -> None:
    with pytest.raises(exceptions.UsageError, match="expected 0 to 99"):
        Layout(Path("/lab"), number)


@pytest.mark.parametrize("hosts", [0, 5])
def test_a_lab_has_one_to_four_compute_hosts(hosts: int) -> None:
    with pytest.raises(exceptions.UsageError, match="expected 1 to 4"):
        Layout(Path("/lab"), 3, hosts)


def test_each_compute_host_has_a_name_and_a_service() -> None:
    assert Layout(Path("/lab"), 3, 2).compute_services == {
        "nova-compute": "isw3",
        "nova-compute-2": "isw3-2",
    }


def test_bmc_addresses_are_loopback_addresses() -> None:
    assert Layout(Path("/lab"), 3).bmc_address(7) == "127.0.103.17"


def test_another_network_changes_the_addresses_alone() -> None:
    usual, other = (Layout(Path("/lab"), 3), Layout(Path("/lab"), 3, prefix="10.99"))

    assert str(other.network) == "10.99.3.0/24"
    assert str(other.network6) == "fd00:10:99:3::/64"
    assert everything(usual) - everything(other) == {
        usual.network,
        usual.network6,
        usual.gateway,
    }


@pytest.mark.parametrize("prefix", ["8.8", "10", "10.99.1", "172.32", "a.b", "127.0"])
def test_a_network_that_is_not_private_is_refused(prefix: str) -> None:
    with pytest.raises(exceptions.UsageError, match=f"network {prefix}: expected"):
        Layout(Path("/lab"), 3, prefix=prefix)
