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

"""Run tempest.api.compute, or the selection of it, against the cloud.

Every test is accounted for: it passed, it failed, it was skipped, or it is on the
list of those that do not run, each with its reason. It is a failure when a test
fails, when one is skipped that is not on the list, when the list names a test that
Tempest does not have, and when fewer tests ran than the recorded floor.
"""

import argparse
import time
from pathlib import Path

from ironic_sideways import exceptions

HELP = "run tempest.api.compute"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(changed="", again="give the same command again")
    parser.add_argument("--os-cloud", required=True, help="an admin")
    parser.add_argument(
        "--ironic-cloud",
        help="an account that may change all Ironic nodes (default: test the base)",
    )
    parser.add_argument(
        "--workspace", type=Path, required=True, help="holds the admin's password"
    )
    parser.add_argument("--output", type=Path, required=True, help="for the results")
    parser.add_argument(
        "--cache",
        type=Path,
        help="with --all, and before the move: holds the guest's built parts",
    )
    parser.add_argument(
        "--all", action="store_true", help="all tests, not only the selection"
    )
    parser.add_argument("--timeout", type=float, default=3600, metavar="SECONDS")


def run(args: argparse.Namespace) -> int:
    if args.all and not (args.cache and args.ironic_cloud):
        raise exceptions.UsageError(
            "--all: expected --cache and --ironic-cloud with it: its servers boot a "
            "guest that can be logged in to, which Ironic alone boots"
        )
    if not (args.cache or args.ironic_cloud):
        raise exceptions.UsageError(
            "--cache: expected on the base, whose servers boot the workload's guest "
            "before there is a workload"
        )
    from ironic_sideways.cmd import connections
    from ironic_sideways.evidence import takeover
    from ironic_sideways.hardware import guest
    from ironic_sideways.trials import workload
    from ironic_sideways.trials.tempest import (
        configuration,
        features,
        images,
        lists,
        results,
    )
    from ironic_sideways.trials.tempest import run as runner

    connection = connections.connect(args.os_cloud)
    base = not args.ironic_cloud
    if base:
        built = guest.build(args.cache)
        args.changed = "tempest has begun"
        workload.publish_guest(connection, built)
        free = runner.free_nodes(connection)
        moved: list[str] = []
    else:
        ironic = connections.connect(args.ironic_cloud)
        args.changed = "tempest has begun"
        free = workload.boot_from_the_network(ironic)
        moved = takeover.moved_by(ironic)
    booted = (workload.IMAGE, workload.OTHER_IMAGE)
    if args.all:
        booted = images.publish(connection, args.cache)
    runner.initialise(args.workspace)
    which = lists.choose(runner.names(args.workspace), args.all, base)
    values = configuration.options(
        connection,
        booted,
        (workload.FLAVOR, workload.OTHER_FLAVOR),
        workload.NETWORK,
        missing=features.MISSING_BEFORE if base else features.MISSING,
        log_in=args.all,
    )
    config = configuration.write(args.workspace, values)
    stream, found = runner.run(
        args.workspace,
        config,
        which,
        runner.workers(free),
        args.timeout,
    )
    found = {
        "list": which.name,
        "driver": "base" if base else "ironic",
        "floor": which.floor,
        "moved_by": moved,
        "taken_at": time.time(),
        **found,
    }
    runner.record(args.output, stream, found)
    for test in found["tests"]:
        if test["outcome"] in ("failed", "skipped"):
            print(f"{test['outcome']}: {test['name']}: {test['reason']}")
    line = results.told(found["counts"])
    for fault in results.faults(found):
        raise exceptions.SidewaysError(f"Tempest: {line}; {fault}")
    print(line)
    return 0
