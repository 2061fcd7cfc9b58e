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

"""What a look at the small cloud found: Nova, Placement, the machines, Ironic."""

from ironic_sideways.evidence import compare, ironic_nodes
from ironic_sideways.report import interfaces
from ironic_sideways.tests.unit.report.small_move import phases, small_cloud
from ironic_sideways.tests.unit.report.small_move.files import Document
from ironic_sideways.tests.unit.report.small_move.small_cloud import (
    BOOT_MODE,
    CLASS,
    HOST,
    SHAPE,
    mac,
    macs,
)

#: What a port's DHCP server tells.
SERVED = {"dhcp": True, "router": "172.30.0.254", "dns": None}


def servers(locked: bool) -> list[Document]:
    """``server-stop`` was locked by somebody else before."""
    found: list[Document] = []
    for node, (number, server, status, _power) in small_cloud.NODES.items():
        if server is None:
            continue
        before = server == "server-stop"
        reason = "ours" if before else "maintenance" if locked else None
        port = {
            "id": f"port-{number}",
            "mac": mac(number),
            "fixed_ips": [f"172.30.0.{number}"],
        }
        found.append(
            {
                **dict.fromkeys(compare.SERVER_FIELDS),
                **{"uuid": server, "name": server, "status": status, "node": node},
                **{"locked": locked or before, "locked_reason": reason},
                **{"project_id": "project-2", "user_id": "user-2"},
                "ports": [port],
                "bindings": {port["id"]: [node, "baremetal"]},
            }
        )
    return found


def providers(resources: Document) -> list[Document]:
    return [
        {
            "uuid": node,
            "inventories": {
                key: {**compare.WHOLE_NODE, "reserved": 1 if server else 0}
                for key in resources
            },
            "allocations": {server: resources} if server else {},
        }
        for node, (_number, server, _status, _power) in small_cloud.NODES.items()
    ]


def machines(seq: int) -> list[Document]:
    return [
        {
            **{"uuid": node, "name": f"machine-{number}", "mac": mac(number)},
            "macs": macs(number),
            "power": power,
            "boot_id": "boot-1" if server else None,
            "last_seq": seq if power == "on" else 3 if server else None,
        }
        for node, (number, server, _status, power) in small_cloud.NODES.items()
    ]


def service(status: str) -> Document:
    reason = "maintenance" if status == "disabled" else None
    names = {"binary": "nova-compute", "host": HOST}
    state = {"id": "service-1", "state": "up"}
    return {**names, **state, "status": status, "disabled_reason": reason}


def snapshot(seq: int, resources: Document, locked: bool, taken: float) -> Document:
    """:param taken: seconds since the begin of maintenance."""
    return {
        "taken_at": phases.BEGIN + taken,
        "base_driver": "nova_bm",
        "servers": servers(locked),
        "providers": providers(resources),
        "machines": machines(seq),
        "services": [service("disabled" if locked else "enabled")],
        "around": around(moved=CLASS in resources),
    }


def around(moved: bool) -> Document:
    """What instances lean on.

    :param moved: whether flavors ask for the nodes' class already.
    """
    flavor = small_cloud.flavor()
    held = [server for _number, server, *_ in small_cloud.NODES.values() if server]
    images = ("kernel-1", "ramdisk-1") if moved else ()
    return {
        "access": {"flavor-1": {"public": True, "projects": []}},
        "specs": {"flavor-1": flavor["new" if moved else "old"]},
        "images": dict.fromkeys(images, "active"),
        "contents": {uuid: ["raw", 9, "a hash"] for uuid in images},
        "fingerprints": dict.fromkeys(held, "digest:0"),
        "security groups": {
            f"port-{n}": [["group-1"], True] for n, *_ in small_cloud.NODES.values()
        },
        "consumers": {server: ["project-2", "user-2"] for server in held},
        "hypervisors": {node: node for node in small_cloud.NODES},
        "server groups": {server: [["apart", "anti-affinity"]] for server in held},
        "vifs": {
            f"port-{number}": {
                **{"status": "ACTIVE", "vif_type": "other", "profile": {}},
                **{"mtu": 1500, "served": [SERVED]},
            }
            for number, server, *_ in small_cloud.NODES.values()
            if server
        },
        "aggregates": {HOST: [["1", "zone-1", "digest:0"]]},
        "placement": {
            node: {"parent": None, "aggregates": ["shared"], "traits": ["CUSTOM_GOLD"]}
            for node in small_cloud.NODES
        },
        "nova_bm": {"bm_nodes": 1, "bm_interfaces": 2},
    }


def moved_nodes() -> list[Document]:
    return [
        {
            "uuid": node,
            "instance_uuid": server,
            "provision_state": "active" if server else "available",
            "power_state": f"power {power}",
            "maintenance": False,
            "last_error": None,
            "properties": {**SHAPE, "cpu_arch": "x86_64", "capabilities": BOOT_MODE},
            "driver": "ipmi",
            "conductor": HOST,
            "owner": "project-1",
            "resource_class": "baremetal",
            "network_interface": "flat",
            "interfaces": interfaces.PLAIN,
            **ironic_nodes.AS_MOVED,
            "deploy_kernel": "kernel-1",
            "deploy_ramdisk": "ramdisk-1",
            "ports": [
                {
                    "uuid": f"ironic-{number}",
                    "mac": mac(number),
                    "vif": f"port-{number}" if server else None,
                },
                {"uuid": f"ironic-{number}-0", "mac": macs(number)[0], "vif": None},
            ],
        }
        for node, (number, server, _status, power) in small_cloud.NODES.items()
    ]
