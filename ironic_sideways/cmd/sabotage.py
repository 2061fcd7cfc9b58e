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

Called by tools/main_job/rounds.sh at the right phase. Names joined by + (vif+macs) are
done in one window. Exit code 1 of `judge`: the verdict does not name it.
"""

import argparse
import functools
from typing import TYPE_CHECKING

from ironic_sideways.cmd import lab
from ironic_sideways.lab import record
from ironic_sideways.trials.sabotage import kinds, table, windows

if TYPE_CHECKING:
    import sqlalchemy as sa
    from openstack.connection import Connection

    from ironic_sideways.trials.sabotage.acts import Scene

#: Of the list.
LINE = "{:<16} {:<8} {:<17} {:<52} {}"

HELP = "break a move in the lab, and see that the verdict names it"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    common = argparse.ArgumentParser(add_help=False)
    lab.add_directory(common)
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    for act, text, parents in (
        (
            list_all,
            "each one: its window, the phase before it, the check that names it",
            [],
        ),
        (choose, "those of each window, one line per window", []),
        (plan, "phases before, phase that shows it, whether a look does; base", []),
        (break_now, "do now those that are done after a phase", [common]),
        (judge, "exit code 1 unless the verdict names each", [common]),
        (mend, "revert what was written", [common]),
    ):
        name = act.__name__.partition("_")[0]
        action = actions.add_parser(name, help=text, parents=parents)
        action.set_defaults(run=act, changed="")
        if act is choose:
            action.add_argument("words", metavar="each|windows|NAME[+NAME...],...")
        elif act in (plan, break_now, judge):
            action.add_argument("names", metavar="NAME[+NAME...]")
        if act is break_now:
            action.add_argument("after", metavar="PHASE")


def list_all(args: argparse.Namespace) -> None:
    print(LINE.format("NAME", "WINDOW", "DONE AFTER", "NAMED BY", "WHAT"))
    for one in table.TABLE:
        window = one.window or "alone"
        print(LINE.format(one.name, window, one.after, one.named_by, one.text))


def choose(args: argparse.Namespace) -> str:
    return "\n".join(windows.chosen(args.words))


def plan(args: argparse.Namespace) -> str:
    found = windows.together(args.names)
    after = ",".join(dict.fromkeys(one.after for one in found))
    look = "look" if any(one.looked for one in found) else "-"
    # Those of one window have one.
    return f"{after} {found[0].until} {look} {_kind(found[0])}"


def judge(args: argparse.Namespace) -> None:
    found = windows.together(args.names)
    print(*windows.judged(found, args.directory), sep="\n")
    if len(found) > 1:
        print(f"{len(found)} sabotages named: {args.names}")


def break_now(args: argparse.Namespace) -> None:
    found = windows.together(args.names)
    sabotages = [one for one in found if one.after == args.after]
    scene = _scene(args)
    args.changed = f"sabotage {args.names} has begun"
    args.again = "`ironic-sideways sabotage mend` reverts what was written"
    for broken in windows.done(sabotages, scene):
        print(f"{broken.text}: {', '.join(broken.things)}")


def mend(args: argparse.Namespace) -> str:
    scene = _scene(args)
    args.changed, args.again = "mending has begun", "give the same command again"
    return f"{scene.changes.mend()} changes reverted"


def _kind(sabotage: kinds.Sabotage) -> str:
    return "destructive" if sabotage.destructive else "mendable"


def _scene(args: argparse.Namespace) -> "Scene":
    from ironic_sideways.cloud import placement
    from ironic_sideways.cmd import connections
    from ironic_sideways.nova_bm import database
    from ironic_sideways.trials.sabotage.acts import Scene

    layout, _ = record.open_lab(args.directory)

    @functools.cache
    def engine(name: str) -> "sa.Engine":
        url = f"@{layout.database_url_file(name)}"
        return database.engine(database.resolve_url(url, "--directory"))

    @functools.cache
    def cloud() -> "Connection":
        return connections.connect("admin")

    def api() -> placement.Placement:
        # Its user may reshape.
        return placement.Placement(connections.connect("service").placement)

    return Scene(engine, layout, api, cloud)
