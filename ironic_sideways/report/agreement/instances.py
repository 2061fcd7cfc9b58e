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

"""Of the instances: what was recorded for an undo, and what each look tells of them."""

import ipaddress
from collections.abc import Iterator
from pathlib import Path

from ironic_sideways import resource_class
from ironic_sideways.evidence import accepted, compare, documents, heartbeat, migration
from ironic_sideways.report import window
from ironic_sideways.report.agreement.looks import Document, snapshots

#: What of a machine's disks its heartbeats carry.
DISKS = ("root", "marker", "ephemeral")


def workload(directory: Path, before: Document) -> Iterator[str]:
    """The instances that must survive are in before.json what they are here."""
    servers = compare.by(before["servers"], "uuid")
    machines = {machine["mac"]: machine for machine in before["machines"]}
    told_of = documents.read(directory / "workload.json")["servers"]
    if wrong := compare.mismatch(servers, [wanted["uuid"] for wanted in told_of]):
        yield wrong
    for wanted in told_of:
        server = servers.get(wanted["uuid"])
        if server is None:
            continue
        ports = [port for port in server["ports"] if port["mac"] == wanted["mac"]]
        found = {
            **{key: server[key] for key in ("name", "status", "image", "flavor")},
            "port": ports[0]["id"] if ports else None,
            "fixed_ips": ports[0]["fixed_ips"] if ports else None,
            "boot_id": machines.get(wanted["mac"], {}).get("boot_id"),
        }
        # Image and flavor are not recorded by an earlier version.
        if wrong := compare.differences(wanted, found, found.keys() & wanted.keys()):
            yield f"{wanted['uuid']}: {wrong}"


def workload_boots(directory: Path, before: Document) -> Iterator[str]:
    """How each instance boots, and its disks, are what others tell.

    Those are migration.json and its own heartbeats; what was made of one image boots
    one root file system.
    """
    boots = {
        row["instance_uuid"]: row["boot"]
        for row in migration.rows(directory / "migration.json")
    }
    images = {server["uuid"]: server["image"] for server in before["servers"]}
    streams = heartbeat.read_streams(directory / "heartbeat.jsonl")
    heard = {(stream.mac, stream.boot_id): stream for stream in streams}
    roots: dict[str, str] = {}
    for wanted in documents.read(directory / "workload.json")["servers"]:
        uuid = wanted["uuid"]
        stream = heard.get((wanted["mac"], wanted["boot_id"]))
        disks = {key: getattr(stream, key, None) for key in DISKS if key in wanted}
        found = {"boot": boots.get(uuid), **disks}
        if wrong := compare.differences(wanted, found, found):
            yield f"{uuid}: {wrong}"
        image, root = images.get(uuid), disks.get("root")
        if image and root and roots.setdefault(image, root) != root:
            yield f"{uuid}: root {root}, others of image {image}: {roots[image]}"


def allocations(directory: Path, before: Document) -> Iterator[str]:
    """What each provider held is what before.json saw, and its owner the server's."""
    document = documents.read(directory / "allocations.json")
    providers = compare.by(before["providers"], "uuid")
    servers = compare.by(before["servers"], "uuid")
    classes = migration.classes(directory / "migration.json")
    names = {u: resource_class.normalise(name) for u, name in classes.items()}
    if wrong := compare.mismatch(providers.keys() & names.keys(), document["nodes"]):
        yield f"nodes: {wrong}"
    if beside := set(document["new_classes"]) - set(names.values()):
        yield f"new classes that no node has: {sorted(beside)}"
    for uuid in providers.keys() & document["nodes"].keys():
        node = document["nodes"][uuid]
        wanted = {
            "resource_class": names.get(uuid),
            "inventories": providers[uuid]["inventories"],
            "allocations": {
                consumer: {
                    "resources": held,
                    **{
                        key: servers.get(consumer, {}).get(key)
                        for key in ("project_id", "user_id")
                    },
                }
                for consumer, held in providers[uuid]["allocations"].items()
            },
        }
        if wrong := compare.differences(wanted, node, wanted):
            yield f"{uuid}: {wrong}"


