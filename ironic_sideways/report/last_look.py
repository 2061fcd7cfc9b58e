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
"""The nodes looked at once more when all trials are over.

Ironic puts a node aside, in maintenance or in a failed state, whenever its machine is
no longer obeyed: what the trials left so would be found by whoever deploys next.
"""

from pathlib import Path
from typing import Any

from ironic_sideways.evidence import compare, documents
from ironic_sideways.evidence.compare import Check
from ironic_sideways.report import checks, deploys, judges, window
from ironic_sideways.report.findings import Finding

FILE = "last-look.json"

#: The phases that it comes after; and of these, what takes every node and gives each
#: back: survivors are deleted before.
TRIALS = (*window.OPERATING, "proxy", "workers", "exact-match", "tempest")
GIVING_BACK = ("exact-match", "tempest")


def wanted(directory: Path) -> dict[str, tuple[str, ...]]:
    """In which states each moved node may be, by what was done to it.

    One that nothing is told of was moved free, or deployed by a phase that may leave
    its servers: it may be either.
    """
    tries = window.tries(directory)
    either = ("active", "available")
    path = directory / "operations.json"
    done = documents.read(path) if path.exists() else []
    gone = {"cleaning": "delete"}
    told = [{**one, "name": gone.get(one["name"], one["name"])} for one in done]
    kinds = judges.on_nodes(directory, told)
    if any(name in tries for name in GIVING_BACK):
        return dict.fromkeys(kinds, ("available",))
    later = {
        (one.get("deploy") or {}).get("node")
        for one in done
        if one["name"] in deploys.ADDED
    }
    return {
        node: either if node in later else (either[kind == "free"],)
        for node, kind in kinds.items()
    }


def fault(node: dict[str, Any], then: dict[str, Any], states: tuple[str, ...]) -> str:
    """Why ``node`` is not what all that was done to it leaves; empty when it is.

    :param then: the same node at the end of the window.
    :param states: those that it may be in.
    """
    state, instance = node["provision_state"], node["instance_uuid"]
    if state not in states:
        return f"{state}, expected {' or '.join(states)}"
    if bool(instance) != (state == "active"):
        return f"{state}, and its instance is {instance}"
    kept = sorted(node.keys() - {"provision_state", "instance_uuid"})
    return compare.differences(then, node, kept)


def check_last_look(directory: Path) -> Finding:
    """Each node is as it was moved, in use or free as it must be, none put aside."""
    then = compare.by(documents.read(directory / "after.json")["ironic_nodes"], "uuid")
    document = documents.read(directory / FILE)
    now, tries = document["nodes"], window.tries(directory)
    found = [checks.whole(set(then), {node["uuid"] for node in now})]
    early = [
        name
        for name in TRIALS
        if any(end > document["taken_at"] for _begin, end in tries.get(name, ()))
    ]
    detail = f"taken before the end of {', '.join(early)}" if early else ""
    found.append(Check("taken when all was tried", not early, detail))
    states = wanted(directory)
    for node in now:
        uuid = node["uuid"]
        wrong = ""
        if uuid in then:
            wrong = fault(node, then[uuid], states.get(uuid, ("available",)))
        name = f"ironic node {uuid} at the end"
        found.append(Check(name, not wrong, wrong or node["provision_state"]))
    return Finding("last look", found, f"{len(now)} nodes when all was tried")
