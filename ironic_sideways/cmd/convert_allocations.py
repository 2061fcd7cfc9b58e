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

"""Convert the nodes' allocations in Placement to Ironic's resource class.

While nova-compute is down, each node's inventory of VCPU, MEMORY_MB and DISK_GB
becomes one unit of CUSTOM_<CLASS>, and its instance's allocation with it, both
at once (Placement's reshape); traits and aggregates stay. Free nodes are converted
as well, so that all nodes are alike before IronicDriver starts. A node that is not
as expected stops the run before anything is changed; a second run changes nothing.

The account needs the roles admin and, for Placement's reshape, service. Useful
weeks ahead: --dry-run looks at every node, and asks for the account's rights, while
nova-compute is still up.

With migration.json as --nodes-file each allocation must be its node's own instance's;
one that is nowhere is made with the conversion, and one that is elsewhere is refused.

Without the conversion nova-compute would exit at its first start with
IronicDriver: Placement refuses to drop an inventory that is in use.
"""

import argparse
import functools
import sys
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from ironic_sideways import exceptions, progress, resource_class
from ironic_sideways.cloud import (
    allocation_holders,
    allocations,
    compute_hosts,
    nodes_file,
    placement,
    undo_file,
)
from ironic_sideways.cmd import connections, program

Work = allocations.Conversion | allocations.Restoration


def build_parser() -> program.Parser:
    """The command's options."""
    parser = program.Parser(prog=allocations.TOOL, description=__doc__)
    parser.set_defaults(run=run, changed="")
    connections.add_option(parser)
    connections.add_class_options(
        parser,
        "each node's class is the one that --nodes-file says; NAME is what it must "
        "begin with",
    )
    which = parser.add_argument_group(
        "which nodes (one of)"
    ).add_mutually_exclusive_group()
    which.add_argument(
        "--node", nargs="+", metavar="UUID", default=[], help="these nodes"
    )
    which.add_argument(
        "--nodes-file",
        type=Path,
        metavar="FILE",
        help="migration.json of ironic-nova-bm-migrate, or a JSON list of uuids or of "
        'objects with a "uuid" and perhaps a "resource_class"',
    )
    which.add_argument(
        "--compute-host",
        action="append",
        metavar="HOST",
        default=[],
        help="all nodes of this nova-compute; may be repeated",
    )
    parser.add_argument(
        "--missing-ok",
        action="store_true",
        help="pass over nodes without a provider: IronicDriver creates it",
    )
    parser.add_argument(
        "--wait",
        type=float,
        metavar="SECONDS",
        default=0,
        help="wait this long for Nova to see that nova-compute is down (after "
        "[DEFAULT] service_down_time, 60 seconds by default)",
    )
    parser.add_argument(
        "--output",
        type=Path,
        metavar="FILE",
        help="write the outcome by node as JSON (mode 0600): before the first change, "
        "and again at the end",
    )
    connections.add_change_options(parser)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    return program.main(build_parser(), arguments)


def check(parsed: argparse.Namespace) -> None:
    """:raises UsageError: the options do not go together."""
    chosen = parsed.node or parsed.nodes_file or parsed.compute_host
    connections.check_change_options(
        parsed,
        {
            "--resource-class": parsed.resource_class,
            "--node, --nodes-file or --compute-host": chosen,
        },
        [parsed.resource_class_by_shape, parsed.missing_ok],
    )
    if parsed.resource_class_by_shape and not (parsed.nodes_file or parsed.undo):
        raise exceptions.UsageError(
            "--resource-class-by-shape: expected --nodes-file with each node's class"
        )


def run(parsed: argparse.Namespace) -> None:
    """Plan, and unless --dry-run make and record the change."""
    check(parsed)
    nodes = nodes_file.read(parsed.nodes_file) if parsed.nodes_file else []
    if not parsed.undo:
        resource_class.normalise(parsed.resource_class)
    classes = {node.uuid: class_of(node, parsed) for node in nodes}
    if parsed.undo:
        undo_file.read(parsed.undo, allocations.TOOL)
    connection = connections.connect(parsed.os_cloud)
    instances = {node.uuid: node.instance_uuid for node in nodes if node.tells_instance}
    work = prepare(parsed, classes, instances, connection)
    compute = connection.compute
    compute_hosts.refuse_other_uuids(compute, work.classes)
    if not parsed.dry_run:
        compute_hosts.check(compute, work.classes, parsed.wait)
    elif up := compute_hosts.up(compute, work.classes):
        tell(
            f"warning: {compute_hosts.whose(compute, up)} is up; it must be stopped "
            "for the conversion itself"
        )
    total = work.steps(not parsed.dry_run)
    with progress.progress("nodes looked at, converted, verified", total) as advance:
        work.progress = advance
        outcomes = work.plan(tell)
        if not parsed.undo:
            warn_of_traits(work, outcomes)
        if not parsed.dry_run:
            record(parsed, work, outcomes, finished=False)
            work.run(outcomes)
            if {allocations.CONVERTED, allocations.RESTORED} & {*outcomes.values()}:
                parsed.changed = f"{len(outcomes)} nodes are as asked for"
    record(parsed, work, outcomes, finished=not parsed.dry_run)
    report(outcomes, work, parsed)


