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

"""What the moved cloud was asked to do: on instances, and through Nova's old API."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ironic_sideways import resource_class
from ironic_sideways.evidence import compare, documents, heartbeat, migration
from ironic_sideways.evidence.compare import Check
from ironic_sideways.report import boots, deploys, window
from ironic_sideways.report.findings import Finding

#: A new server on the node of a survivor that was deleted.
REDEPLOYED = "redeploy"
#: How many soft reboots its operation makes.
SOFT = 2

#: What a moved cloud must do; the plain fake driver's base leaves no survivor.
OPERATIONS = {
    "nova_bm": {
        "new server",
        "hard reboot",
        "net-booted reboot",
        "refused rebuild",
        "net-booted again",
        "net-booted rebuild",
        "rebuilt reboot",
        "rebuilt start",
        "rebuild",
        "stop and start",
        "soft reboots",
        "refused preserve",
        "refused rescue",
        "hard reboots",
        "start",
        "delete",
        REDEPLOYED,
    },
    "fake": {"new server"},
}
#: Of these, what is done to an instance that was there before the move.
ON_SURVIVORS = (OPERATIONS["nova_bm"] - OPERATIONS["fake"] - {REDEPLOYED}) | {
    deploys.CLEANED
}
#: And of these, to one that boots over the network.
ON_NET_BOOTED = {
    *("net-booted reboot", "refused rebuild", "net-booted again"),
    *("net-booted rebuild", "rebuilt reboot", "rebuilt start"),
    *("soft reboots", "refused preserve", "refused rescue", "hard reboots"),
}
#: What ends in a boot that was not before.
BOOTING = {
    *(ON_SURVIVORS - {"refused rebuild", "refused preserve", "delete"}),
    *("new server", REDEPLOYED, deploys.AFTER_CLEANING, deploys.BESIDE),
} - {deploys.CLEANED}

#: What the moved cloud's bare-metal API must have been seen to do, among others.
PROXY = {
    "the owner's admin lists its nodes with their interfaces",
    "another admin's list is empty",
    "no project's admin sees a node without owner",
    "system_admin is refused by Nova's policy",
    "member is refused by Nova's policy",
    "reader is refused by Nova's policy",
    "no token is 401",
    "an expired token is 401",
    "the four writes are 404 for admin",
    "requests side by side never mix",
    "tempest.lib's client and schema",
    "baremetal-node-list",
    "baremetal-node-show",
    "baremetal-interface-list",
    "Nova's own show is ours, field by field",
    "without Ironic it is 503",
    "no token in the services' logs",
}


def net_boots(directory: Path, before: dict[str, Any]) -> Iterator[Check]:
    """Each net-booted survivor sends heartbeats again, from the same disks.

    They carry its root file system: it found kernel, ramdisk and arguments without the
    base. And what its first boot wrote there and on its ephemeral disk is there still.
    """
    streams = heartbeat.read_streams(directory / "heartbeat.jsonl")
    # A free machine's last boot was of an instance that is gone.
    holders = {server["node"] for server in before["servers"]}
    survived = {
        (machine["mac"], machine["boot_id"])
        for machine in before["machines"]
        if machine["uuid"] in holders
    }
    disks = {
        s.mac: (s.root, s.marker, s.ephemeral)
        for s in streams
        if s.root and (s.mac, s.boot_id) in survived
    }
    operated = window.bounds(directory).operated
    again = {
        s.mac
        for s in streams
        if s.first_time > operated
        and disks.get(s.mac) == (s.root, s.marker, s.ephemeral)
    }
    silent = ", ".join(sorted(disks.keys() - again))
    detail = f"of {len(disks)} net-booted before, not again from its disks: {silent}"
    yield Check("net-booted again", bool(disks) and not silent, detail)
    kept = [mac for mac in again if disks[mac][2]]
    detail = f"of a survivor: {', '.join(kept) or 'none'}"
    yield Check("ephemeral disk kept", bool(kept), detail)


def as_they_boot(directory: Path, found: list[dict[str, Any]]) -> Iterator[Check]:
    """What must be tried on a net-booted instance was tried on one."""
    rows = migration.rows(directory / "migration.json")
    boots = {row["instance_uuid"]: row["boot"] for row in rows}
    for operation in found:
        name, instance = operation["name"], operation.get("instance")
        if operation["ok"] and name in ON_NET_BOOTED:
            detail = f"instance {instance} boots from: {boots.get(instance)}"
            yield Check(f"boot, {name}", boots.get(instance) == "network", detail)


def softly(
    directory: Path, found: list[dict[str, Any]], before: dict[str, Any]
) -> Iterator[Check]:
    """A soft reboot is one: the BMC was asked to let the guest switch itself off.

    Nova takes a hard one where Ironic has no soft one, and tells in its log alone.
    """
    if not (directory / "bmc.json").exists():
        # The BMCs' own subject says so.
        return
    nodes = {server["uuid"]: server["node"] for server in before["servers"]}
    names = {machine["uuid"]: machine["name"] for machine in before["machines"]}
    since, until = window.bounds(directory).operated, boots.operated_until(directory)
    for operation in found:
        if operation["ok"] and operation["name"] == "soft reboots":
            domain = names.get(nodes.get(operation["instance"], ""))
            sent = sum(
                command["domain"] == domain
                and command["command"] == "soft"
                and since < command["time"] <= until
                for command in documents.read(directory / "bmc.json")["commands"]
            )
            detail = f"{domain}: {sent} soft commands to its BMC, expected {SOFT}"
            yield Check("softly rebooted", sent == SOFT, detail)


def redeployed(
    directory: Path, found: list[dict[str, Any]], before: dict[str, Any]
) -> Iterator[Check]:
    """The deleted survivor's node took a new server, which boots nothing of the old."""
    nodes = {server["uuid"]: server["node"] for server in before["servers"]}
    deleted = {o.get("node"): o for o in found if o["name"] == "delete" and o["ok"]}
    for node, operation in deleted.items():
        wanted = nodes.get(operation["instance"])
        detail = f"node {node}, its instance was on {wanted}"
        yield Check("node of the deleted", node == wanted, detail)
    streams = heartbeat.read_streams(directory / "heartbeat.jsonl")
    booted = {(stream.mac, stream.boot_id): stream for stream in streams}
    for operation in found:
        if operation["ok"] and operation["name"] == REDEPLOYED:
            node, boot = operation.get("node"), operation.get("boot", {})
            detail = f"node {node}, deleted from: {', '.join(map(str, deleted))}"
            yield Check("redeployed where one was deleted", node in deleted, detail)
            stream = booted.get((boot.get("mac", ""), boot.get("boot_id", "")))
            detail = f"boot {boot}: {stream.root if stream else 'no heartbeat'}"
            own = stream is not None and stream.root is None
            yield Check("a system of its own", own, detail)


