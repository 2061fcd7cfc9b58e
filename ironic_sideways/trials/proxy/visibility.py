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

"""Who sees what: each row of the table in doc/source/admin/proxy.rst, tested."""

import concurrent.futures
import contextlib
import uuid
from collections.abc import Iterator
from typing import Any

from openstack.connection import Connection

from ironic_sideways.evidence import proxy
from ironic_sideways.trials.proxy.callers import Callers
from ironic_sideways.trials.proxy.table import NODES, Nova, Table

#: What is no UUID, and the status that it gets: traversal, header injection, an
#: added query, NUL, invalid UTF-8, too long.
MALFORMED = {
    "1": 400,
    "node-0": 400,
    "%2e%2e": 400,
    "%252e%252e%252fconductors": 400,
    "%2e%2e%2fconductors": 404,
    "{uuid}%2f..%2f..%2fconductors": 404,
    "{uuid}%0d%0aX-Auth-Token:%20other": 400,
    "{uuid}%3ffields=driver_info": 400,
    "{uuid}%00": 400,
    "%ff%fe": 400,
    "9" * 2000: 400,
}

ROUNDS = 20


def everybody(table: Table, nova: Nova, who: Callers, system: Connection) -> None:
    """The table of users; changes the owner of a free node, and back."""
    expected = in_ironic(system)
    listed = nova.ask(who.admin)
    table.expect(
        "the owner's admin lists its nodes with their interfaces",
        listed.status_code == 200 and by_id(listed.json()["nodes"]),
        {name: node for name, (owner, node) in expected.items() if owner},
    )
    some = next(iter(expected))
    shown = nova.ask(who.admin, f"{NODES}/{some}").json().get("node", {})
    instance = {"instance_uuid": shown.get("instance_uuid")}
    table.expect(
        "the owner's admin is shown a node", shown, expected[some][1] | instance
    )
    table.expect("another admin's list is empty", nova.names(who.other_admin), set())
    table.expect(
        "another admin is shown none of them",
        nova.status(who.other_admin, f"{NODES}/{some}"),
        404,
    )
    for name in ("system_admin", "member", "reader"):
        token = who.authenticated[name]
        found = (nova.status(token), nova.status(token, f"{NODES}/{some}"))
        table.expect(f"{name} is refused by Nova's policy", found, (403, 403))
    worthless = {"an expired": who.expired, "a revoked": who.revoked}
    for name, text in {"no": None, "a made-up": "gAAAAA", **worthless}.items():
        found = (nova.status(text), nova.status(text, f"{NODES}/{some}"))
        table.expect(f"{name} token is 401", found, (401, 401))
    owners(table, nova, who, system)


def owners(table: Table, nova: Nova, who: Callers, system: Connection) -> None:
    """Whose node it is decides who sees it."""
    owned = {name for name, (owner, _) in in_ironic(system).items() if owner}
    free = next(iter(system.baremetal.nodes(provision_state="available")))
    with owned_by(system, free.id, who.other_project):
        table.expect(
            "another admin sees the node that its project owns",
            nova.names(who.other_admin),
            {free.id},
        )
        _side_by_side(table, nova, who, {free.id}, owned - {free.id})
    with owned_by(system, free.id, None):
        found = (nova.names(who.admin), nova.names(who.other_admin))
        table.expect(
            "no project's admin sees a node without owner",
            found,
            (owned - {free.id}, set()),
        )
        seen = free.id in in_ironic(system)
        table.expect("system scope sees it in Ironic itself", seen, True)


def _side_by_side(
    table: Table, nova: Nova, who: Callers, theirs: set[str], ours: set[str]
) -> None:
    """Two users at once: neither sees the other's nodes."""
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        found = list(pool.map(nova.names, [who.admin, who.other_admin] * ROUNDS))
    mixed = [
        names for index, names in enumerate(found) if names != (ours, theirs)[index % 2]
    ]
    table.expect("requests side by side never mix", mixed, [])


def calls(table: Table, nova: Nova, who: Callers, some: str) -> None:
    """Writes, malformed ids, and the paths and versions where it is served."""
    writes = proxy.writes(some)
    for name, token in who.authenticated.items():
        found = [nova.status(token, f"/v2.1{p}", m, body=b) for m, p, b in writes]
        table.expect(f"the four writes are 404 for {name}", found, [404] * 4)
    found = [nova.status(None, f"/v2.1{p}", m, body=b) for m, p, b in writes]
    table.expect("the four writes are 401 without a token", found, [401] * 4)
    paths = ("/v2.1", f"/v2.1/{who.project}", f"/v2/{who.project}", "/v2")
    answers = [nova.ask(who.admin, f"{path}/os-baremetal-nodes") for path in paths]
    table.expect(
        "every prefix gives the same answer",
        [answer.content for answer in answers],
        [nova.ask(who.admin).content] * len(paths),
    )
    foreign = f"/v2.1/{who.other_project}/os-baremetal-nodes"
    table.expect(
        "another project in the URL is 400", nova.status(who.admin, foreign), 400
    )
    found = [
        nova.status(who.admin, f"{NODES}/{text.replace('{uuid}', some)}")
        for text in MALFORMED
    ]
    table.expect("a malformed id is refused", found, list(MALFORMED.values()))
    unknown = f"{NODES}/{uuid.uuid4()}"
    table.expect("an unknown id is 404", nova.status(who.admin, unknown), 404)
    found = [
        nova.status(who.admin, path, method, version)
        for version in ("2.36", "latest")
        for method in ("GET", "POST")
        for path in (NODES, f"{NODES}/{some}")
        if (method, path) != ("POST", f"{NODES}/{some}")
    ]
    table.expect("from 2.36 on it is 404", found, [404] * len(found))


def in_ironic(system: Connection) -> dict[str, tuple[str | None, dict[str, Any]]]:
    """Node -> its owner and what the API should say of it, without our code."""
    macs: dict[str, list[dict[str, str | None]]] = {}
    unknown = dict.fromkeys(("id", "datapath_id", "port_no"))
    for port in system.baremetal.ports(details=True):
        macs.setdefault(port.node_id, []).append({**unknown, "address": port.address})
    return {
        node.id: (
            node.owner,
            {
                "id": node.id,
                "interfaces": sorted(macs.get(node.id, []), key=str),
                "host": "IRONIC MANAGED",
                "task_state": node.provision_state,
                "cpus": node.properties["cpus"],
                "memory_mb": node.properties["memory_mb"],
                "disk_gb": node.properties["local_gb"],
            },
        )
        for node in system.baremetal.nodes(details=True)
    }


def by_id(nodes: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The nodes of an answer by id, their interfaces in order."""
    return {
        node["id"]: node | {"interfaces": sorted(node["interfaces"], key=str)}
        for node in nodes
    }


@contextlib.contextmanager
def owned_by(system: Connection, node: str, owner: str | None) -> Iterator[None]:
    """The node has another owner, or none, for a while."""
    before = system.baremetal.get_node(node).owner
    _set_owner(system, node, owner)
    try:
        yield
    finally:
        _set_owner(system, node, before)


def _set_owner(system: Connection, node: str, owner: str | None) -> None:
    change: dict[str, Any] = {"op": "remove", "path": "/owner"}
    if owner is not None:
        change |= {"op": "add", "value": owner}
    system.baremetal.patch_node(node, [change])
