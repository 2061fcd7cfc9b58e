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

"""Judge the take-over: each moved node is served, and nothing acted on a machine."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ironic_sideways.evidence import compare, documents, ironic_nodes, migration
from ironic_sideways.evidence import takeover as recorded
from ironic_sideways.evidence.compare import Check
from ironic_sideways.report.checks import if_there, whole
from ironic_sideways.report.findings import Finding


def taken_over(node: dict[str, Any], instance: str | None, power: str | None) -> str:
    """What recorded ``node`` lacks to be taken over; empty when nothing.

    :param power: what its BMC said before, in Ironic's words; None: unknown.
    """
    state = "active" if instance else "available"
    if node["provision_state"] != state:
        return f"is {node['provision_state']}, expected {state}"
    if power and node["power_state"] not in (None, power):
        return f"power state {node['power_state']!r}, but its BMC said {power!r} before"
    return recorded.missing(node)


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
        wrong = ironic_nodes.machine_faults(node, machines.get(uuid))
        instance = nodes.get(uuid)
        wrong = wrong or ironic_nodes.vif_faults(
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
    nodes, powers = compare.nodes(before), ironic_nodes.powers(before)
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
