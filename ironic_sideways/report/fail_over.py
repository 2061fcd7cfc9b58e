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

"""A second conductor took over from one that was killed, and its nodes go on.

Told by the API's ``conductor`` of every node, and by a net-booted survivor that came
back once the first one was dead: its heartbeats carry its own disks, and its BMC was
told to switch it.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ironic_sideways.evidence import compare, documents, heartbeat, migration
from ironic_sideways.evidence.compare import Check
from ironic_sideways.report import boots, window
from ironic_sideways.report.findings import Finding, clock

Document = dict[str, Any]

FILE = "fail-over.json"
PHASE = "fail-over"

STEPS = (
    *("second conductor", "first conductor killed", "taken over"),
    *("hard reboot", "given back"),
)


def each_step(document: Document) -> Iterator[Check]:
    """Each was done, in this order."""
    found = [step["name"] for step in document["steps"]]
    for step in document["steps"]:
        yield Check(step["name"], step["ok"], step["detail"])
    wanted = list(STEPS)
    yield Check("steps", found == wanted, f"{found}, expected {wanted}")


def each_look(document: Document, nodes: set[str]) -> Iterator[Check]:
    """Every node had the one conductor, then the other, then the first again.

    :param nodes: of after.json, all of which are looked at.
    """
    first, second = document["conductors"]
    for name, host in (("before", first), ("after", second), ("back", first)):
        found = document["managed"].get(name, {})
        others = sorted(node for node, one in found.items() if one != host)
        lacking = sorted(nodes - found.keys())
        wrong = f"not {host}'s: {others}; not looked at: {lacking}"
        ok = not others and not lacking
        yield Check(f"conductor {name}", ok, "" if ok else wrong)


def came_back(directory: Path, document: Document) -> Iterator[Check]:
    """The survivor booted from its own disks after the kill, by its BMC's command."""
    before = documents.read(directory / "before.json")
    servers = compare.by(before["servers"], "uuid")
    rows = migration.rows(directory / "migration.json")
    how = {row["instance_uuid"]: row["boot"] for row in rows}
    uuid, killed = document["survivor"], document["killed_at"]
    detail = f"instance {uuid} boots from: {how.get(uuid)}"
    yield Check("a net-booted survivor", how.get(uuid) == "network", detail)
    server = servers.get(uuid, {"ports": (), "node": ""})
    macs = {port["mac"] for port in server["ports"]}
    was = {machine["boot_id"] for machine in before["machines"]}
    told = heartbeat.read_streams(directory / "heartbeat.jsonl")
    mine = [stream for stream in told if stream.mac in macs]
    disks = [boots.disks_of(stream) for stream in mine if stream.boot_id in was]
    until = window.tries(directory).get(PHASE, [(0.0, 0.0)])[-1][1]
    again = [stream for stream in mine if killed < stream.first_time <= until]
    same = [boots.disks_of(stream) in disks for stream in again]
    detail = f"{len(again)} boots after {clock(killed)} UTC, from its own disks: {same}"
    yield Check("back after the kill", bool(again) and all(same), detail)
    names = {machine["uuid"]: machine["name"] for machine in before["machines"]}
    if again and (directory / "bmc.json").exists():
        sent = [
            command["command"]
            for command in documents.read(directory / "bmc.json")["commands"]
            if command["domain"] == names.get(server["node"])
            and killed < command["time"] <= again[0].first_time
        ]
        detail = f"commands to its BMC: {', '.join(sent) or 'none'}"
        switched = any(command in boots.SWITCHED_ON for command in sent)
        yield Check("switched on after the kill", switched, detail)


def each_machine(document: Document) -> Iterator[Check]:
    """No other machine noticed anything."""
    machines = document["machines"]
    yield Check("other machines", bool(machines), f"{len(machines)} looked at")
    for one in machines:
        detail = f"boot id {one['before']} became {one['after']}"
        yield Check(f"boot of {one['mac']}", one["before"] == one["after"], detail)


def in_its_phase(directory: Path, document: Document) -> Check:
    """The conductor was killed, and all was told, in one try of the phase."""
    killed, told = document["killed_at"], document["taken_at"]
    spans = window.tries(directory).get(PHASE, [])
    ok = any(begin <= killed <= told <= end for begin, end in spans)
    detail = f"at {clock(killed)} UTC, told at {clock(told)}"
    return Check("killed in its phase", ok, detail)


def check_fail_over(directory: Path) -> Finding:
    document = documents.read(directory / FILE)
    after = documents.read(directory / "after.json")["ironic_nodes"]
    checks = [
        *each_step(document),
        *each_look(document, {node["uuid"] for node in after}),
        in_its_phase(directory, document),
        *came_back(directory, document),
        *each_machine(document),
    ]
    second = document["conductors"][1]
    return Finding("fail-over", checks, f"{len(after)} nodes taken over by {second}")
