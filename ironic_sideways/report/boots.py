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

"""Each operation that ends in a boot has one of its own, of its own node's machine.

One boot proves one operation: the same heartbeats, told of two, prove one of them.
"""

import collections
from collections.abc import Iterator, Set
from pathlib import Path
from typing import Any

from ironic_sideways.evidence import compare, documents, heartbeat
from ironic_sideways.evidence.compare import Check
from ironic_sideways.report import window

#: Boots that an operation ends in, where it is not one.
SEVERAL = {"rebuilt reboot": 2}

#: Commands after which a machine boots (hardware/vbmc_log.py).
SWITCHED_ON = ("on", "reset")


def operated_until(directory: Path) -> float:
    """When the last try of the last phase that operates on machines ended."""
    tries = window.tries(directory)
    return max(
        (end for name in window.OPERATING for _begin, end in tries.get(name, ())),
        default=float("inf"),
    )


def of_machines(
    directory: Path, before: dict[str, Any]
) -> dict[str, list[heartbeat.Stream]]:
    """By node: the streams that began while machines were operated, in time's order."""
    begin, end = window.bounds(directory).operated, operated_until(directory)
    nodes = {mac: m["uuid"] for m in before["machines"] for mac in m["macs"]}
    found = collections.defaultdict(list)
    for stream in heartbeat.streams(heartbeat.read(directory / "heartbeat.jsonl")):
        if stream.mac in nodes and begin < stream.first_time <= end:
            found[nodes[stream.mac]].append(stream)
    for streams in found.values():
        streams.sort(key=lambda stream: stream.first_time)
    return found


def node_of(operation: dict[str, Any], nodes: dict[str, str]) -> str:
    """The node that an operation was on; empty where none is told."""
    record = operation.get("deploy") or {}
    named = operation.get("node"), record.get("node")
    known = (*named, nodes.get(operation.get("instance") or ""))
    return next(filter(None, known), "")


def check(
    directory: Path,
    found: list[dict[str, Any]],
    before: dict[str, Any],
    booting: Set[str],
) -> Iterator[Check]:
    """One check for each operation that ends in a boot, and for each machine.

    :param found: operations.json.
    :param booting: the names of the operations that end in a boot.
    """
    nodes = {server["uuid"]: server["node"] for server in before["servers"]}
    streams = of_machines(directory, before)
    needed: dict[str, int] = collections.Counter()
    told: set[tuple[str, str]] = set()
    for operation in found:
        name = operation["name"]
        if not operation["ok"] or name not in booting:
            continue
        node = node_of(operation, nodes)
        needed[node] += SEVERAL.get(name, 1)
        had = len(streams.get(node, ()))
        detail = f"node {node}: boots with heartbeats: {had}, needed: {needed[node]}"
        yield Check(f"back, {name}", had >= needed[node], detail)
        if record := operation.get("deploy"):
            boot = record["mac"], record["boot_id"]
            detail = f"boot id {boot[1]} of {boot[0]}"
            yield Check(f"own boot, {name}", boot not in told, detail)
            told.add(boot)
    yield from switched_on(directory, before, streams)


def switched_on(
    directory: Path, before: dict[str, Any], streams: dict[str, list[heartbeat.Stream]]
) -> Iterator[Check]:
    """A BMC's command of its own came before each boot of an operated machine."""
    if not (directory / "bmc.json").exists():
        # The BMCs' own subject says so.
        return
    names = {
        uuid: m["name"] for uuid, m in compare.by(before["machines"], "uuid").items()
    }
    commands = documents.read(directory / "bmc.json")["commands"]
    for node, booted in streams.items():
        sent = [
            command["time"]
            for command in commands
            if command["domain"] == names[node] and command["command"] in SWITCHED_ON
        ]
        last, wrong = window.bounds(directory).operated, []
        for stream in booted:
            if not any(last <= time <= stream.first_time for time in sent):
                wrong.append(stream.boot_id)
            last = stream.first_time
        detail = f"boot ids without a command before them: {wrong}" if wrong else ""
        yield Check(f"switched on for each boot, {names[node]}", not wrong, detail)
