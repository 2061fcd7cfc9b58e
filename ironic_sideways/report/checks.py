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
    migration,
    resources,
    survival,
)
from ironic_sideways.evidence.compare import Check
from ironic_sideways.report import findings, interfaces
from ironic_sideways.report.findings import Finding


def whole(nodes: set[str], found: set[str]) -> Check:
    """Every node of before.json, and no other, is in this evidence."""
    wrong = compare.mismatch(nodes, found)
    if not nodes:
        wrong = "before.json has no node: nothing to prove"
    return Check("every node accounted for", not wrong, wrong or f"{len(nodes)} nodes")


def if_there(name: str, judge: Callable[[], Iterable[Check]]) -> list[Check]:
    """The checks of a document that is not the subject's own, and may be absent."""
    try:
        return list(judge())
    except exceptions.EvidenceAbsent as error:
        return [Check(name, False, str(error), absent=True)]


def after_the_end(directory: Path, before: dict[str, Any]) -> Iterator[Check]:
    """No instance was changed by the end of maintenance either."""
    ended = documents.read(directory / "ended.json")
    owners = accepted.applied(accepted.read(directory), before, ended)
    for check in survival.checks(owners, ended):
        yield dataclasses.replace(check, name=f"{check.name} after the end")


def base_driver(directory: Path, before: dict[str, Any]) -> Check:
    """A base that is said to be the plain fake driver's has no instance on a node.

    Otherwise the word would switch off the subjects that judge instances.
    """
    rows = migration.rows(directory / "migration.json")
    told = before["base_driver"]
    held = sorted(
        {s["uuid"] for s in before["servers"] if s["node"]}
        | {row["instance_uuid"] for row in rows if row["instance_uuid"]}
    )
    wrong = told == "fake" and held
    detail = f"{told}, but there are instances on nodes: {held}" if wrong else told
    return Check("base driver", not wrong, detail)


#: What of a node's properties is told by its row, or by the migration of it.
SHAPE = ("cpus", "memory_mb", "local_gb", "cpu_arch", "capabilities")


def shapes(directory: Path) -> dict[str, dict[str, Any]]:
    """By node: the properties that it has by its row, and by the migration of it."""
    live = compare.by(documents.read(directory / "maintenance.json")["rows"], "uuid")
    return {
        row["uuid"]: {
            key: one[key]
            for one in (live.get(row["uuid"], {}), row)
            for key in SHAPE
            # Not recorded by an earlier version.
            if key in one
        }
        for row in migration.rows(directory / "migration.json")
    }


def as_moved(directory: Path, after: dict[str, Any]) -> Iterator[Check]:
    """Each node is after the window what the migration and the take-over left.

    Driver and conductor, the properties by its row of nova_bm, and the owner, resource
    class and interfaces that it was moved with.
    """
    shaped = shapes(directory)
    plain = {"interfaces": interfaces.moved_with(directory)}
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
            **{k: value for k, value in (images | plain).items() if k in node},
            "driver": taken[uuid]["driver"],
            "resource_class": classes[uuid],
        }
        wrong = compare.differences(wanted, node, tuple(wanted))
        if "properties" in node:
            shape = shaped.get(uuid, {})
            wrong = wrong or compare.differences(shape, node["properties"], shape)
        held = taken[uuid]["conductor"]
        # A free node's row is nobody's until a conductor has looked at it; Ironic's API
        # tells who would serve it, and none where nobody does.
        known = {held} if held else conductors - {None}
        if not node["conductor"]:
            wrong = wrong or f"no conductor serves it, {held!r} did"
        elif not wrong and known and node["conductor"] not in known:
            wrong = f"conductor: {held!r} became {node['conductor']!r}"
        yield Check(f"ironic node {uuid} as moved", not wrong, wrong)


#: What nova-baremetal calls a node that is let alone: one with an instance, and a free
#: one (nova_bm/states.py).
AT_REST = {True: ("active",), False: (None, "deleted")}

EVERY_ROW = "every row of nova_bm accounted for"


def every_row(directory: Path, rows: list[dict[str, Any]]) -> Check:
    """Each row that nova_bm had when maintenance began, and no other, was moved."""
    live = documents.read(directory / "maintenance.json")["rows"]
    keys = ("uuid", "instance_uuid")
    then = {str(row["id"]): tuple(row[key] for key in keys) for row in live}
    now = {str(row["bm_node_id"]): tuple(row[key] for key in keys) for row in rows}
    wrong = compare.differences(then, now)
    busy = [
        f"row {row['id']} was {row['task_state']}"
        for row in live
        # Not recorded by an earlier version.
        if row.get("task_state", AT_REST[bool(row["instance_uuid"])][0])
        not in AT_REST[bool(row["instance_uuid"])]
    ]
    wrong = wrong or "; ".join(busy)
    return Check(EVERY_ROW, not wrong, wrong or f"{len(then)} rows")


def check_survival(directory: Path) -> Finding:
    before = documents.read(directory / "before.json")
    after = documents.read(directory / "after.json")
    owners = accepted.applied(accepted.read(directory), before, after)
    checks = survival.checks(owners, after)
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


def left_as_they_were(directory: Path, updated: dict[str, Any]) -> Check:
    """No flavor of nova-baremetal's, by the images that it names, was left out."""
    path = directory / "before.json"
    specs = documents.read(path)["around"]["specs"] if path.exists() else {}
    left = [
        uuid
        for uuid, found in specs.items()
        if uuid not in updated and any(key.startswith(compare.IMAGE) for key in found)
    ]
    detail = f"not updated: {', '.join(sorted(left))}" if left else "all updated"
    return Check("each bare-metal flavor", not left, detail)


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
    checks.append(left_as_they_were(directory, document["flavors"]))
    images = [options[name] for name in IMAGES.values()]
    two = len({*images}) == len(images) and all(images)
    checks.append(Check("deploy kernel and deploy ramdisk", two, ", ".join(images)))
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
    figure = f"removed, by ports: {len(ports)}"
    return Finding("DHCP options", checks, figure, nothing=not booted and not ports)


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
