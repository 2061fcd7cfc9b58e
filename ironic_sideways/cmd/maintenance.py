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

import sqlalchemy as sa

from ironic_sideways.cloud import maintenance
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
                help="a member who tries to unlock, reboot and delete their instances, "
                "and must not be let (test clouds only)",
            )
        action.set_defaults(run=act, changed="")


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
        # Another host's instances are not locked: they would really be deleted.
        held = maintenance.locked(args.record)
        mine = [s.id for s in member.compute.servers() if s.id in held]
        refused = maintenance.probe(member, mine)
        return f"{args.changed}, {refused} member's calls refused"
    return str(args.changed)


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
