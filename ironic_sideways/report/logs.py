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

"""What the services' logs must contain, and what they must not.

Each rule names its source. Its hits are quoted with file, line and time. Lines of
level ERROR that match no rule are listed by the verdict, never hidden.
"""

import calendar
import dataclasses
import itertools
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from ironic_sideways import masking
from ironic_sideways.evidence import compare, documents, events
from ironic_sideways.evidence.compare import Check
from ironic_sideways.report import places, window
from ironic_sideways.report.findings import Finding, Line, clock, in_one

#: Hits of one rule that are shown; one fault may log a line every second.
SHOWN = 5

#: The phase from whose begin on lines count.
BEGIN = "begin-maintenance"

#: As oslo.log, libvirt, MariaDB and our own tools begin a line.
MOMENT = re.compile(r"(\d{4})-(\d\d)-(\d\d)(?:T| +)(\d{1,2}):(\d\d):(\d\d)(\.\d+)?")


@dataclasses.dataclass(frozen=True)
class Rule:
    """What must not be in the logs, or must be there for each node.

    :param logs: which, as a pattern of names below logs/.
    :param source: where the line comes from, and why it matters.
    :param since: the phase from whose begin on lines count.
    """

    name: str
    logs: str
    pattern: re.Pattern[str]
    source: str
    since: str = BEGIN


#: For each node; the node's uuid is the group.
MUST = (
    Rule(
        "take-over logged",
        "ironic-conductor*.log",
        re.compile(
            r"During sync_power_state, node (\S+) has no previous known state\. "
            r"Recording current state"
        ),
        "ironic.conductor.manager.do_sync_power_state: the power state was NULL, and"
        " was taken from the BMC instead of forced on it",
    ),
    Rule(
        "resources logged",
        "nova-compute*.log",
        re.compile(r"Final resource view: name=(\S+)"),
        "nova.compute.resource_tracker._report_final_resource_view (level DEBUG): the"
        " node's update came to its end",
        since="compute",
    ),
)

MUST_NOT = (
    Rule(
        "no machine switched by power sync",
        "ironic-conductor*.log",
        re.compile(r"Changing hardware state to"),
        "ironic.conductor.manager.do_sync_power_state with"
        " force_power_state_during_sync: Ironic trusted its row, not the machine",
    ),
    Rule(
        "no node put in maintenance",
        "ironic-conductor*.log",
        re.compile(r"Switching node to maintenance mode"),
        "ironic.conductor.manager.handle_sync_power_state_max_retries_exceeded: the BMC"
        " did not answer",
    ),
    Rule(
        "no traceback",
        "*.log",
        re.compile(r"Traceback \(most recent call last\):"),
        "Python: an unexpected error",
    ),
    Rule(
        "no secret",
        "*.log",
        re.compile(
            r"(?:ipmi_password|pm_password|admin_pass|adminPass)"
            r"['\"]?\s*[:=]\s*u?['\"]?(?!\*\*\*|None|null|<)[^\s'\",}]+"
            rf"|{masking.URLS[0][0]}(?!\*\*\*){masking.URLS[0][1]}"
            rf"|{masking.URLS[1][0]}(?!\*\*\*){masking.URLS[1][1]}"
            r"|X-Auth-Token['\"]?\s*[:=]\s*['\"]?gAAAA"
            r"|ipmitool\b.*\s-P\s*\S"
        ),
        "oslo_utils.strutils.mask_password's keys, URLs with a password, tokens, and"
        " ipmitool's password in its arguments",
    ),
)

#: Errors that are no failure: why, by a pattern of their text or their last line.
KNOWN = {
    re.compile(r"ResourceProviderConcurrentUpdateDetected"): (
        "placement.fault_wrap logs what it answers with 409; nova-compute retries"
        " (nova.scheduler.client.report)"
    ),
    re.compile(r"InstanceDeployFailure: .*: Rebuild refused, the server runs on"): (
        "conductor/netbooted.py refuses it before the machine is touched, and Nova logs"
        " the failure three times; operations judge what became of the server"
    ),
    re.compile(
        r"Skipping removal of allocations for deleted instances: "
        r"Failed to retrieve allocations for resource provider"
    ): (
        "nova.compute.resource_tracker asks for a node's allocations before its first"
        " report makes the provider (of the resources the evidence tells)"
    ),
    re.compile(r"A dynamic interval looping call should supply either an interval"): (
        "oslo.service's threading backend (loopingcall._idle_for) in a service that is"
        " being stopped: its periodic tasks return no delay any more"
    ),
    re.compile(
        r"Error during SchedulerManager\._discover_hosts_in_cells: IndexError"
    ): (
        "the first turn of a scheduler that was away for longer than"
        " service_down_time: until it has reported itself Nova finds no leader"
    ),
    re.compile(
        r"Rejecting authorization: baremetal:(node|port):list_all is disallowed"
    ): (
        "ironic.common.policy.authorize logs it where check_list_policy then lists what"
        " the user's own project owns"
    ),
}

#: Known where a service tells it while it tries again, at level DEBUG.
RETRIED = re.compile(
    r"DBDeadlock|RetryRequest|try restarting transaction|StaleDataError"
)

#: The logs that each lane has of its own hardware and of what the window changes: each
#: tells something from before maintenance until after it; Ironic's, from its start on.
BOTH = {"nova-compute": BEGIN, "vbmcd": BEGIN, "ironic-conductor": "takeover"}
#: Those that the lab has besides; DevStack's other services write to its journal.
LAB = {
    "keystone": BEGIN,
    "neutron": BEGIN,
    "nova-api": BEGIN,
    "placement": BEGIN,
    "ironic-api": "takeover",
}
#: What acts on machines.
OPERATING = re.compile(r"logs/(nova-compute|ironic-conductor)")

