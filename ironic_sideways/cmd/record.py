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

"""Append one event to events.jsonl; what the shell phases record through."""

import argparse
import time
from pathlib import Path

from ironic_sideways import exceptions
from ironic_sideways.evidence import events

HELP = "append one event to events.jsonl"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--events", type=Path, required=True, help="the file")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--phase", help="a phase's name")
    what.add_argument(
        "--go-on-by", metavar="COMMAND", help="resumes the run, as a red verdict says"
    )
    what.add_argument(
        "--left-out",
        nargs="*",
        metavar="SUBJECT",
        help="what this run leaves out, such as tempest; the last record counts",
    )
    what.add_argument(
        "--added",
        nargs="+",
        metavar="SUBJECT",
        help="what this run does in addition, such as exact-match",
    )
    parser.add_argument("--go-back-by", metavar="COMMAND", help="rolls it back")
    parser.add_argument("--result", choices=("started", "ok", "failed", "interrupted"))
    parser.add_argument("--seconds", type=float, default=0.0, help="how long it took")
    parser.add_argument("--figure", default="", help="in one line")


def run(args: argparse.Namespace) -> int:
    if args.go_on_by:
        events.append(
            args.events,
            "commands",
            resume=args.go_on_by,
            roll_back=args.go_back_by,
            # Of the services' logs, which tell the local time.
            utc_offset=time.localtime().tm_gmtoff,
        )
        return 0
    if args.left_out is not None:
        events.append(args.events, "left-out", subjects=args.left_out)
        return 0
    if args.added:
        events.append(args.events, "added", subjects=args.added)
        return 0
    if args.result is None:
        raise exceptions.UsageError("--result: expected with --phase")
    events.append(
        args.events,
        "phase",
        name=args.phase,
        result=args.result,
        seconds=args.seconds,
        figure=args.figure,
    )
    return 0
