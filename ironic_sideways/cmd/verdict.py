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

"""Compute pass or fail from an evidence directory alone.

Prints a ledger of OK and FAILED lines, then figures, each with its goal: a
goal that is missed is no failure. The last line of a red verdict names the check
to look at first, its evidence, and the commands that resume and roll back. Exit
code 0: passed; 1: the verdict is red; 2: bad usage.
"""

import argparse
from pathlib import Path

from ironic_sideways import exceptions

HELP = "compute pass or fail from an evidence directory"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("directory", type=Path, help="the evidence")
    parser.add_argument(
        "--record",
        action="store_true",
        help="append verdict and figures to the directory's events.jsonl",
    )
    parser.add_argument(
        "--json", type=Path, metavar="FILE", help="write the verdict as JSON, too"
    )


def run(args: argparse.Namespace) -> int:
    from ironic_sideways.evidence import documents
    from ironic_sideways.report import figures, findings, places, verdict

    if not args.directory.is_dir():
        raise exceptions.UsageError(f"{args.directory}: expected an evidence directory")
    places.refuse_strange(args.directory)
    judged = verdict.verdict(args.directory)
    found = list(figures.figures(args.directory))
    if args.json:
        documents.write(args.json, judged.as_dict())
    for finding in judged.findings:
        print(
            f"  {finding.word:<6}  {finding.name:<12} {findings.one_line(finding.told)}"
        )
        for check in finding.failures:
            where = f" ({check.where})" if check.where else ""
            print(
                f"          {findings.one_line(f'{check.name}: {check.detail}')}{where}"
            )
    for change in judged.accepted:
        print(f"  --      accepted by the operator as the owner's: {change}")
    for subject in judged.without:
        print(f"  --      {subject:<12} left out of this run")
    if judged.errors:
        print(f"  unknown ERROR lines in the window, not judged: {len(judged.errors)}")
        print(*(f"          {line}" for line in judged.errors), sep="\n")
    print(*found, sep="\n")
    if args.record:
        figures.record(args.directory, found, judged.red)
    print(judged.last_line())
    return 0 if judged.passed else 1
