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

"""Does nova-compute report every node correctly: resources.json.

Each node has one compute node and one resource provider of the same uuid; a
used node's provider is reserved by its instance, a free one's is schedulable
(IronicDriver.update_provider_tree).
"""

import re
import time
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

from openstack.connection import Connection

from ironic_sideways import exceptions, resource_class, waits
from ironic_sideways.evidence import snapshot

Document = dict[str, Any]

#: What nova-compute must run after the move.
DRIVER = "ironic.IronicDriver"


def loaded(log: Path) -> dict[str, str]:
    """The driver and the compute manager that nova-compute loaded last.

    :raises SidewaysError: the log does not say.
    """
    found: dict[str, str] = {}
    for line in log.read_text(errors="replace").splitlines():
        for what in ("driver", "manager"):
            match = re.search(rf"Loading compute {what} '([^']+)'", line)
            if match:
                found[what] = match[1]
    if len(found) != 2:
        raise exceptions.SidewaysError(
            f"{log}: nova-compute does not say which driver and manager it loaded"
        )
    return found


def look(cloud: Connection) -> Document:
    """The hypervisors' names and types by uuid, and the providers."""
    return {
        "hypervisors": {
            hypervisor.id: {
                "name": hypervisor.name,
                "type": hypervisor.hypervisor_type,
            }
            for hypervisor in cloud.compute.hypervisors(details=True)
        },
        "providers": {p["uuid"]: p for p in snapshot.providers(cloud)},
    }


def recorded(document: Document) -> Document:
    """What ``look`` had seen, out of resources.json: to be judged again."""
    return {
        "hypervisors": {n["uuid"]: n["hypervisor"] for n in document["nodes"]},
        "providers": {n["uuid"]: n for n in document["nodes"]},
    }


def fault(seen: Document, uuid: str, instance: str | None, wanted: str) -> str:
    """What is not right yet about node ``uuid``; empty when all is."""
    hypervisor = seen["hypervisors"].get(uuid)
    if hypervisor is None or hypervisor["name"] != uuid:
        return "has no compute node of its uuid"
    provider = seen["providers"].get(uuid)
    if provider is None:
        return "has no resource provider"
    # What nova-compute cannot mend, before what it may not have done yet.
    holders = provider["allocations"]
    expected = {instance: {wanted: 1}} if instance else {}
    if holders != expected:
        return f"is allocated to {holders}, expected {expected}"
    # The row is the base driver's until nova-compute has asked Ironic.
    if hypervisor["type"] != "ironic":
        return f"is still reported by {hypervisor['type']}"
    if set(provider["inventories"]) != {wanted}:
        reported = sorted(provider["inventories"]) or "nothing"
        return f"reports {reported}, expected {wanted}"
    inventory = provider["inventories"][wanted]
    if inventory["total"] != 1:
        return f"inventory total {inventory['total']}, expected 1"
    # IronicDriver reserves a node that it may not give away; the conversion of
    # the allocations wrote 0 for all.
    if inventory["reserved"] != (1 if instance else 0):
        return f"is {'used' if instance else 'free'}, reserved {inventory['reserved']}"
    return ""


def several(names: Collection[str]) -> str:
    """The resource classes in a figure: the one there is, or how many."""
    return next(iter(names)) if len(names) == 1 else f"{len(names)} resource classes"


def faults(
    seen: Document, nodes: dict[str, str | None], wanted: dict[str, str]
) -> dict[str, str]:
    """What is not right yet about each of ``nodes``; those that are right are not in.

    :param wanted: each node's resource class, as Placement spells it.
    """
    found = {u: fault(seen, u, instance, wanted[u]) for u, instance in nodes.items()}
    return {uuid: text for uuid, text in found.items() if text}


def observe(
    cloud: Connection,
    nodes: dict[str, str | None],
    classes: dict[str, str],
    timeout: float,
    progress: Callable[[int], None] = lambda done: None,
    record: Callable[[Document], None] = lambda document: None,
) -> Document:
    """Wait until nova-compute reports all ``nodes`` (uuid -> instance or None).

    :param classes: each node's resource class, as Ironic spells it.
    :param timeout: seconds.
    :param record: gets the evidence document, also of a wait that expired: what
        was seen last.
    :returns: the same document.
    :raises WaitExpired: names each node that is not reported correctly, and why.
    """
    wanted = {uuid: resource_class.normalise(classes[uuid]) for uuid in nodes}
    names = sorted(set(wanted.values()))
    seen: Document = {"hypervisors": {}, "providers": {}}

    def look_for_faults() -> dict[str, str]:
        seen.update(look(cloud))
        found = faults(seen, nodes, wanted)
        progress(len(nodes) - len(found))
        return found

    try:
        what = f"nova-compute to report {len(nodes)} nodes as {several(names)}"
        waits.wait_for_none(look_for_faults, what, timeout, interval=1)
    finally:
        nothing: Document = {"inventories": {}, "allocations": {}}
        document = {
            "taken_at": time.time(),
            "resource_classes": names,
            "nodes": [
                {
                    "instance": instance,
                    "hypervisor": seen["hypervisors"].get(uuid),
                    **seen["providers"].get(uuid, nothing),
                    "uuid": uuid,
                }
                for uuid, instance in nodes.items()
            ],
        }
        record(document)
    return document
