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

"""What instances depend on: the part ``around`` of a snapshot.

It has a value for each key of each kind. What the move changes on purpose is judged by
the subject of what changes it; all else is as before (evidence/compare.py).
"""

from collections.abc import Callable, Collection
from typing import Any

import sqlalchemy as sa
from openstack.connection import Connection

from ironic_sideways.cloud import in_parallel
from ironic_sideways.evidence import compare
from ironic_sideways.evidence.tenants import Digests
from ironic_sideways.nova_bm import database

Kind = dict[str, Any]


def checksums(engine: sa.Engine) -> dict[str, int | None]:
    """A checksum of each table's rows; equal as long as no row was touched."""
    with database.connect(engine) as connection:
        names = sorted(sa.inspect(connection).get_table_names())
        quote = engine.dialect.identifier_preparer.quote
        return {
            name: connection.execute(sa.text(f"CHECKSUM TABLE {quote(name)}")).one()[1]
            for name in names
        }


def flavors(cloud: Connection) -> dict[str, Kind]:
    """Who may use each flavor, by its id, and its extra specs; private ones too."""
    access, specs = {}, {}
    for flavor in cloud.compute.flavors(
        details=True, is_public="None", get_extra_specs=True
    ):
        named = []
        if not flavor.is_public:
            found = cloud.compute.get_flavor_access(flavor.id)
            named = sorted(one["tenant_id"] for one in found)
        access[flavor.id] = {"public": flavor.is_public, "projects": named}
        specs[flavor.id] = dict(flavor.extra_specs)
    return {"access": access, "specs": specs}


def images(cloud: Connection, servers: list[Kind], specs: Kind) -> dict[str, Kind]:
    """Of each image that an instance or a flavor names: its status, None if it is gone.

    And what is in it: format, size and hash. Glance lets nobody change those.
    """
    named = sorted(compare.named_images(servers, specs))
    found = {uuid: cloud.image.find_image(uuid) for uuid in named}
    return {
        "images": {
            uuid: image.status if image else None for uuid, image in found.items()
        },
        "contents": {
            uuid: [image.disk_format, image.size, image.hash_value or image.checksum]
            for uuid, image in found.items()
            if image
        },
    }


def fingerprints(cloud: Connection, digest: Digests) -> Kind:
    """Of each instance's key pair, as its user has it under that name; None: gone."""
    known: dict[str, Kind] = {}
    found = {}
    for server in cloud.compute.servers(details=True, all_projects=True):
        if server.user_id not in known:
            pairs = cloud.compute.keypairs(user_id=server.user_id)
            known[server.user_id] = {pair.name: pair.fingerprint for pair in pairs}
        found[server.id] = digest(known[server.user_id].get(server.key_name))
    return found


def ports_of_instances(cloud: Connection) -> list[Any]:
    return [
        port
        for port in cloud.network.ports()
        if (port.device_owner or "").startswith("compute:")
    ]


def security_groups(ports: list[Any]) -> Kind:
    """Of each instance's port."""
    return {
        port.id: [sorted(port.security_group_ids or ()), port.is_port_security_enabled]
        for port in ports
    }


def consumers(providers: list[Kind], get: Callable[[str], Any]) -> Kind:
    """Project and user of each consumer of an allocation."""
    held = sorted({uuid for one in providers for uuid in one["allocations"]})
    found = {uuid: get(f"/allocations/{uuid}") for uuid in held}
    return {uuid: [one["project_id"], one["user_id"]] for uuid, one in found.items()}


def vifs(cloud: Connection, ports: list[Any], digest: Digests) -> Kind:
    """Of each instance's port: what became of its binding, and what its DHCP tells.

    That is MTU, router and name servers, by subnet.
    """
    mtus = {one.id: one.mtu for one in cloud.network.networks()}
    served = {
        one.id: {
            "dhcp": one.is_dhcp_enabled,
            "router": one.gateway_ip,
            "dns": digest(one.dns_nameservers),
        }
        for one in cloud.network.subnets()
    }
    return {
        port.id: {
            "status": port.status,
            "vif_type": port.binding_vif_type,
            "profile": port.binding_profile,
            "mtu": mtus.get(port.network_id),
            "served": [
                served.get(subnet)
                for subnet in sorted(str(ip["subnet_id"]) for ip in port.fixed_ips)
            ],
        }
        for port in ports
    }


