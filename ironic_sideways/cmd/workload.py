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

"""Create, verify, use and destroy the workload that must survive the move."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ironic_sideways import exceptions

if TYPE_CHECKING:
    from ironic_sideways.trials.workload import Workload

#: Servers that beat, those of them that boot over the network, and those that are off.
RUNNING, NET_BOOTED, STOPPED = 3, 1, 1

HELP = "create, verify, use and destroy the workload that must survive"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "action",
        choices=(
            *("create", "verify", "verify_noapi", "use", "operate"),
            *("clean_and_deploy", "destroy"),
        ),
    )
    parser.add_argument("--os-cloud", required=True, help="the member who owns it")
    parser.add_argument(
        "--admin-cloud",
        help="create: who publishes the guest's images; use: who sees Placement; "
        "operate, destroy: whose servers Ironic's agent has deployed",
    )
    parser.add_argument("--ironic-cloud", help="who sees all Ironic nodes")
    parser.add_argument("--record", type=Path, required=True, help="workload.json")
    parser.add_argument("--heartbeat", type=Path, required=True, help="heartbeat.jsonl")
    parser.add_argument("--cache", type=Path, help="create: where the guest is built")
    parser.add_argument(
        "--base-driver",
        choices=("nova_bm", "fake"),
        default="nova_bm",
        help="create: fake makes no server, as its nodes cannot hold one; use: one "
        "that no machine runs",
    )
    parser.add_argument(
        "--output", type=Path, help="operate, clean_and_deploy: operations.json"
    )
    parser.add_argument(
        "--tftp-root", type=Path, help="operate: the base's, which is moved away first"
    )


def run(args: argparse.Namespace) -> int:
    from ironic_sideways.cmd import connections
    from ironic_sideways.trials import workload

    # The data plane alone is asked while no API answers, keystone's included.
    connection = (
        None if args.action == "verify_noapi" else connections.connect(args.os_cloud)
    )
    work = workload.Workload(connection, args.record, args.heartbeat)
    if args.action == "create":
        print(create(args, work))
    elif args.action == "use":
        print(use(args, work))
    elif args.action in ("operate", "clean_and_deploy"):
        print(operate(args, work))
    elif args.action == "destroy":
        print(destroy(args, work))
    else:
        count = getattr(workload, args.action)(work)
        print(f"{count} servers: {args.action} done")
    return 0


def create(args: argparse.Namespace, work: "Workload") -> str:
    from ironic_sideways.cmd import connections
    from ironic_sideways.evidence import documents
    from ironic_sideways.hardware import guest
    from ironic_sideways.trials import workload

    built = guest.build(args.cache)
    admin = connections.connect(args.admin_cloud)
    workload.publish_guest(admin, built)
    if args.base_driver == "fake":
        documents.write(work.record, {"servers": []})
        return "no server: the fake driver has none on these nodes"
    servers = workload.create(work, RUNNING, NET_BOOTED, STOPPED)
    return f"{len(servers)} servers, {RUNNING} of them beating, {NET_BOOTED} net-booted"


def operate(args: argparse.Namespace, work: "Workload") -> str:
    from ironic_sideways.cmd import connections
    from ironic_sideways.evidence import documents
    from ironic_sideways.trials import operations
    from ironic_sideways.trials.survivors import Survivors

    survivors = Survivors(
        work,
        connections.connect(args.admin_cloud),
        connections.connect(args.ironic_cloud),
    )
    done = documents.read(args.output) if args.output.exists() else []
    if args.tftp_root:
        operations.retire_tftp_root(args.tftp_root)
    act = getattr(operations, args.action)
    found = act(survivors, done)
    documents.write(args.output, found)
    return tell(found)


def destroy(args: argparse.Namespace, work: "Workload") -> str:
    from ironic_sideways.cmd import connections
    from ironic_sideways.trials import workload

    clouds = [work.cloud]
    if args.admin_cloud:
        clouds.append(connections.connect(args.admin_cloud))
    return f"{sum(map(workload.destroy, clouds))} servers destroyed"


def use(args: argparse.Namespace, work: "Workload") -> str:
    from ironic_sideways.cmd import connections
    from ironic_sideways.trials import operations

    admin = connections.connect(args.admin_cloud)
    return tell(operations.use_base(work, admin, args.base_driver))


def tell(found: list[dict[str, Any]]) -> str:
    """Print each finding; the figure when all went well.

    :raises SidewaysError: the first that did not.
    """
    for finding in found:
        word = "OK" if finding["ok"] else "FAILED"
        print(
            f"{word}: {finding['name']} ({finding['seconds']} s): {finding['detail']}"
        )
    failed = [finding for finding in found if not finding["ok"]]
    if failed:
        raise exceptions.SidewaysError(f"{failed[0]['name']}: {failed[0]['detail']}")
    return ", ".join(f"{f['name']} {f['seconds']:.0f} s" for f in found)
