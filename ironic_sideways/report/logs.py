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

"""The services' logs, by the rules of log_rules.py.

The hits of a rule are quoted with file, line and time. Lines of level ERROR that match
no rule are listed by the verdict, never hidden.
"""

import dataclasses
import itertools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ironic_sideways.evidence import compare, documents, events
from ironic_sideways.evidence.compare import Check
from ironic_sideways.report import log_holes, log_processes, places, window
from ironic_sideways.report.findings import Finding, Line, clock, in_one
from ironic_sideways.report.log_lines import ending, head, is_error, lines, records
from ironic_sideways.report.log_rules import (
    BEGIN,
    KNOWN,
    MUST,
    MUST_NOT,
    RETRIED,
    Rule,
)

#: Hits of one rule that are shown; one fault may log a line every second.
SHOWN = 5

#: The logs that each lane has of its own hardware and of what the window changes: each
#: tells something from before maintenance until after it; Ironic's, from its start on.
BOTH = {"nova-compute": BEGIN, "vbmcd": BEGIN, "ironic-conductor": "takeover"}
#: Those that the lab has besides; DevStack's other services write to its journal.
LAB = {
    "glance": BEGIN,
    "keystone": BEGIN,
    "neutron": BEGIN,
    "nova-api": BEGIN,
    "placement": BEGIN,
    "ironic-api": "takeover",
}
#: Lines of level ERROR of one kind, in one window: more is no answer to a call, or a
#: retry, any more. A good run has none.
STORM = 30
CRITICAL = re.compile(r" CRITICAL ")
#: What acts on machines.
OPERATING = re.compile(r"logs/(nova-compute|ironic-conductor)")

#: These have little to tell, or a clock of their own.
QUIET = ("dnsmasq", "mariadb", "nova-conductor", "nova-scheduler", "rabbitmq")


#: The line that a traceback ends in, after its head.
EXCEPTION = re.compile(r" ?(?:\[instance: \S+\] ?)?[A-Za-z_][\w.]*(?::.*)?$")


def span(directory: Path, since: str = BEGIN) -> tuple[float, float]:
    """From the start of a phase until machines were operated again."""
    moments = window.bounds(directory)
    begin = moments.begin
    for event in events.read(directory / "events.jsonl"):
        if event.get("name") == since and event.get("result") == "started":
            begin = max(begin, event["time"])
    # Some logs tell whole seconds alone.
    return begin - 1, moments.operated


def in_window(
    directory: Path, pattern: str, since: str, until: float = 0.0
) -> Iterator[Line]:
    """The lines of these logs within the span that begins with phase ``since``.

    :param until: the span's end, where it is later than usual.
    """
    begin, end = span(directory, since)
    for line in lines(directory, pattern):
        if begin <= line.time <= max(end, until):
            yield line


def known(text: str) -> str:
    """Why a record is not a failure; empty when it is not known."""
    return next((why for end, why in KNOWN.items() if end.search(text)), "")


def retried(first: str, last: str) -> bool:
    """Whether a traceback was told at level DEBUG by a service that tries again."""
    return " DEBUG " in head(first) and bool(RETRIED.search(last))


def tried(directory: Path) -> float:
    """When the trials that break something began, or else the logs were gathered."""
    for event in events.read(directory / "events.jsonl"):
        if event.get("name") in ("proxy", "tempest") and event["result"] == "started":
            return float(event["time"])
    return window.bounds(directory).gathered


def hits(directory: Path, rule: Rule, until: float = 0.0) -> Iterator[Line]:
    """The lines that match the rule, in its span or up to ``until``."""
    for line in in_window(directory, rule.logs, rule.since, until):
        if rule.pattern.search(line.text):
            yield line


