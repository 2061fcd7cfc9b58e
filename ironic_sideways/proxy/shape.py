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

"""A node of Ironic in the words of nova-baremetal's API.

The shape is that of Nova's ``nova.api.openstack.compute.baremetal_nodes``, as
python-novaclient up to 7.x and tempest.lib's response schema parse it (which
allows no further key). What Nova's own proxy got wrong is right here: a list
has its interfaces, and a missing property is no error.
"""

from collections.abc import Iterable, Mapping
from typing import Any

#: What these functions read of a node and of a port (Ironic's ``fields``).
NODE_FIELDS = ("uuid", "instance_uuid", "provision_state", "properties")
PORT_FIELDS = ("address", "node_uuid")

#: The old API's name for the compute host of a node that Ironic manages.
HOST = "IRONIC MANAGED"


def summary(node: Mapping[str, Any], addresses: Iterable[str]) -> dict[str, Any]:
    """``node`` with the MAC ``addresses`` of its ports, as an item of the list."""
    properties = node.get("properties") or {}
    return {
        "id": node["uuid"],
        "interfaces": [interface(address) for address in addresses],
        "host": HOST,
        "task_state": node.get("provision_state"),
        "cpus": _figure(properties.get("cpus")),
        "memory_mb": _figure(properties.get("memory_mb")),
        "disk_gb": _figure(properties.get("local_gb")),
    }


def interface(address: str) -> dict[str, str | None]:
    """A port with the keys of 2014's ``_interface_dict``; what Ironic lacks is null.

    Scripts count the columns of the table that novaclient makes of these keys.
    """
    return {"id": None, "datapath_id": None, "port_no": None, "address": address}


def detail(node: Mapping[str, Any], addresses: Iterable[str]) -> dict[str, Any]:
    """``node`` with the MAC ``addresses`` of its ports, as the show call has it."""
    return summary(node, addresses) | {"instance_uuid": node.get("instance_uuid")}


def _figure(value: Any) -> int | str:
    """An integer or a string, as Ironic has it; "0" where it has none."""
    if value is None or value == "":
        return "0"
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    return str(value)