def lost(directory: Path, found: list[dict[str, Any]]) -> Iterator[Check]:
    """Nova's own manager alone loses an allocation in a rebuild that is refused."""
    for operation in found:
        if operation["ok"] and operation.get("lost"):
            manager = documents.read(directory / "resources.json")["told"]["manager"]
            detail = f"{operation['lost']} was gone, by {manager}"
            stock = manager.startswith("nova.")
            yield Check(f"allocation, {operation['name']}", stock, detail)


def crossed(before: dict[str, Any], found: list[dict[str, Any]]) -> Iterator[Check]:
    """What was rebuilt has its address on a NIC that nova_bm did not name.

    nova-baremetal recorded a VIF on the first NIC, whatever the port's MAC: there
    the address would be now, had nobody looked at Neutron's port.
    """
    firsts = {machine["macs"][0] for machine in before["machines"]}
    for operation in found:
        if operation["name"] == "net-booted rebuild" and "deploy" in operation:
            mac = operation["deploy"]["mac"]
            detail = f"its address is on {mac}"
            yield Check("rebuilt with a crossed VIF", mac not in firsts, detail)


def check_operations(directory: Path) -> Finding:
    before = documents.read(directory / "before.json")
    found = documents.read(directory / "operations.json")
    classes = migration.classes(directory / "migration.json")
    held = {
        instance: {node: {resource_class.normalise(classes[node]): 1}}
        for node, instance in compare.nodes(before).items()
        if instance and node in classes
    }
    ports = {
        server["uuid"]: [port["mac"] for port in server["ports"]]
        for server in before["servers"]
    }
    checks = [Check(o["name"], o["ok"], o["detail"]) for o in found]
    for operation in found:
        if operation["ok"] and operation["name"] in ON_SURVIVORS:
            wrong = flavor_fault(operation, held)
            name = f"old flavor, {operation['name']}"
            checks.append(Check(name, not wrong, wrong or f"{operation['allocation']}"))
            wrong = mac_fault(operation, ports)
            name = f"port's MAC, {operation['name']}"
            checks.append(Check(name, not wrong, wrong or f"{operation.get('macs')}"))
    for name in sorted(OPERATIONS[before["base_driver"]] - {o["name"] for o in found}):
        checks.append(Check(name, False, "was never done"))
    checks += new_node(found, before)
    checks += boots.check(directory, found, before, BOOTING)
    if before["base_driver"] != "fake":
        checks += net_boots(directory, before)
        checks += crossed(before, found)
        checks += as_they_boot(directory, found)
        checks += lost(directory, found)
        checks += softly(directory, found, before)
        checks += redeployed(directory, found, before)
        checks += deploys.check(directory, found)
    return Finding("operations", checks, ", ".join(o["name"] for o in found))


