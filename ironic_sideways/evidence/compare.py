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

"""Did every instance and node survive: before and after, compared.

Pure functions over two snapshots (evidence/snapshot.py). The rule of the
design: same uuid, node, MAC, fixed IP, VIF, image, flavor, power state;
same boot id; one provider a node with the same uuid.
"""

import dataclasses
from collections.abc import Callable, Collection, Iterator
from typing import Any

Document = dict[str, Any]


@dataclasses.dataclass(frozen=True)
class Check:
    """One named finding; ``detail`` says what was expected and seen.

    :param absent: it failed because its evidence is not there.
    :param where: the evidence, ``file:line`` relative to its directory; empty
        until the verdict has looked it up.
    """

    name: str
    ok: bool
    detail: str
    absent: bool = False
    where: str = ""

    @property
    def state(self) -> str:
        """``ok``, ``failed`` or ``absent``."""
        return "ok" if self.ok else "absent" if self.absent else "failed"

    def as_dict(self) -> Document:
        return dataclasses.asdict(self)


#: What an instance keeps through the move.
SERVER_FIELDS = (
    "name",
    "project_id",
    "user_id",
    "status",
    "vm_state",
    "task_state",
    "power_state",
    "host",
    "node",
    "image",
    "flavor",
    "key_name",
    "metadata",
    "description",
    "tags",
    "user_data",
    "created_at",
    "ports",
)
#: Of these, what its owner may change where no policy forbids it.
OWNERS = ("name", "description", "metadata", "tags", "ports")
#: Of an instance's ports, which is told beside the servers (evidence/around.py).
GROUPS = "security_groups"


def by(rows: list[Document], key: str) -> dict[str, Document]:
    return {row[key]: row for row in rows}


def differences(
    before: Document, after: Document, fields: Collection[str] | None = None
) -> str:
    """The fields that differ, as a person reads them; empty when none does.

    :param fields: which are compared; None: all that either has.
    """
    if fields is None:
        fields = sorted({*before, *after})
        absent = dict.fromkeys(fields, "absent")
        before, after = {**absent, **before}, {**absent, **after}
    return "; ".join(
        f"{field}: {before[field]!r} became {after[field]!r}"
        for field in fields
        if before[field] != after[field]
    )


def mismatch(expected: Collection[str], found: Collection[str]) -> str:
    """What ``found`` lacks of ``expected``, or has besides; empty when neither."""
    lacking = sorted(set(expected) - set(found))
    extra = sorted(set(found) - set(expected))
    return f"missing {lacking}, unexpected {extra}" if lacking or extra else ""


def each_server(before: Document, after: Document) -> Iterator[Check]:
    then, now = by(before["servers"], "uuid"), by(after["servers"], "uuid")
    if not then:
        yield Check(
            "instances", False, "there was no instance before: nothing to prove"
        )
    for uuid, server in then.items():
        if uuid not in now:
            yield Check(f"instance {uuid}", False, "gone")
            continue
        changed = server_faults(server, now[uuid])
        kept = f"{server['name']}: {server['status']}, unchanged"
        if "accepted" in server:
            kept += f" but for {', '.join(server['accepted'])}, accepted"
        yield Check(f"instance {uuid}", not changed, changed or kept)
    for uuid in now.keys() - then.keys():
        # A member's create in the window finds no host: it is on no node, and it never
        # becomes active.
        if now[uuid]["node"] or now[uuid]["status"] not in ("BUILD", "ERROR"):
            yield Check(f"instance {uuid}", False, "was not there before")


def server_faults(before: Document, after: Document) -> str:
    """What of an instance changed, its owner's own last; empty when nothing."""
    kept = [field for field in SERVER_FIELDS if field not in OWNERS]
    own = [field for field in OWNERS if before[field] != after[field]]
    told = [differences(before, after, kept), differences(before, after, own)]
    if own:
        told.append(
            f"an owner may change {', '.join(own)}: ask, then accept it by evidence "
            f"compare --accept {before['uuid']}:{own[0]}"
        )
    return "; ".join(filter(None, told))


def each_machine(before: Document, after: Document) -> Iterator[Check]:
    then, now = by(before["machines"], "uuid"), by(after["machines"], "uuid")
    holders = {server["node"] for server in before["servers"]}
    for uuid, machine in then.items():
        name = f"machine {machine['name']}"
        if uuid not in now:
            yield Check(name, False, "gone")
            continue
        changed = differences(machine, now[uuid], ("mac", "power", "boot_id"))
        # What runs on a free node nobody knows: it need only be as it was before.
        if machine["power"] == "on" and uuid in holders and not changed:
            if machine["boot_id"] is None:
                changed = "on, but no heartbeat was ever received"
            elif now[uuid]["last_seq"] <= machine["last_seq"]:
                changed = f"no heartbeat since sequence {machine['last_seq']}"
        yield Check(name, not changed, changed or f"power {machine['power']}")


#: How a flavor names an image (Nova, "Bare metal flavors").
IMAGE = "baremetal:deploy_"

