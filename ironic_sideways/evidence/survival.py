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

"""Did every instance and node survive: before and after, compared.

The rule of the design: same uuid, node, MAC, fixed IP, VIF, image, flavor, power
state; same boot id; one provider a node with the same uuid.
"""

from collections.abc import Callable, Iterator

from ironic_sideways.evidence import compare, ironic_nodes
from ironic_sideways.evidence.compare import Check, Document


def checks(before: Document, after: Document) -> list[Check]:
    """Every check that both snapshots have the material for.

    Machines and Ironic nodes are compared where a snapshot has them; a
    snapshot that had machines before and lacks them after is a failure.
    """
    parts: list[tuple[str, Callable[[Document, Document], Iterator[Check]]]] = []
    if before["base_driver"] != "fake":
        parts += [
            ("servers", compare.each_server),
            ("providers", compare.each_provider),
        ]
        if "around" in before or "around" in after:
            parts.append(("around", compare.each_around))
    if "machines" in before or "machines" in after:
        parts.append(("machines", compare.each_machine))
        if before["base_driver"] != "fake":
            parts.append(("machines", compare.each_server_power))
    if "ironic_nodes" in after:
        parts.append(("ironic_nodes", ironic_nodes.each_node))
        if before["base_driver"] != "fake":
            parts.append(("ironic_nodes", ironic_nodes.each_binding))
    found: list[Check] = []
    for key, part in parts:
        for which, snapshot in (("before", before), ("after", after)):
            if key not in snapshot and key != "ironic_nodes":
                absent = Check(key, False, f"not in the snapshot {which}")
                found += [absent] if absent not in found else []
                break
        else:
            found.extend(part(before, after))
    return found
