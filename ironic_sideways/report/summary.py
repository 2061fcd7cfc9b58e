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

"""summary.txt: the run on one screen of text, for the console and the job's log."""

import textwrap
from collections.abc import Iterator
from pathlib import Path

from ironic_sideways import masking
from ironic_sideways.report import figures
from ironic_sideways.report.faults import FAULTS, within
from ironic_sideways.report.findings import Verdict, one_line
from ironic_sideways.report.page import logs, timeline

WIDTH = 78
#: Failed checks of one subject that are shown; the page and junit.xml have all.
TOLD = 5


def summary(directory: Path, verdict: Verdict) -> str:
    lines = [*head(verdict), "", *subjects(verdict), *errors(verdict), ""]
    lines += [*phases(directory), ""]
    lines += [f"  {figure}" for figure in figures.figures(directory)]
    return masking.mask(within(directory, "\n".join(lines))) + "\n"


def head(verdict: Verdict) -> Iterator[str]:
    """What failed, why, where to look and what next; or that all is well."""
    if verdict.first is None:
        yield "PASSED"
        return
    finding, check = verdict.first
    unreached = verdict.unreached
    seen = [name for name in verdict.red if name not in unreached]
    yield f"FAILED: {', '.join(seen or unreached)}"
    if seen and unreached:
        yield from wrapped("  not reached    ", ", ".join(unreached))
    yield f"  look first at  {finding.name}: {check.name}"
    yield from wrapped("  because        ", one_line(check.detail))
    yield f"  evidence       {check.where or 'none'}"
    yield f"  resume         {verdict.resume or 'not recorded'}"
    yield f"  roll back      {verdict.roll_back or 'not possible'}"


def wrapped(label: str, text: str) -> list[str]:
    indent = " " * len(label)
    return textwrap.wrap(
        text, WIDTH, initial_indent=label, subsequent_indent=indent
    ) or [label.rstrip()]


def subjects(verdict: Verdict) -> Iterator[str]:
    for finding in verdict.findings:
        yield f"  {finding.word:<6}  {finding.name:<12} {one_line(finding.told)}"
        for check in finding.failures[:TOLD]:
            where = f" ({check.where})" if check.where else ""
            text = one_line(f"{check.name}: {check.detail}{where}")
            yield from wrapped(" " * 10, text)
        if (more := len(finding.failures) - TOLD) > 0:
            yield f"{' ' * 10}and {more} more checks"
    for change in verdict.accepted:
        yield from wrapped("  accepted as the owner's  ", change)
    for name in verdict.without:
        yield f"  --      {name:<12} left out of this run"


def errors(verdict: Verdict) -> Iterator[str]:
    """ERROR lines that match no rule: listed, and no part of pass or fail."""
    if not verdict.errors:
        return
    yield ""
    number = len(verdict.errors)
    yield f"  ERROR lines in the window that match no rule, not judged: {number}"
    for line in verdict.errors[:TOLD]:
        yield from wrapped(" " * 10, logs.clean(one_line(str(line))))
    if (more := number - TOLD) > 0:
        yield f"{' ' * 10}and {more} more lines"


def phases(directory: Path) -> Iterator[str]:
    try:
        found = timeline.timeline(directory)
    except FAULTS as error:
        yield f"  phases: unknown ({error})"
        return
    for row in found.rows:
        again = f" (try {len(row.tries)})" if len(row.tries) > 1 else ""
        word = "" if row.last.result == "ok" else row.last.result.upper()
        text = f"  {row.name:<20} {row.last.seconds:>7.1f} s  {word:<9}{again}"
        yield text.rstrip()