def new_node(found: list[dict[str, Any]], before: dict[str, Any]) -> Iterator[Check]:
    """The new server is on a node that was free."""
    free = {node for node, instance in compare.nodes(before).items() if not instance}
    for operation in found:
        if operation["name"] == "new server" and operation["ok"]:
            node = operation.get("node")
            detail = f"node {node}, free before: {', '.join(sorted(free)) or 'none'}"
            yield Check("node of the new server", node in free, detail)


def seconds_in_all(operations: list[dict[str, Any]]) -> list[str]:
    """How long the operations took in all, for the page."""
    total = sum(operation.get("seconds") or 0.0 for operation in operations)
    return [f"{total:.1f} s of operations"] if total else []


def flavor_fault(operation: dict[str, Any], held: dict[str, Any]) -> str:
    """What an operation on a survivor lacks as a proof; empty when nothing.

    Its embedded flavor is the one of before the move, and it holds one unit of its
    node's class all the same, or nothing once it is deleted.

    :param held: what each instance of before must hold, by its uuid.
    """
    specs = operation.get("embedded")
    if specs is None:
        return "no evidence of its flavor"
    if new := sorted(key for key in specs if key.startswith("resources:")):
        return f"its embedded flavor is a new one: {', '.join(new)}"
    instance = operation["instance"]
    if instance not in held:
        return f"instance {instance} was on no node before"
    gone = operation["name"] in ("delete", deploys.CLEANED)
    wanted = {} if gone else held[instance]
    found = operation["allocation"]
    return "" if found == wanted else f"it holds {found}, expected {wanted}"


def mac_fault(operation: dict[str, Any], ports: dict[str, list[str]]) -> str:
    """Whose MAC the survivor's port has, if not that of before; empty when it has.

    :param ports: the MACs of each instance of before, by its uuid.
    """
    if operation["instance"] not in ports:
        return ""
    found = operation.get("macs")
    if found is None:
        return "no evidence of it"
    if operation["name"] in ("delete", deploys.CLEANED):
        return f"it has {found} once it is deleted" if found else ""
    wanted = ports[operation["instance"]]
    macs = dict.fromkeys(("neutron", "ironic"), wanted[0])
    wrong = len(wanted) != 1 or found != macs
    return f"it has {found}, and had {wanted}" if wrong else ""


def check_proxy(directory: Path) -> Finding:
    found = documents.read(directory / "proxy.json")
    checks = [Check(row["name"], row["ok"], row["detail"]) for row in found]
    for name in sorted(PROXY - {row["name"] for row in found}):
        checks.append(Check(name, False, "was never asked"))
    return Finding("proxy", checks, f"{len(found)} checks of Nova's bare-metal API")
