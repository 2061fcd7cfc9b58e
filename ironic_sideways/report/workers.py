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

"""What happened when workers of one host name died, judged round by round."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ironic_sideways.evidence import compare, documents
from ironic_sideways.evidence.compare import Check
from ironic_sideways.report.findings import Finding

Document = dict[str, Any]

FILE = "clustered.json"

#: Of each run: either worker dies idle, one in a reboot, one in a delete.
ALWAYS = {"idle": 2, "reboot": 1, "delete": 1}
#: Each as many times more as the run was told.
TOLD = ("build", "delete in build", "start beside build", "reboot", "delete")

#: How an interrupted build may end (Nova's states of a server).
ENDED = ("ACTIVE", "ERROR")


def each_kind(document: Document) -> Iterator[Check]:
    """Each kind of round was done as often as it must, and each worker was killed."""
    done = Counter(r["done"]["kind"] for r in document["rounds"] if r["ok"])
    for kind in sorted({*ALWAYS, *TOLD}):
        least = ALWAYS.get(kind, 0) + (document["each"] if kind in TOLD else 0)
        if least:
            detail = f"{done[kind]} times, expected {least}"
            yield Check(f"rounds: {kind}", done[kind] >= least, detail)
    idle = {r["done"]["killed"] for r in document["rounds"] if r["ok"] and idle_one(r)}
    spared = sorted(set(document["workers"]) - idle)
    two = len(document["workers"]) > 1
    detail = f"never idle when killed: {', '.join(spared)}" if spared else ""
    yield Check(
        "each worker was killed", two and not spared, detail or f"{sorted(idle)}"
    )


def idle_one(row: Document) -> bool:
    return bool(row["done"]["kind"] == "idle")


def kept(row: Document) -> str:
    """Which running instance was touched in a round; empty when none was."""
    if not row["bystanders"]:
        return "no other instance ran: nothing to prove"
    return "; ".join(
        f"{one['mac']} rebooted: boot id {one['before']} became {one['after']}"
        for one in row["bystanders"]
        if one["before"] != one["after"]
    )


def at_rest(row: Document, known: set[str]) -> str:
    """Where the nodes are not in order after a round; empty when all are."""
    nodes = compare.by(row["nodes"], "uuid")
    if lacking := sorted(known - nodes.keys()):
        return f"lacks {lacking}"
    for uuid, node in nodes.items():
        state = "active" if node["instance"] else "available"
        if node["provision_state"] != state:
            return f"node {uuid} is {node['provision_state']}, expected {state}"
        if node["providers"] != [uuid]:
            return f"node {uuid} has the providers {node['providers']}"
        if node["compute_nodes"] != 1:
            return f"node {uuid} is {node['compute_nodes']} compute nodes"
    return ""


def outcome(done: Document, document: Document, nodes: dict[str, Document]) -> str:
    """What the round should have shown and did not; empty when it showed all.

    :param nodes: as they were after the round.
    """
    match done["kind"]:
        case "build":
            most = document["build_timeout"] + document["periodic"]
            if done["ended"] not in ENDED or done["seconds"] > most:
                return (
                    f"ended {done['ended']} after {done['seconds']} s, at most {most}"
                )
        case "reboot":
            if done["boot_id"] == done["boot_id_before"]:
                return f"did not reboot: boot id {done['boot_id']}"
        case "delete":
            node = nodes.get(done["node"])
            if node is None or node["instance"]:
                return f"node {done['node']} was not freed: {node}"
        case "delete in build":
            if len(document["workers"]) > 1 and done["builder"] == done["deleter"]:
                return f"{done['builder']} deleted what it built itself"
        case "idle":
            if not done["boot_id"]:
                return "the other worker served no request"
    if done["kind"] not in ("idle", "reboot"):
        holds = [u for u, node in nodes.items() if node["instance"] == done["server"]]
        return f"is still on node {holds[0]}" if holds else ""
    return ""


def each_round(document: Document, known: set[str]) -> Iterator[Check]:
    for row in document["rounds"]:
        name = row["name"]
        yield Check(f"round {name}", row["ok"], row["detail"])
        if not row["ok"]:
            continue
        wrong = outcome(row["done"], document, compare.by(row["nodes"], "uuid"))
        yield Check(f"outcome of {name}", not wrong, wrong or row["done"]["kind"])
        wrong = kept(row)
        detail = wrong or f"{len(row['bystanders'])} kept running"
        yield Check(f"bystanders of {name}", not wrong, detail)
        wrong = at_rest(row, known)
        detail = wrong or f"{len(row['nodes'])} nodes, a provider each"
        yield Check(f"nodes after {name}", not wrong, detail)


def kills(document: Document) -> list[str]:
    """How many workers were killed, for the page."""
    return [f"{len(document.get('killed', ()))} kills"]


def check_workers(directory: Path) -> Finding:
    """When one worker dies the other goes on, and what was interrupted ends.

    :raises EvidenceAbsent: before.json or clustered.json is.
    """
    document = documents.read(directory / FILE)
    known = set(compare.nodes(documents.read(directory / "before.json")))
    checks = [*each_kind(document), *each_round(document, known)]
    figure = f"{len(document['rounds'])} rounds, {len(document['killed'])} kills"
    return Finding("workers", checks, figure)
