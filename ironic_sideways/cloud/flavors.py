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

"""Flavors of nova-baremetal become flavors of Ironic, and back.

Two keys of a flavor named nova-baremetal's deploy images, and nova-baremetal
read them at every deploy. Nova's Ironic driver copied them to the node in its
first releases; today's Ironic reads ``driver_info`` of the node and ignores
them. They are kept, with the new images' ids, as the specification's upgrade
path has it: a tool that shows a flavor's images then shows the true ones.
What selects a node today is its resource class, exactly one unit of it, with
the standard resources at zero.

An instance keeps the flavor that was embedded in it when it was made; none of
this reaches it.
"""

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import openstack.connection

from ironic_sideways import exceptions
from ironic_sideways.cloud import undo_file

TOOL = "nova-bm-update-flavors"

KERNEL_KEY = "baremetal:deploy_kernel_id"
RAMDISK_KEY = "baremetal:deploy_ramdisk_id"
ZEROED = ("resources:VCPU", "resources:MEMORY_MB", "resources:DISK_GB")
CUSTOM_PREFIX = "resources:CUSTOM_"


@dataclasses.dataclass(frozen=True)
class Flavor:
    """A flavor, its shape and its extra specs.

    :param ram: MiB.
    :param disk: of the root disk, GiB.
    :param ephemeral: GiB.
    :param swap: MiB.
    """

    id: str
    name: str
    specs: dict[str, str]
    vcpus: int = 0
    ram: int = 0
    disk: int = 0
    ephemeral: int = 0
    swap: int = 0

    @property
    def deploy_images(self) -> set[str]:
        """The ids of the deploy images that the flavor references."""
        return {
            self.specs[key] for key in (KERNEL_KEY, RAMDISK_KEY) if key in self.specs
        }


@dataclasses.dataclass(frozen=True)
class Change:
    """Extra specs to set and keys to delete on one flavor."""

    flavor: Flavor
    set: dict[str, str]
    delete: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.set or self.delete)

    def __str__(self) -> str:
        return f"flavor {self.flavor.name}"

    @property
    def in_parts(self) -> bool:
        """Each key is deleted by a call of its own."""
        return bool(self.delete)


class Nova:
    """The few calls of the Compute API that the flavors need."""

    def __init__(self, connection: openstack.connection.Connection) -> None:
        self.compute = connection.compute

    def flavors(self) -> list[Flavor]:
        """All flavors by name; an administrator sees private and disabled ones too.

        Nova lists them by their ids, which are random: no order for a person.
        """
        found = [
            Flavor(
                flavor.id,
                flavor.name,
                dict(flavor.extra_specs),
                flavor.vcpus,
                flavor.ram,
                flavor.disk,
                flavor.ephemeral,
                flavor.swap or 0,
            )
            for flavor in self.compute.flavors(details=True, get_extra_specs=True)
        ]
        return sorted(found, key=lambda flavor: (flavor.name, flavor.id))

    def apply(self, change: Change) -> None:
        """Make ``change``: what is to be set in one call, at once."""
        if change.set:
            self.compute.create_flavor_extra_specs(change.flavor.id, change.set)
        for key in change.delete:
            self.compute.delete_flavor_extra_specs_property(change.flavor.id, key)


def wanted_specs(kernel: str, ramdisk: str, class_name: str) -> dict[str, str]:
    """The extra specs of a flavor of Ironic.

    :param kernel: image id of the deploy kernel.
    :param ramdisk: image id of the deploy ramdisk.
    :param class_name: Placement's resource class, such as CUSTOM_BAREMETAL.
    """
    return {
        KERNEL_KEY: kernel,
        RAMDISK_KEY: ramdisk,
        f"resources:{class_name}": "1",
        **dict.fromkeys(ZEROED, "0"),
    }


def plan(
    flavors: Sequence[Flavor], wanted: Callable[[Flavor], dict[str, str]]
) -> list[Change]:
    """What each flavor lacks of what is wanted of it; a change may be empty.

    :raises SidewaysError: for a flavor that asks for another custom class.
    """
    changes = []
    for flavor in flavors:
        specs = wanted(flavor)
        for key in flavor.specs:
            if key.startswith(CUSTOM_PREFIX) and key not in specs:
                raise exceptions.SidewaysError(
                    f"flavor {flavor.name}: it has {key} already, and a node has one "
                    "resource class; --undo the run that set it, or remove the key; "
                    "nothing was changed"
                )
        lacking = {
            key: value for key, value in specs.items() if flavor.specs.get(key) != value
        }
        changes.append(Change(flavor, lacking))
    return changes


def record(path: Path, changes: Sequence[Change]) -> None:
    """Write the undo file: all extra specs of each flavor, old and new.

    What an earlier run recorded as old stays the old while the flavor is as
    that run set it.
    """
    content = undo_file.continued(path, TOOL, flavors={})
    for change in changes:
        flavor = change.flavor
        entry = content["flavors"].get(flavor.id)
        if entry is None or not entry["set"].items() <= flavor.specs.items():
            entry = {"name": flavor.name, "old": flavor.specs, "set": {}}
        entry["set"] |= change.set
        entry["new"] = flavor.specs | change.set
        content["flavors"][flavor.id] = entry
    undo_file.write(path, content)


def plan_undo(path: Path, flavors: Sequence[Flavor]) -> list[Change]:
    """What leads each flavor of the undo file back, by name; a change may be empty.

    :raises SidewaysError: where a flavor is gone, or a key was set to
        something else since.
    """
    present = {flavor.id: flavor for flavor in flavors}
    changes = []
    content = undo_file.read(path, TOOL)
    with undo_file.whole(path):
        for flavor_id, entry in content["flavors"].items():
            flavor = present.get(flavor_id)
            if flavor is None:
                raise exceptions.SidewaysError(
                    f"flavor {entry['name']} ({flavor_id}): no longer exists in Nova; "
                    "nothing was changed"
                )
            changes.append(_way_back(flavor, entry))
    return sorted(changes, key=lambda change: (change.flavor.name, change.flavor.id))


def _way_back(flavor: Flavor, entry: dict[str, Any]) -> Change:
    back, delete = {}, []
    for key, new in entry["set"].items():
        old, now = entry["old"].get(key), flavor.specs.get(key)
        if now == old:
            continue
        if now != new:
            raise exceptions.SidewaysError(
                f"flavor {flavor.name}: {key} is {now} now, expected {new} as this "
                "tool set it; nothing was changed"
            )
        if old is None:
            delete.append(key)
        else:
            back[key] = old
    return Change(flavor, back, tuple(delete))