def each_node(directory: Path, rule: Rule, nodes: set[str]) -> Iterator[Check]:
    if not places.logs(directory / "logs", rule.logs):
        name = f"logs/{rule.logs.replace('*', '')}"
        yield Check(name, False, f"{name}: absent; it was not collected", absent=True)
        return
    told: dict[str, Line] = {}
    seen, until = directory / rule.until, float("inf")
    if seen.is_file():
        until = documents.read(seen)["taken_at"] + 1
    for line in hits(directory, rule):
        if line.time > until:
            continue
        found = rule.pattern.search(line.text)
        assert found
        told.setdefault(found[1], line)
    for uuid in sorted(nodes):
        name = f"{rule.name} {uuid}"
        if uuid in told:
            yield Check(name, True, str(told[uuid]), where=told[uuid].where)
        else:
            where = f"{rule.logs} until {rule.until} was taken"
            why = f"no such line in {where}: {rule.source}"
            yield Check(name, False, why, absent=True)


def tracebacks(directory: Path, rule: Rule) -> Iterator[Line]:
    """Each traceback with the exception that it ends in, unless that is known.

    Those of nova-compute and of Ironic's conductor count as well while the moved
    machines are operated.
    """
    begin, end = span(directory, rule.since)
    later = tried(directory)
    found = (
        line
        for line in lines(directory, rule.logs)
        if begin <= line.time <= (later if OPERATING.match(line.file) else end)
    )
    for _file, log in itertools.groupby(found, lambda line: line.file):
        first, above = None, ""
        for line in log:
            text = line.text.removeprefix(head(line.text))
            if rule.pattern.search(line.text):
                first = first or line
            elif first and (end_of := EXCEPTION.match(text)):
                if not (known(text) or known(above) or retried(first.text, text)):
                    yield ending(first, end_of[0])
                first = None
            elif not first:
                above = text
        if first:
            yield first


def from_lab(directory: Path) -> bool:
    """Whether the run was the lab's: by its own command, or by its own first phase."""
    command = documents.read(directory / "environment.json")["command"]
    return "run_upgrade.sh" in command or "prepare" in window.phases(directory)


def each_log(directory: Path) -> Iterator[Check]:
    """Each log that there must be is there, and spans the window."""
    moments = window.bounds(directory)
    lab = from_lab(directory)
    wanted: dict[str, str | None] = dict(BOTH)
    if lab:
        wanted |= LAB | dict.fromkeys(QUIET)
    for name, since in wanted.items():
        told = f"logs/{name}.log"
        found = places.logs(directory / "logs", f"{name}*.log")
        if not any(path.stat().st_size for path in found):
            yield Check(told, False, f"{told}: absent or empty", absent=True)
        elif since:
            every = [line for line in lines(directory, f"{name}*.log") if line.time]
            times = [line.time for line in every]
            begin, _end = span(directory, since)
            first, last = min(times, default=0.0), max(times, default=0.0)
            ok = 0 < first <= begin + 2 and last >= moments.end - 1
            yield Check(
                f"span of {told}",
                ok,
                f"from {clock(first)} to {clock(last)} UTC; the window ended at"
                f" {clock(moments.end)}",
                where="" if ok else f"{told}:1",
            )
            wrong = ""
            if name in log_holes.PERIODIC:
                wrong = log_holes.silent(times, begin, moments.gathered)
            elif name in log_holes.TELLS:
                wrong = log_holes.untold(directory, name, times)
            elif name == "ironic-conductor":
                wrong = log_holes.unswitched(directory, every)
            yield Check(f"holes of {told}", not wrong, wrong)


def errors_of_nodes(directory: Path, before: dict[str, Any]) -> list[Check]:
    """An ERROR that no rule knows must name neither an instance nor a node.

    While some of them are operated, it must name none of the others.
    """
    names = {*compare.nodes(before), *(s["uuid"] for s in before["servers"])}
    later = bystanders(directory, before)
    found = [
        Check("no error of a node", False, str(line), where=line.where)
        for line, told_of in (
            *((line, names) for line in unknown_errors(directory)),
            *((line, later) for line in errors_later(directory)),
        )
        if any(name in line.text for name in told_of)
    ]
    return shortened(found) or [
        Check("no error of a node", True, f"{len(names)} names")
    ]


def grave(directory: Path) -> Iterator[Check]:
    """No service ended by an error in the window, nor told one over and over."""
    for line in unknown_errors(directory):
        if CRITICAL.search(head(line.text)):
            yield Check("no critical error", False, str(line), where=line.where)
        if line.times > STORM:
            yield Check("no storm of errors", False, str(line), where=line.where)