def consumers(directory: Path, before: Document) -> Iterator[str]:
    """An allocation is its instance's project's and user's, in each look."""
    for name, snapshot in snapshots(directory):
        told = snapshot["around"]["consumers"]
        for server in snapshot["servers"]:
            wanted = [server["project_id"], server["user_id"]]
            if told.get(server["uuid"], wanted) != wanted:
                found = told[server["uuid"]]
                yield f"{name}: {server['uuid']}: {found}, expected {wanted}"


def leaning(directory: Path, before: Document) -> Iterator[str]:
    """What instances lean on is told of each of them, in each look.

    And an image holds in each what it held in the first that names it.
    """
    kinds, contents = before["around"].keys(), dict[str, list[str]]()
    for name, look in snapshots(directory):
        around, servers = look["around"], look["servers"]
        wanted = {
            "access": around["specs"].keys(),
            "fingerprints": {server["uuid"] for server in servers},
            "security groups": {
                port["id"] for server in servers for port in server["ports"]
            },
            "consumers": {
                uuid for one in look["providers"] for uuid in one["allocations"]
            },
            "hypervisors": {one["uuid"] for one in look["machines"]},
            "server groups": {server["uuid"] for server in servers},
            "actions": {server["uuid"] for server in servers},
            "vifs": {port["id"] for server in servers for port in server["ports"]},
            "aggregates": {server["host"] for server in servers} - {None},
            "placement": {one["uuid"] for one in look["providers"]},
        }
        if not window.of_one_host(directory):
            # Where one host moves after the other, the others still write in it.
            wanted["nova_bm"] = {"bm_nodes", "bm_interfaces"}
        if wrong := compare.mismatch(kinds, around):
            yield f"{name}: {wrong}"
        # Not recorded by an earlier version.
        if "contents" in around:
            wanted["contents"] = {u for u, status in around["images"].items() if status}
        for uuid, held in around.get("contents", {}).items():
            if contents.setdefault(uuid, held) != held:
                yield f"{name}: image {uuid}: {contents[uuid]} became {held}"
        for kind, keys in wanted.items():
            if lacks := sorted(keys - around.get(kind, {}).keys()):
                yield f"{name}: {kind}: none of {', '.join(lacks[:3])}"


def port_bindings(directory: Path, before: Document) -> Iterator[str]:
    """The old binding of each port is the one that before.json saw."""
    found = documents.read(directory / "port-bindings.json")["ports"]
    wanted = {
        port["id"]: {
            "instance": server["uuid"],
            "node": server["node"],
            "old": dict(
                zip(
                    ("host_id", "vnic_type"),
                    server["bindings"].get(port["id"], ()),
                    strict=False,
                )
            ),
        }
        for server in before["servers"]
        for port in server["ports"]
    }
    if wrong := compare.mismatch(wanted, found):
        yield wrong
    for uuid in wanted.keys() & found.keys():
        if wrong := compare.differences(wanted[uuid], found[uuid], wanted[uuid]):
            yield f"{uuid}: {wrong}"


#: What Nova calls an instance at rest: its ``vm_state`` and ``power_state``.
AT_REST = {"ACTIVE": ("active", 1), "SHUTOFF": ("stopped", 4)}


def at_rest(directory: Path, before: Document) -> Iterator[str]:
    """Each instance was at rest on a host of the cloud when maintenance began.

    What was broken by then proves nothing by being so afterwards.
    """
    hosts = {one["host"] for one in before["services"]} | {None}
    for server in before["servers"]:
        uuid, status = server["uuid"], server["status"]
        if status not in AT_REST or server["task_state"]:
            yield f"{uuid} was {status}, task {server['task_state']}"
            continue
        found = server["vm_state"], server["power_state"]
        # Not recorded by every base.
        if any(
            one not in (None, wanted)
            for one, wanted in zip(found, AT_REST[status], strict=True)
        ):
            yield f"{uuid} was {status}, but {found}"
        if server["host"] not in hosts:
            yield f"{uuid} was on {server['host']}, services on {hosts - {None}}"
    used = {server["host"] for server in before["servers"]}
    for one in before["services"]:
        # Another compute host of the cloud may be down, before and after.
        ours = one["binary"] != "nova-compute" or one["host"] in used
        if ours and one["state"] != "up":
            yield f"{one['binary']} of {one['host']} was {one['state']}"


