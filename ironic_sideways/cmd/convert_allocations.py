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
at once (Placement's reshape). Free nodes are converted as well, so that all
nodes are alike before IronicDriver starts. A node that is not as expected stops
the run before anything is changed; a second run changes nothing.

The account needs the roles admin and, for Placement's reshape, service.

Without the conversion nova-compute would exit at its first start with
IronicDriver: Placement refuses to drop an inventory that is in use.
"""

import argparse
import functools
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ironic_sideways import allocations, exceptions, placement, resource_class, waits
from ironic_sideways.cmd import cloud

#: A node's id is its uuid from here on; the plain list asks no compute for it.
UUID_MICROVERSION = "2.53"

#: The newest whose details neither parse ``cpu_info``, which nova-baremetal did
#: not report as JSON, nor (from 2.88) ask each compute for its uptime and wait
#: for the one that was just stopped.
HOST_MICROVERSION = "2.27"


def build_parser() -> argparse.ArgumentParser:
    """The command's options."""
    parser = argparse.ArgumentParser(
        prog=allocations.TOOL,
        description=__doc__,
        epilog=cloud.EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    cloud.add_option(parser)
    parser.add_argument(
        "--resource-class",
        metavar="NAME",
        help="the nodes' resource class in Ironic, such as baremetal; Placement's "
        "name is made of it as IronicDriver does (CUSTOM_BAREMETAL)",
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
        help='a JSON list of uuids, or of objects with a "uuid"',
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
        help="leave nodes without a provider to IronicDriver, which makes one",
    )
    parser.add_argument(
        "--wait",
        type=float,
        metavar="SECONDS",
        default=0,
        help="wait so long for Nova to see that nova-compute is down (after "
        "[DEFAULT] service_down_time, 60 seconds by default)",
    )
    parser.add_argument(
        "--undo-file",
        type=Path,
        metavar="FILE",
        help="write here what was so before (mode 0600); expected unless --dry-run",
    )
    parser.add_argument(
        "--undo", type=Path, metavar="FILE", help="restore what this file recorded"
    )
    parser.add_argument(
        "--output", type=Path, metavar="FILE", help="write the outcome by node as JSON"
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="show what would be done, change nothing"
    )
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    parser = build_parser()
    parsed = parser.parse_args(arguments)
    chosen = bool(parsed.node or parsed.nodes_file or parsed.compute_host)
    if parsed.undo is None:
        if not parsed.resource_class or not chosen:
            parser.error("expected --resource-class and which nodes, or --undo FILE")
        if not parsed.undo_file and not parsed.dry_run:
            parser.error("expected --undo-file FILE, or --dry-run")
    elif chosen or parsed.resource_class or parsed.undo_file:
        parser.error("--undo takes the nodes and their class from FILE")
    return cloud.run(parser.prog, functools.partial(run, parsed))


def run(parsed: argparse.Namespace) -> None:
    """Plan, and unless --dry-run make and record the change."""
    class_name = "" if parsed.undo else resource_class.normalise(parsed.resource_class)
    connection = cloud.connect(parsed.os_cloud)
    api = placement.Placement(connection.placement)
    work: allocations.Conversion | allocations.Restoration
    if parsed.undo:
        work = allocations.Restoration(api, parsed.undo)
        nodes = list(work.nodes)
        check_compute_down(connection.compute, nodes, parsed.wait)
        outcomes = work.plan(refuse)
    else:
        nodes = chosen_nodes(parsed, connection.compute)
        check_compute_down(connection.compute, nodes, parsed.wait)
        work = allocations.Conversion(
            api, class_name, parsed.undo_file, parsed.missing_ok
        )
        outcomes = work.plan(nodes, refuse)
    if not parsed.dry_run:
        work.run(outcomes)
    report(outcomes, work.class_name, parsed)


def refuse(line: str) -> None:
    """Tell a person about one node that stops the run."""
    print(f"{allocations.TOOL}: {line}", file=sys.stderr)


def chosen_nodes(parsed: argparse.Namespace, compute: Any) -> list[str]:
    """The uuids that the options name, each once.

    :raises UsageError: for a file that is no such list.
    :raises SidewaysError: for a compute host without nodes.
    """
    if parsed.nodes_file:
        return nodes_of_file(parsed.nodes_file)
    if parsed.node:
        return list(dict.fromkeys(parsed.node))
    hosts = _hosts(compute)
    by_host: dict[str, list[str]] = {host: [] for host in parsed.compute_host}
    for hypervisor in _hypervisors(compute):
        if hosts.get(hypervisor.name) in by_host:
            by_host[hosts[hypervisor.name]].append(hypervisor.id)
    for host, nodes in by_host.items():
        if not nodes:
            raise exceptions.SidewaysError(
                f"compute host {host}: Nova knows no node of it; nothing was changed"
            )
    return [uuid for nodes in by_host.values() for uuid in nodes]


def nodes_of_file(path: Path) -> list[str]:
    """The uuids of a JSON list of uuids, or of objects with a "uuid"."""
    try:
        items = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(items, list):
            raise TypeError(items)
        uuids = [item if isinstance(item, str) else item["uuid"] for item in items]
    except OSError as error:
        raise exceptions.UsageError(f"{path}: {error.strerror}") from None
    except (ValueError, TypeError, KeyError):
        raise exceptions.UsageError(
            f'{path}: expected a JSON list of uuids, or of objects with a "uuid"'
        ) from None
    return list(dict.fromkeys(uuids))


def check_compute_down(compute: Any, nodes: Sequence[str], wait: float) -> None:
    """Refuse while a nova-compute that has one of ``nodes`` is up.

    It would write the old inventory back. A node that Nova does not know has
    no nova-compute.

    :param wait: seconds to wait for Nova to see that it is down.
    """
    wanted = set(nodes)

    def up() -> list[str]:
        return [
            hypervisor.name
            for hypervisor in _hypervisors(compute)
            if hypervisor.id in wanted and hypervisor.state == "up"
        ]

    try:
        waits.wait_for(
            up, lambda nodes: not nodes, "nova-compute to be down", wait, interval=2
        )
    except exceptions.WaitExpired:
        hosts = _hosts(compute)
        names = sorted({hosts.get(node, f"(node {node})") for node in up()})
        raise exceptions.SidewaysError(
            f"nova-compute on {', '.join(names)} is up: stop it, and run again when "
            "Nova sees it down (--wait 90 waits for that); nothing was changed"
        ) from None


def _hypervisors(compute: Any) -> Any:
    """All nodes, with ``id`` (the uuid), ``name`` and ``state``."""
    return compute.hypervisors(details=False, microversion=UUID_MICROVERSION)


def _hosts(compute: Any) -> dict[str, str]:
    """The compute host of each node, by the node's name."""
    return {
        hypervisor.name: hypervisor.service_details["host"]
        for hypervisor in compute.hypervisors(
            details=True, microversion=HOST_MICROVERSION
        )
    }


def report(
    outcomes: dict[str, str], class_name: str, parsed: argparse.Namespace
) -> None:
    """One line for each node, a closing figure, and the record."""
    would = "would be " if parsed.dry_run else ""
    changes = (allocations.CONVERTED, allocations.RESTORED)
    for uuid, outcome in outcomes.items():
        print(f"node {uuid}: {would if outcome in changes else ''}{outcome}")
    changed = sum(outcome in changes for outcome in outcomes.values())
    verb = "restored from" if parsed.undo else "converted to"
    print(f"{changed}/{len(outcomes)} nodes {would}{verb} {class_name}")
    if parsed.output:
        record = {
            "tool": allocations.TOOL,
            "resource_class": class_name,
            "dry_run": parsed.dry_run,
            "undo": parsed.undo is not None,
            "nodes": outcomes,
        }
        text = json.dumps(record, indent=2, sort_keys=True) + "\n"
        parsed.output.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
