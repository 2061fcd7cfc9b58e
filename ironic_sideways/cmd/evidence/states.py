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

"""The cloud's state before, in and after the move: recorded, and compared."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ironic_sideways import exceptions
from ironic_sideways.cloud import compute_hosts
from ironic_sideways.evidence import documents

if TYPE_CHECKING:
    import sqlalchemy as sa

    from ironic_sideways.evidence.compare import Check
    from ironic_sideways.evidence.snapshot import Machines


def add_actions(add: Callable[..., argparse.ArgumentParser]) -> None:
    """:param add: of a function, its help and the paths it needs, a subcommand."""
    pair = argparse.ArgumentParser(add_help=False)
    pair.add_argument("--before", type=Path, required=True)
    pair.add_argument("--after", type=Path, required=True)
    cloud = argparse.ArgumentParser(add_help=False)
    cloud.add_argument("--os-cloud", required=True, help="an admin, by clouds.yaml")
    cloud.add_argument(
        "--base-driver",
        choices=("nova_bm", "fake"),
        default="nova_bm",
        help="nova-compute's driver before the move; fake: no instance is on the nodes",
    )
    cloud.add_argument("--machines", type=Path, help="the lab's machines.json")
    cloud.add_argument("--vbmc-config", type=Path, help="virtualbmc's configuration")
    cloud.add_argument("--heartbeat", type=Path, help="heartbeat.jsonl")
    cloud.add_argument("--output", type=Path, required=True)
    cloud.add_argument(
        "--tenant-key",
        type=Path,
        default=Path("tenant.key"),
        metavar="FILE",
        help="the key for the digests of tenants' values, made if it is missing: the "
        "same for all snapshots of a move, and not part of its evidence "
        "(default: %(default)s)",
    )

    action = add(
        snapshot,
        "record the current state: before.json, after.json, ended.json",
        parents=[cloud],
    )
    action.add_argument("--ironic-cloud", help="who sees all Ironic nodes; else none")
    action.add_argument(
        "--compute-host",
        action="append",
        metavar="HOST",
        help="only what belongs to this host; may be repeated (default: all)",
    )
    action.add_argument(
        "--nova-bm-db", metavar="URL|@FILE", help="its tables must not change"
    )

    action = add(last_look, "record the nodes once more: last-look.json", "output")
    action.add_argument("--ironic-cloud", required=True, help="who sees all nodes")

    action = add(compare, "compare before.json with after.json", parents=[pair])
    action.add_argument(
        "--accept",
        action="append",
        default=[],
        metavar="INSTANCE:KEY",
        help="accept a difference as its owner's own change: of one instance, by uuid, "
        "its name, description, metadata, tags, hostname, access_ips, "
        "security_groups (of its ports), ports (one that was deleted), server_group, "
        "key_pair or image_status (that was deleted); "
        "may be repeated; recorded beside before.json, and shown by the verdict",
    )

    action = add(
        base,
        "record all that a way back must restore: base-before.json",
        parents=[cloud],
    )
    action.add_argument("--nova-bm-db", required=True, metavar="URL|@FILE")
    action.add_argument("--ironic-db", required=True, metavar="URL|@FILE")
    action.add_argument(
        "--file",
        type=Path,
        action="append",
        default=[],
        help="a configuration file of the base; may be repeated",
    )
    action.add_argument(
        "--tftp-root", type=Path, help="what its net-booted instances boot from"
    )

    action = add(
        way_back, "compare base-before.json with base-after.json", parents=[pair]
    )
    action.add_argument("--heartbeat", type=Path, help="heartbeat.jsonl")
    action.add_argument("--bmc-log", type=Path, help="vbmcd's log")


def snapshot(args: argparse.Namespace) -> str:
    from ironic_sideways.cmd import connections
    from ironic_sideways.evidence import snapshot, tenants

    digest = tenants.of_run(args.tenant_key)
    ironic = connections.connect(args.ironic_cloud) if args.ironic_cloud else None
    connection = connections.connect(args.os_cloud)
    nova_bm = engine(args, "--nova-bm-db") if args.nova_bm_db else None
    taken = snapshot.take(
        connection, args.base_driver, machines(args), ironic, digest, nova_bm
    )
    if args.compute_host:
        nodes = compute_hosts.nodes_of(connection.compute, args.compute_host)
        taken = snapshot.of_hosts(taken, args.compute_host, nodes)
    return write(args, taken)


def base(args: argparse.Namespace) -> str:
    from ironic_sideways.cmd import connections
    from ironic_sideways.evidence import base, tenants

    databases = {
        "nova_bm": engine(args, "--nova-bm-db"),
        "ironic": engine(args, "--ironic-db"),
    }
    taken = base.take(
        connections.connect(args.os_cloud),
        args.base_driver,
        machines(args),
        databases,
        args.file,
        args.tftp_root,
        tenants.of_run(args.tenant_key),
    )
    return write(args, taken)


def machines(args: argparse.Namespace) -> "Machines | None":
    """The lab's machines, where the cloud is a lab's."""
    from ironic_sideways.evidence.snapshot import Machines

    if not args.machines:
        return None
    return Machines(args.machines, args.vbmc_config, args.heartbeat)


def engine(args: argparse.Namespace, option: str) -> "sa.Engine":
    """The database that ``option`` names."""
    from ironic_sideways.nova_bm import database

    value = vars(args)[option.removeprefix("--").replace("-", "_")]
    return database.engine(database.option_url(value, option))


def write(args: argparse.Namespace, taken: dict[str, Any]) -> str:
    """Write --output, which says much of the cloud; the figure."""
    documents.write(args.output, taken, 0o600)
    return f"{len(taken['servers'])} instances, {len(taken['providers'])} providers"


def last_look(args: argparse.Namespace) -> str:
    from ironic_sideways.cmd import connections
    from ironic_sideways.evidence import snapshot

    found = snapshot.last_look(connections.connect(args.ironic_cloud))
    documents.write(args.output, found)
    return f"{len(found['nodes'])} nodes"


def compare(args: argparse.Namespace) -> str:
    from ironic_sideways.evidence import accepted, survival

    before, after = documents.read(args.before), documents.read(args.after)
    for word in args.accept:
        accepted.accept(args.before.parent, before, after, word)
    changes = accepted.read(args.before.parent)
    for change in accepted.seen(changes, before, after):
        print(f"accepted by the operator as the owner's: {change}")
    owners = accepted.applied(changes, before, after)
    return tell_failed(survival.checks(owners, after))


def way_back(args: argparse.Namespace) -> str:
    from ironic_sideways.evidence import heartbeat, way_back
    from ironic_sideways.hardware import vbmc_log

    commands = []
    if args.bmc_log:
        with args.bmc_log.open(errors="replace") as lines:
            commands = list(vbmc_log.power_commands(lines))
    beats = heartbeat.read(args.heartbeat) if args.heartbeat else []
    before, after = documents.read(args.before), documents.read(args.after)
    return tell_failed(way_back.compared(before, after, beats, commands))


def tell_failed(checks: "list[Check]") -> str:
    """Print what failed; the figure when nothing did.

    :raises SidewaysError: something failed, the first by name.
    """
    failed = [check for check in checks if not check.ok]
    for check in failed:
        print(f"{check.name}: {check.detail}")
    if failed:
        raise exceptions.SidewaysError(
            f"{len(failed)} of {len(checks)} things did not survive, first: "
            f"{failed[0].name}: {failed[0].detail}"
        )
    return f"{len(checks)}/{len(checks)} as before"
