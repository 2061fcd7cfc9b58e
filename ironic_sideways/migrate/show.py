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

"""Print verdicts, counts and differences for people."""

import math
import os
import shutil
import sys
import textwrap

from ironic_sideways.migrate import archive, classify, retire, summary, verify, work
from ironic_sideways.migrate.preflight import window

_COLOUR = {"refuse": "31", "note": "33", "warning": "33"}


def _width() -> int | None:
    """Columns to fold at; None: a pipe or a file, whose lines stay whole."""
    if sys.stdout.isatty() or os.environ.get("COLUMNS"):
        return shutil.get_terminal_size().columns
    return None


def _line(kind: str, text: str) -> None:
    """One greppable line; on a terminal coloured, and folded below itself."""
    line = f"{kind}: {text}"
    if width := _width():
        line = textwrap.fill(
            line, width, subsequent_indent="    ", break_on_hyphens=False
        )
    if sys.stdout.isatty() and (colour := _COLOUR.get(kind)):
        line = f"\033[{colour}m{line}\033[0m"
    print(line)


def verdicts(found: summary.Summary) -> None:
    """The rows that a person should look at, a line for each reason."""
    for verdict in found.refused + found.noted:
        source = verdict.source
        where = f"row {source.id}, node {source.uuid or 'NULL'}"
        if source.service_host:
            where += f", host {source.service_host}"
        for reason in verdict.reasons:
            _line("refuse", f"{where}: {reason}")
        for note in verdict.notes:
            _line("note", f"{where}: {note}")
    shown = len(found.refused) + len(found.noted)
    more = found.counts[classify.Outcome.REFUSE] + found.counts["noted"] - shown
    if more:
        print(f"... and {more} more such rows; --output FILE records every row")
    for warning in found.warnings:
        _line("warning", warning)


def counts(found: summary.Summary) -> None:
    """What was read from each table, and what becomes of it."""
    columns = ("read", *summary.COLUMNS.values())
    print(
        f"{'table':<14}" + "".join(f"{name.replace('_', ' '):>13}" for name in columns)
    )
    for table, numbers in found.tables.items():
        print(f"{table:<14}" + "".join(f"{numbers[name]:>13}" for name in columns))


def estimate(steps: list[window.Step], origin: str) -> None:
    """How long the window will be."""
    print(f"\nThe window, with {origin}:")
    for step in steps:
        _step(step)
    print(f"  {'in all':<24}{duration(window.total(steps)):>9}")
    for step in steps:
        if step.shorten:
            _line(f"  shorter {step.name}", step.shorten)


def _step(step: window.Step) -> None:
    lead = f"  {step.name:<24}{duration(step.seconds):>9}  "
    print(
        textwrap.fill(
            step.assumption,
            max(_width() or 10_000, len(lead) + 20),
            initial_indent=lead,
            subsequent_indent=" " * len(lead),
        )
    )


def several(count: int, what: str) -> str:
    """``1 node``, ``2 nodes``."""
    return f"{count} {what}{'' if count == 1 else 's'}"


def duration(seconds: float) -> str:
    """Seconds, minutes or hours, as a person says them."""
    if seconds < 90:
        return f"{math.ceil(seconds)} s"
    if seconds < 90 * 60:
        return f"{math.ceil(seconds / 60)} min"
    return f"{seconds / 3600:.1f} h"


def check(found: summary.Summary) -> None:
    """The verdict, and what comes next."""
    refused = found.counts[classify.Outcome.REFUSE]
    if refused:
        print(f"check: refused: {several(refused, 'row')} cannot be moved")
        print("next: repair these rows, or decide by the options named above; check "
              "again")  # fmt: skip
    else:
        moving = several(found.counts[classify.Outcome.MIGRATE], "node")
        print(f"check: ready: {moving} to move")
        print("next: ironic-nova-bm-migrate run, with the same options")


def run(run_id: str, done: work.Run, *, dry_run: bool) -> None:
    """What was written, and what comes next."""
    planned = done.summary.counts[classify.Outcome.MIGRATE]
    if done.summary.counts[classify.Outcome.REFUSE]:
        print("run: refused, nothing was written")
        print("next: repair these rows, or decide by the options named above")
        return
    if dry_run:
        nodes = several(planned, "node")
        print(f"run: would write {nodes} (dry run, nothing was written)")
        print("next: the same without --dry-run")
        return
    if not planned:
        print("run: nothing left to write")
    else:
        print(
            f"run {run_id}: {several(done.written.nodes, 'node')} and "
            f"{several(done.written.ports, 'port')} written in {done.seconds:.1f} s"
        )
    if done.verified:
        verified(done.verified)
        if planned and not done.verified.different:
            print("next: start ironic-conductor, and see it take the nodes over")
            print(
                f"undo with: ironic-nova-bm-migrate rollback --ironic-db ... --run-id "
                f"{run_id}"
            )


def verified(result: verify.Result) -> None:
    """One line of figures."""
    print(
        f"verify: {several(result.equal, 'node')} equal, {result.different} different"
    )


def differences(result: verify.Result) -> None:
    """The differences, one line each."""
    for line in verify.differences(result):
        print(line)


def retired(done: retire.Retired, restore: str, *, dry_run: bool) -> None:
    """What was verified, archived and dropped, and the way back."""
    if done.verified:
        print(
            f"verify: nova_bm's nodes are in Ironic, all {done.verified.equal}; Ironic "
            f"has changed {done.verified.changed} of them since"
        )
        would = "would be " if dry_run else ""
        rows = ", ".join(f"{count} of {name}" for name, count in done.rows.items())
        print(f"archive: {done.archive} {would}written with the rows {rows}")
    else:
        print(f"archive: {done.archive} was whole before")
    if not dry_run:
        print(f"checksum: {archive.checksum(done.archive)}")
    names = ", ".join(done.dropped)
    if not names:
        print("nova_bm: dropped before, nothing to do")
    else:
        print(f"nova_bm: {names} {'would be dropped' if dry_run else 'dropped'}")
    print(f"restore with: {restore}")
