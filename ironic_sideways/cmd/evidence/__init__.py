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
from typing import Any

from ironic_sideways.cmd.evidence import moved, states
from ironic_sideways.evidence import documents

HELP = "take, observe and compare evidence"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")

    def add(
        run: Callable[..., str], text: str, *paths: str, **more: Any
    ) -> argparse.ArgumentParser:
        name = run.__name__.removeprefix("sum_up_").replace("_", "-")
        action: argparse.ArgumentParser = actions.add_parser(name, help=text, **more)
        action.set_defaults(run=run)
        for path in paths:
            action.add_argument(f"--{path}", type=Path, required=True)
        return action

    states.add_actions(add)
    moved.add_actions(add)
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


def collect(args: argparse.Namespace) -> str:
    from ironic_sideways.evidence import collect, environment

    documents.write(args.output / "environment.json", environment.take(args.again_by))
    commands = collect.collect(args.logs, args.output, args.secrets)
    return f"{len(commands)} power commands reached the BMCs in all"
