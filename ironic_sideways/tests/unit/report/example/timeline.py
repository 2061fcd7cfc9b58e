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

"""What is told second by second, on the clock of a run in the lab."""

import datetime
import json
from pathlib import Path
from typing import Any

from ironic_sideways.evidence import heartbeat
from ironic_sideways.report import schemas
from ironic_sideways.tests.unit.report import probes
from ironic_sideways.tests.unit.report.example import clock
from ironic_sideways.tests.unit.report.small_move import (
    files,
    guests,
    phases,
    small_cloud,
)
from ironic_sideways.tests.unit.report.small_move.files import Document

#: Seconds; of a lease of 120, as dnsmasq gives it for two minutes.
HALF = 60.5

#: The machines that are switched once all have been looked at.
OPERATED = (1, 3)


def timed(directory: Path) -> None:
    """Phases, heartbeats, leases and power commands on the clock of BEGIN."""
    events = []
    for name, seconds, figure in clock.PHASES:
        begin, end = clock.span(name)
        events += [
            phases.phase(name, "started", begin),
            {**phases.phase(name, "ok", end, seconds), "figure": figure},
        ]
        events[-1]["memory_used_mb"] = 3000 + round(len(events) * 40)
    files.write_lines(directory / "events.jsonl", events)
    begin, end = clock.span("begin-maintenance")[0], clock.span("operate")[0]
    first = clock.span("workload")[1] - 20
    beats: list[Document] = []
    leases: list[Document] = []
    for _uuid, (number, _server, _status, power) in machines(directory):
        if power == "on":
            until = end + 3 if number in OPERATED else clock.span("collect")[1]
            found = guests.beats(
                range(1, round(until - first)), number, first=first + number / 9
            )
            rooted = small_cloud.DISKS if number == 1 else {}
            beats += [{**beat, **rooted} for beat in found]
            leases += [lease(number, moment) for moment in renewed(first, end, until)]
    path = directory / "heartbeat.jsonl"
    booted = [
        {**beat, "time": beat["time"] - phases.OPERATED + end}
        for beat in map(json.loads, path.read_text().splitlines())
        if beat["boot_id"] in guests.BOOTS
    ]
    files.write_lines(path, [*beats, *booted])
    leases.sort(key=lambda lease: float(lease["time"]))
    files.write_lines(directory / "leases.jsonl", leases)
    held = clock.span("begin-maintenance")[0] + 1, clock.span("end-maintenance")[0] + 2
    probed = probes.lines(first, clock.span("collect")[1], held)
    begun, ended = clock.span("scheduler")[0] + 2, clock.span("scheduler")[1]
    for service in ("nova", "lock"):
        probed = probes.away(probed, service, begun, ended, "ConnectFailure")
    files.write_lines(directory / "api.jsonl", probed)
    commands = [
        {"time": first - 10, "domain": f"bm-{number:02}", "command": "on"}
        for _uuid, (number, _server, _status, power) in machines(directory)
        if power == "on"
    ]
    for command in json.loads((directory / "bmc.json").read_text())["commands"]:
        moment = command["time"] - phases.OPERATED
        if 0 <= moment < 39:
            name = (
                f"bm-{small_cloud.mac(int(command['domain'].rpartition('-')[2]))[-2:]}"
            )
            commands.append({**command, "time": moment + end, "domain": name})
    files.write(directory / "bmc.json", {"commands": commands})
    begun = clock.span("proxy")[0]
    files.edit(
        directory / "proxy.json",
        lambda d: [row.update(time=begun + at) for at, row in enumerate(d, start=1)],
    )
    for name, (written_in, key) in schemas.WRITTEN_IN.items():
        moment = clock.span(written_in)[0] + 0.5
        told = datetime.datetime.fromtimestamp(moment, datetime.UTC).isoformat()
        path = directory / name
        if path.exists():
            document = json.loads(path.read_text())
            document[key] = moment if key == "taken_at" else told
            files.write(path, document)
    files.edit(
        directory / "ended.json",
        lambda d: d.update(taken_at=clock.span("end-maintenance")[1] - 0.5),
    )
    stopped(directory)
    sequenced(directory)
    names = [
        f"bm-{small_cloud.mac(at)[-2:]}"
        for at, _power in enumerate(machines(directory), 1)
    ]
    known = [*(f"BMC password of {name}" for name in names), "database-nova"]
    files.edit(directory / "secrets.json", lambda d: d.update(sought=known))


def streams(directory: Path) -> dict[tuple[str, str], heartbeat.Stream]:
    found = heartbeat.streams(heartbeat.read(directory / "heartbeat.jsonl"))
    return {(stream.mac, stream.boot_id): stream for stream in found}


def renewed(first: float, operated: float, until: float) -> list[float]:
    """When a lease of two minutes was given and renewed, as its guest does."""
    times = [operated - 5 + HALF * turn for turn in range(-9, 9)]
    return [first, *(time for time in times if first < time < until)]


def stopped(directory: Path) -> None:
    """A machine that is off was on before."""
    path = directory / "heartbeat.jsonl"
    told = [json.loads(line) for line in path.read_text().splitlines()]
    first = min(beat["time"] for beat in told)
    for machine in json.loads((directory / "before.json").read_text())["machines"]:
        if machine["power"] == "off" and machine["boot_id"]:
            number = int(machine["mac"].rpartition(":")[2], 16)
            told += guests.beats(range(1, 4), number, machine["boot_id"], first - 60)
    files.write_lines(path, sorted(told, key=lambda beat: float(beat["time"])))


def sequenced(directory: Path) -> None:
    """Each look found the last heartbeat of then."""
    found = streams(directory)

    def numbered(document: Document) -> None:
        for machine in document["machines"]:
            stream = found.get((machine["mac"], machine["boot_id"]))
            if stream:
                taken = document["taken_at"]
                machine["last_seq"] = sum(t <= taken for t in stream.times)

    for name in ("before", "after", "ended", "restarted"):
        files.edit(directory / f"{name}.json", numbered)


def machines(directory: Path) -> list[tuple[str, Any]]:
    """Each machine of before.json, in the shape of ``small_cloud.NODES``."""
    found = json.loads((directory / "before.json").read_text())["machines"]
    return [
        (m["uuid"], (at, None, None, m["power"])) for at, m in enumerate(found, start=1)
    ]


def lease(number: int, moment: float) -> Document:
    ip = f"172.30.0.{number}"
    return {
        **{"time": moment, "event": "old", "mac": small_cloud.mac(number), "ip": ip},
        "expires": moment + 120,
    }