def bound(directory: Path, before: Document) -> Iterator[str]:
    """Each port whose binding was changed is bound to its node from then on."""
    told = documents.read(directory / "port-bindings.json")["ports"]
    for name, snapshot in snapshots(directory):
        if name == "before.json":
            continue
        for server in snapshot["servers"]:
            for port, binding in server["bindings"].items():
                wanted = [told[port]["node"], "baremetal"] if port in told else binding
                if binding != wanted:
                    yield f"{name}: port {port}: {binding}, expected {wanted}"


#: What Neutron calls a port that serves nobody (neutron_lib, portbindings).
NOT_BOUND = ("unbound", "binding_failed")


def vifs(directory: Path, before: Document) -> Iterator[str]:
    """A port is bound and served as before, with the same profile, and up if it was.

    To be bound anew may bring one up that was down.
    """
    for name, look in snapshots(directory):
        told = look["around"]["vifs"]
        for port, was in before["around"]["vifs"].items():
            now = told.get(port, was)
            if now["vif_type"] in NOT_BOUND or was["status"] not in ("ACTIVE", "DOWN"):
                yield f"{name}: port {port}: {now}, {was['status']} before"
            elif wrong := compare.differences(
                was | ({"status": "ACTIVE"} if now["status"] == "ACTIVE" else {}), now
            ):
                yield f"{name}: port {port}: {wrong}"


def bindings(directory: Path, before: Document) -> Iterator[str]:
    """A port's binding is after the end what it was in the window."""
    after, ended = (documents.read(directory / f"{w}.json") for w in ("after", "ended"))
    after = accepted.applied(accepted.read(directory), after, ended)
    after = compare.by(after["servers"], "uuid")
    for server in ended["servers"]:
        was = after.get(server["uuid"], server)["bindings"]
        if wrong := compare.differences(was, server["bindings"]):
            yield f"ended.json: {server['uuid']}: {wrong}"


def providers(directory: Path, before: Document) -> Iterator[str]:
    """A provider's name does not change."""
    names = {p["uuid"]: p.get("name") for p in before["providers"]}
    for name, snapshot in snapshots(directory):
        for one in snapshot["providers"]:
            if one["uuid"] in names and one.get("name") != names[one["uuid"]]:
                yield f"{name}: provider {one['uuid']}: name {one.get('name')}"


def reasons(directory: Path, before: Document) -> Iterator[str]:
    """All that the window locked and disabled it did for one reason."""
    after = documents.read(directory / "after.json")
    now = compare.by(after["servers"], "uuid")
    was = {one["id"]: one for one in before["services"]}
    told = {
        now[server["uuid"]]["locked_reason"]
        for server in before["servers"]
        if server["uuid"] in now and not server["locked"]
    }
    told |= {
        one["disabled_reason"]
        for one in after["services"]
        if one["status"] == "disabled"
        and was.get(one["id"], {}).get("status") == "enabled"
    }
    if len(told) > 1:
        yield f"{sorted(map(str, told))}"


def flavors(directory: Path, before: Document) -> Iterator[str]:
    """Each instance's flavor is one of those that were updated."""
    found = documents.read(directory / "flavors.json")["flavors"].values()
    names = {flavor["name"] for flavor in found}
    for server in before["servers"]:
        if server["flavor"] and server["flavor"] not in names:
            yield f"{server['uuid']} has {server['flavor']}; updated: {sorted(names)}"


SERVERS = ("server-ip-address", "tftp-server")

BOOT_OPTIONS = {"bootfile-name", *SERVERS}


def boot_options(directory: Path, before: Document) -> Iterator[str]:
    """Each port lost all of nova-baremetal's options, which name one server."""
    ports = documents.read(directory / "dhcp-options.json")["ports"]
    for uuid, port in ports.items():
        old = port["old"]
        if wrong := compare.mismatch(BOOT_OPTIONS, old):
            yield f"{uuid}: {wrong}"
            continue
        try:
            servers = {ipaddress.ip_address(old[key]) for key in SERVERS}
        except ValueError as error:
            yield f"{uuid}: {error}"
            continue
        if len(servers) > 1:
            yield f"{uuid}: {sorted(map(str, servers))}"
