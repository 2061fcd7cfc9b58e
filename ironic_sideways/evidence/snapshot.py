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

"""The state of every instance and node now: before, after and ended.json.

Reads only. What is a tenant's own is kept as a digest (evidence/tenants.py). On a real
cloud it asks the APIs; on the lab it also asks each
machine's BMC and looks up its last heartbeat.
"""

import contextlib
import dataclasses
import time
from collections.abc import Callable, Collection
from concurrent import futures
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from openstack.connection import Connection

from ironic_sideways import exceptions, waits
from ironic_sideways.cloud import in_parallel, maintenance
from ironic_sideways.evidence import around, documents, heartbeat
from ironic_sideways.evidence.tenants import Digests

#: Placement's newest version whose provider and allocation bodies are read here.
PLACEMENT_VERSION = "placement 1.36"


@dataclasses.dataclass(frozen=True)
class Machines:
    """Where the lab's machines, BMC credentials and heartbeats are."""

    machines: Path
    vbmc_config: Path
    heartbeat: Path


def servers(cloud: Connection, digest: Digests) -> list[dict[str, Any]]:
    """All instances, by uuid, with their ports as Neutron has them."""
    found = []
    for server in cloud.compute.servers(details=True, all_projects=True):
        of_neutron = list(cloud.network.ports(device_id=server.id))
        ports = [
            {
                "id": port.id,
                "mac": port.mac_address,
                "fixed_ips": sorted(ip["ip_address"] for ip in port.fixed_ips),
            }
            for port in of_neutron
        ]
        found.append(
            {
                "uuid": server.id,
                "name": server.name,
                "project_id": server.project_id,
                "user_id": server.user_id,
                "status": server.status,
                "vm_state": server.vm_state,
                "task_state": server.task_state,
                "power_state": server.power_state,
                "host": server.compute_host,
                "node": server.hypervisor_hostname,
                "image": server.image.id if server.image else None,
                "flavor": server.flavor.original_name or server.flavor.name,
                "key_name": digest(server.key_name),
                "metadata": digest(dict(server.metadata or {})),
                "description": digest(server.description),
                "tags": digest(sorted(server.tags or ())),
                "user_data": digest(server.user_data),
                "hostname": digest(server.hostname),
                "access_ips": digest(
                    list(filter(None, (server.access_ipv4, server.access_ipv6)))
                ),
                "created_at": server.created_at,
                "launched_at": server.launched_at,
                "availability_zone": server.availability_zone,
                "config_drive": bool(server.has_config_drive),
                "locked": bool(server.is_locked),
                "locked_reason": (
                    maintenance.REASON
                    if server.locked_reason == maintenance.REASON
                    else digest(server.locked_reason)
                ),
                "ports": sorted(ports, key=lambda port: port["id"]),
                "bindings": {
                    port.id: [port.binding_host_id, port.binding_vnic_type]
                    for port in of_neutron
                },
            }
        )
    return sorted(found, key=lambda server: server["uuid"])


def of_placement(cloud: Connection) -> Callable[[str], Any]:
    """What Placement answers at a path."""
    headers = {"OpenStack-API-Version": PLACEMENT_VERSION}

    def get(path: str) -> Any:
        response = cloud.placement.get(path, headers=headers)
        response.raise_for_status()
        return response.json()

    return get


def providers(cloud: Connection) -> list[dict[str, Any]]:
    """All resource providers with inventories and allocations."""
    get = of_placement(cloud)
    return [
        {
            "uuid": provider["uuid"],
            "name": provider["name"],
            "inventories": get(f"/resource_providers/{provider['uuid']}/inventories")[
                "inventories"
            ],
            "allocations": {
                consumer: allocation["resources"]
                for consumer, allocation in get(
                    f"/resource_providers/{provider['uuid']}/allocations"
                )["allocations"].items()
            },
        }
        for provider in sorted(
            get("/resource_providers")["resource_providers"], key=lambda p: p["uuid"]
        )
    ]


def reserved(found: list[dict[str, Any]]) -> set[str]:
    """The nodes among :func:`providers` of which Placement gives nothing away."""
    return {
        provider["uuid"]
        for provider in found
        for inventory in provider["inventories"].values()
        if inventory["reserved"] >= inventory["total"]
    }


def services(cloud: Connection) -> list[dict[str, Any]]:
    """The compute services: host, binary, state and status."""
    return [
        {
            "id": service.id,
            "host": service.host,
            "binary": service.binary,
            "state": service.state,
            "status": service.status,
            "disabled_reason": service.disabled_reason,
        }
        for service in cloud.compute.services()
    ]


#: The kinds of Ironic's interfaces that do not depend on the deployment; it has a
#: column for each, as for boot, deploy and network.
INTERFACES = (
    *("bios", "console", "firmware", "inspect", "management", "power", "raid"),
    *("rescue", "storage", "vendor"),
)

#: What of a node's properties the move writes (migrate/mapping.py).
SHAPE = ("cpus", "memory_mb", "local_gb", "cpu_arch", "capabilities")


