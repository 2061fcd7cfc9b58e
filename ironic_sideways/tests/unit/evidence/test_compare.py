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

import copy
from typing import Any

import pytest

from ironic_sideways.evidence import compare

NODE, FREE, SERVER, PORT = "node-1", "node-2", "server-1", "port-1"
MAC = "52:54:00:00:00:01"


@pytest.fixture
def before() -> dict[str, Any]:
    return {
        "base_driver": "nova_bm",
        "servers": [
            {
                **dict.fromkeys(compare.SERVER_FIELDS),
                "uuid": SERVER,
                "name": "sideways-0",
                "status": "ACTIVE",
                "node": NODE,
                "ports": [{"id": PORT, "mac": MAC, "fixed_ips": ["172.30.0.10"]}],
            }
        ],
        "providers": [
            {
                "uuid": NODE,
                "inventories": {"VCPU": {}, "MEMORY_MB": {}, "DISK_GB": {}},
                "allocations": {SERVER: {"VCPU": 1, "MEMORY_MB": 256, "DISK_GB": 2}},
            },
            {"uuid": FREE, "inventories": {"VCPU": {}}, "allocations": {}},
        ],
        "machines": [
            {
                "uuid": NODE,
                "name": "isw0-node-0",
                "mac": MAC,
                "macs": [MAC],
                "power": "on",
                "boot_id": "boot-1",
                "last_seq": 10,
            }
        ],
    }


@pytest.fixture
def after(before: dict[str, Any]) -> dict[str, Any]:
    after = copy.deepcopy(before)
    for provider in after["providers"]:
        reserved = 1 if provider["allocations"] else 0
        inventory = {**compare.WHOLE_NODE, "reserved": reserved}
        provider["inventories"] = {"CUSTOM_BAREMETAL": inventory}
    after["providers"][0]["allocations"] = {SERVER: {"CUSTOM_BAREMETAL": 1}}
    after["machines"][0]["last_seq"] = 70
    after["servers"][0]["bindings"] = {PORT: [NODE, "baremetal"]}
    after["ironic_nodes"] = [
        {
            "uuid": NODE,
            "instance_uuid": SERVER,
            "provision_state": "active",
            "power_state": "power on",
            "maintenance": False,
            "last_error": None,
            "network_interface": "flat",
            "ports": [{"uuid": "ironic-port", "mac": MAC, "vif": PORT}],
        },
        {
            "uuid": FREE,
            "instance_uuid": None,
            "provision_state": "available",
            "power_state": "power off",
            "maintenance": False,
            "last_error": None,
            "network_interface": "flat",
            "ports": [],
        },
    ]
    return after


def failures(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    return [
        f"{check.name}: {check.detail}"
        for check in compare.compare(before, after)
        if not check.ok
    ]


def test_a_cloud_that_moved_whole_survived(before, after):
    assert failures(before, after) == []


@pytest.mark.parametrize("field", compare.SERVER_FIELDS)
def test_j11_each_field_of_an_instance_that_changes_is_named(before, after, field):
    after["servers"][0][field] = "something else"

    (failure,) = failures(before, after)

    assert failure.startswith(f"instance {SERVER}: {field}: ")


def test_an_instance_that_is_gone_is_named(before, after):
    after["servers"] = []

    assert failures(before, after) == [f"instance {SERVER}: gone"]


def test_an_instance_that_nobody_knew_is_named(before, after):
    after["servers"].append({**after["servers"][0], "uuid": "server-2"})

    assert failures(before, after) == ["instance server-2: was not there before"]


def test_a_create_that_found_no_host_in_the_window_is_no_concern(before, after):
    failed_build = {**after["servers"][0], "uuid": "server-2", "node": None}
    after["servers"].append({**failed_build, "status": "ERROR"})

    assert failures(before, after) == []

    after["servers"].append({**failed_build, "uuid": "server-3"})
    assert failures(before, after) == ["instance server-3: was not there before"]


def test_j12_a_cloud_without_instances_proves_nothing(before, after):
    before["servers"] = after["servers"] = []

    assert "instances: there was no instance before: nothing to prove" in failures(
        before, after
    )


def test_a_machine_that_booted_anew_did_not_survive(before, after):
    after["machines"][0]["boot_id"] = "boot-2"

    (failure,) = failures(before, after)

    assert failure == "machine isw0-node-0: boot_id: 'boot-1' became 'boot-2'"


def test_a_machine_that_fell_silent_did_not_survive(before, after):
    after["machines"][0]["last_seq"] = 10

    (failure,) = failures(before, after)

    assert failure == "machine isw0-node-0: no heartbeat since sequence 10"


def test_a_running_machine_that_never_beat_is_a_failure(before, after):
    before["machines"][0]["boot_id"] = after["machines"][0]["boot_id"] = None

    (failure,) = failures(before, after)

    assert failure == "machine isw0-node-0: on, but no heartbeat was ever received"


def test_a_provider_that_was_replaced_is_a_failure(before, after):
    after["providers"][1]["uuid"] = "node-3"

    assert failures(before, after) == [
        f"provider {FREE}: gone",
        "provider node-3: was not there before",
    ]


def test_an_allocation_left_on_vcpu_is_a_failure(before, after):
    after["providers"][0]["allocations"] = {SERVER: {"VCPU": 1}}

    (failure,) = failures(before, after)

    assert "holds {'VCPU': 1}" in failure


def test_a_lost_allocation_is_a_failure(before, after):
    after["providers"][0]["allocations"] = {}

    assert failures(before, after) == [
        f"provider {NODE}: consumers were ['{SERVER}'], are []"
    ]


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


def test_a_machine_that_is_off_under_an_active_instance_is_a_failure(before, after):
    before["machines"][0]["power"] = after["machines"][0]["power"] = "off"
    after["ironic_nodes"][0]["power_state"] = "power off"

    assert failures(before, after) == [
        f"machine of instance {SERVER}: ACTIVE, machine: off before, off after"
    ]


def test_a_machine_that_runs_under_a_stopped_instance_is_a_failure(before, after):
    before["servers"][0]["status"] = after["servers"][0]["status"] = "SHUTOFF"

    assert failures(before, after) == [
        f"machine of instance {SERVER}: SHUTOFF, machine: on before, on after"
    ]


def test_an_instance_whose_machine_is_unknown_is_a_failure(before, after):
    before["machines"] = after["machines"] = []

    assert failures(before, after) == [
        f"machine of instance {SERVER}: ACTIVE, machine: None before, None after"
    ]


@pytest.mark.parametrize("power", ["power off", None])
def test_a_power_state_that_the_bmc_contradicts_is_a_failure(before, after, power):
    after["ironic_nodes"][0]["power_state"] = power

    assert failures(before, after) == [
        f"ironic node {NODE}: power_state {power!r}, but BMC: 'power on'"
    ]


def test_each_node_is_known_by_the_instance_on_it(before):
    assert compare.nodes(before) == {NODE: SERVER, FREE: None}


def test_machines_without_evidence_after_are_a_failure(before, after):
    del after["machines"]

    found = failures(before, after)

    assert found == ["machines: not in the snapshot after"]


def test_under_the_plain_fake_driver_the_machines_must_be_in_ironic(before, after):
    before["base_driver"] = "fake"
    before["servers"] = after["servers"] = []
    before["machines"][0]["uuid"] = "a node that Ironic lacks"
    after["machines"][0]["uuid"] = "a node that Ironic lacks"
    after["ironic_nodes"] = []

    assert failures(before, after) == [
        "ironic node a node that Ironic lacks: is not in Ironic"
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
