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

"""``ironic-sideways``: the lab, the evidence and the verdict, by subcommand.

Each subcommand is a module of this package with HELP, ``add_arguments`` and
``run``; only the one that is called is imported.
"""

import importlib
import sys
from collections.abc import Sequence

from ironic_sideways.cmd import program

#: Subcommand -> module below ironic_sideways.cmd.
COMMANDS = {
    "compute-workers": "compute_workers",
    "evidence": "evidence",
    "exact-match": "exact_match",
    "fail-over": "fail_over",
    "heartbeat-collector": "heartbeat_collector",
    "lab": "lab",
    "maintenance": "maintenance",
    "option": "option",
    "prober": "prober",
    "publish-images": "publish_images",
    "proxy": "proxy",
    "record": "record",
    "report": "report",
    "sabotage": "sabotage",
    "tempest": "tempest",
    "verdict": "verdict",
    "wait-service": "wait_service",
    "workload": "workload",
}


def build_parser(chosen: str | None) -> program.Parser:
    """The parser; only ``chosen`` is filled in, or all of them when None."""
    parser = program.Parser(
        prog="ironic-sideways",
        description="Move a nova-baremetal deployment to Ironic, and prove it.",
    )
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, module_name in COMMANDS.items():
        if chosen is not None and name != chosen:
            continue
        module = importlib.import_module(f"ironic_sideways.cmd.{module_name}")
        subparser = subparsers.add_parser(
            name, help=module.HELP, description=module.__doc__
        )
        subparser.set_defaults(run=getattr(module, "run", None))
        module.add_arguments(subparser)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one subcommand; returns the exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    chosen = words[0] if words and words[0] in COMMANDS else None
    return program.main(build_parser(chosen), words)