#: The power that a machine must have for Nova's status of its instance.
POWER = {"ACTIVE": "on", "SHUTOFF": "off"}


def each_server_power(before: Document, after: Document) -> Iterator[Check]:
    """An instance's machine is as Nova says: it runs, or it is off."""
    then, now = by(before["machines"], "uuid"), by(after["machines"], "uuid")
    for server in before["servers"]:
        wanted = POWER.get(server["status"])
        if wanted is None:
            continue
        powers = [found.get(server["node"], {}).get("power") for found in (then, now)]
        detail = f"{server['status']}, machine: {powers[0]} before, {powers[1]} after"
        name = f"machine of instance {server['uuid']}"
        yield Check(name, powers == [wanted, wanted], detail)


def each_provider(before: Document, after: Document) -> Iterator[Check]:
    then, now = by(before["providers"], "uuid"), by(after["providers"], "uuid")
    for uuid in sorted(then.keys() | now.keys()):
        name = f"provider {uuid}"
        if uuid not in now:
            yield Check(name, False, "gone")
        elif uuid not in then:
            yield Check(name, False, "was not there before")
        else:
            yield one_provider(name, then[uuid], now[uuid])


#: A node's inventory of its class, but for ``reserved``: it is given out whole
#: (nova.virt.ironic.driver.IronicDriver.update_provider_tree).
WHOLE_NODE = {
    "total": 1,
    "min_unit": 1,
    "max_unit": 1,
    "step_size": 1,
    "allocation_ratio": 1.0,
}


def one_provider(name: str, before: Document, after: Document) -> Check:
    """The provider's consumers stay; what they hold is one custom resource."""
    then, now = set(before["allocations"]), set(after["allocations"])
    if then != now:
        return Check(name, False, f"consumers were {sorted(then)}, are {sorted(now)}")
    classes = set(after["inventories"])
    if len(classes) != 1 or not next(iter(classes)).startswith("CUSTOM_"):
        return Check(name, False, f"inventory: expected one class, got {classes}")
    wanted = {next(iter(classes)): 1}
    whole = {**WHOLE_NODE, "reserved": 1 if now else 0}
    if wrong := differences(whole, after["inventories"][next(iter(classes))]):
        return Check(name, False, f"inventory: {wrong}")
    for consumer, resources in after["allocations"].items():
        if resources != wanted:
            return Check(name, False, f"{consumer} holds {resources}, not {wanted}")
    return Check(name, True, f"{wanted}, held by {sorted(now) or 'nobody'}")


def nodes(before: Document) -> dict[str, str | None]:
    """Every node that must move, by uuid, and the instance on it (None: free).

    The plain fake driver knew one node, its own; the real ones are machines.
    """
    known = before["machines" if before["base_driver"] == "fake" else "providers"]
    holders = {server["node"]: server["uuid"] for server in before["servers"]}
    return {uuid: holders.get(uuid) for uuid in sorted(by(known, "uuid"))}


def ironic_power(snapshot: Document) -> dict[str, str]:
    """What Ironic must call each machine's power, by the node's uuid."""
    machines = snapshot.get("machines", [])
    return {machine["uuid"]: f"power {machine['power']}" for machine in machines}


def each_ironic_node(before: Document, after: Document) -> Iterator[Check]:
    """Every node of before is in Ironic, with its instance's VIFs."""
    found = by(after["ironic_nodes"], "uuid")
    servers = by(before["servers"], "uuid")
    machines = by(before.get("machines", []), "uuid")
    powers = ironic_power(after)
    for uuid, instance in nodes(before).items():
        name = f"ironic node {uuid}"
        if uuid not in found:
            yield Check(name, False, "is not in Ironic")
            continue
        node = found[uuid]
        wrong = node_faults(node, servers[instance] if instance else None)
        wrong = wrong or machine_faults(node, machines.get(uuid))
        if not wrong and uuid in powers and node["power_state"] != powers[uuid]:
            wrong = f"power_state {node['power_state']!r}, but BMC: {powers[uuid]!r}"
        yield Check(name, not wrong, wrong or node["provision_state"])
    for uuid in sorted(found.keys() - nodes(before)):
        yield Check(f"ironic node {uuid}", False, "was no node before")


def node_faults(node: Document, server: Document | None) -> str:
    wanted: Document = {
        "instance_uuid": server["uuid"] if server else None,
        "provision_state": "active" if server else "available",
        "maintenance": False,
        "last_error": None,
    }
    # Not recorded by an earlier version.
    wanted |= {key: False for key in ("protected", "retired") if key in node}
    wrong = differences(wanted, node, tuple(wanted))
    return wrong or vif_faults(node, server)


def vif_faults(node: Document, server: Document | None) -> str:
    """How the VIFs of ``node`` are not its instance's; empty when they are.

    :param server: the instance; None: a free node, which holds none.
    """
    vifs = {port["vif"]: port["mac"] for port in node["ports"] if port["vif"]}
    expected = {p["id"]: p["mac"] for p in server["ports"]} if server else {}
    return f"VIFs (port: MAC): {expected} became {vifs}" if vifs != expected else ""


