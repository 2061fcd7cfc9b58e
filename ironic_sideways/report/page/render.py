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

"""report.html: one file, without a single request to anywhere.

A function of the evidence directory. A section whose evidence is absent or of
another shape says so in its place; the page is written all the same.
"""

import base64
import dataclasses
import datetime
import functools
import hashlib
import os
import urllib.parse
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from ironic_sideways import exceptions, masking
from ironic_sideways.evidence import documents
from ironic_sideways.report import figures
from ironic_sideways.report import logs as rules
from ironic_sideways.report.faults import FAULTS, within
from ironic_sideways.report.findings import Line, Verdict
from ironic_sideways.report.page import (
    afterwards,
    api_tests,
    headline,
    logs,
    sides,
    strips,
    tables,
    timeline,
)
from ironic_sideways.report.subjects import Judged, Subject
from ironic_sideways.report.verdict import SUBJECTS

#: Excerpts of one page: more of them nobody reads, the verdict names them all.
EXCERPTS = 24
#: Nodes up to which each is shown open.
OPEN_NODES = 6


@dataclasses.dataclass(frozen=True)
class Part:
    """A section's material, or why there is none."""

    value: Any
    why: str = ""


def part(find: Callable[[Path], Any], directory: Path) -> Part:
    try:
        return Part(find(directory))
    except exceptions.SidewaysError as error:
        return Part(None, within(directory, str(error)))
    except FAULTS as error:
        return Part(None, f"its evidence is malformed: {type(error).__name__} {error}")


def sections(directory: Path) -> list[tuple[str, Subject, Part]]:
    """Of each subject that consists of steps; what only some runs do, where it was."""
    return [
        (name, subject, part(functools.partial(afterwards.steps, subject), directory))
        for name, subject in SUBJECTS.items()
        if subject.section
        and (subject.judged is not Judged.WHEN_ADDED or subject.has_evidence(directory))
    ]


def read_environment(directory: Path) -> dict[str, Any]:
    document = documents.read(directory / "environment.json")
    # What the page takes from it must be there, or the whole of it is no evidence.
    headline.facts(document)
    return dict(document)


@documents.read_once()
def render(directory: Path, verdict: Verdict, base: str = "") -> str:
    """The page.

    :param base: the way from the page to the evidence directory, for its links.
    """
    ran_on = part(read_environment, directory)
    phases = part(timeline.timeline, directory)
    material = {
        "verdict": verdict,
        "sentence": headline.sentence(directory, verdict),
        "facts": headline.facts(ran_on.value),
        "cells": headline.cells(list(figures.figures(directory))),
        "timeline": phases,
        "excerpts": excerpts(directory, verdict, phases.value),
        "strips": part(strips.strips, directory),
        "sides": part(sides.sides, directory),
        "counts": part(tables.counts, directory),
        "takeover": part(tables.takeover, directory),
        "resources": part(tables.reported, directory),
        "sections": sections(directory),
        "tests": part(api_tests.results, directory),
        "errors": errors(directory, verdict),
        "logs": part(logs.logs, directory),
        "environment": ran_on,
        "open_nodes": OPEN_NODES,
        "first_excerpt": first_excerpt(directory, verdict),
    }
    template = environment().get_template("page.html.j2")
    return str(template.render(base=base, directory=directory, **material))


@functools.cache
def environment() -> jinja2.Environment:
    """Jinja2, as the page needs it: whatever is shown is masked and escaped."""
    loader = jinja2.PackageLoader("ironic_sideways.report.page")
    made = jinja2.Environment(
        loader=loader,
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for name in ("page.js", "page.css"):
        text, _, _ = loader.get_source(made, name)
        kind = {"page.js": "script", "page.css": "style"}[name]
        # Ours, and no word of the evidence's: markupsafe need not escape it.
        made.globals[kind] = Markup(text)  # noqa: S704
        made.globals[f"{kind}_digest"] = digest(text)
    made.filters.update(
        clock=clock,
        day=day,
        duration=duration,
        size=size,
        within=in_evidence,
        place=place,
        short=lambda uuid: uuid[:8],
        anchor=anchor,
        cleaned=logs.clean,
    )
    made.tests["there"] = is_there
    return made


def digest(text: str) -> str:
    """What the page's own policy lets run and apply."""
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def shown(value: Any) -> Any:
    """What every expression of the templates passes through."""
    if isinstance(value, str) and not isinstance(value, Markup):
        return masking.mask(value)
    return value


def first_excerpt(directory: Path, verdict: Verdict) -> logs.Excerpt | None:
    """The evidence of the check to look at first."""
    if verdict.first is None:
        return None
    finding, check = verdict.first
    return cut(directory, check.where, f"{finding.name}: {check.name}")


def excerpts(
    directory: Path, verdict: Verdict, found: timeline.Timeline | None
) -> list[logs.Excerpt]:
    """The end of each failed phase's log, and the lines that failed checks name."""
    ends = []
    for row in found.red if found else ():
        name = f"phases/{row.name}.log"
        why = f"phase {row.name}: {row.last.result}"
        ends.append(logs.tail(directory, name, why))
    named = (
        cut(directory, check.where, f"{finding.name}: {check.name}")
        for finding in verdict.findings
        for check in finding.failures
    )
    chosen = list(logs.unique([*ends, *named]))
    # A log says why; a document only what.
    chosen.sort(key=lambda one: not one.path.endswith(".log"))
    return chosen[:EXCERPTS]


def errors(directory: Path, verdict: Verdict) -> Part:
    """Each ERROR line that matches no rule, the first of them with their context.

    An empty list counts only where the evidence says when the window was.
    """
    looked_at = part(rules.span, directory)
    if looked_at.value is None:
        return looked_at
    found: list[tuple[Line, logs.Excerpt | None]] = [
        (line, cut(directory, line.where, "") if number < EXCERPTS else None)
        for number, line in enumerate(verdict.errors)
    ]
    return Part(found)


def cut(directory: Path, where: str, why: str) -> logs.Excerpt | None:
    return logs.excerpt(directory, where, why) if where else None


@jinja2.pass_context
def place(context: jinja2.runtime.Context, where: str) -> str:
    """The address of a file of the evidence, relative to the page."""
    path, _ = logs.split(where)
    return urllib.parse.quote(f"{context['base']}{path}")


@jinja2.pass_context
def is_there(context: jinja2.runtime.Context, where: str) -> bool:
    """Whether this file of the evidence exists, to be linked."""
    path, _ = logs.split(where)
    return bool((context["directory"] / path).exists())


@jinja2.pass_context
def in_evidence(context: jinja2.runtime.Context, text: str) -> str:
    return within(context["directory"], text)


def way(output: Path, directory: Path) -> str:
    """How links of a page in ``output`` lead to ``directory``; empty when it is it."""
    relative = os.path.relpath(directory.resolve(), output.resolve())
    return "" if relative == "." else f"{relative}/"


def anchor(text: str) -> str:
    return "".join(c if c.isalnum() else "-" for c in text.lower()).strip("-")


def moment(seconds: float) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC)


def clock(seconds: float) -> str:
    return f"{moment(seconds):%H:%M:%S}"


def day(seconds: float) -> str:
    return f"{moment(seconds):%-d %B %Y}"


def duration(seconds: float) -> str:
    if seconds < 600:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.1f} min"


def size(number: int) -> str:
    for unit in ("bytes", "KiB", "MiB"):
        if number < 1024:
            return f"{number:.0f} {unit}" if unit == "bytes" else f"{number:.1f} {unit}"
        number /= 1024  # type: ignore[assignment]
    return f"{number:.1f} GiB"
