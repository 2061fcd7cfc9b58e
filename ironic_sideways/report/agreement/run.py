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

"""Of the run itself: its phases, operations, tests and logs."""

import collections
import itertools
from collections.abc import Iterator
from pathlib import Path

from ironic_sideways.evidence import compare, documents
from ironic_sideways.report import deploys, tempest, window
from ironic_sideways.report.agreement.looks import TICK, Document
from ironic_sideways.report.agreement.phases import UNTOLD
from ironic_sideways.report.findings import clock


def moments(directory: Path, before: Document) -> Iterator[str]:
    """Events are in order, and a phase took the time that it tells."""
    last = 0.0
    begun: dict[str, float] = {}
    for number, event in enumerate(
        documents.read_lines(directory / "events.jsonl"), start=1
    ):
        time, name = event["time"], event.get("name", "")
        if time < last:
            yield f"events.jsonl:{number}: {clock(time)} after {clock(last)} UTC"
        last = max(last, time)
        if event.get("kind") != "phase":
            continue
        if event["result"] == "started":
            begun[name] = time
            if event["seconds"]:
                yield f"events.jsonl:{number}: {name} took time when it began"
        elif name not in begun:
            if name not in UNTOLD:
                yield f"events.jsonl:{number}: {name} has an end and no begin"
        else:
            took = time - begun.pop(name)
            if abs(took - event["seconds"]) > TICK:
                yield (
                    f"events.jsonl:{number}: {name}: {event['seconds']} s, but"
                    f" {took:.1f} s lay between its begin and its end"
                )


#: The phase that each document without a moment of its own is from.
FROM = {
    "operations.json": "operate",
    "proxy.json": "proxy",
    "tempest/results.json": "tempest",
}


def begun(directory: Path, before: Document) -> Iterator[str]:
    """What this run left is of phases that it began, and no earlier one's."""
    told = window.tries(directory)
    for file, phase in FROM.items():
        if (directory / file).exists() and phase not in told:
            yield f"{file} is of no phase of this run: {phase} never began"


def proxied(directory: Path, before: Document) -> Iterator[str]:
    """The proxy was asked while its phase ran, one thing after the other."""
    rows = documents.read(directory / "proxy.json")
    spans = window.tries(directory).get("proxy", [])
    last = 0.0
    for row in rows:
        time = row["time"]
        if time <= last or not any(begin <= time <= end for begin, end in spans):
            yield f"{row['name']}: at {clock(time)} UTC"
        last = time


def moved_by(directory: Path, before: Document) -> Iterator[str]:
    """What was tried was tried in the cloud whose nodes this migration moved."""
    nodes = documents.read(directory / "takeover.json")["nodes"]
    runs = {node["run_id"] for node in nodes} - {None}
    for file in ("proxy.json", "tempest/results.json"):
        if not (directory / file).exists():
            continue
        document = documents.read(directory / file)
        told = [document] if isinstance(document, dict) else document
        for of in {tuple(one["moved_by"]) for one in told}:
            if not runs <= {*of}:
                yield f"{file}: nodes of runs {list(of)}, moved were {sorted(runs)}"
    path = directory / "tempest-base" / "results.json"
    if path.exists() and documents.read(path)["moved_by"]:
        yield "tempest-base/results.json: nodes were moved by then"


def operations(directory: Path, before: Document) -> Iterator[str]:
    """Operations took no longer than their phase, and their flavor is the old one."""
    found = documents.read(directory / "operations.json")
    flavors = documents.read(directory / "flavors.json")["flavors"].values()
    old = {flavor["name"]: flavor["old"] for flavor in flavors}
    servers = compare.by(before["servers"], "uuid")
    spans = [
        span
        for phase in window.OPERATING
        for span in window.tries(directory).get(phase, [])
    ]
    longest = max((end - begin for begin, end in spans), default=0.0)
    timed = ["seconds" in operation for operation in found]
    if any(timed) and not all(timed):
        yield "an operation without its time"
    for operation in found:
        name = operation["name"]
        if operation.get("seconds", 0) > longest + TICK:
            yield f"{name}: {operation['seconds']} s, phase: {longest:.1f} s"
        server = servers.get(operation.get("instance"), {})
        embedded, flavor = operation.get("embedded"), server.get("flavor")
        if embedded is not None and flavor in old and embedded != old[flavor]:
            wrong = compare.differences(old[flavor], embedded)
            yield f"{name}: embedded flavor {flavor}: {wrong}"
        record = operation.get("deploy") or operation.get("clean")
        if record:
            yield from (
                f"{name}: {wrong}" for wrong in deploy(record, operation, spans)
            )


