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

"""Did Ironic take over every active node: takeover.json.

"No error in the log" is no evidence: a node whose driver no conductor serves
is mapped to no conductor, and nothing is logged. The proof is the row itself:
``conductor_affinity`` is an online conductor, ``last_error`` is NULL, and the
power state was adopted from the BMC (Ironic's ConductorManager, methods
_sync_local_state and _sync_power_states).
"""

import datetime
import json
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import sqlalchemy
from openstack.connection import Connection

from ironic_sideways import exceptions, waits
from ironic_sideways.nova_bm import database

#: What the conductor logs when it switches a machine (power sync, WARNING), or
#: gives one up (ERROR); ironic/conductor/manager.py.
FORBIDDEN = ("Changing hardware state", "Switching node to maintenance mode")

#: As oslo.log begins a line.
MOMENT = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}")

#: In a node's "extra", what the migration wrote of itself (migrate/provenance.py).
PROVENANCE = "nova_bm"

QUERY = sqlalchemy.text(
    "SELECT n.uuid, n.instance_uuid, n.provision_state, n.power_state, n.maintenance,"
    " n.last_error, n.reservation, n.driver, n.driver_info, n.extra,"
    " c.hostname AS conductor, c.online"
    " FROM nodes n LEFT JOIN conductors c ON c.id = n.conductor_affinity"
)

PORTS = sqlalchemy.text(
    "SELECT n.uuid AS node, p.uuid, p.address, p.internal_info"
    " FROM ports p JOIN nodes n ON n.id = p.node_id ORDER BY p.address"
)


def moved_by(ironic: Connection) -> list[str]:
    """The runs of the migration that Ironic's nodes are from, as they say themselves.

    :param ironic: who sees all nodes.
    """
    told = (
        one.extra.get(PROVENANCE, {}) for one in ironic.baremetal.nodes(details=True)
    )
    return sorted({one["run_id"] for one in told if "run_id" in one})


def read_nodes(engine: sqlalchemy.Engine) -> dict[str, dict[str, Any]]:
    """All Ironic nodes by uuid, with BMC, ports, and the conductor of each."""
    with database.connect(engine) as connection:
        rows = connection.execute(QUERY).mappings().all()
        ports = connection.execute(PORTS).mappings().all()
    found: dict[str, dict[str, Any]] = {}
    for row in rows:
        node = dict(row)
        # Of driver_info the address alone: it holds the password as well.
        node["bmc"] = json.loads(node.pop("driver_info") or "{}").get("ipmi_address")
        extra = json.loads(node.pop("extra") or "{}")
        node["run_id"] = extra.get(PROVENANCE, {}).get("run_id")
        found[node["uuid"]] = {**node, "ports": []}
    for port in ports:
        info = json.loads(port["internal_info"] or "{}")
        found[port["node"]]["ports"].append(
            {
                "uuid": port["uuid"],
                "mac": port["address"],
                "vif": info.get("tenant_vif_port_id"),
            }
        )
    return found


def missing(node: dict[str, Any] | None) -> str:
    """What ``node`` still lacks to be taken over; empty when nothing."""
    if node is None:
        return "has no row"
    if node["maintenance"]:
        return "is in maintenance"
    if node["last_error"]:
        return f"last_error: {node['last_error']}"
    # A conductor that is gone holds it for ever, and no other adopts its power state;
    # one that works lets it go.
    if node["reservation"]:
        return f"is reserved by {node['reservation']}"
    if node["power_state"] is None:
        return "power state not adopted yet"
    # Free nodes are never taken over (_sync_local_state asks for active ones).
    if node["provision_state"] == "active" and not node["online"]:
        return "no online conductor manages it"
    return ""


def forbidden_lines(log: Path, since: datetime.datetime) -> list[str]:
    """``file:line: text`` of each line that must not be in the conductor's log.

    :param since: when the nodes were moved; what a conductor did in an earlier try,
        that was rolled back, does not count. A line without a time has that of the
        line before.
    """
    found = []
    counts = True
    lines = log.read_text(errors="replace").splitlines()
    for number, line in enumerate(lines, start=1):
        if moment := MOMENT.match(line):
            # As oslo.log writes it: the host's local time.
            counts = datetime.datetime.fromisoformat(moment[0]).astimezone() >= since
        if counts and any(text in line for text in FORBIDDEN):
            found.append(f"{log.name}:{number}: {line}")
    return found


def last_error(log: Path) -> str:
    """The conductor's last ERROR line, for a person who asks why it waits."""
    lines = log.read_text(errors="replace").splitlines()
    errors = [
        f"{log.name}:{number}: {line}"
        for number, line in enumerate(lines, start=1)
        if " ERROR " in line and line.strip().count(" ") > 6
    ]
    return errors[-1] if errors else f"{log.name} has no ERROR line"


def observe(
    engine: sqlalchemy.Engine,
    uuids: list[str],
    timeout: float,
    progress: Callable[[int], None] = lambda done: None,
    record: Callable[[dict[str, Any]], None] = lambda document: None,
) -> None:
    """Wait until every node of ``uuids`` is taken over.

    :param timeout: seconds; the pace is 8 nodes a sync_local_state_interval.
    :param record: gets the evidence document, also of a wait that expired: what
        was seen last.
    :raises WaitExpired: names each node that is not, and what it lacks.
    """
    seen: dict[str, dict[str, Any]] = {}

    def look_for_faults() -> dict[str, str]:
        seen.clear()
        seen.update(read_nodes(engine))
        found = {uuid: missing(seen.get(uuid)) for uuid in uuids}
        found = {uuid: why for uuid, why in found.items() if why}
        progress(len(uuids) - len(found))
        return found

    try:
        what = f"take-over of {len(uuids)} nodes"
        waits.wait_for_none(look_for_faults, what, timeout)
    finally:
        nodes = [seen[uuid] for uuid in uuids if uuid in seen]
        record(
            {
                "taken_at": time.time(),
                "nodes": nodes,
                "others": written_besides(seen, nodes),
            }
        )


def written_besides(
    seen: dict[str, dict[str, Any]], nodes: list[dict[str, Any]]
) -> list[str]:
    """Nodes of the same runs of the migration that its record does not name."""
    runs = {node["run_id"] for node in nodes if node["run_id"]}
    known = {node["uuid"] for node in nodes}
    return sorted(u for u, n in seen.items() if n["run_id"] in runs and u not in known)


def refuse_forbidden(lines: list[str]) -> None:
    """:raises SidewaysError: when a machine was switched or given up."""
    if lines:
        raise exceptions.SidewaysError(
            f"the conductor acted on a machine during take-over: {lines[0]}"
        )
