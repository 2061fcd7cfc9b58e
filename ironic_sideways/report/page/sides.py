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

"""Every node and its instance, before and after, side by side.

Whether a difference is a fault is said by evidence/survival.py, as in the verdict;
here is only told what was there on either side.
"""

import dataclasses
import json
from collections.abc import Collection
from pathlib import Path
from typing import Any

from ironic_sideways.evidence import accepted, compare, documents, survival

Document = dict[str, Any]


@dataclasses.dataclass(frozen=True)
class Field:
    """One row: what was and what is.

    :param mark: ``same``, ``moved`` (it differs, as the move means it to) or
        ``differs`` (it should not).
    """

    name: str
    before: str
    after: str
    mark: str


@dataclasses.dataclass(frozen=True)
class Group:
    """What belongs together of one node.

    :param columns: what the two sides are called.
    :param why: what the comparison found wrong; empty when nothing.
    """

    title: str
    columns: tuple[str, str]
    fields: list[Field]
    why: str

    @property
    def differing(self) -> list[Field]:
        return [field for field in self.fields if field.mark == "differs"]

    @property
    def ok(self) -> bool:
        return not self.why and not self.differing


@dataclasses.dataclass(frozen=True)
class Side:
    """One node with all that is known of it.

    :param facts: the instance's status and addresses, the machine's power.
    :param looked_at: whether it was looked at again after the move.
    """

    node: str
    machine: str
    instance: str
    instance_name: str
    facts: list[str]
    groups: list[Group]
    looked_at: bool = True

    @property
    def wrong(self) -> list[Group]:
        return [group for group in self.groups if not group.ok]


#: In this order: group, and what compare.SERVER_FIELDS has of it.
WORDS = ("name", "status", "vm_state", "task_state", "power_state", "host", "node")
#: Of these not all are recorded by an earlier version.
LATER = ("created_at", "launched_at", "availability_zone", "config_drive")
REST = ("image", "flavor", "project_id", "user_id")
#: Digests of a tenant's values (evidence/tenants.py): one says something where the two
#: sides differ.
DIGESTS = (
    *("key_name", "metadata", "description", "tags", "user_data"),
    *("hostname", "access_ips"),
)

ADDRESSES = ("VIF", "MAC", "fixed IP")

IRONIC = (
    "instance_uuid",
    "provision_state",
    "power_state",
    "maintenance",
    "last_error",
)


#: Of a run that was cut off: what there was before has nothing beside it.
NOT_LOOKED_AT = "not looked at"


def before_alone(before: Document) -> list[Side]:
    """One entry a node of a run that did not get to a second look."""
    # Against itself, of which the other side is blotted out.
    found = Lookup(before, before, {}, {})
    sides = [found.side(node) for node in found.nodes()]
    sides += [found.stray(uuid) for uuid in found.strays()]
    for side in sides:
        for group in side.groups:
            group.fields[:] = [
                dataclasses.replace(one, after=NOT_LOOKED_AT) for one in group.fields
            ]
    return sorted(
        (dataclasses.replace(side, looked_at=False) for side in sides),
        key=lambda side: (side.machine, side.node),
    )


def sides(directory: Path) -> list[Side]:
    """One entry a node of either side, those with a fault first."""
    before = documents.read(directory / "before.json")
    if not (directory / "after.json").exists():
        return before_alone(before)
    after = documents.read(directory / "after.json")
    changes = accepted.read(directory)
    owners = accepted.applied(changes, before, after)
    checks = {check.name: check for check in survival.checks(owners, after)}
    found = Lookup(before, after, optional(directory / "ended.json"), checks)
    found.accepted = {s["uuid"]: s.get("accepted", []) for s in owners["servers"]}
    sides = [found.side(node) for node in found.nodes()]
    sides += [found.stray(uuid) for uuid in found.strays()]
    return sorted(sides, key=lambda side: (not side.wrong, side.machine, side.node))


def optional(path: Path) -> Document:
    return dict(documents.read(path)) if path.exists() else {}


