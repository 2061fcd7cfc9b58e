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

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

from rich import console, table
from rich import progress as rich_progress
from rich.markup import escape

from ironic_sideways.migrate import archive, classify, retire, verify, work

_STYLE = {classify.Outcome.REFUSE: "red", classify.Outcome.MIGRATE: "yellow"}


@contextlib.contextmanager
def progress(what: str, *, quiet: bool) -> Iterator[Callable[[int], None]]:
    """A counter of rows on a terminal's stderr; silent elsewhere."""
    screen = console.Console(stderr=True)
    with rich_progress.Progress(
        rich_progress.TextColumn(f"{what}: {{task.completed}} rows"),
        rich_progress.TimeElapsedColumn(),
        console=screen,
        transient=True,
        disable=quiet or not screen.is_terminal,
    ) as bar:
        task = bar.add_task(what, total=None)
        yield lambda count: bar.update(task, advance=count)


def verdicts(summary: work.Summary) -> None:
    """A table of the rows that a person should look at; nothing when there are none."""
    shown = summary.refused + summary.noted
    if not shown:
        return
    rows = table.Table(title=None, show_lines=False)
    for heading in ("row", "node", "host", "outcome", "why"):
        rows.add_column(heading, overflow="fold")
    for verdict in shown:
        rows.add_row(
            str(verdict.source.id),
            escape(verdict.source.uuid or "NULL"),
            escape(verdict.source.service_host or ""),
            verdict.outcome,
            escape("\n".join(verdict.reasons + verdict.notes)),
            style=_STYLE.get(verdict.outcome),
        )
    screen = console.Console()
    if not screen.is_terminal:
        # A file or a pipe has no width of its own; lines stay whole in it.
        screen = console.Console(width=200)
    screen.print(rows)
    more = summary.counts["refuse"] + summary.counts["noted"] - len(shown)
    if more:
        print(f"... and {more} more such rows; --output FILE records every row")


def counts(summary: work.Summary) -> None:
    """The warnings, and one line of figures."""
    for warning in summary.warnings:
        print(f"warning: {warning}")
    found = summary.counts
    print(
        f"check: {found['read']} rows read: {found['migrate']} to migrate, "
        f"{found['present']} moved before, {found['skip']} skipped, "
        f"{found['refuse']} refused; {found['interfaces skipped']} interfaces stay "
        "behind"
    )


def run(run_id: str, done: work.Run, *, dry_run: bool) -> None:
    """What was written."""
    planned = done.summary.counts[classify.Outcome.MIGRATE]
    if done.summary.counts[classify.Outcome.REFUSE]:
        print("run: refused, nothing was written")
    elif dry_run:
        print(f"run: would write {planned} nodes (dry run, nothing was written)")
    elif not planned:
        print("run: nothing left to write")
    else:
        print(
            f"run {run_id}: {done.written.nodes} nodes and {done.written.ports} ports "
            f"written in {done.seconds:.1f} s"
        )
    if done.verified:
        print(
            f"verify: {done.verified.equal} nodes equal, "
            f"{done.verified.different} different"
        )


def differences(result: verify.Result) -> None:
    """The differences, one line each."""
    for line in verify.differences(result):
        print(line)


def retired(done: retire.Retired, restore: str, *, dry_run: bool) -> None:
    """What was verified, archived and dropped, and the way back."""
    if done.verified:
        print(
            f"verify: {done.verified.equal} nodes of nova_bm are in Ironic, "
            f"{done.verified.changed} of them changed by Ironic since"
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


def retired_as_json(
    done: retire.Retired, restore: str, *, dry_run: bool
) -> dict[str, Any]:
    """The same for machines."""
    return {
        "result": "dry run" if dry_run else "done",
        "archive": str(done.archive),
        "sha256": None if dry_run else archive.checksum(done.archive),
        "rows": done.rows,
        "equal": done.verified.equal if done.verified else None,
        "changed": done.verified.changed if done.verified else None,
        "dropped": list(done.dropped),
        "restore": restore,
    }


def as_json(summary: work.Summary) -> dict[str, Any]:
    """The summary for machines."""
    found = summary.counts
    return {
        "counts": {
            "read": found["read"],
            **{outcome.value: found[outcome] for outcome in classify.Outcome},
            "interfaces_skipped": found["interfaces skipped"],
        },
        "warnings": summary.warnings,
        "rows": [
            {
                "bm_node_id": verdict.source.id,
                "uuid": verdict.source.uuid,
                "outcome": verdict.outcome,
                "reasons": verdict.reasons,
                "notes": verdict.notes,
            }
            for verdict in summary.refused + summary.noted
        ],
    }