def each_binding(before: Document, after: Document) -> Iterator[Check]:
    """The instance's ports are bound as Ironic binds those that it deploys."""
    now = by(after["servers"], "uuid")
    # That an interface is the one it was moved with is judged elsewhere.
    bound = {
        node["uuid"]
        for node in after["ironic_nodes"]
        if node["network_interface"] != "noop"
    }
    right = 0
    for server in before["servers"]:
        node = server["node"]
        if server["uuid"] not in now or node not in bound:
            continue
        wanted = {port["id"]: [node, "baremetal"] for port in server["ports"]}
        found = now[server["uuid"]]["bindings"]
        right += found == wanted
        if found != wanted:
            name = f"port bindings of instance {server['uuid']}"
            yield Check(name, False, f"expected {wanted}, found {found}")
    if right:
        yield Check("port bindings", True, f"of {right} instances to their nodes")


def named_images(servers: list[Document], specs: Document) -> set[str]:
    """Images that instances or flavors name, by uuid."""
    named = {server["image"] for server in servers}
    for flavor in specs.values():
        named |= {value for key, value in flavor.items() if key.startswith(IMAGE)}
    return named - {None, ""}


def owners_groups(kind: str, key: str, before: Document) -> str:
    """How to accept that an owner gave a port other security groups."""
    for server in before["servers"] if kind == "security groups" else ():
        if any(port["id"] == key for port in server.get("ports", ())):
            return (
                f"; an owner may change {GROUPS}: ask, then accept it by evidence "
                f"compare --accept {server['uuid']}:{GROUPS}"
            )
    return ""


def each_around(before: Document, after: Document) -> Iterator[Check]:
    """What instances depend on is as it was; an image that is named now is active.

    The flavors' extra specs change: they have a subject of their own.
    """
    for which, one in (("before", before), ("after", after)):
        named = named_images(one["servers"], one["around"]["specs"])
        if wrong := mismatch(named, one["around"]["images"]):
            yield Check(f"images named {which}", False, wrong)
    for kind in sorted({*before["around"], *after["around"]} - {"specs"}):
        then, now = (one["around"].get(kind, {}) for one in (before, after))
        if kind == "images":
            then = dict.fromkeys(now, "active") | then
            now = dict.fromkeys(then, "unnamed") | now
            then |= {uuid: "unnamed" for uuid in then if now[uuid] == "unnamed"}
        changed = {
            key: f"{then.get(key, 'absent')!r} became {now.get(key, 'absent')!r}"
            for key in sorted({*then, *now})
            if then.get(key, "absent") != now.get(key, "absent")
        }
        if kind == "nova_bm":
            # MariaDB's checksum of a table that is not there: two of them are equal.
            none = [key for key, checksum in now.items() if checksum is None]
            changed |= dict.fromkeys(none, "no checksum: there is no such table")
        for key, detail in changed.items():
            yield Check(
                f"{kind} {key}", False, detail + owners_groups(kind, key, before)
            )
        if not changed:
            yield Check(kind, True, f"{len(then)} as before")


def machine_faults(node: Document, machine: Document | None) -> str:
    """What of Ironic's ``node`` is not its machine's; empty when nothing.

    A BMC or a MAC of another machine is seen by nobody until that one is
    switched off, or boots, in this one's place.
    """
    if machine is None:
        return ""
    known = machine.get("bmc")
    if known and node.get("bmc") != known:
        return f"BMC {node.get('bmc')}, its machine's: {known}"
    macs = sorted(port["mac"] for port in node["ports"])
    if macs != sorted(machine["macs"]):
        return f"MACs {macs}, its machine's: {sorted(machine['macs'])}"
    return ""


def compare(before: Document, after: Document) -> list[Check]:
    """Every check that both snapshots have the material for.

    Machines and Ironic nodes are compared where a snapshot has them; a
    snapshot that had machines before and lacks them after is a failure.
    """
    parts: list[tuple[str, Callable[[Document, Document], Iterator[Check]]]] = []
    if before["base_driver"] != "fake":
        parts += [("servers", each_server), ("providers", each_provider)]
        if "around" in before or "around" in after:
            parts.append(("around", each_around))
    if "machines" in before or "machines" in after:
        parts.append(("machines", each_machine))
        if before["base_driver"] != "fake":
            parts.append(("machines", each_server_power))
    if "ironic_nodes" in after:
        parts.append(("ironic_nodes", each_ironic_node))
        if before["base_driver"] != "fake":
            parts.append(("ironic_nodes", each_binding))
    checks: list[Check] = []
    for key, part in parts:
        for which, snapshot in (("before", before), ("after", after)):
            if key not in snapshot and key != "ironic_nodes":
                absent = Check(key, False, f"not in the snapshot {which}")
                checks += [absent] if absent not in checks else []
                break
        else:
            checks.extend(part(before, after))
    return checks
