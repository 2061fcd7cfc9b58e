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

"""Instances, machines and providers, before and after, compared.

Pure functions over two snapshots (evidence/snapshot.py).
"""

import dataclasses
import itertools
from collections.abc import Collection, Iterator
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
    "hostname",
    "access_ips",
    "created_at",
    "launched_at",
    "availability_zone",
    "config_drive",
    "ports",
)
#: Of these, what its owner may change where no policy forbids it.
OWNERS = ("name", "description", "metadata", "tags", "hostname", "access_ips", "ports")
#: What they may change besides -> the kind that tells it (evidence/around.py).
BESIDE = {
    "security_groups": "security groups",
    "key_pair": "fingerprints",
    "image_status": "images",
    "server_group": "server groups",
}


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
    # Some are not recorded by an earlier version.
    kept = [f for f in SERVER_FIELDS if f not in OWNERS and f in before]
    own = [f for f in OWNERS if f in before and before[f] != after[f]]
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


def named_images(servers: list[Document], specs: Document) -> set[str]:
    """Images that instances or flavors name, by uuid."""
    named = {server["image"] for server in servers}
    for flavor in specs.values():
        named |= {value for key, value in flavor.items() if key.startswith(IMAGE)}
    return named - {None, ""}


def beside(server: Document, key: str) -> list[str]:
    """Where :data:`BESIDE`'s kind of ``key`` tells what is ``server``'s."""
    if key == "security_groups":
        return [port["id"] for port in server["ports"]]
    return list(filter(None, [server["image" if key == "image_status" else "uuid"]]))


def owners_word(kind: str, place: str, before: Document) -> str:
    """How to accept that an owner changed what ``kind`` tells at ``place``."""
    for key, server in itertools.product(BESIDE, before["servers"]):
        if BESIDE[key] == kind and place in beside(server, key):
            return (
                f"; an owner may change {key}: ask, then accept it by evidence "
                f"compare --accept {server['uuid']}:{key}"
            )
    return ""


#: Kinds that are judged elsewhere: flavors change, looks name other images, an instance
#: is locked, and a cloud may have no mechanism driver for ports of Ironic's.
APART = {"specs", "contents", "actions", "vifs"}


def each_around(before: Document, after: Document) -> Iterator[Check]:
    """What instances depend on is as it was; an image that is named now is active.

    What is :data:`APART` has judges of its own.
    """
    for which, one in (("before", before), ("after", after)):
        named = named_images(one["servers"], one["around"]["specs"])
        if wrong := mismatch(named, one["around"]["images"]):
            yield Check(f"images named {which}", False, wrong)
    # A server that came is judged as one.
    came = [
        one
        for one in after["servers"]
        if one["uuid"] not in by(before["servers"], "uuid")
    ]
    theirs = {uuid for one in came for key in BESIDE for uuid in beside(one, key)}
    for kind in sorted({*before["around"], *after["around"]} - APART):
        then, now = (one["around"].get(kind, {}) for one in (before, after))
        now = {key: now[key] for key in now if key in then or key not in theirs}
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
            word = owners_word(kind, key, before)
            yield Check(f"{kind} {key}", False, detail + word)
        if not changed:
            yield Check(kind, True, f"{len(then)} as before")
