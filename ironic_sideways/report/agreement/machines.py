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

"""Of the machines: heartbeats, power commands and leases."""

import itertools
from collections.abc import Iterator
from pathlib import Path

from ironic_sideways.evidence import compare, documents, heartbeat, leases
from ironic_sideways.report import renewals, window
from ironic_sideways.report.agreement.looks import TICK, Document, snapshots
from ironic_sideways.report.findings import clock

#: Seconds that a guest's clock of sequence numbers may stand between two beats: until
#: one is acknowledged the next is not sent.
UNACKNOWLEDGED = 120.0


def sequences(directory: Path, before: Document) -> Iterator[str]:
    """Each snapshot's last sequence number is one that a heartbeat had in its phase."""
    spans = [span for found in window.tries(directory).values() for span in found]
    streams = heartbeat.streams(heartbeat.read(directory / "heartbeat.jsonl"))
    found = {(stream.mac, stream.boot_id): stream for stream in streams}
    for name, snapshot in snapshots(directory):
        taken = snapshot["taken_at"]
        until = min(
            (end for begin, end in spans if begin <= taken <= end), default=taken
        )
        for machine in snapshot["machines"]:
            stream = found.get((machine["mac"], machine["boot_id"]))
            if stream is None:
                if machine["boot_id"] or machine["last_seq"] is not None:
                    yield f"{name}: {machine['name']}: no such heartbeats"
                continue
            last = machine["last_seq"]
            least = stream.first_seq - 1 + sum(t <= taken for t in stream.times)
            most = stream.first_seq - 1 + sum(t <= until for t in stream.times)
            if last is None or not least <= last <= most:
                yield (
                    f"{name}: {machine['name']}: sequence {last}, its heartbeats had"
                    f" {least} to {most} then"
                )


def machines(directory: Path, before: Document) -> Iterator[str]:
    """A machine's name, BMC and NICs do not change."""
    then = compare.by(before["machines"], "uuid")
    if wrong := compare.mismatch(compare.nodes(before), then):
        yield f"before.json: machines: {wrong}"
    for name, snapshot in snapshots(directory):
        for machine in snapshot["machines"]:
            fields = then.get(machine["uuid"], {}).keys() & {"name", "bmc", "macs"}
            if fields and (
                wrong := compare.differences(then[machine["uuid"]], machine, fields)
            ):
                yield f"{name}: {machine['uuid']}: {wrong}"


def beats(directory: Path, before: Document) -> Iterator[str]:
    """One boot's heartbeats count from 1, in order, from one address and system."""
    found: dict[tuple[str, str], list[heartbeat.Beat]] = {}
    for beat in heartbeat.read(directory / "heartbeat.jsonl"):
        found.setdefault((beat.mac, beat.boot_id), []).append(beat)
    for (mac, boot_id), stream in found.items():
        name = f"{mac} under boot id {boot_id}"
        if min(beat.seq for beat in stream) != 1:
            yield f"{name}: the first heartbeat is {min(b.seq for b in stream)}"
        for what in ("root", "image", "marker", "ephemeral"):
            told = {getattr(beat, what) for beat in stream}
            if len(told) > 1:
                yield f"{name}: {what} {sorted(map(str, told))}"
        families: dict[bool, set[str]] = {}
        for beat in stream:
            families.setdefault(":" in beat.ip, set()).add(beat.ip)
        for ips in families.values():
            if len(ips) > 1:
                yield f"{name}: sent from {sorted(ips)}"
        heard: set[int] = set()
        for beat in stream:
            if beat.again != (beat.seq in heard):
                yield f"{name}: heartbeat {beat.seq}, recorded again: {beat.again}"
            heard.add(beat.seq)
        ordered = sorted(stream, key=lambda beat: (beat.seq, beat.time))
        for one, two in itertools.pairwise(ordered):
            if not 0 <= two.time - one.time <= UNACKNOWLEDGED:
                yield f"{name}: beat {two.seq} at {clock(two.time)} UTC"


