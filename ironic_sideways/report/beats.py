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

"""Survivors' heartbeats through the window: which was silent, and which were lost."""

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from ironic_sideways import exceptions
from ironic_sideways.evidence import compare, documents, heartbeat
from ironic_sideways.evidence.compare import Check
from ironic_sideways.report import places
from ironic_sideways.report.findings import Finding, clock
from ironic_sideways.report.window import Bounds, bounds

#: Seconds between two heartbeats of a survivor, at most, from the begin of maintenance
#: until it is operated on itself. It sends one a second; one that was resent is late.
SILENCE = 5.0
#: The same of all that is longer than a late heartbeat, in part of that time: 1.3 s was
#: the longest on two busy cores (2026-11-30).
LATE, SHARE = 2.0, 0.25


def silences(
    stream: heartbeat.Stream, begin: float, end: float
) -> list[tuple[float, float]]:
    """The times without a beat between two moments, each as two moments."""
    heard = [begin, *(t for t in stream.times if begin < t < end), end]
    return [*itertools.pairwise(heard)]


def silence(stream: heartbeat.Stream, begin: float, end: float) -> tuple[float, float]:
    """The longest of them."""
    return max(silences(stream, begin, end), key=lambda pair: pair[1] - pair[0])


def unsteady(
    machine: dict[str, Any],
    server: dict[str, Any] | None,
    streams: list[heartbeat.Stream],
    window: Bounds,
    until: float,
) -> str:
    """Why ``machine`` did not run through ``window``; empty when it did.

    :param server: the instance on it, whose addresses the beats must carry.
    :param streams: the machine's, one a boot.
    :param until: when it was operated on itself, seconds since the epoch.
    """
    stream = next((s for s in streams if s.boot_id == machine["boot_id"]), None)
    if stream is None:
        return "no heartbeat was ever received"
    if stream.last_time < window.end or stream.first_time > window.begin:
        return (
            f"heartbeats only from {clock(stream.first_time)} to "
            f"{clock(stream.last_time)}, window {clock(window.begin)} to "
            f"{clock(window.end)} UTC"
        )
    for other in streams:
        if window.begin <= other.first_time < until:
            return f"rebooted: boot id {other.boot_id}"
    begin, end = silence(stream, window.begin, until)
    if end - begin > SILENCE:
        return (
            f"silent for {end - begin:.0f} s from {clock(begin)} UTC on,"
            f" allowed are {SILENCE:g} s"
        )
    pauses = silences(stream, window.begin, until)
    late = sum(two - one for one, two in pauses if two - one > LATE)
    if late > max(2 * SILENCE, SHARE * (until - window.begin)):
        return (
            f"silent for {late:.0f} s of {until - window.begin:.0f} in all, in parts of"
            f" more than {LATE:g} s"
        )
    if server:
        ports = [port for port in server["ports"] if port["mac"] == machine["mac"]]
        fixed_ips = sorted(ip for port in ports for ip in port["fixed_ips"])
        # A guest with an IPv6 address besides sends from one of them.
        if not set(stream.ips) <= set(fixed_ips):
            return f"heartbeats came from {sorted(stream.ips)}, fixed IPs: {fixed_ips}"
    return ""


def own_operations(directory: Path, window: Bounds) -> Callable[[str], float]:
    """Until when a machine, by its name, must run: it is switched on purpose then.

    One that nobody switches runs on until the logs are gathered.
    """
    try:
        commands = documents.read(directory / "bmc.json")["commands"]
    except exceptions.EvidenceAbsent:
        # The BMCs' own subject says so.
        return lambda name: window.operated
    found: dict[str, float] = {}
    for command in commands:
        if command["time"] >= window.operated:
            found.setdefault(command["domain"], command["time"])
    return lambda name: found.get(name, window.gathered)


def each_machine(
    before: dict[str, Any],
    streams: list[heartbeat.Stream],
    window: Bounds,
    until: Callable[[str], float],
) -> Iterator[Check]:
    """One that ran sends heartbeats throughout; one that was off sends none.

    :param until: of a machine's name, as :func:`own_operations` tells.
    """
    servers = {server["node"]: server for server in before["servers"]}
    for machine in before["machines"]:
        mine = [stream for stream in streams if stream.mac in machine["macs"]]
        server = servers.get(machine["uuid"])
        if machine["power"] == "on" and server is None:
            # Nobody's system: what it was, it may stay (survival compares).
            continue
        end = until(machine["name"])
        if server and "on" in (machine["power"], compare.POWER.get(server["status"])):
            wrong = unsteady(machine, server, mine, window, end)
            yield Check(f"heartbeat of {machine['name']}", not wrong, wrong)
        else:
            heard = any(
                stream.first_time < end and stream.last_time > window.begin
                for stream in mine
            )
            detail = "was off, but sent heartbeats in the window" if heard else "silent"
            yield Check(f"silence of {machine['name']}", not heard, detail)


def place_of_loss(directory: Path, streams: list[heartbeat.Stream]) -> str:
    """The line of the first beat that was kept after one that was lost."""
    name = "heartbeat.jsonl"
    gaps = {(s.mac, s.boot_id): s.missing[0] for s in streams if s.missing}
    for number, line in enumerate(places.lines(directory / name), start=1):
        for beat in heartbeat.parse([line]):
            gap = gaps.get((beat.mac, beat.boot_id))
            if gap is not None and beat.seq > gap:
                return f"{name}:{number}"
    return f"{name}:1"


def check_heartbeats(directory: Path) -> Finding:
    """No sequence number is missing, and every survivor is heard throughout."""
    before = documents.read(directory / "before.json")
    streams = heartbeat.read_streams(directory / "heartbeat.jsonl")
    window = bounds(directory)
    until = own_operations(directory, window)
    checks = list(each_machine(before, streams, window, until))
    beating = sum(check.ok and check.name.startswith("heart") for check in checks)
    if before["base_driver"] != "fake":
        checks.append(
            Check("a survivor sends heartbeats", beating > 0, f"{beating} do")
        )
    lost = heartbeat.lost(streams)
    where = place_of_loss(directory, streams) if lost else ""
    checks.append(Check("no heartbeat lost", lost == 0, f"{lost} lost", where=where))
    figure = f"{beating} machines sent heartbeats throughout the window, {lost} lost"
    return Finding("heartbeats", checks, figure, nothing=not beating)
