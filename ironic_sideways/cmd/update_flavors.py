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

"""Give the flavors of nova-baremetal Ironic's deploy images and resource class.

Each chosen flavor gets the ids of the new deploy kernel and ramdisk, asks for one
unit of CUSTOM_<CLASS>, and for none of VCPU, MEMORY_MB and DISK_GB. Chosen are, by
default, all flavors that reference a deploy image, private and disabled ones too.
Images must be active in glance. A second run changes nothing.

Existing instances keep the flavor that was embedded in them when they were made.
Nova's API cannot change it, and need not: reboot, rebuild and delete do not ask
Placement for it.
"""

import argparse
import functools
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from ironic_sideways import exceptions, resource_class
from ironic_sideways.cloud import (
    flavor_selection,
    flavors,
    images,
    nodes_file,
)
from ironic_sideways.cmd import connections, program


def build_parser() -> program.Parser:
    """The command's options."""
    parser = program.Parser(prog=flavors.TOOL, description=__doc__)
    parser.set_defaults(run=run, changed="")
    connections.add_option(parser)
    group = parser.add_argument_group(
        "which flavors (default: all that reference a deploy image)"
    )
    which = group.add_mutually_exclusive_group()
    which.add_argument(
        "--flavor",
        nargs="+",
        metavar="NAME",
        default=[],
        help="these and no others, by name or id, whatever they reference",
    )
    which.add_argument(
        "--old-image",
        nargs="+",
        metavar="ID",
        default=[],
        help="those that reference one of these old deploy images, as their kernel or "
        "as their ramdisk",
    )
    group.add_argument(
        "--fallback",
        action="store_true",
        help="also those with cpu_arch and without deploy images: nova-baremetal took "
        "[baremetal] deploy_kernel and deploy_ramdisk of nova.conf for them; without "
        "this option they are named, and left as they are",
    )
    for kind in images.FORMATS:
        parser.add_argument(
            f"--deploy-{kind}",
            metavar="ID",
            help=f"the new deploy {kind}'s image, id or name",
        )
    connections.add_class_options(
        parser,
        "a class for each shape of nodes, whose names begin with NAME; a flavor's is "
        "made of its vcpus, ram, disks (root, ephemeral and swap) and cpu_arch, as the "
        "Exact*Filters compared them",
    )
    parser.add_argument(
        "--nodes-file",
        type=Path,
        metavar="FILE",
        help="migration.json, or a JSON list of nodes with their resource_class, "
        "cpu_arch and capabilities: warn of a flavor that fits none of them",
    )
    connections.add_change_options(parser)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    return program.main(build_parser(), arguments)


def check(parsed: argparse.Namespace) -> None:
    """:raises UsageError: the options do not go together."""
    connections.check_change_options(
        parsed,
        {
            "--deploy-kernel": parsed.deploy_kernel,
            "--deploy-ramdisk": parsed.deploy_ramdisk,
            "--resource-class": parsed.resource_class,
        },
        [
            parsed.flavor,
            parsed.old_image,
            parsed.fallback,
            parsed.resource_class_by_shape,
            parsed.nodes_file,
        ],
    )
    if parsed.fallback and parsed.flavor:
        raise exceptions.UsageError(
            "--fallback adds to the flavors found, --flavor names them all"
        )


def run(parsed: argparse.Namespace) -> None:
    """Plan, and unless --dry-run make the change and read it again."""
    check(parsed)
    plan: Callable[[Sequence[flavors.Flavor]], list[flavors.Change]]
    if parsed.undo:
        connection = connections.connect(parsed.os_cloud)
        plan = functools.partial(flavors.plan_undo, parsed.undo)
        again = f"run --undo {parsed.undo} again"
    else:
        resource_class.normalise(parsed.resource_class)
        nodes = named_nodes(parsed.nodes_file)
        connection = connections.connect(parsed.os_cloud)
        pair = images.active_pair(
            connection, parsed.deploy_kernel, parsed.deploy_ramdisk
        )
        plan = functools.partial(plan_update, parsed, pair)
        again = f"run it again, or --undo {parsed.undo_file}"
    nova = flavors.Nova(connection)
    present = nova.flavors()
    changes = plan(present)
    if not parsed.undo:
        warn(present, changes, nodes)
    if not parsed.dry_run:
        if parsed.undo_file:
            flavors.record(parsed.undo_file, changes)
        connections.make(
            *(parsed, changes, nova.apply, "flavor", again),
            lambda: [c.flavor.name for c in plan(nova.flavors()) if c],
        )
    report(changes, parsed)


