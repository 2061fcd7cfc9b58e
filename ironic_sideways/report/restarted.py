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

"""The conductor and nova-compute started a second time, and everything is as before.

A second start may fail over what the first one left; until then only processes that
the move itself has started were looked at.
"""

import dataclasses
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from ironic_sideways.evidence import accepted, compare, documents, survival
from ironic_sideways.evidence.compare import Check
from ironic_sideways.report import actions, checks, findings
from ironic_sideways.report.findings import Finding
from ironic_sideways.report.maintenance import (
    SERVICE_FIELDS,
    Document,
    differs,
    undone,
)


def each_lock(before: Document, now: Document) -> Iterator[Check]:
    """A lock is what it was before the maintenance."""
    found = compare.by(now["servers"], "uuid")
    for server in before["servers"]:
        wrong = undone(server, found.get(server["uuid"]))
        yield Check(f"lock of {server['uuid']}", not wrong, wrong)


def each_service(before: Document, now: Document) -> Iterator[Check]:
    """The services are those from before, up, and enabled as then."""
    then, found = (
        {(one["binary"], one["host"]): one for one in snapshot["services"]}
        for snapshot in (before, now)
    )
    for key in sorted(then.keys() | found.keys()):
        fields = ("id", "state", *SERVICE_FIELDS)
        wrong = differs(then.get(key, {}), found.get(key, {}), fields)
        yield Check(f"service {key[0]} of {key[1]}", not wrong, wrong)


def each_node(directory: Path, now: Document) -> Iterator[Check]:
    """A node with all that is told of it is what it was at the end of maintenance."""
    then = documents.read(directory / "after.json")
    gone = deleted_since(directory, then, now)
    found = compare.by(now.get("ironic_nodes", []), "uuid")
    for node in then["ironic_nodes"]:
        kept = (
            {**one, "vif": None} if one["vif"] in gone else one for one in node["ports"]
        )
        node = {**node, "ports": list(kept)}
        uuid = node["uuid"]
        # One that is gone is named already.
        wrong = compare.differences(node, found[uuid]) if uuid in found else ""
        yield Check(f"ironic node {uuid} as in the window", not wrong, wrong)


def each_flavor(directory: Path) -> Iterator[Check]:
    """A flavor's extra specs are those that the update left."""
    updated = documents.read(directory / "flavors.json")["flavors"]
    yield from checks.specs_recorded(directory, "restarted", updated)


def deleted_since(directory: Path, then: Document, now: Document) -> set[str]:
    """The ports that their owner has deleted since, as the operator accepted."""
    kept = accepted.applied(accepted.read(directory), then, now)
    before, after = (
        {port["id"] for server in one["servers"] for port in server["ports"]}
        for one in (then, kept)
    )
    return before - after


def each_kind(now: Document) -> Iterator[Check]:
    """Machines and nodes were looked at."""
    for key in ("machines", "ironic_nodes"):
        yield Check(key, key in now, "in the snapshot" if key in now else "not in it")


def check_restarted(directory: Path) -> Finding:
    """By the judge of the snapshots at and after the end of maintenance."""
    before, now = (
        documents.read(directory / f"{name}.json") for name in ("before", "restarted")
    )
    owners = accepted.applied(accepted.read(directory), before, now)
    judges: dict[str, Callable[[], Iterable[Check]]] = {
        "all as before": lambda: survival.checks(owners, now),
        "nodes as moved": lambda: checks.as_moved(directory, now),
        "nodes as in the window": lambda: each_node(directory, now),
        "extra specs of flavors": lambda: each_flavor(directory),
        "locks": lambda: each_lock(before, now),
        "services": lambda: each_service(before, now),
        "actions": lambda: actions.since_the_end(
            documents.read(directory / "ended.json"), now
        ),
        "machines and nodes": lambda: each_kind(now),
    }
    found = [
        dataclasses.replace(check, name=f"{check.name} after a second start")
        for name, judge in judges.items()
        for check in findings.in_one(name, checks.if_there(name, judge))
    ]
    number = len(now.get("ironic_nodes", ()))
    figure = f"{len(now['servers'])} instances on {number} nodes after a second start"
    return Finding("restarted", found, figure)
