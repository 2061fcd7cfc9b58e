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

"""Ask the bare-metal proxy of the lab's moved cloud, or measure it."""

import argparse
from pathlib import Path

from ironic_sideways import exceptions
from ironic_sideways.cmd import lab
from ironic_sideways.lab import record

HELP = "test and measure the bare-metal proxy in the lab"
AGAIN = "give the same command again"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    common = argparse.ArgumentParser(add_help=False)
    lab.add_directory(common)
    action = actions.add_parser(
        "check", parents=[common], help="who sees what, old clients, Nova's own proxy"
    )
    action.add_argument(
        "--novaclient", type=Path, help="the program nova of python-novaclient 7"
    )
    action.add_argument("--output", type=Path, required=True, help="proxy.json")
    action.set_defaults(run=check, changed="", again=AGAIN)
    action = actions.add_parser(
        "bench", parents=[common], help="list and show beside the same Ironic calls"
    )
    action.add_argument("--output", type=Path, required=True, help="the figures, JSON")
    action.add_argument(
        "--most",
        type=int,
        choices=(1, 100, 5000),
        default=5000,
        help="the largest number of nodes (default 5000, some minutes)",
    )
    action.set_defaults(run=bench, changed="", again=AGAIN)


def check(args: argparse.Namespace) -> str:
    from ironic_sideways.evidence import documents
    from ironic_sideways.trials.proxy import check

    layout, _ = record.open_lab(args.directory)
    args.changed = "check has begun"
    table = check.everything(layout, args.novaclient)
    documents.write(args.output, table.rows)
    for row in table.failed:
        print(f"{row['name']}: {row['detail']}")
    if table.failed:
        first = table.failed[0]
        raise exceptions.SidewaysError(
            f"the bare-metal proxy: {len(table.failed)} of {len(table.rows)} checks "
            f"failed, first: {first['name']}: {first['detail'][:300]}"
        )
    return f"{len(table.rows)} checks of the bare-metal proxy"


def bench(args: argparse.Namespace) -> str:
    from ironic_sideways.evidence import documents
    from ironic_sideways.trials.proxy import benchmark

    layout, found = record.open_lab(args.directory)
    args.changed = "bench has begun"
    rows = benchmark.run(layout, found, args.most)
    documents.write(args.output, rows)
    return "\n".join(benchmark.lines(rows))
