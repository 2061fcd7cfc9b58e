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

"""Take, observe and compare evidence; each prints one line, its figure, last."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ironic_sideways import exceptions
from ironic_sideways.cloud import compute_hosts
from ironic_sideways.evidence import documents, migration

if TYPE_CHECKING:
    from ironic_sideways.evidence.compare import Check

HELP = "take, observe and compare evidence"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")

    pair = argparse.ArgumentParser(add_help=False)
    pair.add_argument("--before", type=Path, required=True)
    pair.add_argument("--after", type=Path, required=True)
    cloud = argparse.ArgumentParser(add_help=False)
    cloud.add_argument("--os-cloud", required=True, help="an admin, by clouds.yaml")
    cloud.add_argument(
        "--base-driver",
        choices=("nova_bm", "fake"),
        default="nova_bm",
        help="what the base ran; fake: no instance is on the nodes",
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
        help="a secret for the digests of tenants' values, made where it is not there: "
        "one for all snapshots of a move, and no part of its evidence "
        "(default: %(default)s)",
    )

    def add(run: Callable[..., str], text: str, **more: Any) -> argparse.ArgumentParser:
        name = run.__name__.removeprefix("sum_up_").replace("_", "-")
        action = actions.add_parser(name, help=text, **more)
        action.set_defaults(run=run)
        return action

    action = add(
        snapshot,
        "record the current state: before.json, after.json, ended.json",
        parents=[cloud],
    )
    action.add_argument(
        "--ironic-cloud", help="who sees all Ironic nodes; absent: none"
    )
    action.add_argument(
        "--compute-host",
        action="append",
        metavar="HOST",
        help="only what belongs to this host; may be repeated (default: all)",
    )

    action.add_argument(
        "--nova-bm-db", metavar="URL|@FILE", help="whose tables must stay as they are"
    )

    action = add(last_look, "record the nodes once more: last-look.json")
    action.add_argument("--ironic-cloud", required=True, help="who sees all nodes")
    action.add_argument("--output", type=Path, required=True)

    action = add(compare, "compare before.json with after.json", parents=[pair])
    action.add_argument(
        "--accept",
        action="append",
        default=[],
        metavar="INSTANCE:KEY",
        help="what differs is its owner's own doing, and accepted: of one instance, by "
        "uuid, its name, description, metadata, tags, security_groups (of its ports), "
        "or ports (one that was deleted); may be repeated; recorded beside "
        "before.json, and told by the verdict",
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

    action = add(sum_up_migration, "sum up migration.json")
    action.add_argument("--migration", type=Path, required=True)

    action = add(takeover, "wait until Ironic has every node")
    action.add_argument("--ironic-db", required=True, metavar="URL|@FILE")
    action.add_argument("--migration", type=Path, required=True)
    action.add_argument("--conductor-log", type=Path, required=True)
    action.add_argument("--timeout", type=float, default=120, metavar="SECONDS")
    action.add_argument("--output", type=Path, required=True)

    action = add(proxy, "ask nova-api's bare-metal proxy")
    action.add_argument("--os-cloud", required=True)
    action.add_argument(
        "--migration",
        type=Path,
        action="append",
        required=True,
        help="migration.json; repeated where the nodes moved in parts",
    )

    action = add(resources, "wait until nova-compute has every node")
    action.add_argument("--os-cloud", required=True)
    action.add_argument("--migration", type=Path, required=True)
    action.add_argument(
        "--compute-log",
        type=Path,
        action="append",
        required=True,
        help="of a nova-compute; may be repeated",
    )
    action.add_argument(
        "--compute-manager", required=True, help="the class that must be loaded"
    )
    action.add_argument("--timeout", type=float, default=180, metavar="SECONDS")
    action.add_argument("--output", type=Path, required=True)

    action = add(judges, "ask upstream's own judges of a cloud: judges.json")
    action.add_argument(
        "--os-cloud", required=True, help="who sees all Ironic nodes, by clouds.yaml"
    )
    for service in ("ironic", "nova"):
        action.add_argument(
            f"--{service}-config",
            type=Path,
            default=Path(f"/etc/{service}/{service}.conf"),
            metavar="FILE",
            help="with its databases, for its own programs, which are expected in PATH "
            "(default: %(default)s)",
        )
    action.add_argument("--migration", type=Path, required=True)
    action.add_argument("--output", type=Path, required=True)

    action = add(leases, "wait for each survivor's renewal")
    action.add_argument("--directory", type=Path, required=True, help="the evidence")
    action.add_argument("--timeout", type=float, default=120, metavar="SECONDS")

    action = add(collect, "gather logs, BMC commands and what the run ran on")
    action.add_argument("--logs", type=Path, required=True, help="the services' logs")
    action.add_argument("--output", type=Path, required=True, help="the evidence")
    action.add_argument(
        "--secrets",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="secrets that must not appear in the evidence: a JSON object of them, "
        "a clouds.yaml, a FILE.url, virtualbmc's configuration, or a directory with "
        "any of the last three; may be repeated",
    )
    action.add_argument(
        "--again-by",
        default="",
        metavar="COMMAND",
        help="the command that repeats this run, for readers of its evidence",
    )


def snapshot(args: argparse.Namespace) -> str:
    from ironic_sideways.cmd import connections
    from ironic_sideways.evidence import snapshot, tenants
    from ironic_sideways.nova_bm import database

    where = None
    if args.machines:
        where = snapshot.Machines(args.machines, args.vbmc_config, args.heartbeat)
    digest = tenants.of_run(args.tenant_key)
    ironic = connections.connect(args.ironic_cloud) if args.ironic_cloud else None
    connection = connections.connect(args.os_cloud)
    engine = None
    if args.nova_bm_db:
        engine = database.engine(database.option_url(args.nova_bm_db, "--nova-bm-db"))
    taken = snapshot.take(connection, args.base_driver, where, ironic, digest, engine)
    if args.compute_host:
        nodes = compute_hosts.nodes_of(connection.compute, args.compute_host)
        taken = snapshot.of_hosts(taken, args.compute_host, nodes)
    documents.write(args.output, taken, 0o600)
    return f"{len(taken['servers'])} instances, {len(taken['providers'])} providers"


def compare(args: argparse.Namespace) -> str:
    from ironic_sideways.evidence import accepted, compare

    before, after = documents.read(args.before), documents.read(args.after)
    for word in args.accept:
        accepted.accept(args.before.parent, before, after, word)
    changes = accepted.read(args.before.parent)
    for change in accepted.seen(changes, before, after):
        print(f"accepted by the operator, as its owner's: {change}")
    owners = accepted.applied(changes, before, after)
    return tell_failed(compare.compare(owners, after))


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


def base(args: argparse.Namespace) -> str:
    from ironic_sideways.cmd import connections
    from ironic_sideways.evidence import base, snapshot, tenants
    from ironic_sideways.nova_bm import database

    where = None
    if args.machines:
        where = snapshot.Machines(args.machines, args.vbmc_config, args.heartbeat)
    databases = {
        "nova_bm": database.engine(
            database.option_url(args.nova_bm_db, "--nova-bm-db")
        ),
        "ironic": database.engine(database.option_url(args.ironic_db, "--ironic-db")),
    }
    connection = connections.connect(args.os_cloud)
    taken = base.take(
        connection,
        args.base_driver,
        where,
        databases,
        args.file,
        args.tftp_root,
        tenants.of_run(args.tenant_key),
    )
    documents.write(args.output, taken, 0o600)
    return f"{len(taken['servers'])} instances, {len(taken['providers'])} providers"


def last_look(args: argparse.Namespace) -> str:
    from ironic_sideways.cmd import connections
    from ironic_sideways.evidence import snapshot

    found = snapshot.last_look(connections.connect(args.ironic_cloud))
    documents.write(args.output, found)
    return f"{len(found['nodes'])} nodes"


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


def sum_up_migration(args: argparse.Namespace) -> str:
    nodes = _moved(args.migration)
    used = sum(1 for instance in nodes.values() if instance)
    return f"{len(nodes)} nodes moved and verified, {used} with an instance"


def takeover(args: argparse.Namespace) -> str:
    from ironic_sideways import progress
    from ironic_sideways.evidence import takeover
    from ironic_sideways.nova_bm import database

    uuids = sorted(_moved(args.migration))
    engine = database.engine(database.option_url(args.ironic_db, "--ironic-db"))
    found: dict[str, Any] = {}
    with progress.progress("nodes taken over", len(uuids)) as advance:
        try:
            takeover.observe(engine, uuids, args.timeout, advance, found.update)
        except exceptions.WaitExpired as error:
            why = takeover.last_error(args.conductor_log)
            raise exceptions.SidewaysError(f"{error}; {why}") from None
        finally:
            # What an expired wait saw last is evidence, too.
            moved = migration.started(args.migration)
            found["forbidden"] = takeover.forbidden_lines(args.conductor_log, moved)
            documents.write(args.output, found)
    takeover.refuse_forbidden(found["forbidden"])
    return f"{len(found['nodes'])}/{len(uuids)} nodes taken over"


def _moved(path: Path) -> dict[str, str | None]:
    """Each node that the record ``path`` has moved, with its instance.

    :raises UsageError: it has moved none.
    """
    if not (nodes := migration.nodes(path)):
        raise exceptions.UsageError(f"{path}: expected nodes that move, found none")
    return nodes


def proxy(args: argparse.Namespace) -> str:
    from ironic_sideways.cmd import connections
    from ironic_sideways.evidence import proxy

    uuids = sorted({uuid for path in args.migration for uuid in _moved(path)})
    faults = proxy.faults(connections.connect(args.os_cloud), uuids)
    if faults:
        raise exceptions.SidewaysError("the bare-metal proxy: " + "; ".join(faults))
    return f"proxy lists and shows {len(uuids)} nodes, 4 writes get 404"


def resources(args: argparse.Namespace) -> str:
    from ironic_sideways import progress
    from ironic_sideways.cmd import connections
    from ironic_sideways.evidence import resources

    nodes = _moved(args.migration)
    wanted = {"driver": resources.DRIVER, "manager": args.compute_manager}
    found: dict[str, Any] = {"told": wanted}
    try:
        with progress.progress("nodes reported", len(nodes)) as advance:
            resources.observe(
                connections.connect(args.os_cloud),
                nodes,
                migration.classes(args.migration),
                args.timeout,
                advance,
                found.update,
            )
    finally:
        # What an expired wait saw last is evidence, too.
        documents.write(args.output, found)
        # Of several logs, the first that differs from what is expected, else the last.
        for log in args.compute_log:
            found["loaded"] = resources.loaded(log)
            if found["loaded"] != wanted:
                break
        documents.write(args.output, found)
    if found["loaded"] != wanted:
        raise exceptions.SidewaysError(
            f"nova-compute loaded {found['loaded']}, expected {wanted}; see {log}"
        )
    what = resources.several(found["resource_classes"])
    return f"{len(nodes)}/{len(nodes)} nodes reported as {what}"


def judges(args: argparse.Namespace) -> str:
    from ironic_sideways.cmd import connections
    from ironic_sideways.evidence import judges

    nodes = _moved(args.migration)
    configurations = {"ironic": args.ironic_config, "nova": args.nova_config}
    cloud = connections.connect(args.os_cloud)
    taken = judges.take(cloud, configurations, nodes, print)
    documents.write(args.output, taken)
    codes = ", ".join(f"{one['name']} {one['code']}" for one in taken["programs"])
    return f"{len(nodes)} nodes validated; exit codes: {codes}"


def collect(args: argparse.Namespace) -> str:
    from ironic_sideways.evidence import collect, environment

    documents.write(args.output / "environment.json", environment.take(args.again_by))
    commands = collect.collect(args.logs, args.output, args.secrets)
    return f"{len(commands)} power commands reached the BMCs in all"


def leases(args: argparse.Namespace) -> str:
    import time

    from ironic_sideways import waits
    from ironic_sideways.report import renewals

    macs = waits.wait_for(
        lambda: renewals.without_renewal(args.directory, time.time()),
        lambda macs: not macs,
        "each running survivor to renew its lease",
        args.timeout,
        interval=1,
        seen=lambda macs: f"no renewal of {', '.join(macs)}",
    )
    assert not macs
    return "each running survivor has renewed its lease from Ironic's DHCP"
