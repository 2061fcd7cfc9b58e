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
from typing import Any

from ironic_sideways import exceptions
from ironic_sideways.cmd import connections
from ironic_sideways.evidence import documents
from ironic_sideways.hardware import guest
from ironic_sideways.trials import local_boot, operations, workload
from ironic_sideways.trials.survivors import Survivors

HELP = "create, verify, use and destroy the workload that must survive"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--os-cloud", required=True, help="the member who owns it")
    common.add_argument("--record", type=Path, required=True, help="workload.json")
    common.add_argument("--heartbeat", type=Path, required=True, help="heartbeat.jsonl")
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    for act, text in (
        (create, "publish the images, delete earlier servers and create new ones"),
        (verify, "the servers are as they were created, and send heartbeats"),
        (verify_noapi, "the same by their heartbeats alone, without any API"),
        (use, "use them on the base, as after a way back"),
        (switch, "stop and start the one that boots from its disk"),
        (operate, "use them on the moved cloud: boot, reboot, rebuild, delete"),
        (clean_and_deploy, "operate, and the agent cleans and deploys a node"),
        (destroy, "delete the servers, and what later steps made"),
    ):
        action = actions.add_parser(act.__name__, help=text, parents=[common])
        action.set_defaults(run=act, changed="", again="give the same command again")
        if act not in (verify, verify_noapi):
            action.add_argument(
                "--admin-cloud",
                required=act not in (switch, destroy),
                help="who publishes images, sees Placement, and owns the servers that "
                "Ironic's agent has deployed",
            )
        if act is create:
            action.add_argument(
                "--cache", type=Path, required=True, help="where the guest is built"
            )
            action.add_argument(
                "--servers",
                type=int,
                default=workload.LEAST,
                metavar="N",
                help="how many; those beyond %(default)s are alike (default: "
                "%(default)s)",
            )
            action.add_argument(
                "--machines", type=Path, required=True, help="machines.json"
            )
            action.add_argument(
                "--deploy-helper",
                required=True,
                help="the base's, for the server whose owner puts a boot loader on it",
            )
            action.add_argument(
                "--tftp-root", type=Path, required=True, help="the base's"
            )
        if act in (create, use):
            action.add_argument(
                "--base-driver",
                choices=("nova_bm", "fake"),
                default="nova_bm",
                help="fake: its nodes hold no server that a machine runs",
            )
        if act in (operate, clean_and_deploy):
            action.add_argument(
                "--ironic-cloud", required=True, help="who sees all Ironic nodes"
            )
            action.add_argument(
                "--output", type=Path, required=True, help="operations.json"
            )
            action.add_argument(
                "--tftp-root", type=Path, help="the base's, which is renamed first"
            )


def opened(args: argparse.Namespace) -> workload.Workload:
    """The workload, its cloud asked for a token first."""
    cloud = connections.connect(args.os_cloud)
    return workload.Workload(cloud, args.record, args.heartbeat)


def verify(args: argparse.Namespace) -> str:
    return f"{workload.verify(opened(args))} servers: verify done"


def verify_noapi(args: argparse.Namespace) -> str:
    # The data plane alone is asked while no API answers, keystone's included.
    work = workload.Workload(None, args.record, args.heartbeat)
    return f"{workload.verify_noapi(work)} servers: verify_noapi done"


def create(args: argparse.Namespace) -> str:
    work = opened(args)
    built = guest.build(args.cache)
    admin = connections.connect(args.admin_cloud)
    args.changed = "create has begun"
    workload.publish_guest(admin, built)
    if args.base_driver == "fake":
        documents.write(work.record, {"servers": []})
        return "no server: the fake driver has none on these nodes"
    base = local_boot.Base(args.deploy_helper, args.tftp_root, built.disk)
    servers = workload.create(work, admin, base, args.machines, args.servers)
    running = [server for server in servers if server["status"] == "ACTIVE"]
    net_booted = [server for server in servers if server["boot"] == "network"]
    return (
        f"{len(servers)} servers, {len(running)} send heartbeats, "
        f"{len(net_booted)} net-booted"
    )


def switch(args: argparse.Namespace) -> str:
    args.changed = "switch has begun"
    workload.switch(opened(args))
    return "1 server: stopped and started"


def operate(args: argparse.Namespace) -> str:
    return on_survivors(args, operations.operate)


def clean_and_deploy(args: argparse.Namespace) -> str:
    return on_survivors(args, operations.clean_and_deploy)


def on_survivors(args: argparse.Namespace, act: Any) -> str:
    survivors = Survivors(
        opened(args),
        connections.connect(args.admin_cloud),
        connections.connect(args.ironic_cloud),
    )
    done = documents.read(args.output) if args.output.exists() else []
    args.changed = f"{args.action} has begun"
    if args.tftp_root:
        operations.retire_tftp_root(args.tftp_root)
    found = act(survivors, done)
    documents.write(args.output, found)
    return tell(found)


def destroy(args: argparse.Namespace) -> str:
    clouds = [opened(args).cloud]
    if args.admin_cloud:
        clouds.append(connections.connect(args.admin_cloud))
    args.changed = "destroy has begun"
    return f"{sum(map(workload.destroy, clouds))} servers destroyed"


def use(args: argparse.Namespace) -> str:
    work, admin = opened(args), connections.connect(args.admin_cloud)
    args.changed = "use has begun"
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
