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

from ironic_sideways.evidence import compare, survival

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
        for check in survival.checks(before, after)
        if not check.ok
    ]
