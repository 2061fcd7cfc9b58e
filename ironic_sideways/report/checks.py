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

"""The subjects of the verdict that are judged from JSON documents.

A phase's own result is not trusted: the same functions judge its evidence
again, and the nodes to account for are those of before.json.
"""

import dataclasses
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from ironic_sideways import exceptions, resource_class
from ironic_sideways.evidence import (
    accepted,
    compare,
    documents,
    heartbeat,
    migration,
    resources,
    takeover,
)
from ironic_sideways.evidence.compare import Check
from ironic_sideways.report import deploys, findings, window
from ironic_sideways.report.findings import Finding

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
        "start",
        "delete",
    },
    "fake": {"new server"},
}
#: Of these, what is done to an instance that was there before the move.
ON_SURVIVORS = (OPERATIONS["nova_bm"] - OPERATIONS["fake"]) | {deploys.CLEANED}

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


def whole(nodes: set[str], found: set[str]) -> Check:
    """Every node of before.json, and no other, is in this evidence."""
    wrong = compare.mismatch(nodes, found)
    if not nodes:
        wrong = "before.json has no node: nothing to prove"
    return Check("every node accounted for", not wrong, wrong or f"{len(nodes)} nodes")


def if_there(name: str, judge: Callable[[], Iterable[Check]]) -> list[Check]:
    """What a subject asks of a document that is not its own: that one may be absent."""
    try:
        return list(judge())
    except exceptions.EvidenceAbsent as error:
        return [Check(name, False, str(error), absent=True)]


def after_the_end(directory: Path, before: dict[str, Any]) -> Iterator[Check]:
    """Whatever happens at the end of maintenance happens to instances as well."""
    ended = documents.read(directory / "ended.json")
    owners = accepted.applied(accepted.read(directory), before, ended)
    for check in compare.compare(owners, ended):
        yield dataclasses.replace(check, name=f"{check.name} after the end")


def base_driver(directory: Path, before: dict[str, Any]) -> Check:
    """The plain fake driver's base has no instance on a node: it disarms no subject."""
    rows = migration.rows(directory / "migration.json")
    told = before["base_driver"]
    held = sorted(
        {s["uuid"] for s in before["servers"] if s["node"]}
        | {row["instance_uuid"] for row in rows if row["instance_uuid"]}
    )
    wrong = told == "fake" and held
    detail = f"{told}, but there are instances on nodes: {held}" if wrong else told
    return Check("base driver", not wrong, detail)


def as_moved(directory: Path, after: dict[str, Any]) -> Iterator[Check]:
    """Each node is after the window what the migration and the take-over left.

    Driver and conductor, and the owner, resource class and network interface that it
    was moved with.
    """
    options = documents.read(directory / "migration.json")["options"]
    kept = {key: options[key] for key in ("owner", "network_interface")}
    images = {key: options[key] for key in IMAGES.values()}
    classes = migration.classes(directory / "migration.json")
    taken = compare.by(documents.read(directory / "takeover.json")["nodes"], "uuid")
    conductors = {node["conductor"] for node in taken.values()}
    for node in after.get("ironic_nodes", ()):
        uuid = node["uuid"]
        if uuid not in taken or uuid not in classes:
            # Other checks name it.
            continue
        # Not recorded by an earlier version.
        named = {
            "boot_interface": options.get("boot_interface"),
            "deploy_interface": (
                None if node["instance_uuid"] else options.get("free_deploy_interface")
            )
            or options.get("deploy_interface"),
        }
        wanted = {
            **{key: name for key, name in named.items() if key in node},
            **kept,
            # Not recorded by an earlier version.
            **{key: value for key, value in images.items() if key in node},
            "driver": taken[uuid]["driver"],
            "resource_class": classes[uuid],
        }
        wrong = compare.differences(wanted, node, tuple(wanted))
        held = taken[uuid]["conductor"]
        # A free node is nobody's until a conductor has looked at it.
        known = {held} if held else {*conductors, None}
        if conductors == {None}:
            known.add(node["conductor"])
        if not wrong and node["conductor"] not in known:
            wrong = f"conductor: {held!r} became {node['conductor']!r}"
        yield Check(f"ironic node {uuid} as moved", not wrong, wrong)


