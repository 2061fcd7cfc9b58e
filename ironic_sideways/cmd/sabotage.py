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

Called by tools/main_job/rounds.sh, which knows when. Those that are done in one window
are joined, as in vif+macs. Exit codes: 0 done, and the verdict named it; 1 it did not;
2 bad usage.
"""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from ironic_sideways.lab import record

if TYPE_CHECKING:
    from ironic_sideways.trials.sabotage.acts import Scene
    from ironic_sideways.trials.sabotage.table import Sabotage

#: Of the list.
LINE = "{:<16} {:<18} {:<13} {:<12} {}"

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
    action = actions.add_parser("choose", help="those of each window, a line a window")
    action.add_argument("words", metavar="each|NAME[+NAME...],...")
    for name, text, parents in (
        ("plan", "phase before, phase to see it by, mendable or destructive", []),
        ("break", "do it now", [common]),
        ("judge", "exit code 1 unless the verdict names each", [common]),
    ):
        action = actions.add_parser(name, help=text, parents=parents)
        action.add_argument("names", metavar="NAME[+NAME...]")
    actions.add_parser("mend", help="take back what was written", parents=[common])


def run(args: argparse.Namespace) -> int:
    from ironic_sideways.trials.sabotage import table

    match args.action:
        case "list":
            print(LINE.format("NAME", "DONE AFTER", "SEEN BY", "BASE", "WHAT"))
            for one in table.TABLE:
                told = (one.name, one.after, one.until, _kind(one), one.text)
                print(LINE.format(*told))
        case "choose":
            print(*table.chosen(args.words), sep="\n")
        case "plan":
            first = table.together(args.names)[0]
            print(f"{first.after} {first.until} {_kind(first)}")
        case "judge":
            found = table.together(args.names)
            print(*table.judged(found, args.directory), sep="\n")
            if len(found) > 1:
                print(f"{len(found)} sabotages named: {args.names}")
        case "break":
            for broken in table.done(table.together(args.names), _scene(args)):
                print(f"{broken.text}: {', '.join(broken.things)}")
        case "mend":
            print(f"{_scene(args).changes.mend()} changes taken back")
    return 0


def _kind(sabotage: "Sabotage") -> str:
    return "destructive" if sabotage.destructive else "mendable"


def _scene(args: argparse.Namespace) -> "Scene":
    from ironic_sideways.cloud import placement
    from ironic_sideways.cmd import connections
    from ironic_sideways.nova_bm import database
    from ironic_sideways.trials.sabotage.acts import Scene

    layout, _ = record.open_lab(args.directory)
    url = f"@{layout.database_url_file('ironic')}"
    engine = database.engine(database.resolve_url(url, "--directory"))

    def api() -> placement.Placement:
        # Its user may reshape.
        return placement.Placement(connections.connect("service").placement)

    return Scene(engine, layout, api)
