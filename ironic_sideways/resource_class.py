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

"""A node's resource class: Ironic's spelling of it, and Placement's.

A node has one resource class, and a flavor asks for one unit of it. Either all
nodes have the same (``baremetal``), or each hardware shape has its own: what
2014's ExactCoreFilter, ExactRamFilter and ExactDiskFilter compared then.
"""

import os_resource_classes

from ironic_sideways import exceptions

#: Of ``nodes.resource_class`` in Ironic (ironic.db.sqlalchemy.models.Node).
MAX_LENGTH = 80


def normalise(name: str) -> str:
    """Placement's name for Ironic's resource class ``name``.

    The rule is IronicDriver's (``os_resource_classes.normalize_name``).

    :raises UsageError: for a name that would not be what the caller means.
    """
    if not name.strip() or name.upper().startswith("CUSTOM_") or len(name) > MAX_LENGTH:
        raise exceptions.UsageError(
            f"resource class {name!r}: expected the name in Ironic, at most "
            f"{MAX_LENGTH} characters and without CUSTOM_, such as baremetal"
        )
    return str(os_resource_classes.normalize_name(name))


def by_shape(
    prefix: str, cpu_arch: str, cpus: int, memory_mb: int, local_gb: int
) -> str:
    """The class, in Ironic's spelling, of nodes of exactly this shape.

    Such as ``baremetal-x86_64-8c-16384m-100g``; a flavor's shape makes the same
    name of its vcpus, memory and whole disk.

    :param prefix: what all classes of the cloud begin with, such as baremetal.
    :param memory_mb: MiB.
    :param local_gb: GiB.
    :raises UsageError: for a shape that is not known whole, or a name that
        Ironic or Placement would not take.
    """
    shape = {"cpus": cpus, "memory_mb": memory_mb, "local_gb": local_gb}
    if not cpu_arch or any(value is None or value < 0 for value in shape.values()):
        raise exceptions.UsageError(
            f"resource class by shape: expected cpu_arch, cpus, memory_mb and "
            f"local_gb, found cpu_arch {cpu_arch}, "
            + ", ".join(f"{key} {value}" for key, value in shape.items())
        )
    name = f"{prefix}-{cpu_arch}-{cpus}c-{memory_mb}m-{local_gb}g"
    normalise(name)
    return name