class Lookup:
    """Both snapshots by uuid."""

    def __init__(
        self,
        before: Document,
        after: Document,
        ended: Document,
        checks: dict[str, compare.Check],
    ) -> None:
        self.wanted = compare.nodes(before)
        self.checks = checks
        #: What of an instance the operator accepts as its owner's.
        self.accepted: dict[str, list[str]] = {}
        self.machines, self.providers, self.servers = (
            (index(before, key), index(after, key))
            for key in ("machines", "providers", "servers")
        )
        self.ironic = index(after, "ironic_nodes")
        self.ended = index(ended, "servers")

    def nodes(self) -> list[str]:
        found = {*self.wanted, *self.machines[0], *self.machines[1], *self.ironic}
        return sorted(found)

    def strays(self) -> list[str]:
        """Instances on no node of these."""
        nodes = set(self.nodes())
        return sorted(
            uuid
            for uuid, server in (self.servers[1] | self.servers[0]).items()
            if server["node"] not in nodes
        )

    def side(self, node: str) -> Side:
        then, now = (self.on(node, which) for which in (0, 1))
        server = then or now or {}
        machine = self.machines[0].get(node) or self.machines[1].get(node) or {}
        groups = [
            *self.instance(then, now),
            *self.machine(node),
            *self.provider(node),
            *self.ironic_node(node),
        ]
        return Side(
            node,
            machine.get("name", ""),
            server.get("uuid", ""),
            server.get("name", ""),
            facts(server, machine),
            groups,
        )

    def stray(self, uuid: str) -> Side:
        then, now = (which.get(uuid) for which in self.servers)
        server = then or now or {}
        groups = self.instance(then, now)
        return Side("", "", uuid, server["name"], facts(server, {}), groups)

    def on(self, node: str, which: int) -> Document | None:
        for server in self.servers[which].values():
            if server["node"] == node:
                return server
        return None

    def why(self, *names: str) -> str:
        checks = [self.checks[name] for name in names if name in self.checks]
        return "; ".join(check.detail for check in checks if not check.ok)

    def instance(self, then: Document | None, now: Document | None) -> list[Group]:
        if then is None and now is None:
            return []
        uuid = (then or now or {})["uuid"]
        ended = self.ended.get(uuid)
        why = self.why(f"instance {uuid}", f"machine of instance {uuid}")
        fields = pairs(then, now, (*WORDS, *REST, *LATER))
        fields += [one for one in pairs(then, now, DIGESTS) if one.mark != "same"]
        network = pairs(
            addressed(then) if then else None,
            addressed(now) if now else None,
            ADDRESSES,
        )
        own = self.accepted.get(uuid, [])
        fields = by_owner(fields, own)
        network = by_owner(network, ADDRESSES if "ports" in own else ())
        lock = [
            *pairs(then, now, ("locked", "locked_reason"), changes="moved"),
            *renamed(pairs(then, ended, ("locked", "locked_reason")), ", at the end"),
        ]
        return [
            Group("Instance", ("before", "after"), fields, why),
            Group("Network", ("before", "after"), network, ""),
            Group("Lock", ("before", "in the window"), lock if ended else lock[:2], ""),
        ]

    def machine(self, node: str) -> list[Group]:
        then, now = (which.get(node) for which in self.machines)
        if then is None and now is None:
            return []
        name = f"machine {(then or now or {})['name']}"
        fields = [
            *pairs(then, now, ("power", "boot_id", "mac")),
            *pairs(then, now, ("last_seq",), changes="moved"),
        ]
        why = self.why(name)
        return [Group("Machine, by its BMC", ("before", "after"), fields, why)]

    def provider(self, node: str) -> list[Group]:
        then, now = (which.get(node) for which in self.providers)
        if then is None and now is None:
            return []
        why = self.why(f"provider {node}")
        changes = "differs" if why else "moved"
        fields = [
            *pairs(told(then), told(now), ("inventory", "allocated"), changes),
            *pairs(told(then), told(now), ("held by",)),
        ]
        return [Group("Resource provider", ("before", "after"), fields, why)]

    def ironic_node(self, node: str) -> list[Group]:
        if not self.ironic:
            return []
        now = self.ironic.get(node)
        instance = self.wanted.get(node)
        server = self.servers[0].get(instance or "")
        machine = self.machines[1].get(node)
        power = (
            f"power {machine['power']}" if machine else (now or {}).get("power_state")
        )
        expected = {
            "instance_uuid": instance,
            "provision_state": "active" if instance else "available",
            "power_state": power,
            "maintenance": False,
            "last_error": None,
            "VIF": ports_of(server["ports"], "id") if server else None,
        }
        found = {**now, "VIF": ports_of(now["ports"], "vif")} if now else None
        fields = pairs(expected, found, (*IRONIC, "VIF"))
        for key in ("resource_class", "driver", "conductor", "owner"):
            if now and key in now:
                fields.append(Field(key, "", text(now[key]), "moved"))
        why = self.why(f"ironic node {node}")
        return [Group("Ironic node", ("expected", "found"), fields, why)]


def facts(server: Document, machine: Document) -> list[str]:
    known = [server["status"], addressed(server)["fixed IP"]] if server else []
    if machine:
        known.append(f"power {machine['power']}")
    return [fact for fact in known if fact]


def index(snapshot: Document, key: str) -> dict[str, Document]:
    return compare.by(snapshot.get(key) or [], "uuid")


def pairs(
    then: Document | None,
    now: Document | None,
    names: tuple[str, ...],
    changes: str = "differs",
) -> list[Field]:
    """A field a name; ``changes`` is the mark of one that is not as before."""
    found = []
    for name in names:
        before = text(then.get(name)) if then is not None else "not there"
        after = text(now.get(name)) if now is not None else "not there"
        found.append(Field(name, before, after, "same" if before == after else changes))
    return found


def by_owner(fields: list[Field], names: Collection[str]) -> list[Field]:
    return [
        dataclasses.replace(one, name=f"{one.name}, accepted", mark="moved")
        if one.mark == "differs" and one.name in names
        else one
        for one in fields
    ]


def renamed(fields: list[Field], suffix: str) -> list[Field]:
    return [dataclasses.replace(one, name=one.name + suffix) for one in fields]


def addressed(server: Document) -> Document:
    """The ports of a server, flat."""
    ports = server["ports"]
    return {
        "VIF": ports_of(ports, "id"),
        "MAC": ports_of(ports, "mac"),
        "fixed IP": ", ".join(ip for port in ports for ip in port["fixed_ips"]) or None,
    }


def ports_of(ports: list[Document], key: str) -> str | None:
    return ", ".join(sorted(port[key] for port in ports if port.get(key))) or None


def told(provider: Document | None) -> Document | None:
    """Inventory and allocations of a provider, in a line each."""
    if provider is None:
        return None
    held = provider["allocations"]
    return {
        "inventory": ", ".join(
            f"{name} {inventory.get('total', '?')}"
            + (
                f" (reserved {inventory['reserved']})"
                if inventory.get("reserved")
                else ""
            )
            for name, inventory in sorted(provider["inventories"].items())
        ),
        "allocated": ", ".join(
            f"{name} {number}"
            for resources in held.values()
            for name, number in sorted(resources.items())
        ),
        "held by": ", ".join(sorted(held)),
    }


def text(value: Any) -> str:
    """A value as a person reads it; nothing is a dash."""
    if value is None or value == "" or value == {} or value == []:
        return "–"  # noqa: RUF001
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)