def plan_update(
    parsed: argparse.Namespace, pair: tuple[str, str], present: Sequence[flavors.Flavor]
) -> list[flavors.Change]:
    """What the chosen ones of the ``present`` flavors lack."""
    chosen = flavor_selection.choose(
        present, parsed.flavor, parsed.old_image, pair, parsed.fallback
    )
    wanted = (
        flavor_selection.class_by_shape
        if parsed.resource_class_by_shape
        else flavor_selection.one_class
    )
    return flavors.plan(chosen, wanted(*pair, parsed.resource_class))


def named_nodes(path: Path | None) -> list[nodes_file.Node]:
    """The nodes of ``path`` that have a resource class; none where no file is given.

    :raises UsageError: for a file that names no class.
    """
    if path is None:
        return []
    found = [node for node in nodes_file.read(path) if node.resource_class]
    if not found:
        raise exceptions.UsageError(f'{path}: expected nodes with a "resource_class"')
    return found


def warn(
    present: Sequence[flavors.Flavor],
    changes: Sequence[flavors.Change],
    nodes: Sequence[nodes_file.Node],
) -> None:
    """Warn of flavors that may be for bare metal too, and of those that fit no node."""
    chosen = {change.flavor.id for change in changes}
    for flavor in present:
        if flavor.id not in chosen and flavor_selection.is_fallback(flavor):
            tell(
                f"flavor {flavor.name}: left as it is: it has cpu_arch and no deploy "
                "image; if nova-baremetal deployed it with those of nova.conf, add "
                "--fallback, or name it by --flavor"
            )
    by_class: dict[str, list[nodes_file.Node]] = {}
    for node in nodes:
        name = resource_class.normalise(str(node.resource_class))
        by_class.setdefault(name, []).append(node)
    for change in changes if nodes else ():
        if words := why_no_node(change.flavor.specs | change.set, by_class):
            what = f"{words}, so no server of it can be scheduled"
            tell(f"flavor {change.flavor.name}: {what}")


def why_no_node(
    specs: Mapping[str, str], by_class: Mapping[str, Sequence[nodes_file.Node]]
) -> str:
    """Why no node fits a flavor with these extra specs; empty where one does."""
    asked = {
        key.removeprefix("resources:")
        for key, value in specs.items()
        if key.startswith(flavors.CUSTOM_PREFIX) and value == "1"
    }
    fitting = [node for name in asked for node in by_class.get(name, ())]
    if not fitting:
        return f"no node has {', '.join(sorted(asked))}"
    known = [found for node in fitting if (found := flavor_selection.advertised(node))]
    # A file from before that says nothing of them: no reason to warn.
    if len(known) < len(fitting):
        return ""
    keys = flavor_selection.misfits(specs, known)
    words = ", ".join(f"{key}={specs[key]}" for key in keys)
    names = {key.removeprefix("capabilities:") for key in keys}
    have = sorted({f"{n} {node.get(n, 'not at all')}" for node in known for n in names})
    return f"no node has {words} (they have: {', '.join(have)})" if keys else ""


def tell(line: str) -> None:
    """A warning, for a person."""
    print(f"{flavors.TOOL}: warning: {line}", file=sys.stderr)


def report(changes: Sequence[flavors.Change], parsed: argparse.Namespace) -> None:
    """One line for each flavor, and a closing figure."""
    would = "would be " if parsed.dry_run else ""
    for change in changes:
        words = [
            *(f"{key}={value}" for key, value in change.set.items()),
            *(f"{key} removed" for key in change.delete),
        ]
        outcome = (
            f"{would}changed: {', '.join(words)}" if change else "up to date already"
        )
        print(f"flavor {json.dumps(change.flavor.name)}: {outcome}")
    changed = sum(map(bool, changes))
    verb = "restored" if parsed.undo else "updated"
    print(f"{changed}/{len(changes)} flavors {would}{verb}")