EVERY_ROW = "every row of nova_bm accounted for"


def every_row(directory: Path, rows: list[dict[str, Any]]) -> Check:
    """Each row that nova_bm had when maintenance began, and no other, was moved."""
    live = documents.read(directory / "maintenance.json")["rows"]
    keys = ("uuid", "instance_uuid")
    then = {str(row["id"]): tuple(row[key] for key in keys) for row in live}
    now = {str(row["bm_node_id"]): tuple(row[key] for key in keys) for row in rows}
    wrong = compare.differences(then, now)
    detail = wrong or f"{len(then)} rows"
    return Check(EVERY_ROW, not wrong, detail)


def check_survival(directory: Path) -> Finding:
    before = documents.read(directory / "before.json")
    after = documents.read(directory / "after.json")
    owners = accepted.applied(accepted.read(directory), before, after)
    checks = compare.compare(owners, after)
    for key in ("machines", "ironic_nodes"):
        if key not in after:
            checks.append(Check(key, False, "not in the snapshot after"))
    checks += if_there("base driver", lambda: [base_driver(directory, before)])
    for name, judge in (
        ("nodes as moved", partial(as_moved, directory, after)),
        ("all after the end", partial(after_the_end, directory, before)),
    ):
        checks += findings.in_one(name, if_there(name, judge))
    figure = f"{len(before['servers'])} instances, {len(before['machines'])} machines"
    return Finding("survival", checks, figure)


def check_migration(directory: Path) -> Finding:
    path = directory / "migration.json"
    document = documents.read(path)
    counts = document["counts"]
    nodes = compare.nodes(documents.read(directory / "before.json"))
    found, rows = migration.nodes(path), migration.rows(path)
    # A run that is resumed finds its own rows: present, and verified again.
    moved = counts["written"] + counts["present"]
    agree = counts["planned"] == counts["written"] and (
        moved == counts["verified"] == len(nodes) == len(rows)
        and counts["read"] == len(document["rows"])
        and not counts["different"] + counts["refuse"]
    )
    text = ", ".join(
        f"{name} {counts[name]}" for name in ("read", "written", "present", "verified")
    )
    holders = compare.differences(nodes, found, tuple(nodes.keys() & found.keys()))
    checks = [
        whole(set(nodes), set(found)),
        *if_there(EVERY_ROW, lambda: [every_row(directory, rows)]),
        Check("counts agree", agree, text),
        Check("result", document["result"] == "done", document["result"]),
        Check("instances of the nodes", not holders, holders),
    ]
    return Finding("migration", checks, text)


#: What nova-baremetal set on a port (2014.2, ``dhcp_options_for_instance``).
BOOT_OPTIONS = {"bootfile-name", "server-ip-address", "tftp-server"}

#: What a flavor of the move must not ask for any more (Nova, "Bare metal flavors").
NO_MORE = {f"resources:{name}": "0" for name in ("VCPU", "MEMORY_MB", "DISK_GB")}
IMAGES = {
    "baremetal:deploy_kernel_id": "deploy_kernel",
    "baremetal:deploy_ramdisk_id": "deploy_ramdisk",
}


def flavor_update_fault(
    flavor: dict[str, Any], classes: set[str], options: dict[str, Any]
) -> str:
    """What ``flavor`` lacks to land on a moved node; empty when nothing.

    :param classes: the nodes', as flavors ask for them.
    :param options: of the migration; the nodes' deploy images among them.
    """
    old, new = flavor["old"], flavor["new"]
    asked = {key: n for key, n in new.items() if key.startswith("resources:CUSTOM_")}
    if len(asked) != 1 or not asked.items() <= dict.fromkeys(classes, "1").items():
        return f"asks for {asked or 'no class'}, nodes have {sorted(classes)}"
    wanted = {
        **{key: value for key, value in old.items() if key not in flavor["set"]},
        **asked,
        **NO_MORE,
        **{key: options[name] for key, name in IMAGES.items()},
    }
    return compare.differences(wanted, new) or compare.differences(
        {**old, **flavor["set"]}, new
    )


