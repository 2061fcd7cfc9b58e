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

"""What the moved cloud's services show: waited for, and recorded."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ironic_sideways import exceptions
from ironic_sideways.evidence import documents, migration


def add_actions(add: Callable[..., argparse.ArgumentParser]) -> None:
    """:param add: of a function, its help and the paths it needs, a subcommand."""
    add(sum_up_migration, "sum up migration.json", "migration")

    paths: tuple[str, ...] = ("migration", "conductor-log", "output")
    action = add(takeover, "wait until Ironic has every node", *paths)
    action.add_argument("--ironic-db", required=True, metavar="URL|@FILE")
    action.add_argument("--timeout", type=float, default=120, metavar="SECONDS")

    action = add(proxy, "ask nova-api's bare-metal proxy")
    action.add_argument("--os-cloud", required=True)
    several: dict[str, Any] = {"type": Path, "action": "append", "required": True}
    action.add_argument(
        "--migration",
        help="migration.json; repeated where the nodes moved in parts",
        **several,
    )

    paths = ("migration", "output")
    action = add(resources, "wait until nova-compute has every node", *paths)
    action.add_argument("--os-cloud", required=True)
    action.add_argument(
        "--compute-log", help="of a nova-compute; may be repeated", **several
    )
    action.add_argument(
        "--compute-manager", required=True, help="the class that must be loaded"
    )
    action.add_argument("--timeout", type=float, default=180, metavar="SECONDS")

    action = add(judges, "ask upstream's own judges of a cloud: judges.json", *paths)
    action.add_argument("--os-cloud", required=True, help="who sees all Ironic nodes")
    for service in ("ironic", "nova"):
        action.add_argument(
            f"--{service}-config",
            type=Path,
            default=Path(f"/etc/{service}/{service}.conf"),
            metavar="FILE",
            help="with its databases, for its own programs, which are expected in PATH "
            "(default: %(default)s)",
        )

    action = add(leases, "wait for each survivor's renewal")
    action.add_argument("--directory", type=Path, required=True, help="the evidence")
    action.add_argument("--timeout", type=float, default=120, metavar="SECONDS")


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


def _moved(path: Path) -> dict[str, str | None]:
    """Each node that the record ``path`` has moved, with its instance.

    :raises UsageError: it has moved none.
    """
    if not (nodes := migration.nodes(path)):
        raise exceptions.UsageError(f"{path}: expected nodes that move, found none")
    return nodes
