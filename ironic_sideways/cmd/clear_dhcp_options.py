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


"""Take nova-baremetal's DHCP options off the Neutron ports of moved instances.

Each port named a boot loader on the base compute host's TFTP server, which is retired.
The options bootfile-name, server-ip-address and tftp-server are removed; others,
Ironic's own among them, stay. Run it when Ironic has taken over the nodes, and
before the base's TFTP server is stopped. A second run changes nothing.

On the way back, when the conductors have stopped, --of-ironic removes those that
Ironic set, by their numbers; --undo restores the base's.
"""

import argparse
import functools
from collections.abc import Callable, Sequence

from ironic_sideways import exceptions
from ironic_sideways.cloud import dhcp_options
from ironic_sideways.cmd import connections, program


def build_parser() -> program.Parser:
    """The command's options."""
    parser = program.Parser(prog=dhcp_options.TOOL, description=__doc__)
    parser.set_defaults(run=run, changed="")
    connections.add_option(parser)
    connections.add_migration_option(parser)
    parser.add_argument(
        "--of-ironic",
        action="store_true",
        help="with --migration: remove Ironic's options, not the base's; needs no "
        "--undo-file, as Ironic sets them again at its next take-over",
    )
    connections.add_change_options(parser)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    return program.main(build_parser(), arguments)


def check(parsed: argparse.Namespace) -> None:
    """:raises UsageError: the options do not go together."""
    needed = {"--migration": parsed.migration}
    if parsed.of_ironic:
        if not parsed.migration or parsed.undo or parsed.undo_file:
            raise exceptions.UsageError(
                "--of-ironic: expected --migration, and no other option but --dry-run"
            )
    else:
        connections.check_change_options(parsed, needed)


def run(parsed: argparse.Namespace) -> None:
    """Plan, and unless --dry-run make the change and read it again."""
    check(parsed)
    plan: Callable[[Sequence[dhcp_options.Port]], list[dhcp_options.Change]]
    if parsed.undo:
        old = dhcp_options.recorded(parsed.undo)
        wanted = {entry["instance"] for entry in old.values()}
        plan = functools.partial(dhcp_options.plan_undo, old)
        again = f"run --undo {parsed.undo} again"
    else:
        wanted = dhcp_options.instances(parsed.migration)
        plan = dhcp_options.plan
        again = f"run it again, or --undo {parsed.undo_file}"
    whose = dhcp_options.is_bases
    if parsed.of_ironic:
        whose, again = dhcp_options.is_ironics, "run it again"
    neutron = dhcp_options.Neutron(connections.connect(parsed.os_cloud))
    changes = plan(neutron.ports(wanted, whose))
    if not parsed.dry_run:
        if parsed.undo_file:
            dhcp_options.record(parsed.undo_file, changes)
        connections.make(
            *(parsed, changes, neutron.apply, "port", again),
            lambda: [c.port.id for c in plan(neutron.ports(wanted, whose)) if c],
        )
    report(changes, parsed)


def report(changes: Sequence[dhcp_options.Change], parsed: argparse.Namespace) -> None:
    """One line for each port that changes, and a closing figure."""
    would = "would be " if parsed.dry_run else ""
    verb = "restored" if parsed.undo else "removed"
    for change in filter(None, changes):
        names = ", ".join(change.options)
        print(
            f"port {change.port.id} (instance {change.port.instance}): "
            f"{names} {would}{verb}"
        )
    changed = sum(map(bool, changes))
    what = "Ironic's boot options" if parsed.of_ironic else "boot options"
    print(f"{changed}/{len(changes)} ports: {what} {would}{verb}")
