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

"""What a bm_nodes row is worth to Nova and Placement."""

import os_resource_classes as orc
from nova import exception
from nova.objects import fields

from .rows import Node


def compute_node(row: Node, extra_specs: dict[str, str]) -> dict:
    """The compute node as nova-baremetal reported it (2014, ``_node_resource``).

    :param extra_specs: what every node of the host offers, by name.
    """
    total = {
        "vcpus": row.cpus or 0,
        "memory_mb": row.memory_mb or 0,
        "local_gb": row.local_gb or 0,
    }
    used = {f"{name}_used": 0 if row.free else of for name, of in total.items()}
    return {
        **total,
        **used,
        "uuid": row.uuid,
        "hypervisor_hostname": row.uuid,
        "hypervisor_type": "baremetal",
        "hypervisor_version": 1,
        # nova-baremetal said "baremetal cpu", which Nova's API reads as JSON
        # from microversion 2.28 to 2.87, and fails (500).
        "cpu_info": "",
        "supported_instances": supported_instances(extra_specs),
        "stats": dict(extra_specs),
        "numa_topology": None,
    }


def supported_instances(extra_specs: dict[str, str]) -> list[tuple[str, str, str]]:
    """Architecture, hypervisor type and mode, if the architecture is known.

    :raises ValueError: a ``cpu_arch`` that Nova does not know.
    """
    named = extra_specs.get("cpu_arch")
    if not named:
        return []
    try:
        arch = fields.Architecture.canonicalize(named)
    except exception.InvalidArchitectureName as error:
        raise ValueError(
            f"[baremetal] flavor_extra_specs: cpu_arch: Nova knows no '{named}'"
        ) from error
    return [(arch, fields.HVType.BAREMETAL, fields.VMMode.HVM)]


def inventory(row: Node) -> dict[str, dict]:
    """The provider's inventory; of a node with an instance, all is reserved.

    nova-baremetal gave a node whole to one instance, whatever its flavor left.
    """
    total = {
        orc.VCPU: row.cpus,
        orc.MEMORY_MB: row.memory_mb,
        orc.DISK_GB: row.local_gb,
    }
    return {
        resource_class: {
            "total": amount,
            "reserved": 0 if row.free else amount,
            "min_unit": 1,
            "max_unit": amount,
            "step_size": 1,
            "allocation_ratio": 1.0,
        }
        for resource_class, amount in total.items()
        if amount
    }
