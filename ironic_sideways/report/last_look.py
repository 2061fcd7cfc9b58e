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

from ironic_sideways.evidence import compare, documents
from ironic_sideways.evidence.compare import Check
from ironic_sideways.report import checks, window
from ironic_sideways.report.findings import Finding

FILE = "last-look.json"

#: The phases that it comes after.
TRIALS = (*window.OPERATING, "proxy", "workers", "exact-match", "tempest")

#: A node in use or free, or on its way to be free again (ironic.common.states).
AT_REST = ("active", "available", "cleaning", "clean wait", "deleting")


def check_last_look(directory: Path) -> Finding:
    """Each node is as it was moved, and none is put aside."""
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
    for node in now:
        uuid, state = node["uuid"], node["provision_state"]
        kept = sorted(node.keys() - {"provision_state"})
        wrong = compare.differences(then[uuid], node, kept) if uuid in then else ""
        if state not in AT_REST:
            wrong = f"{state}, expected one of {', '.join(AT_REST)}"
        name = f"ironic node {uuid} at the end"
        found.append(Check(name, not wrong, wrong or state))
    return Finding("last look", found, f"{len(now)} nodes when all was tried")