def specs_recorded(
    directory: Path, name: str, updated: dict[str, Any]
) -> Iterator[Check]:
    """Each flavor's extra specs are those that the update found, or left."""
    before, found = (
        documents.read(directory / f"{one}.json")["around"]["specs"]
        for one in ("before", name)
    )
    key = "old" if name == "before" else "new"
    told = {uuid: flavor[key] for uuid, flavor in updated.items()}
    for uuid, specs in {**before, **told}.items():
        wrong = compare.differences(specs, found.get(uuid, {}))
        yield Check(f"specs of {uuid} in {name}.json", not wrong, wrong)


def check_flavors(directory: Path) -> Finding:
    """Each flavor asks for a class that nodes have, and every class is asked for."""
    document = documents.read(directory / "flavors.json")
    path = directory / "migration.json"
    names = {resource_class.normalise(one) for one in migration.classes(path).values()}
    classes = {f"resources:{name}" for name in names}
    options = documents.read(path)["options"]
    checks = []
    for uuid, flavor in sorted(document["flavors"].items()):
        wrong = flavor_update_fault(flavor, classes, options)
        checks.append(Check(f"flavor {uuid}", not wrong, wrong or flavor["name"]))
    asked = {key for flavor in document["flavors"].values() for key in flavor["new"]}
    for name in ("before", "after", "ended"):
        recorded = partial(specs_recorded, directory, name, document["flavors"])
        checks += if_there(f"specs in {name}.json", recorded)
    nobody = sorted(classes - asked)
    detail = f"no flavor asks for {nobody}" if nobody else f"{len(classes)} classes"
    checks.append(Check("every class is asked for", not nobody, detail))
    return Finding("flavors", checks, f"{len(document['flavors'])} flavors updated")


def check_dhcp_options(directory: Path) -> Finding:
    """The net-booted instances' ports lost the old boot options, and nothing else."""
    ports = documents.read(directory / "dhcp-options.json")["ports"]
    before = documents.read(directory / "before.json")
    rows = migration.rows(directory / "migration.json")
    booted = {r["instance_uuid"] for r in rows if r["boot"] == "network"} - {None}
    owners = {
        port["id"]: server["uuid"]
        for server in before["servers"]
        for port in server["ports"]
    }
    checks = []
    for uuid, port in sorted(ports.items()):
        wrong = ""
        if owners.get(uuid) != port["instance"]:
            wrong = f"is of {owners.get(uuid)}, not of {port['instance']}"
        elif others := sorted(port["old"].keys() - BOOT_OPTIONS):
            wrong = f"lost {', '.join(others)}, which are none of nova-baremetal's"
        checks.append(Check(f"options of port {uuid}", not wrong, wrong))
    left = booted - {port["instance"] for port in ports.values()}
    detail = f"of {sorted(left) or 'none'} no boot option was removed"
    checks.append(Check("each net-booted instance", not left, detail))
    return Finding("DHCP options", checks, f"removed, by ports: {len(ports)}")


def taken_over(node: dict[str, Any], instance: str | None, power: str | None) -> str:
    """What recorded ``node`` lacks to be taken over; empty when nothing.

    :param power: what its BMC said before, in Ironic's words; None: unknown.
    """
    state = "active" if instance else "available"
    if node["provision_state"] != state:
        return f"is {node['provision_state']}, expected {state}"
    if power and node["power_state"] not in (None, power):
        return f"power state {node['power_state']!r}, but its BMC said {power!r} before"
    return takeover.missing(node)


