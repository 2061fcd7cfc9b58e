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

"""Of the phases: what each left behind shows that it ran, when, and for how long."""

import datetime
import re
from collections.abc import Iterator
from pathlib import Path

from ironic_sideways.evidence import documents, heartbeat
from ironic_sideways.report import deploys, judges, log_lines, places, window
from ironic_sideways.report.agreement.looks import TICK, Document
from ironic_sideways.report.findings import clock

#: Of phases that are told once they are over (tools/run_upgrade.sh).
UNTOLD = ("prepare",)

#: Seconds, at least: a phase's end is told by another process than its begin. What a
#: phase did besides is held against what it did.
INSTANT = 0.02

#: As grenade/phases.sh begins a phase's log, at each try.
HEADER = re.compile(r"--- (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d{4}) ---")
#: Seconds until the begin is recorded, at most, on a busy machine.
RECORDING = 4 * TICK

#: A request, as nova-api and its web server tell it.
REQUEST = re.compile(r"\b(?:GET|POST|PUT|DELETE|PATCH|HEAD) (/\S+)")
NODES = "os-baremetal-nodes"


def own_logs(directory: Path, before: Document) -> Iterator[str]:
    """Each try of a phase has its own log, which begins then and has its figure."""
    for event in documents.read_lines(directory / "events.jsonl"):
        if event.get("kind") != "phase" or event["name"] in UNTOLD:
            continue
        name, figure = event["name"], event["figure"]
        told = places.lines(directory / "phases" / f"{name}.log")
        if event["result"] == "started":
            begun = (HEADER.fullmatch(line) for line in told)
            times = [
                datetime.datetime.fromisoformat(found[1]).timestamp()
                for found in begun
                if found
            ]
            time = event["time"]
            if not any(time - RECORDING <= one <= time + 1 for one in times):
                yield f"{name} began at {clock(time)} UTC, which its log does not have"
            if figure:
                yield f"{name} had a figure when it began"
        # A password in a figure is masked.
        elif event["result"] == "ok" and not any(
            figure in line or "***" in figure for line in told
        ):
            yield f"{name} told {figure!r}, which its log does not have"


def instant(directory: Path, before: Document) -> Iterator[str]:
    """No phase is over when it begins."""
    for name, spans in window.tries(directory).items():
        for begin, end in spans:
            if end - begin < INSTANT:
                yield f"{name} took {max(0.0, end - begin):.3f} s"


def verified(directory: Path, before: Document) -> Iterator[str]:
    """While the instances were verified each that runs sent a heartbeat."""
    streams = heartbeat.streams(heartbeat.read(directory / "heartbeat.jsonl"))
    heard = {(stream.mac, stream.boot_id): stream.times for stream in streams}
    holding = {server["node"] for server in before["servers"]}
    running = [
        machine
        for machine in before["machines"]
        if machine["uuid"] in holding and machine["power"] == "on"
    ]
    for begin, end in window.tries(directory).get("verify", [])[-1:]:
        for one in running:
            times = heard.get((one["mac"], one["boot_id"]), ())
            if not any(begin < time < end for time in times):
                yield f"no heartbeat of {one['name']} while it was verified"


def judged(directory: Path, before: Document) -> Iterator[str]:
    """Each of upstream's judges took its time, one after the other, in the phase."""
    for file, phase in judges.PHASE.items():
        if not (directory / file).exists():
            continue
        document = documents.read(directory / file)
        # Not recorded by an earlier version.
        took = [one["seconds"] for one in document["programs"] if "seconds" in one]
        ends = [end for _begin, end in window.tries(directory).get(phase, ())]
        over = document["taken_at"] + sum(took)
        if took and min(took) < INSTANT:
            yield f"{file}: a program took {min(took)} s"
        if took and ends and over > max(ends) + 1:
            yield f"{file}: its programs ran until {clock(over)} UTC"
        if file == judges.AGAIN and document["taken_at"] < (
            last := deployed(directory)
        ):
            yield f"{file}: taken before a deploy was over, at {clock(last)} UTC"


def deployed(directory: Path) -> float:
    """When the last deploy of the phase ``operate`` was over, by its record."""
    path = directory / "operations.json"
    found = documents.read(path) if path.exists() else []
    return max(
        (
            one["deploy"]["begin"] + one["deploy"]["changes"][-1]["after"]
            for one in found
            if "deploy" in one and one["name"] not in deploys.ADDED
        ),
        default=0.0,
    )


def requests(directory: Path, phase: str) -> list[str]:
    """The paths that nova-api was asked for in the last try of a phase, by its log."""
    for begin, end in window.tries(directory).get(phase, [])[-1:]:
        return [
            found[1]
            for line in log_lines.lines(directory, "nova-api*.log")
            if begin - 1 <= line.time <= end + 1
            and (found := REQUEST.search(line.text))
        ]
    return []


def proxy_asked(directory: Path, before: Document) -> Iterator[str]:
    """nova-api's log has the requests by which the proxy was tried.

    A check asks once at least, but for those of logs and of other processes.
    """
    if not places.logs(directory / "logs", "nova-api*.log"):
        # Grenade's lane has none, and the lab's logs are missed by their own subject.
        return
    rows = documents.read(directory / "proxy.json")
    asked = sum(NODES in path for path in requests(directory, "proxy"))
    if asked < len(rows) / 2:
        yield f"{len(rows)} checks, of which nova-api's log has {asked} requests"


def tempest_asked(directory: Path, before: Document) -> Iterator[str]:
    """nova-api's log has the requests of Tempest's tests, which took their time."""
    for place in ("tempest", "tempest-base"):
        if not (directory / place / "results.json").exists():
            continue
        tests = documents.read(directory / place / "results.json")["tests"]
        passed = [test for test in tests if test["outcome"] == "passed"]
        took = [test["seconds"] for test in passed if test["seconds"] is not None]
        spans = window.tries(directory).get(place, [])
        longest = max((end - begin for begin, end in spans), default=float("inf"))
        if max(took, default=0.0) > longest + TICK:
            yield f"{place}: a test took {max(took)} s, the phase {longest:.1f} s"
        # What a test asks for may have been asked for by its class.
        if sum(seconds > 0 for seconds in took) < len(passed) / 2:
            yield f"{place}: of {len(passed)} tests most took no time"
        if places.logs(directory / "logs", "nova-api*.log") and spans:
            asked = len(requests(directory, place))
            if asked < len(passed):
                yield f"{place}: {len(passed)} tests, {asked} requests to nova-api"