def actions(cloud: Connection, servers: list[Kind]) -> Kind:
    """Of each instance: when it was acted on, how and by whom, in order of time."""

    def of_one(uuid: str) -> list[Kind]:
        # Nova tells the last first.
        return [
            {"at": one.start_time, "action": one.action, "user_id": one.user_id}
            for one in reversed(list(cloud.compute.server_actions(uuid)))
        ]

    uuids = [server["uuid"] for server in servers]
    return in_parallel.look(uuids, of_one, lambda done: None)


def server_groups(cloud: Connection, servers: list[Kind]) -> Kind:
    """Of each instance: the groups that it is a member of, with their policies."""
    groups = list(cloud.compute.server_groups(all_projects=True))
    return {
        server["uuid"]: sorted(
            [group.id, group.policy]
            for group in groups
            if server["uuid"] in (group.member_ids or ())
        )
        for server in servers
    }


def aggregates(cloud: Connection, hosts: Collection[str], digest: Digests) -> Kind:
    """Of each compute host: its aggregates, with their availability zone."""
    found = list(cloud.compute.aggregates())
    return {
        host: sorted(
            [str(one.id), one.availability_zone, digest(one.metadata)]
            for one in found
            if host in (one.hosts or ())
        )
        for host in hosts
    }


#: Traits that nova-compute sets and withdraws by itself: what its driver is able to do,
#: and that its service is disabled (nova.virt.driver.CAPABILITY_TRAITS_MAP).
OF_COMPUTE = "COMPUTE_"


def placement(get: Callable[[str], Any]) -> Kind:
    """Of each resource provider: its parent, its aggregates, and traits given to it.

    IronicDriver gives a provider the traits of its node, and takes others away
    (update_provider_tree): what an operator gave it on the base is lost unless the
    node has it.
    """
    parents = {
        one["uuid"]: one["parent_provider_uuid"]
        for one in get("/resource_providers")["resource_providers"]
    }

    def one(uuid: str) -> Kind:
        path = f"/resource_providers/{uuid}"
        traits = get(f"{path}/traits")["traits"]
        return {
            "parent": parents[uuid],
            "aggregates": sorted(get(f"{path}/aggregates")["aggregates"]),
            "traits": sorted(t for t in traits if not t.startswith(OF_COMPUTE)),
        }

    return in_parallel.look(sorted(parents), one, lambda done: None)


def take(
    cloud: Connection,
    servers: list[Kind],
    providers: list[Kind],
    hosts: Collection[str],
    get: Callable[[str], Any],
    digest: Digests,
    nova_bm: sa.Engine | None,
) -> dict[str, Kind]:
    """:param servers: and ``providers``, as the snapshot has them.

    :param hosts: the compute hosts.
    :param get: asks Placement.
    :param nova_bm: the source database, if it can be read.
    """
    flavor, ports = flavors(cloud), ports_of_instances(cloud)
    found = {
        **flavor,
        **images(cloud, servers, flavor["specs"]),
        "fingerprints": fingerprints(cloud, digest),
        "security groups": security_groups(ports),
        "consumers": consumers(providers, get),
        "hypervisors": {one.id: one.name for one in cloud.compute.hypervisors()},
        "server groups": server_groups(cloud, servers),
        "aggregates": aggregates(cloud, hosts, digest),
        "placement": placement(get),
        "vifs": vifs(cloud, ports, digest),
        "actions": actions(cloud, servers),
    }
    return found | ({"nova_bm": checksums(nova_bm)} if nova_bm is not None else {})


def of_hosts(
    whole: dict[str, Kind],
    servers: list[Kind],
    providers: list[Kind],
    hosts: Collection[str],
) -> dict[str, Kind]:
    """Of what :func:`take` found, what these hosts, servers and nodes lean on.

    Flavors are everybody's. What other hosts' own nova-compute writes in nova_bm is no
    concern of these.
    """
    nodes = {one["uuid"] for one in providers}
    uuids = {one["uuid"] for one in servers}
    ports = {port["id"] for one in servers for port in one["ports"]}
    wanted = {
        **dict.fromkeys(
            ("images", "contents"), compare.named_images(servers, whole["specs"])
        ),
        **dict.fromkeys(("fingerprints", "server groups", "actions"), uuids),
        **dict.fromkeys(("security groups", "vifs"), ports),
        "consumers": {uuid for one in providers for uuid in one["allocations"]},
        "hypervisors": {
            uuid for uuid, name in whole["hypervisors"].items() if name in nodes
        },
        "aggregates": hosts,
        "placement": nodes,
    }
    return {
        kind: {key: value for key, value in found.items() if key in wanted[kind]}
        if kind in wanted
        else found
        for kind, found in whole.items()
        if kind != "nova_bm"
    }