def bystanders(directory: Path, before: dict[str, Any]) -> set[str]:
    """The instances and nodes that no operation is on; none without operations.json."""
    path = directory / "operations.json"
    if not path.exists():
        return set()
    nodes = {server["uuid"]: server["node"] for server in before["servers"]}
    operated = window.operated_on(documents.read(path), nodes)
    others = {uuid for uuid, node in nodes.items() if node not in operated}
    return others | {nodes[uuid] for uuid in others}


def errors_later(directory: Path) -> Iterator[Line]:
    """Lines of level ERROR of what acts on machines, while machines are operated."""
    begin, end = window.bounds(directory).operated, tried(directory)
    for pattern in ("nova-compute*.log", "ironic-conductor*.log"):
        for line in records(lines(directory, pattern)):
            late = begin < line.time <= end
            if late and is_error(line.text) and not known(line.text):
                yield line


def shortened(found: list[Check]) -> list[Check]:
    """The first of these failures, and how many more there are."""
    more = len(found) - SHOWN
    rest = [Check(found[0].name, False, f"and {more} more lines")] if more > 0 else []
    return found[:SHOWN] + rest


def no_line(directory: Path, rule: Rule) -> list[Check]:
    """What acts on machines is watched while they are operated as well."""
    quote = masked if rule.name == "no secret" else str
    if rule.name == "no traceback":
        lines_found = tracebacks(directory, rule)
    else:
        operating = OPERATING.match(f"logs/{rule.logs}")
        lines_found = hits(directory, rule, tried(directory) if operating else 0.0)
    found = [
        Check(rule.name, False, f"{quote(line)} ({rule.source})", where=line.where)
        for line in lines_found
    ]
    return shortened(found) or [Check(rule.name, True, rule.source)]


def masked(line: Line) -> str:
    """Where the secret is, without the secret."""
    return f"{line.where}: {line.clock} the line holds a secret and is not quoted"


def known_secrets(directory: Path) -> list[Check]:
    """The secrets that the run knows are in none of its evidence."""
    document = documents.read(directory / "secrets.json")
    found = []
    for hit in document["hits"]:
        where = f"{hit['file']}:{hit['line']}"
        detail = f"{where} holds {hit['name']}"
        found.append(Check("no secret", False, detail, where=where))
    if not document["sought"]:
        none = Check(
            "secrets searched for", False, "secrets.json: no secret was searched for"
        )
        return [none, *shortened(found)]
    if short := document["too_short"]:
        # Each password of the run's own is long enough.
        what = f"too short to be searched for: {', '.join(short)}"
        return [Check("secrets searched for", False, what), *shortened(found)]
    detail = f"{len(document['sought'])} known secrets, none of them in any file"
    return shortened(found) or [Check("secrets searched for", True, detail)]


def check_logs(directory: Path) -> Finding:
    """:raises EvidenceAbsent: before.json or secrets.json is."""
    before = documents.read(directory / "before.json")
    nodes = compare.nodes(before)
    checks: list[Check] = []
    for rule in MUST_NOT:
        checks += no_line(directory, rule)
    checks += known_secrets(directory)
    for rule in MUST:
        checks += each_node(directory, rule, set(nodes))
    checks += in_one("expected logs", each_log(directory))
    checks += in_one("processes", log_processes.each_process(directory))
    checks += errors_of_nodes(directory, before)
    checks += shortened(list(grave(directory)))
    number = len(places.logs(directory / "logs"))
    return Finding("logs", checks, f"{number} logs, {len(MUST_NOT) + len(MUST)} rules")


def unknown_errors(directory: Path) -> list[Line]:
    """Lines of level ERROR in the window that match no rule, each kind of them once.

    Listed, not judged: a person must decide what they mean.
    """
    found: dict[str, Line] = {}
    for line in records(in_window(directory, "*.log", BEGIN)):
        if not is_error(line.text) or known(line.text):
            continue
        kind = line.file + re.sub(r"[0-9a-f-]{8,}|\d+", "#", line.text)
        first = found.get(kind)
        times = first.times + 1 if first else 1
        found[kind] = dataclasses.replace(first or line, times=times)
    return list(found.values())
