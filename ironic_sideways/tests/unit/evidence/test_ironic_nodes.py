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

import pytest

from ironic_sideways.tests.unit.evidence.conftest import (
    MAC,
    NODE,
    PORT,
    SERVER,
    failures,
)


def test_a_lost_vif_is_a_failure(before, after):
    after["ironic_nodes"][0]["ports"][0]["vif"] = None

    (failure,) = failures(before, after)

    assert failure.startswith(f"ironic node {NODE}: VIFs (port: MAC): ")


@pytest.mark.parametrize(
    "binding", [["compute-1", "normal"], [NODE, "normal"], ["", "baremetal"]]
)
def test_t11_a_port_that_is_not_bound_to_its_node_is_a_failure(before, after, binding):
    after["servers"][0]["bindings"] = {PORT: binding}

    (failure,) = failures(before, after)

    assert failure.startswith(f"port bindings of instance {SERVER}: expected ")


def test_t11_a_node_whose_ports_ironic_does_not_bind_may_have_any(before, after):
    after["servers"][0]["bindings"] = {PORT: ["compute-1", "normal"]}
    after["ironic_nodes"][0]["network_interface"] = "noop"

    assert failures(before, after) == []


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("instance_uuid", None),
        ("provision_state", "available"),
        ("maintenance", True),
        ("last_error", "it broke"),
    ],
)
def test_a_node_that_ironic_has_wrongly_is_a_failure(before, after, field, value):
    after["ironic_nodes"][0][field] = value

    (failure,) = failures(before, after)

    assert failure.startswith(f"ironic node {NODE}: {field}: ")


@pytest.mark.parametrize("power", ["power off", None])
def test_a_power_state_that_the_bmc_contradicts_is_a_failure(before, after, power):
    after["ironic_nodes"][0]["power_state"] = power

    assert failures(before, after) == [
        f"ironic node {NODE}: power_state {power!r}, but BMC: 'power on'"
    ]


def test_t2_a_node_has_a_port_for_each_nic_and_the_vif_on_the_one_of_its_mac(
    before, after
):
    other = "52:54:01:00:00:01"
    for document in (before, after):
        document["machines"][0]["macs"] = [other, MAC]
    (nodes, *_) = after["ironic_nodes"]
    nodes["ports"] = [
        {"uuid": "one", "mac": other, "vif": None},
        {"uuid": "two", "mac": MAC, "vif": PORT},
    ]
    assert failures(before, after) == []

    for one, vif in zip(nodes["ports"], (PORT, None), strict=True):
        one["vif"] = vif
    (crossed,) = failures(before, after)
    assert crossed.startswith(f"ironic node {NODE}: VIFs (port: MAC): ")

    nodes["ports"] = [{"uuid": "two", "mac": MAC, "vif": PORT}]
    (lost,) = failures(before, after)
    assert lost.startswith(f"ironic node {NODE}: MACs ")
