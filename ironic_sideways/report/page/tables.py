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

"""Row counts of the migration, and the tables of take-over and resources.

What is wrong with a row is said by the same functions as in the verdict.
"""

import collections
import dataclasses
from pathlib import Path
from typing import Any

from ironic_sideways import resource_class
from ironic_sideways.evidence import (
    compare,
    documents,
    ironic_nodes,
    migration,
    resources,
)
from ironic_sideways.report.takeover import taken_over

Document = dict[str, Any]

#: What migration.json counts, in the order of the work.
COUNTS = ("read", "planned", "written", "present", "verified", "different")


@dataclasses.dataclass(frozen=True)
class Counts:
    """Row counts of the migration.

    :param outcomes: rows of bm_nodes by outcome.
    :param left: rows that did not move, and why.
    :param interfaces: moved, and left behind.
    """

    counts: dict[str, int]
    outcomes: dict[str, int]
    left: list[Document]
    interfaces: tuple[int, int]
    result: str
    error: str


def counts(directory: Path) -> Counts:
    document = documents.read(directory / "migration.json")
    rows = document["rows"]
    found = document["counts"]
    names = [*(n for n in COUNTS if n in found), *sorted(found.keys() - {*COUNTS})]
    return Counts(
        {name: found[name] for name in names},
        dict(collections.Counter(row["outcome"] for row in rows)),
        [row for row in rows if row.get("reasons")],
        (
            sum(len(row.get("interfaces", ())) for row in rows),
            sum(len(row.get("interfaces_skipped", ())) for row in rows),
        ),
        document["result"],
        document.get("error", ""),
    )


def takeover(directory: Path) -> list[Document]:
    """Each node's row, with what it lacks."""
    document = documents.read(directory / "takeover.json")
    before = documents.read(directory / "before.json")
    nodes, powers = compare.nodes(before), ironic_nodes.powers(before)
    names = machine_names(before)
    found = {node["uuid"]: node for node in document["nodes"]}
    rows = [
        {"name": names.get(uuid, ""), "uuid": uuid, "wrong": "has no row"}
        if uuid not in found
        else {
            **found[uuid],
            "name": names.get(uuid, ""),
            "wrong": taken_over(found[uuid], nodes.get(uuid), powers.get(uuid)),
        }
        for uuid in nodes.keys() | found.keys()
    ]
    return sorted(rows, key=in_order)


def reported(directory: Path) -> Document:
    """What nova-compute loaded, and each node as it reports it."""
    document = documents.read(directory / "resources.json")
    before = documents.read(directory / "before.json")
    nodes = compare.nodes(before)
    classes = migration.classes(directory / "migration.json")
    seen = resources.recorded(document)
    names = machine_names(before)
    rows = []
    for uuid in nodes.keys() | seen["providers"].keys():
        wanted = resource_class.normalise(classes.get(uuid) or "unknown")
        provider = seen["providers"].get(uuid, {"inventories": {}, "allocations": {}})
        inventory = provider["inventories"].get(wanted, {})
        rows.append(
            {
                "name": names.get(uuid, ""),
                "uuid": uuid,
                "type": seen["hypervisors"].get(uuid, {}).get("type", ""),
                "class": ", ".join(sorted(provider["inventories"])),
                "total": inventory.get("total"),
                "reserved": inventory.get("reserved"),
                "holders": sorted(provider["allocations"]),
                "wrong": resources.fault(seen, uuid, nodes.get(uuid), wanted),
            }
        )
    loaded, told = document["loaded"], document["told"]
    return {"rows": sorted(rows, key=in_order), "loaded": loaded, "told": told}


def in_order(row: Document) -> tuple[bool, str, str]:
    """What is wrong first, then by the machines' names."""
    return not row["wrong"], row["name"], row["uuid"]


def machine_names(before: Document) -> dict[str, str]:
    return {m["uuid"]: m["name"] for m in before.get("machines", [])}