def each_row(document: dict[str, Any], before: dict[str, Any]) -> Iterator[Check]:
    """Each Ironic node is its machine's and holds its instance's VIFs."""
    servers = compare.by(before["servers"], "uuid")
    machines = compare.by(before.get("machines", []), "uuid")
    nodes = compare.nodes(before)
    for node in document["nodes"]:
        uuid = node["uuid"]
        # Not recorded by an earlier version: after.json tells it all the same.
        if "ports" not in node:
            continue
        wrong = compare.machine_faults(node, machines.get(uuid))
        instance = nodes.get(uuid)
        wrong = wrong or compare.vif_faults(
            node, servers[instance] if instance else None
        )
        yield Check(f"row of {uuid}", not wrong, wrong or f"BMC {node['bmc']}")
    others = document.get("others", [])
    detail = f"Ironic has {', '.join(others)}, which the migration did not record"
    yield Check("no other nodes", not others, detail if others else "none")


def of_run(directory: Path, document: dict[str, Any]) -> Check:
    """The nodes that were taken over are those that migration.json tells of."""
    path = directory / "migration.json"
    run = documents.read(path)["run_id"]
    wrote = {row["uuid"] for row in migration.rows(path) if row["outcome"] == "migrate"}
    wrong = [
        f"{node['uuid']} was moved by run {node['run_id']}"
        for node in document["nodes"]
        # A run that was resumed found the other rows there.
        if node["run_id"] != run and (node["uuid"] in wrote or not node["run_id"])
    ]
    detail = f"migration.json is of run {run}"
    return Check("run of the migration", not wrong, "; ".join([detail, *wrong]))


def check_takeover(directory: Path) -> Finding:
    document = documents.read(directory / "takeover.json")
    before = documents.read(directory / "before.json")
    nodes, powers = compare.nodes(before), compare.ironic_power(before)
    checks = [*each_row(document, before)]
    checks += if_there("run of the migration", lambda: [of_run(directory, document)])
    checks += [whole(set(nodes), {node["uuid"] for node in document["nodes"]})]
    for node in document["nodes"]:
        uuid = node["uuid"]
        wrong = taken_over(node, nodes.get(uuid), powers.get(uuid))
        detail = f"conductor {node['conductor']}, {node['power_state']}"
        checks.append(Check(f"take-over of {uuid}", not wrong, wrong or detail))
    # What the phase had seen in the log by then; the logs' own subject looks at all.
    for line in document["forbidden"]:
        where = f"logs/{':'.join(line.split(':')[:2])}"
        checks.append(Check("no machine acted on", False, line, where=where))
    return Finding("take-over", checks, f"{len(document['nodes'])} nodes")


def check_resources(directory: Path) -> Finding:
    document = documents.read(directory / "resources.json")
    nodes = compare.nodes(documents.read(directory / "before.json"))
    seen = resources.recorded(document)
    classes = migration.classes(directory / "migration.json")
    checks = [whole(set(nodes), set(seen["providers"]))]
    for uuid, instance in nodes.items():
        wanted = resource_class.normalise(classes.get(uuid) or "unknown")
        wrong = resources.fault(seen, uuid, instance, wanted)
        checks.append(Check(f"resources of {uuid}", not wrong, wrong or wanted))
    loaded, told = document["loaded"], document["told"]
    driver, manager = loaded["driver"], loaded["manager"]
    checks.append(Check("driver", driver == resources.DRIVER, driver))
    detail = f"loaded {manager}, configured {told['manager']}"
    checks.append(Check("compute manager", manager == told["manager"], detail))
    what = resources.several(document["resource_classes"])
    figure = f"{len(nodes)} nodes as {what}, {manager.rsplit('.', 1)[-1]}"
    return Finding("resources", checks, figure)


def net_boots(directory: Path, before: dict[str, Any]) -> Iterator[Check]:
    """Each net-booted survivor sends heartbeats again, from the same disks.

    They carry its root file system: it found kernel, ramdisk and arguments without the
    base. And what its first boot wrote there and on its ephemeral disk is there still.
    """
    streams = heartbeat.streams(heartbeat.read(directory / "heartbeat.jsonl"))
    survived = {(m["mac"], m["boot_id"]) for m in before["machines"]}
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
    if before["base_driver"] != "fake":
        checks += new_node(found, before)
        checks += net_boots(directory, before)
        checks += crossed(before, found)
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
