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
from ironic_sideways.report import beats, window
from ironic_sideways.report.findings import clock

#: Boots that an operation ends in, where it is not one.
SEVERAL = {"rebuilt reboot": 2, "soft reboots": 2, "hard reboots": 2}

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
    for stream in heartbeat.read_streams(directory / "heartbeat.jsonl"):
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
    gone = {nodes.get(o.get("instance") or "") for o in found if o["name"] == "delete"}
    yield from running(directory, before, streams, needed.keys() - gone)
    span = window.bounds(directory).operated, operated_until(directory)
    every = heartbeat.read_streams(directory / "heartbeat.jsonl")
    yield from same_machine(found, before, every, span)


def same_machine(
    found: list[dict[str, Any]],
    before: dict[str, Any],
    streams: list[heartbeat.Stream],
    span: tuple[float, float],
) -> Iterator[Check]:
    """What boots with a survivor's MAC has the survivor's disks.

    Until a deploy of its own writes others; another machine of that MAC has its own.

    :param span: when machines were operated.
    """
    records = [operation["deploy"] for operation in found if "deploy" in operation]
    deployed = {(record["mac"], record["boot_id"]) for record in records}
    gone = {o.get("instance") for o in found if o["name"] in ("delete", "cleaning")}
    was = {(machine["mac"], machine["boot_id"]) for machine in before["machines"]}
    for server in before["servers"]:
        for mac in (port["mac"] for port in server["ports"]):
            mine = [stream for stream in streams if stream.mac == mac]
            first = next((s for s in mine if (s.mac, s.boot_id) in was), None)
            later = [s for s in mine if span[0] < s.first_time <= span[1]]
            if first is None or not later:
                continue
            # The node of one that is deleted may be given away at once.
            wrong, disks = [], disks_of(first)
            for stream in later[: 1 if server["uuid"] in gone else None]:
                if (mac, stream.boot_id) in deployed:
                    disks = disks_of(stream)
                elif disks_of(stream) != disks:
                    wrong.append(f"{stream.boot_id}: {disks_of(stream)}")
            detail = f"had {disks}, but boot id {'; '.join(wrong)}" if wrong else ""
            yield Check(f"same machine, {mac}", not wrong, detail)


def disks_of(stream: heartbeat.Stream) -> tuple[str | None, ...]:
    return stream.root, stream.marker, stream.ephemeral, stream.image


def running(
    directory: Path,
    before: dict[str, Any],
    streams: dict[str, list[heartbeat.Stream]],
    nodes: Set[str],
) -> Iterator[Check]:
    """What was booted on ``nodes`` goes on running until all operations are over."""
    names = {machine["uuid"]: machine["name"] for machine in before["machines"]}
    end = window.tries(directory).get("operate", [(0.0, 0.0)])[-1][1]
    for node in sorted(nodes & streams.keys()):
        last = max(stream.last_time for stream in streams[node])
        ok = end == float("inf") or last >= end - beats.SILENCE
        detail = f"last heartbeat {clock(last)}, operated until {clock(end)} UTC"
        yield Check(f"running on, {names[node]}", ok, "" if ok else detail)


def switched_on(
    directory: Path, before: dict[str, Any], streams: dict[str, list[heartbeat.Stream]]
) -> Iterator[Check]:
    """A BMC's command of its own came last before each boot of an operated machine."""
    if not (directory / "bmc.json").exists():
        # The BMCs' own subject says so.
        return
    names = {
        uuid: m["name"] for uuid, m in compare.by(before["machines"], "uuid").items()
    }
    commands = documents.read(directory / "bmc.json")["commands"]
    for node, booted in streams.items():
        sent = [c for c in commands if c["domain"] == names[node]]
        last, wrong = window.bounds(directory).operated, []
        for stream in booted:
            told = [c for c in sent if last <= c["time"] <= stream.first_time]
            if not told or told[-1]["command"] not in SWITCHED_ON:
                wrong.append(stream.boot_id)
            last = stream.first_time
        detail = f"boot ids without a command before them: {wrong}" if wrong else ""
        yield Check(f"switched on for each boot, {names[node]}", not wrong, detail)