#: These have little to tell, or a clock of their own.
QUIET = ("dnsmasq", "glance", "mariadb", "nova-conductor", "nova-scheduler", "rabbitmq")

#: What oslo.log puts before each line of one record: all but the text.
HEAD = re.compile(MOMENT.pattern + r" \d+ [A-Z]+ \S+")

#: The line that a traceback ends in, after its head.
EXCEPTION = re.compile(r" ?(?:\[instance: \S+\] ?)?[A-Za-z_][\w.]*(?::.*)?$")

ERROR = re.compile(r"\b(?:ERROR|CRITICAL)\b|\[(?:error|critical)\]")


def head(text: str) -> str:
    """What oslo.log put before the text; empty where the line is not oslo.log's."""
    found = HEAD.match(text)
    return found[0] if found else ""


def is_error(text: str) -> bool:
    """By its level; a log that is not oslo.log's says it anywhere in the line."""
    return bool(ERROR.search(head(text) or text))


def utc_offset(directory: Path) -> int:
    """Seconds, of the host that wrote the logs; 0 when the run did not record it."""
    recorded = events.read(directory / "events.jsonl")
    return next((e["utc_offset"] for e in recorded if "utc_offset" in e), 0)


def lines(directory: Path, pattern: str) -> Iterator[Line]:
    """Every line of these logs; one without a time has that of the line before."""
    offset = utc_offset(directory)
    for path in places.logs(directory / "logs", pattern):
        moment = 0.0
        name = f"logs/{path.name}"
        for number, text in enumerate(places.lines(path), start=1):
            found = MOMENT.match(text)
            if found:
                parts = [int(part) for part in found.groups()[:6]]
                moment = calendar.timegm((*parts, 0, 0, 0)) - offset
                moment += float(found[7] or 0)
            yield Line(name, number, moment, text)


def span(directory: Path, since: str = BEGIN) -> tuple[float, float]:
    """From the begin of a phase until machines were operated again."""
    moments = window.bounds(directory)
    begin = moments.begin
    for event in events.read(directory / "events.jsonl"):
        if event.get("name") == since and event.get("result") == "started":
            begin = max(begin, event["time"])
    # Of whole seconds in some logs.
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


def records(found: Iterable[Line]) -> Iterator[Line]:
    """The lines of one record as one: a traceback's text is its first and last line."""
    record: list[Line] = []
    for line in found:
        if record and not continues(line, record[0]):
            yield joined(record)
            record = []
        record.append(line)
    if record:
        yield joined(record)


def continues(line: Line, first: Line) -> bool:
    """Whether ``line`` is of the record that began with ``first``.

    MariaDB's and RabbitMQ's lines have a time and no head: each is a record.
    """
    own = head(line.text)
    same = own == head(first.text) if own else not MOMENT.match(line.text)
    return same and line.file == first.file


def joined(record: list[Line]) -> Line:
    texts = [line.text.removeprefix(head(line.text)).strip() for line in record[1:]]
    return ending(record[0], next(filter(None, reversed(texts)), ""))


def ending(first: Line, last: str) -> Line:
    text = f"{first.text} ... {last}" if last else first.text
    return dataclasses.replace(first, text=text)


def known(text: str) -> str:
    """Why a record is not a failure; empty when it is not known."""
    return next((why for end, why in KNOWN.items() if end.search(text)), "")


def retried(first: str, last: str) -> bool:
    """Whether a traceback was told at level DEBUG by a service that tries again."""
    return " DEBUG " in head(first) and bool(RETRIED.search(last))


def tried(directory: Path) -> float:
    """When the trials began that break something on purpose, or the last ended."""
    for event in events.read(directory / "events.jsonl"):
        if event.get("name") in ("proxy", "tempest") and event["result"] == "started":
            return float(event["time"])
    return window.bounds(directory).gathered


def hits(directory: Path, rule: Rule, until: float = 0.0) -> Iterator[Line]:
    """The lines that the rule means, while it counts, or until then."""
    for line in in_window(directory, rule.logs, rule.since, until):
        if rule.pattern.search(line.text):
            yield line


def each_node(directory: Path, rule: Rule, nodes: set[str]) -> Iterator[Check]:
    if not places.logs(directory / "logs", rule.logs):
        name = f"logs/{rule.logs.replace('*', '')}"
        yield Check(name, False, f"{name}: absent; it was not collected", absent=True)
        return
    told: dict[str, Line] = {}
    for line in hits(directory, rule):
        found = rule.pattern.search(line.text)
        assert found
        told.setdefault(found[1], line)
    for uuid in sorted(nodes):
        name = f"{rule.name} {uuid}"
        if uuid in told:
            yield Check(name, True, str(told[uuid]), where=told[uuid].where)
        else:
            why = f"no such line in {rule.logs}: {rule.source}"
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
            times = [
                line.time for line in lines(directory, f"{name}*.log") if line.time
            ]
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


def errors_of_nodes(directory: Path, before: dict[str, Any]) -> list[Check]:
    """An ERROR that no rule knows must name neither an instance nor a node.

    While some are operated, none of the others.
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


def bystanders(directory: Path, before: dict[str, Any]) -> set[str]:
    """The instances and nodes that no operation is on; none where none is told."""
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
    checks += errors_of_nodes(directory, before)
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
