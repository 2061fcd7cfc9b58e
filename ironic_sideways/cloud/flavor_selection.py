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

"""Which flavors are of bare metal, and which nodes each of them fits.

nova-baremetal took the deploy images of a flavor from two extra specs, each on
its own, and for a key that was not there from ``[baremetal] deploy_kernel`` or
``deploy_ramdisk`` of nova.conf (nova.virt.baremetal.pxe). So a flavor may have
both keys, one, or none; without any, a ``cpu_arch`` is all that tells it from a
flavor of virtual machines.
"""

from collections.abc import Callable, Collection, Mapping, Sequence

import pyparsing
from oslo_utils import specs_matcher

from ironic_sideways import exceptions, resource_class
from ironic_sideways.cloud import nodes_file
from ironic_sideways.cloud.flavors import KERNEL_KEY, RAMDISK_KEY, Flavor, wanted_specs

#: Where 2014's ComputeCapabilitiesFilter found the architecture.
ARCHITECTURE_KEYS = ("cpu_arch", "capabilities:cpu_arch")


def choose(
    flavors: Sequence[Flavor],
    named: Sequence[str],
    old_images: Collection[str],
    new_images: Collection[str],
    fallback: bool = False,
) -> list[Flavor]:
    """The flavors to update: the named ones, or those with deploy images.

    :param named: names or ids; where given, these and no others.
    :param old_images: where given, only flavors that reference one of them
        (or, after an earlier run, one of ``new_images``).
    :param fallback: also those that nova.conf gave its deploy images.
    :raises SidewaysError: for a name without flavor, or if none is found.
    """
    if named:
        return _named(flavors, named)
    found = [
        flavor
        for flavor in flavors
        if (
            flavor.deploy_images
            and (not old_images or flavor.deploy_images & {*old_images, *new_images})
        )
        or (fallback and is_fallback(flavor))
    ]
    if not found:
        what = f"one of {', '.join(old_images)}" if old_images else "a deploy image"
        raise exceptions.SidewaysError(
            f"no flavor references {what} ({KERNEL_KEY}, {RAMDISK_KEY}); name the "
            "flavors by --flavor; nothing was changed"
        )
    return found


def _named(flavors: Sequence[Flavor], names: Sequence[str]) -> list[Flavor]:
    chosen: dict[str, Flavor] = {}
    for name in names:
        found = [flavor for flavor in flavors if name in (flavor.id, flavor.name)]
        if len(found) != 1:
            many = " or ".join(f"{flavor.name} ({flavor.id})" for flavor in found)
            what = f"could be {many}: give an id" if many else "not in Nova"
            raise exceptions.SidewaysError(
                f"flavor {name}: {what}; nothing was changed"
            )
        chosen[found[0].id] = found[0]
    return list(chosen.values())


def is_fallback(flavor: Flavor) -> bool:
    """Whether nova.conf's deploy images were this flavor's, as far as one can tell."""
    return not flavor.deploy_images and any(
        key in flavor.specs for key in ARCHITECTURE_KEYS
    )


def advertised(node: nodes_file.Node) -> dict[str, str] | None:
    """What Nova's scheduler compares of a moved node, or None: its file does not say.

    nova.virt.ironic.driver: properties' cpu_arch as it is written, its capabilities.
    """
    if node.cpu_arch is None:
        return None
    pairs = [word.split(":") for word in (node.capabilities or "").split(",")]
    capabilities = {pair[0].strip(): pair[1] for pair in pairs if len(pair) == 2}
    return {"cpu_arch": node.cpu_arch, **capabilities, "hypervisor_type": "ironic"}


def misfits(
    specs: Mapping[str, str], nodes: Collection[Mapping[str, str]]
) -> list[str]:
    """Which of a flavor's extra specs keep it from each of ``nodes``; none: one fits.

    As ComputeCapabilitiesFilter: ``capabilities:NAME``, and NAME of what a node has.
    """
    asked = {
        key.removeprefix("capabilities:"): (key, wanted)
        for key, wanted in specs.items()
        if key.startswith("capabilities:") or ":" not in key
    }
    # A name alone that a node does not have is none of that filter's.
    wrong = [
        {
            key
            for name, (key, wanted) in asked.items()
            if (name in node or key != name) and not _matches(node.get(name), wanted)
        }
        for node in nodes
    ]
    if not all(wrong):
        return []
    return sorted(set.intersection(*wrong) or set.union(*wrong))


def _matches(value: str | None, wanted: str) -> bool:
    if value is None:
        return False
    try:
        return bool(specs_matcher.match(value, wanted))
    except (TypeError, ValueError, pyparsing.ParseException):
        # Not an expression, but a value that only its own equal is.
        return value == wanted


def one_class(
    kernel: str, ramdisk: str, name: str
) -> Callable[[Flavor], dict[str, str]]:
    """The extra specs of every flavor where all nodes have the class ``name``.

    :raises UsageError: for a name that is no resource class.
    """
    specs = wanted_specs(kernel, ramdisk, resource_class.normalise(name))
    return lambda flavor: specs


def class_by_shape(
    kernel: str, ramdisk: str, prefix: str
) -> Callable[[Flavor], dict[str, str]]:
    """The extra specs of each flavor where each shape of nodes has its class.

    :raises UsageError: for a prefix that makes no resource class.
    """
    resource_class.normalise(prefix)
    return lambda flavor: wanted_specs(
        kernel, ramdisk, resource_class.normalise(shape_class(flavor, prefix))
    )


def shape_class(flavor: Flavor, prefix: str) -> str:
    """The resource class, in Ironic's spelling, of the nodes that ``flavor`` fits.

    What ExactCoreFilter, ExactRamFilter and ExactDiskFilter compared in 2014,
    where the whole disk is root, ephemeral and swap together, and ``cpu_arch``.

    :raises SidewaysError: where the flavor does not say one shape.
    """
    disk_mib = 1024 * (flavor.disk + flavor.ephemeral) + flavor.swap
    if disk_mib % 1024:
        raise exceptions.SidewaysError(
            f"flavor {flavor.name}: its root, ephemeral and swap disks are {disk_mib} "
            "MiB together, and a node has whole GiB: no node has this shape exactly; "
            "name the other flavors by --flavor; nothing was changed"
        )
    return resource_class.by_shape(
        prefix, architecture(flavor), flavor.vcpus, flavor.ram, disk_mib // 1024
    )


def architecture(flavor: Flavor) -> str:
    """The one cpu_arch that ``flavor`` asks for, plainly or as ``s== NAME``.

    :raises SidewaysError: where it has none, or an expression that fits several.
    """
    values = [flavor.specs[key] for key in ARCHITECTURE_KEYS if key in flavor.specs]
    words = {value.removeprefix("s==").strip() for value in values}
    if len(words) != 1 or len("".join(words).split()) != 1:
        found = " and ".join(values) or "none"
        raise exceptions.SidewaysError(
            f"flavor {flavor.name}: expected one architecture in its extra spec "
            f"cpu_arch, for a resource class by shape, found {found}; 'openstack "
            f"flavor set --property cpu_arch=x86_64 {flavor.id}', or name the other "
            "flavors by --flavor; nothing was changed"
        )
    return words.pop()
