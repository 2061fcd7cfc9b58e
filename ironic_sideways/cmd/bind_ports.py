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

"""Bind the Neutron ports of moved instances to their Ironic nodes.

The base bound each port to its compute host; Ironic binds it to the node, with
vnic_type baremetal, and Neutron refuses that change while the port is bound: a rebuild
would fail with the machine off. Each port is unbound and bound again, in two calls; its
address, MAC and lease stay. A run that was interrupted between the two is repeated or
undone. To be run when Ironic has taken over the nodes. A second run changes nothing.

An administrator may do it. Not for nodes with network interface noop, whose ports
Ironic never binds. With no mechanism driver for baremetal ports the result is
binding_failed, as of a port that Ironic deploys in that cloud.
"""

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence

from ironic_sideways import exceptions
from ironic_sideways.cloud import port_bindings
from ironic_sideways.cmd import connections, program


def build_parser() -> program.Parser:
    """The command's options."""
    parser = program.Parser(prog=port_bindings.TOOL, description=__doc__)
    parser.set_defaults(run=run, changed="")
    connections.add_option(parser)
    connections.add_migration_option(parser)
    parser.add_argument(
        "--leave",
        action="append",
        default=[],
        metavar="INSTANCE",
        help="leave this instance's ports as they are; may be repeated",
    )
    connections.add_change_options(parser)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    return program.main(build_parser(), arguments)


def run(parsed: argparse.Namespace) -> None:
    """Plan, and unless --dry-run make the change and read it again."""
    connections.check_change_options(
        parsed, {"--migration": parsed.migration}, [parsed.leave]
    )
    if parsed.undo and not parsed.undo.exists():
        raise exceptions.UsageError(f"{parsed.undo}: no such file")
    neutron = port_bindings.Neutron(connections.connect(parsed.os_cloud))
    if parsed.undo:
        changes, again = plan_undo(parsed, neutron), f"run --undo {parsed.undo} again"
    else:
        changes, again = plan(parsed, neutron), "run it again"
        again += f", or --undo {parsed.undo_file}"
    found = {change.port.id: change.port for change in changes}
    if not parsed.dry_run:

        def unlike() -> Iterator[str]:
            nonlocal found
            found = neutron.ports(found, ())
            return port_bindings.unlike(changes, found)

        connections.make(parsed, changes, neutron.apply, "port", again, unlike)
    report(changes, found, parsed)


def plan(
    parsed: argparse.Namespace, neutron: port_bindings.Neutron
) -> list[port_bindings.Change]:
    """What --migration asks for; its undo is on the disk when this returns."""
    nodes = port_bindings.moved(parsed.migration, parsed.leave)
    before = port_bindings.recorded(parsed.undo_file) if parsed.undo_file else {}
    ports = neutron.ports(
        {vif for node in nodes for vif in node.vifs or ()},
        {node.instance_uuid for node in nodes if node.instance_uuid},
    )
    found = port_bindings.plan(nodes, ports, before)
    for note in found.notes:
        print(f"note: {note}")
    refuse(found, "; --leave INSTANCE leaves an instance's ports as they are")
    if parsed.undo_file and not parsed.dry_run:
        port_bindings.record(parsed.undo_file, found.changes, nodes)
    return found.changes


def plan_undo(
    parsed: argparse.Namespace, neutron: port_bindings.Neutron
) -> list[port_bindings.Change]:
    """What leads back to what the undo file has."""
    before = port_bindings.recorded(parsed.undo)
    found = port_bindings.plan_undo(before, neutron.ports(before, ()))
    refuse(found, "")
    return found.changes


def refuse(found: port_bindings.Plan, hint: str) -> None:
    """Tell each port that is not as it should be, and end the run if there is one.

    :raises SidewaysError: where a port is refused.
    """
    for fault in found.faults:
        print(fault, file=sys.stderr)
    if found.faults:
        raise exceptions.SidewaysError(
            f"{len(found.faults)} ports refused; nothing was changed{hint}"
        )


def report(
    changes: Sequence[port_bindings.Change],
    found: Mapping[str, port_bindings.Port],
    parsed: argparse.Namespace,
) -> None:
    """One line for each port that changes, and a closing figure."""
    would = "would be " if parsed.dry_run else ""
    for change in filter(None, changes):
        print(
            f"port {change.port.id} (instance {change.port.device}): {would}bound to "
            f"{change.binding}, was {change.port.binding}"
        )
    changed = sum(map(bool, changes))
    whose = "their hosts again" if parsed.undo else "their nodes"
    types = "" if parsed.dry_run else port_bindings.vif_types(found.values())
    print(f"{changed}/{len(changes)} ports {would}bound to {whose}{types}")
