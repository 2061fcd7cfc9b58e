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

"""Whenever no operation runs, Nova, Ironic and Placement must agree."""

from typing import Any

from openstack.connection import Connection

from ironic_sideways import resource_class, waits
from ironic_sideways.evidence import snapshot, tenants

#: Seconds until an operation's effects are settled, nova-compute's next periodic
#: resource update included.
SETTLE_TIMEOUT = 150.0

Document = dict[str, Any]


def look(admin: Connection, ironic: Connection) -> Document:
    """All nodes, compute nodes, providers and servers.

    :param ironic: who sees the nodes of all owners.
    """
    return {
        "nodes": snapshot.ironic_nodes(ironic),
        "providers": snapshot.providers(admin),
        "hypervisors": [
            hypervisor.name for hypervisor in admin.compute.hypervisors(details=False)
        ],
        "servers": snapshot.servers(admin, tenants.of_moment()),
    }


def faults(seen: Document) -> list[str]:
    """Where they disagree, as text for a person."""
    servers = {server["uuid"]: server for server in seen["servers"]}
    providers: dict[str, list[Document]] = {}
    for provider in seen["providers"]:
        providers.setdefault(provider["name"], []).append(provider)
    found = []
    for node in seen["nodes"]:
        uuid, instance = node["uuid"], node["instance_uuid"]
        server = servers.get(instance)
        state = "active" if instance else "available"
        if node["provision_state"] != state or node["last_error"]:
            found.append(
                f"node {uuid} is {node['provision_state']}, expected {state}"
                f" (last error: {node['last_error']})"
            )
        if instance and (server is None or server["node"] != uuid):
            found.append(
                f"node {uuid} holds instance {instance}, Nova has it elsewhere"
            )
        count = seen["hypervisors"].count(uuid)
        if count != 1:
            found.append(f"node {uuid} is {count} compute nodes")
        found += provider_faults(node, providers.pop(uuid, []))
    found += [f"provider {name} belongs to no node" for name in providers]
    held = {node["instance_uuid"] for node in seen["nodes"]}
    for uuid, server in servers.items():
        if server["task_state"]:
            found.append(f"instance {uuid} is in task state {server['task_state']}")
        if server["node"] and uuid not in held:
            found.append(f"instance {uuid} is on no node of Ironic")
    return found


def provider_faults(node: Document, providers: list[Document]) -> list[str]:
    """What is wrong with the provider of ``node``, of which there is one."""
    uuid, instance = node["uuid"], node["instance_uuid"]
    if [provider["uuid"] for provider in providers] != [uuid]:
        return [f"node {uuid} has {len(providers)} providers"]
    unit = {resource_class.normalise(node["resource_class"]): 1}
    expected = {instance: unit} if instance else {}
    found = providers[0]["allocations"]
    if found != expected:
        return [f"node {uuid}: {found} allocated, not {expected}"]
    if not instance and uuid in snapshot.reserved(providers):
        return [f"node {uuid} is free, and Placement does not offer it"]
    return []


def leaked(seen: Document) -> list[str]:
    """The nodes that Ironic holds for an instance that Nova does not have."""
    servers = {server["uuid"] for server in seen["servers"]}
    return [
        node["uuid"]
        for node in seen["nodes"]
        if node["instance_uuid"] and node["instance_uuid"] not in servers
    ]


def recorded(seen: Document) -> list[Document]:
    """Of ``look``, what evidence keeps of each node: its state and its providers."""
    return [
        {
            "uuid": node["uuid"],
            "instance": node["instance_uuid"],
            "provision_state": node["provision_state"],
            "compute_nodes": seen["hypervisors"].count(node["uuid"]),
            "providers": [
                provider["uuid"]
                for provider in seen["providers"]
                if provider["name"] == node["uuid"]
            ],
        }
        for node in seen["nodes"]
    ]


def settle(admin: Connection, ironic: Connection) -> Document:
    """Wait until all agree; what was seen then.

    :raises WaitExpired: names what still does not.
    """
    return waits.wait_for(
        lambda: look(admin, ironic),
        lambda seen: not faults(seen),
        "Nova, Ironic and Placement to agree",
        SETTLE_TIMEOUT,
        interval=2,
        seen=lambda seen: "; ".join(faults(seen)),
    )