def one_machine(directory: Path, before: Document) -> Iterator[str]:
    """A MAC is one machine's: it never sends under two boot ids at the same time."""
    found = heartbeat.streams(heartbeat.read(directory / "heartbeat.jsonl"))
    for one, two in itertools.pairwise(found):
        if one.mac == two.mac and two.first_time < one.last_time:
            yield (
                f"{one.mac}: boot ids {one.boot_id} and {two.boot_id} at the same time,"
                f" {clock(two.first_time)} UTC"
            )


def machine_powers(directory: Path, before: Document) -> Iterator[str]:
    """The last power command before a look left the machine as it was found."""
    told = documents.read(directory / "bmc.json")["commands"]
    words = {"on": "on", "reset": "on", "diag": "on", "off": "off", "soft": "off"}
    for name, snapshot in snapshots(directory):
        for machine in snapshot["machines"]:
            sent = [
                words[command["command"]]
                for command in told
                if command["domain"] == machine["name"]
                and command["time"] <= snapshot["taken_at"]
            ]
            if sent and sent[-1] != machine["power"]:
                found = f"is {machine['power']}, sent {sent[-1]}"
                yield f"{name}: {machine['name']} {found}"


def commands(directory: Path, before: Document) -> Iterator[str]:
    """Each power command is of a machine, and in order of time."""
    names = {machine["name"] for machine in before["machines"]}
    told = documents.read(directory / "bmc.json")["commands"]
    last = 0.0
    until = window.bounds(directory).gathered + TICK
    for command in told:
        if command["domain"] not in names:
            yield f"{command['domain']} is no machine of before.json"
        if not last <= command["time"] <= until:
            yield f"power {command['command']} at {clock(command['time'])} UTC"
        last = command["time"]


def addresses(directory: Path, before: Document) -> Iterator[str]:
    """A survivor's MAC has its own address in each lease, and leases expire in time.

    Nobody else has that address. A lease that Neutron takes away, as it does where a
    port is bound anew, is given again before machines are operated.
    """
    wanted = {
        port["mac"]: port["fixed_ips"]
        for server in before["servers"]
        for port in server["ports"]
    }
    owners = {ip: mac for mac, ips in wanted.items() for ip in ips}
    running = {port["mac"] for port in renewals.running_ports(directory)}
    moments = window.bounds(directory)
    operated = moments.operated
    last = 0.0
    known = {mac for machine in before["machines"] for mac in machine["macs"]}
    found = leases.read(directory / "leases.jsonl")
    given = [one.expires - one.time for one in found if one.event == "add"]
    if given and max(given) - min(given) > TICK:
        yield f"leases of {min(given):.0f} to {max(given):.0f} s"
    expires: dict[str, float] = {}
    events: dict[str, str] = {}
    for lease in found:
        if lease.event == "tftp":
            # What was loaded, with its size and to which address.
            continue
        if lease.event == "del" and lease.expires != expires.get(lease.mac):
            yield f"{lease.mac}: what was released expired at {lease.expires:.0f}"
        expires[lease.mac] = lease.expires
        if lease.mac not in known:
            yield f"{lease.mac} is no machine's"
        if given and lease.expires - lease.time > max(given) + TICK:
            yield f"{lease.mac}: a lease of {lease.expires - lease.time:.0f} s"
        if lease.time < last - 1:
            yield f"a lease at {clock(lease.time)} after {clock(last)} UTC"
        last = max(last, lease.time)
        in_window = moments.begin <= lease.time < operated
        if in_window and owners.get(lease.ip, lease.mac) != lease.mac:
            yield f"{lease.mac} was given {lease.ip}, which is {owners[lease.ip]}'s"
        if lease.time < operated and lease.mac in running:
            events[lease.mac] = lease.event
        if lease.time < operated and lease.ip not in wanted.get(lease.mac, [lease.ip]):
            yield f"{lease.mac} had {lease.ip}, not {wanted[lease.mac]}"
    for mac, event in events.items():
        if event == "del":
            yield f"{mac}: its lease was taken away, and not given again"