def deploy(
    record: Document, operation: Document, spans: list[tuple[float, float]]
) -> Iterator[str]:
    """What in the record of an agent's deploy cannot be."""
    if not any(begin <= record["begin"] <= end for begin, end in spans):
        yield f"began at {clock(record['begin'])} UTC, in no phase"
    changes = record["changes"]
    times = [0.0, *(change["after"] for change in changes)]
    if "beating" in record:
        times.append(record["beating"])
        if times[-1] > operation.get("seconds", times[-1]) + TICK:
            yield f"its guest's heartbeat came after {times[-1]} s"
    elif "deploy" in operation and operation["ok"]:
        yield "no time of its guest's heartbeat"
    if times != sorted(times):
        yield f"its node's states are not in order of time: {times}"
    told = [(change["state"], change["step"]) for change in changes]
    kind = "deploy" if "deploy" in operation else "clean"
    if operation["ok"] and (deploys.WAITED[kind], deploys.STEP[kind]) not in told:
        yield f"step {deploys.STEP[kind]} was not in state {deploys.WAITED[kind]}"
    if any(one == two for one, two in itertools.pairwise(told)):
        yield "its node's state is told twice"
    if record["agent"] and record["agent"]["after"] > changes[-1]["after"]:
        yield f"the agent came after {record['agent']['after']} s"
    node = operation.get("node") or next(iter(operation.get("allocation") or ()), None)
    if node and node != record["node"]:
        yield f"node {record['node']}, its instance's: {node}"


def base_tests(directory: Path, before: Document) -> Iterator[str]:
    """Tempest's results are of the driver then, and its tests the same."""
    found = {}
    for place, driver in (("tempest-base", "base"), ("tempest", "ironic")):
        path = directory / place / "results.json"
        if not path.exists():
            continue
        document = found[place] = documents.read(path)
        if document["driver"] != driver:
            yield f"{place}: driver {document['driver']}, expected {driver}"
        counts = collections.Counter(test["outcome"] for test in document["tests"])
        if wrong := compare.differences(
            {**dict.fromkeys(document["counts"], 0), **counts}, document["counts"]
        ):
            yield f"{place}: counts: {wrong}"
        for test in document["tests"]:
            # A list says why a test is left out, and only of those.
            passed, left = (test["outcome"] == one for one in ("passed", "excluded"))
            if passed == bool(test["reason"]) or left != bool(test["source"]):
                yield f"{place}: {test['name']}: {test['outcome']}, {test['reason']}"
    if len(found) == 2:
        base, moved = (
            {tempest.bare(test["name"]) for test in document["tests"]}
            for document in found.values()
        )
        # The selection is of the same tests on either side; all tests are more.
        whole = found["tempest"]["list"] == tempest.ALL
        if wrong := compare.mismatch(base, moved & base if whole else moved):
            yield f"the base's tests are others: {wrong}"
        left_out, left_out_now = (
            {
                test["name"]: (test["reason"], test["source"])
                for test in document["tests"]
                if test["outcome"] == "excluded"
            }
            for document in found.values()
        )
        both = left_out.keys() & left_out_now.keys()
        if wrong := compare.differences(left_out, left_out_now, sorted(both)):
            yield f"excluded, before and after the move: {wrong}"


BMC = "BMC password of "


def sought(directory: Path, before: Document) -> Iterator[str]:
    """Each machine's BMC password was searched for."""
    found = documents.read(directory / "secrets.json")["sought"]
    told = {name for name in found if name.startswith(BMC)}
    mine = {f"{BMC}{machine['name']}" for machine in before["machines"]}
    if window.of_one_host(directory):
        told &= mine
    if told and (wrong := compare.mismatch(mine, told)):
        yield wrong


def environment(directory: Path, before: Document) -> Iterator[str]:
    """It was looked at when the logs were gathered."""
    moment = documents.read(directory / "environment.json")["taken_at"]
    spans = window.tries(directory).get("collect", [])
    if spans and not any(begin - 1 <= moment <= end + 1 for begin, end in spans):
        yield f"taken at {clock(moment)} UTC, not in phase collect"