def ironic_nodes(cloud: Connection) -> list[dict[str, Any]]:
    """All Ironic nodes with their ports; ``cloud`` must see nodes of all owners."""
    ports: dict[str, list[dict[str, Any]]] = {}
    for port in cloud.baremetal.ports(details=True):
        ports.setdefault(port.node_id, []).append(
            {
                "uuid": port.id,
                "mac": port.address,
                "vif": (port.internal_info or {}).get("tenant_vif_port_id"),
            }
        )
    return [
        {
            "uuid": node.id,
            "instance_uuid": node.instance_id,
            "provision_state": node.provision_state,
            "power_state": node.power_state,
            "maintenance": node.is_maintenance,
            "last_error": node.last_error,
            "fault": node.fault,
            "properties": {key: (node.properties or {}).get(key) for key in SHAPE},
            "driver": node.driver,
            "network_interface": node.network_interface,
            "boot_interface": node.boot_interface,
            "deploy_interface": node.deploy_interface,
            "interfaces": {
                kind: getattr(node, f"{kind}_interface") for kind in INTERFACES
            },
            "console_enabled": node.is_console_enabled,
            "automated_clean": node.is_automated_clean_enabled,
            "target_power_state": node.target_power_state,
            "bmc": (node.driver_info or {}).get("ipmi_address"),
            "resource_class": node.resource_class,
            "owner": node.owner,
            "conductor": node.conductor,
            "protected": node.is_protected,
            "retired": node.is_retired,
            "deploy_kernel": (node.driver_info or {}).get("deploy_kernel"),
            "deploy_ramdisk": (node.driver_info or {}).get("deploy_ramdisk"),
            "ports": ports.get(node.id, []),
        }
        for node in sorted(cloud.baremetal.nodes(details=True), key=lambda n: n.id)
    ]


#: A node in use, and a free one (ironic.common.states).
AT_REST = ("active", "available")

#: What of a node no trial changes for good, and what is on it.
LASTING = (
    *("uuid", "instance_uuid", "provision_state", "maintenance"),
    *("driver", "network_interface"),
    *("boot_interface", "bmc", "resource_class", "owner", "conductor"),
    *("protected", "retired"),
)


#: Seconds for the last nodes to be cleaned when the trials are over.
REST_TIMEOUT = 300.0


def last_look(cloud: Connection, timeout: float = REST_TIMEOUT) -> dict[str, Any]:
    """The nodes once more, when all trials are over: last-look.json.

    :param timeout: seconds for each node to be in use or free; what is not by then is
        recorded as it is, for the verdict.
    """
    nodes: list[dict[str, Any]] = []

    def look() -> list[dict[str, Any]]:
        nodes[:] = ironic_nodes(cloud)
        return nodes

    with contextlib.suppress(exceptions.WaitExpired):
        waits.wait_for(
            look,
            lambda nodes: all(n["provision_state"] in AT_REST for n in nodes),
            "each node to be in use or free",
            timeout,
            interval=2,
        )
    taken_at = time.time()
    kept = [{key: node[key] for key in LASTING} for node in nodes]
    return {"taken_at": taken_at, "nodes": kept}


def machines(where: Machines) -> list[dict[str, Any]]:
    """Each machine's power by its BMC, and its newest boot id and sequence."""
    from ironic_sideways import ipmi
    from ironic_sideways.hardware import bmc

    credentials = bmc.credentials(where.vbmc_config)
    newest = heartbeat.newest(where.heartbeat)

    def one(machine: dict[str, Any]) -> dict[str, Any]:
        heard = [newest[mac] for mac in machine["macs"] if mac in newest]
        last = max(heard, key=lambda stream: stream.last_time, default=None)
        return {
            "uuid": machine["uuid"],
            "name": machine["name"],
            # Of the NIC that has the address; the first where none was heard.
            "mac": last.mac if last else machine["macs"][0],
            "macs": machine["macs"],
            "bmc": credentials[machine["name"]].bmc.address,
            "power": ipmi.power_status(credentials[machine["name"]].bmc),
            "boot_id": last.boot_id if last else None,
            "last_seq": last.last_seq if last else None,
        }

    # A thousand BMCs one after the other would hold up the window for a minute.
    with futures.ThreadPoolExecutor(in_parallel.WORKERS) as pool:
        return list(pool.map(one, documents.read(where.machines)))


def of_hosts(
    snapshot: dict[str, Any], hosts: Collection[str], nodes: Collection[str]
) -> dict[str, Any]:
    """Of a snapshot, what belongs to these compute hosts and their ``nodes``.

    Users of other hosts go on: what they create, change and delete is no concern.
    """
    kept: dict[str, Any] = {
        key: [one for one in snapshot[key] if one[field] in wanted]
        for key, field, wanted in (
            ("servers", "host", hosts),
            *((key, "uuid", nodes) for key in ("providers", "machines")),
            ("ironic_nodes", "uuid", nodes),
        )
        if key in snapshot
    }
    if "around" in snapshot:
        kept["around"] = around.of_hosts(
            snapshot["around"], kept["servers"], kept["providers"], hosts
        )
    return snapshot | kept


def take(
    cloud: Connection,
    base_driver: str,
    where: Machines | None,
    ironic: Connection | None,
    digest: Digests,
    nova_bm: sa.Engine | None = None,
) -> dict[str, Any]:
    """One snapshot; ``where`` and ``ironic`` may be None, and are absent then.

    :param base_driver: "nova_bm", or "fake", whose nodes hold no instance.
    :param nova_bm: the source database.
    """
    held, provided = servers(cloud, digest), providers(cloud)
    binaries = services(cloud)
    hosts = {one["host"] for one in binaries if one["binary"] == "nova-compute"}
    snapshot: dict[str, Any] = {
        "taken_at": time.time(),
        "base_driver": base_driver,
        "servers": held,
        "providers": provided,
        "services": binaries,
        "around": around.take(
            cloud, held, provided, hosts, of_placement(cloud), digest, nova_bm
        ),
    }
    if where is not None:
        snapshot["machines"] = machines(where)
    if ironic is not None:
        snapshot["ironic_nodes"] = ironic_nodes(ironic)
    return snapshot
