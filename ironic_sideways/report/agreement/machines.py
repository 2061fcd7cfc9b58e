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
import re
from collections.abc import Iterator
from pathlib import Path

from ironic_sideways.evidence import collect, compare, documents, heartbeat, leases
from ironic_sideways.report import log_lines, renewals, window
from ironic_sideways.report.agreement.looks import TICK, Document, snapshots
from ironic_sideways.report.findings import clock

#: Seconds that a guest's clock of sequence numbers may stand between two beats: until
#: one is acknowledged the next is not sent.
UNACKNOWLEDGED = 120.0

#: What Ironic's conductor says once a machine is switched (ironic.conductor.utils), and
#: which commands reached its BMC: a machine that is off already is not sent off again.
SWITCHED = re.compile(r"Successfully set node (\S+) power state to .* by (.*)\.")
SENT = {"power on": "on", "power off": "off", "rebooting": "on"}
#: Seconds that this takes at most ([conductor] power_state_change_timeout is 60).
SWITCHING = 120.0


def sequences(directory: Path, before: Document) -> Iterator[str]:
    """Each snapshot's last sequence number is one that a heartbeat had in its phase."""
    spans = [span for found in window.tries(directory).values() for span in found]
    streams = heartbeat.read_streams(directory / "heartbeat.jsonl")
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
    found = heartbeat.read_streams(directory / "heartbeat.jsonl")
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
            if not sent and machine["power"] == "on" and machine["boot_id"]:
                yield f"{name}: {machine['name']} is on, and was never switched on"
            if sent and sent[-1] != machine["power"]:
                found = f"is {machine['power']}, sent {sent[-1]}"
                yield f"{name}: {machine['name']} {found}"


def switched(directory: Path, before: Document) -> Iterator[str]:
    """What the conductor says that it has switched, its BMC was told."""
    names = {machine["uuid"]: machine["name"] for machine in before["machines"]}
    sent = list(documents.read(directory / "bmc.json")["commands"])
    begin = window.bounds(directory).operated
    for line in log_lines.lines(directory, "ironic-conductor*.log"):
        found = line.time > begin and SWITCHED.search(line.text)
        if not found or found[2] not in SENT or found[1] not in names:
            continue
        wanted = names[found[1]], SENT[found[2]]
        mine = (
            command
            for command in sent
            if (command["domain"], command["command"]) == wanted
            and line.time - SWITCHING <= command["time"] <= line.time + 1
        )
        if (command := next(mine, None)) is None:
            yield f"{line.where}: {found[2]}, but no command reached {wanted[0]}"
        else:
            sent.remove(command)


def commands(directory: Path, before: Document) -> Iterator[str]:
    """Each power command is of a machine, and in order of time."""
    names = {machine["name"] for machine in before["machines"]}
    told = documents.read(directory / "bmc.json")["commands"]
    last = 0.0
    until = window.bounds(directory).gathered + TICK
    for command in told:
        if command["domain"] not in names and not window.of_one_host(directory):
            yield f"{command['domain']} is no machine of before.json"
        if not last <= command["time"] <= until:
            yield f"power {command['command']} at {clock(command['time'])} UTC"
        last = command["time"]


def obeyed(directory: Path, before: Document) -> Iterator[str]:
    """The power commands are those that the BMCs' own log tells."""
    path, gathered = directory / "logs" / "vbmcd.log", window.bounds(directory).gathered
    if not path.is_file() or path.is_symlink():
        # The logs' own subject says so.
        return
    told = documents.read(directory / "bmc.json")["commands"]
    # The log goes on while it is gathered.
    recorded, logged = (
        {
            (round(one["time"], 3), one["domain"], one["command"])
            for one in found
            if one["time"] < gathered
        }
        for found in (told, collect.power_commands(path))
    )
    for time, domain, command in sorted(recorded ^ logged):
        where = "vbmcd.log" if (time, domain, command) in logged else "bmc.json"
        yield f"power {command} of {domain} at {clock(time)} UTC is in {where} alone"


def strangers(directory: Path, before: Document) -> Iterator[str]:
    """No machine sends heartbeats that is none of the cloud's."""
    known = {mac for machine in before["machines"] for mac in machine["macs"]}
    found = {beat.mac for beat in heartbeat.read(directory / "heartbeat.jsonl")}
    if not window.of_one_host(directory):
        yield from (f"{mac} is no machine's" for mac in sorted(found - known))


def asleep(directory: Path, before: Document) -> Iterator[str]:
    """A machine that is off asks for no address until machines are operated."""
    off = {
        mac: machine["name"]
        for machine in before["machines"]
        if machine["power"] == "off"
        for mac in machine["macs"]
    }
    moments = window.bounds(directory)
    expires: dict[str, float] = {}
    for lease in leases.read(directory / "leases.jsonl"):
        # What is told again when dnsmasq starts anew has the expiry that it had.
        asked = lease.expires > expires.get(lease.mac, 0.0)
        if lease.mac in off and asked and moments.begin < lease.time < moments.operated:
            yield f"{off[lease.mac]} was given {lease.ip} at {clock(lease.time)} UTC"
        expires[lease.mac] = max(expires.get(lease.mac, 0.0), lease.expires)


def addresses(directory: Path, before: Document) -> Iterator[str]:
    """A survivor's MAC has its own address in each lease, and leases expire in time.

    Nobody else has that address. A lease that Neutron takes away, as it does where a
    port is bound again, is given again before machines are operated.
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
    given, ends = [], dict[str, float]()
    for one in found:
        # What is told again of a lease that is known has the expiry that it had.
        if one.event in ("add", "old") and one.expires > ends.get(one.mac, 0.0):
            given.append(one.expires - one.time)
            ends[one.mac] = one.expires
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
            if not window.of_one_host(directory):
                yield f"{lease.mac} is no machine's"
            continue
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
