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

"""Run a selection of tempest.api.compute against the moved cloud.

Every test is accounted for: passed, failed, or skipped with its reason.
"""

import argparse
from pathlib import Path

from ironic_sideways import exceptions

HELP = "run a selection of tempest.api.compute"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--os-cloud", required=True, help="an admin")
    parser.add_argument(
        "--ironic-cloud", required=True, help="who may change all Ironic nodes"
    )
    parser.add_argument(
        "--workspace", type=Path, required=True, help="holds the admin's password"
    )
    parser.add_argument("--output", type=Path, required=True, help="for the results")
    parser.add_argument("--concurrency", type=int, default=3, metavar="N")
    parser.add_argument("--timeout", type=float, default=1800, metavar="SECONDS")


def run(args: argparse.Namespace) -> int:
    from ironic_sideways import workload
    from ironic_sideways.cmd import cloud
    from ironic_sideways.compute_tests import configuration
    from ironic_sideways.compute_tests import run as runner

    connection = cloud.connect(args.os_cloud)
    runner.boot_from_the_network(cloud.connect(args.ironic_cloud))
    runner.initialise(args.workspace)
    values = configuration.options(
        connection,
        (workload.IMAGE, workload.OTHER_IMAGE),
        (workload.FLAVOR, workload.OTHER_FLAVOR),
        workload.NETWORK,
    )
    config = configuration.write(args.workspace, values)
    found = runner.run(
        args.workspace, config, args.output, args.concurrency, args.timeout
    )
    for test in found["tests"]:
        if test["outcome"] != "passed":
            print(f"{test['outcome']}: {test['name']}: {test['reason']}")
    counts = found["counts"]
    line = ", ".join(f"{number} {outcome}" for outcome, number in counts.items())
    if counts["failed"]:
        raise exceptions.SidewaysError(f"Tempest: {line}")
    print(line)
    return 0