def prepare(
    parsed: argparse.Namespace,
    classes: dict[str, str],
    instances: dict[str, str | None],
    connection: Any,
) -> Work:
    """The work that the options ask for.

    :param classes: of the nodes of --nodes-file.
    :param instances: of the nodes of --nodes-file, as far as it says so.
    """
    api = placement.Placement(connection.placement)
    if parsed.undo:
        return allocations.Restoration(api, parsed.undo)
    if not classes:
        hosts = parsed.compute_host
        named = parsed.node or compute_hosts.nodes_of(connection.compute, hosts)
        classes = dict.fromkeys(named, resource_class.normalise(parsed.resource_class))
    return allocations.Conversion(
        api,
        classes,
        parsed.undo_file,
        functools.partial(allocation_holders.strangers, connection.compute),
        allocation_holders.Instances(
            instances, functools.partial(allocation_holders.owner, connection.compute)
        ),
        parsed.missing_ok,
    )


def class_of(node: nodes_file.Node, parsed: argparse.Namespace) -> str:
    """Placement's class of a node of --nodes-file.

    :raises UsageError: where file and options do not agree.
    """
    name, said = parsed.resource_class, node.resource_class
    if parsed.resource_class_by_shape:
        if said is None or not said.startswith(f"{name}-"):
            raise exceptions.UsageError(
                f"node {node.uuid}: expected a resource_class that begins with {name}- "
                f"in {parsed.nodes_file}, found {said or 'none'}"
            )
        return resource_class.normalise(said)
    if said not in (None, name):
        raise exceptions.UsageError(
            f"node {node.uuid}: --resource-class is {name}, {parsed.nodes_file} has "
            f"{said}; --resource-class-by-shape takes each node's own"
        )
    return resource_class.normalise(name)


def tell(line: str) -> None:
    """Tell a person about one node, or one thing, that matters."""
    print(f"{allocations.TOOL}: {line}", file=sys.stderr)


def warn_of_traits(work: Work, outcomes: dict[str, str]) -> None:
    """IronicDriver gives a provider the traits of its Ironic node, and no others."""
    traits = work.placement.custom_traits()
    for uuid, outcome in outcomes.items():
        if uuid in traits and outcome == allocations.CONVERTED:
            names = " ".join(traits[uuid])
            tell(
                f"warning: node {uuid}: its provider has {names}: IronicDriver will "
                f"replace them by the Ironic node's, so 'openstack baremetal node add "
                f"trait {uuid} {names}' before it starts"
            )


def record(
    parsed: argparse.Namespace, work: Work, outcomes: dict[str, str], finished: bool
) -> None:
    """Write --output; what is not ``finished`` is the plan."""
    if parsed.output:
        content = {
            "tool": allocations.TOOL,
            "dry_run": parsed.dry_run,
            "undo": parsed.undo is not None,
            "finished": finished,
            "resource_classes": work.classes,
            "nodes": outcomes,
        }
        undo_file.write(parsed.output, content)


def report(outcomes: dict[str, str], work: Work, parsed: argparse.Namespace) -> None:
    """One line for each node, and a closing figure."""
    would = "would be " if parsed.dry_run else ""
    changes: Collection[str] = (allocations.CONVERTED, allocations.RESTORED)
    for uuid, outcome in outcomes.items():
        print(f"node {uuid}: {would if outcome in changes else ''}{outcome}")
    changed = sum(outcome in changes for outcome in outcomes.values())
    verb = "restored from" if parsed.undo else "converted to"
    names = sorted(set(work.classes.values()))
    what = names[0] if len(names) == 1 else f"{len(names)} resource classes"
    print(f"{changed}/{len(outcomes)} nodes {would}{verb} {what}")
