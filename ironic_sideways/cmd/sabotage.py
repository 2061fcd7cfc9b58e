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

"""Break a move in the lab in one defined way, and see that the verdict names it.

Called by tools/sabotage.sh, which knows when. Exit codes: 0 done, and the verdict
named it; 1 it did not; 2 bad usage.
"""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from ironic_sideways.lab import record

if TYPE_CHECKING:
    from ironic_sideways.sabotage.table import Scene

HELP = "break a move in the lab, to see that the verdict has teeth"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument(
        "--directory",
        type=Path,
        default=record.default_directory(),
        metavar="DIR",
        help="the lab's directory (default: $IRONIC_SIDEWAYS_LAB, else .lab)",
    )
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    actions.add_parser("list", help="name, phase before, phase to see it by, text")
    for name, text in (
        ("break", "do it now"),
        ("judge", "exit code 1 unless the verdict names it"),
    ):
        action = actions.add_parser(name, help=text, parents=[common])
        action.add_argument("name", metavar="NAME")
    actions.add_parser("mend", help="take back what was written", parents=[common])


def run(args: argparse.Namespace) -> int:
    from ironic_sideways.sabotage import table

    if args.action == "list":
        for one in table.TABLE:
            kind = "destructive" if one.destructive else "mendable"
            print(f"{one.name} {one.after} {one.until} {kind} {one.text}")
        return 0
    if args.action == "judge":
        print(table.judged(table.find(args.name), args.directory / "evidence"))
        return 0
    scene = _scene(args.directory)
    if args.action == "mend":
        print(f"{scene.rows.mend()} changes taken back")
    else:
        print(table.find(args.name).act(scene))
    return 0


def _scene(directory: Path) -> "Scene":
    from ironic_sideways.nova_bm import database
    from ironic_sideways.sabotage.table import Scene

    layout, _ = record.open_lab(directory)
    url = f"@{layout.database_url_file('ironic')}"
    engine = database.engine(database.resolve_url(url, "--directory"))
    return Scene(engine, directory.resolve())
