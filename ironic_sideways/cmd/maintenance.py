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

"""Begin, check, end and resume the maintenance period; prints one line, its figure."""

import argparse
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from ironic_sideways.cloud import maintenance, maintenance_policy, maintenance_probe
from ironic_sideways.cmd import connections
from ironic_sideways.nova_bm import database

HELP = "begin, check and end the maintenance period"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    for name, act, text in (
        ("start", start, "lock every instance, disable the compute services"),
        ("check", check, "compare rows and instances with the start's record"),
        ("end", end, "undo exactly what the start did"),
        ("resume", resume, "take an end back, as long as nothing was changed"),
    ):
        action = actions.add_parser(name, help=text)
        action.add_argument("--os-cloud", required=True, help="an admin")
        action.add_argument(
            "--record", type=Path, required=True, help="the start's record"
        )
        if act is not end:
            action.add_argument(
                "--nova-bm-db",
                metavar="URL|@FILE",
                help="absent: the base holds no instance on its nodes",
            )
        if act is start:
            action.add_argument(
                "--compute-host",
                action="append",
                required=True,
                metavar="HOST",
                help="whose instances are locked; may be repeated",
            )
            action.add_argument(
                "--probe-cloud",
                help="a member with whose instances and ports every call that is "
                "forbidden in the window is tried, and must be refused (test clouds "
                "only)",
            )
        action.set_defaults(run=act, changed="")
    add_policy_arguments(actions)
    add_probe_arguments(actions)


def add_policy_arguments(actions: Any) -> None:
    action = actions.add_parser(
        "policy", help="write what Nova's and Neutron's policy.d get for the window"
    )
    action.add_argument("--os-cloud", required=True, help="an admin")
    action.add_argument(
        "--compute-host", action="append", required=True, metavar="HOST", help="moving"
    )
    action.add_argument(
        "--neutron-rules",
        type=Path,
        required=True,
        metavar="FILE",
        help="the output of oslopolicy-policy-generator --namespace neutron",
    )
    for service in ("nova", "neutron"):
        action.add_argument(
            f"--{service}",
            type=Path,
            required=True,
            metavar="FILE",
            help=f"the policy for {service}, to write",
        )
    action.set_defaults(run=policy)


def add_probe_arguments(actions: Any) -> None:
    action = actions.add_parser(
        "probe",
        help="see that the policy is in force, by calls that would change nothing",
    )
    action.add_argument("--os-cloud", required=True, help="a member with an instance")
    action.add_argument(
        "--permitted", action="store_true", help="see that it no longer is"
    )
    action.add_argument(
        "--record", type=Path, help="the start's record, which keeps what was allowed"
    )
    action.add_argument(
        "--timeout", type=float, default=30, metavar="SECONDS", help="(default 30)"
    )
    action.set_defaults(run=probe)


def nova_bm(args: argparse.Namespace) -> sa.Engine | None:
    if args.nova_bm_db is None:
        return None
    return database.engine(database.option_url(args.nova_bm_db, "--nova-bm-db"))


def start(args: argparse.Namespace) -> str:
    connection = connections.connect(args.os_cloud)
    locked = maintenance.start(
        connection, nova_bm(args), args.compute_host, args.record
    )
    args.changed = f"{locked} instances locked"
    args.again = "give the same command again, or end this maintenance"
    if args.probe_cloud:
        member = connections.connect(args.probe_cloud)
        held = maintenance.locked(args.record)
        refused = maintenance_probe.everything(member, held, args.record)
        return f"{args.changed}, {refused} member's calls refused"
    return str(args.changed)


def policy(args: argparse.Namespace) -> str:
    effective = maintenance_policy.read(args.neutron_rules)
    servers = maintenance.instances(
        connections.connect(args.os_cloud), args.compute_host
    )
    bound_to = {*args.compute_host, *(s.hypervisor_hostname for s in servers)}
    neutron = maintenance_policy.neutron(
        effective, bound_to, [server.id for server in servers]
    )
    maintenance_policy.write(args.nova, maintenance_policy.nova())
    maintenance_policy.write(args.neutron, neutron)
    return f"policies of the window for {len(servers)} instances"


def probe(args: argparse.Namespace) -> str:
    member = connections.connect(args.os_cloud)
    tried = maintenance_probe.await_policy(
        member, args.timeout, args.record, args.permitted
    )
    return f"{tried} member's calls {'allowed' if args.permitted else 'refused'}"


def check(args: argparse.Namespace) -> str:
    connection = connections.connect(args.os_cloud)
    held = maintenance.check(connection, nova_bm(args), args.record)
    return f"{held} instances locked and as nova_bm has them"


def resume(args: argparse.Namespace) -> str:
    connection = connections.connect(args.os_cloud)
    locked = maintenance.resume(connection, nova_bm(args), args.record)
    args.changed = f"{locked} instances locked again"
    return args.changed


def end(args: argparse.Namespace) -> str:
    unlocked = maintenance.end(connections.connect(args.os_cloud), args.record)
    args.changed = f"{unlocked} instances unlocked, compute services as before"
    return args.changed
