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

"""Stories of machines and of the operations on them, as documents would tell them."""

import json
from pathlib import Path
from typing import Any

from ironic_sideways.tests.unit.report.example import clock, lab_nodes, timeline
from ironic_sideways.tests.unit.report.small_move import (
    files,
    guests,
    log_files,
    small_cloud,
)
from ironic_sideways.tests.unit.report.test_broken_moves import Forge, lines

#: A survivor that runs, and that no operation is on.
NAME, MAC, IP = "bm-04", small_cloud.mac(4), "172.30.0.4"


def switched_off(phase: str) -> Forge:
    """The survivor gets a command in a phase that is not its own, and falls silent."""
    moment = clock.span(phase)[0] + 3
    command = {"time": moment, "domain": NAME, "command": "off"}

    def forge(directory: Path) -> None:
        files.edit(directory / "bmc.json", lambda d: d["commands"].append(command))
        lines("heartbeat", lambda b: b if beats_on(b, moment) else None)(directory)

    return forge


def beats_on(beat: Any, until: float) -> bool:
    return bool(beat["mac"] != MAC or beat["time"] < until)


def leased(mac: str, event: str = "add") -> Forge:
    """DHCP tells of the survivor's address, and of ``mac``."""
    moment = clock.span("verify")[1]

    def forge(directory: Path) -> None:
        path = directory / "leases.jsonl"
        told = [json.loads(line) for line in path.read_text().splitlines()]
        expires = max(one["expires"] for one in told if one["mac"] == MAC)
        new = {"time": moment, "event": event, "mac": mac, "ip": IP}
        told.append({**new, "expires": moment + 120 if event == "add" else expires})
        files.write_lines(path, sorted(told, key=lambda one: float(one["time"])))

    return forge


def on_another(*names: str) -> Forge:
    """These operations were done on the survivor, which boots from its disk."""
    done = {
        "instance": lab_nodes.named("server", 4),
        "allocation": {lab_nodes.named("node", 4): {small_cloud.CLASS: 1}},
        "macs": dict.fromkeys(("neutron", "ironic"), MAC),
    }

    def alter(document: Any) -> None:
        for operation in document:
            if operation["name"] in names:
                operation.update(done)

    return lambda directory: files.edit(directory / "operations.json", alter)


def never_back(directory: Path) -> None:
    """What was started is off: its guest sends nothing under another boot id."""
    mac = small_cloud.mac(timeline.OPERATED[1])
    keep = lines("heartbeat", lambda b: None if b["mac"] == mac and later(b) else b)
    keep(directory)


def later(beat: Any) -> bool:
    return bool(beat["boot_id"] != "boot-1")


def one_deploy(directory: Path) -> None:
    """The agent wrote one disk, and two rebuilds tell of it."""

    def alter(document: Any) -> None:
        first, second = (
            operation
            for operation in document
            if operation["name"] in ("rebuild", "net-booted rebuild")
        )
        second["deploy"] = first["deploy"]

    files.edit(directory / "operations.json", alter)


def one_boot(directory: Path) -> None:
    """Of all its operations the survivor was rebooted for one, and for its deploys."""
    kept = ("boot-1", "boot-2", "boot-3", "boot-4")
    lines("heartbeat", lambda b: b if b["boot_id"] in kept else None)(directory)


def by_itself(directory: Path) -> None:
    """It went down and came up again, and nobody told its BMC to."""
    begin = clock.span("operate")[0] + 6

    def alter(document: Any) -> None:
        document["commands"] = [
            command
            for command in document["commands"]
            if command["domain"] != "bm-01" or command["time"] < begin
        ]

    files.edit(directory / "bmc.json", alter)


def beside(directory: Path) -> None:
    """Another machine sends with the survivor's MAC, from before the window on."""
    path = directory / "heartbeat.jsonl"
    told = [json.loads(line) for line in path.read_text().splitlines()]
    first = min(beat["time"] for beat in told if beat["mac"] == MAC)
    other = guests.beats(range(1, 90), 4, "boot-99", first + 0.5)
    files.write_lines(path, [*told, *other])


def in_its_place(boot_id: str) -> Forge:
    """A machine with other disks comes back as the survivor."""
    disks = {"marker": "another"}

    def other(beat: Any) -> Any:
        return {**beat, **disks} if beat["boot_id"] == boot_id else beat

    return lines("heartbeat", other)


def flapping(beat: Any) -> Any:
    """The survivor's heartbeats of five seconds arrive together."""
    since = beat["time"] - clock.span("begin-maintenance")[0]
    if beat["mac"] == MAC and since > 0:
        beat["time"] += 4.5 - since % 5 if since % 5 < 4.5 else 0
    return beat


def stranger(directory: Path) -> None:
    """The stopped survivor is awake, behind a NIC that no machine has."""
    path = directory / "heartbeat.jsonl"
    told = [json.loads(line) for line in path.read_text().splitlines()]
    new = guests.beats(range(1, 40), 2, "boot-99", clock.span("flavors")[0])
    files.write_lines(path, [*told, *({**b, "mac": small_cloud.mac(999)} for b in new)])


def asked(number: int) -> Forge:
    """A machine that is off asks for an address while nodes are taken over."""
    moment = clock.span("takeover")[0] + 2

    def forge(directory: Path) -> None:
        path = directory / "leases.jsonl"
        told = [json.loads(line) for line in path.read_text().splitlines()]
        told.append({**timeline.lease(number, moment), "event": "add"})
        files.write_lines(path, sorted(told, key=lambda one: float(one["time"])))

    return forge


def not_in_the_record(directory: Path) -> None:
    """The BMCs' log has a command in the window that their record lacks."""
    was = (directory / "bmc.json").read_text()
    command = {"time": clock.span("takeover")[0] + 1, "domain": NAME}
    files.edit(
        directory / "bmc.json",
        lambda d: d["commands"].append({**command, "command": "reset"}),
    )
    log_files.bmc_log(directory)
    (directory / "bmc.json").write_text(was)


def other_disk(number: int, **disks: str) -> Forge:
    """A survivor's disk is another one, since its workload was made."""
    mac = small_cloud.mac(number)

    def other(beat: Any) -> Any:
        mine = beat["mac"] == mac and beat["boot_id"] == "boot-1"
        return {**beat, **disks} if mine else beat

    def alter(document: Any) -> None:
        for server in document["servers"]:
            if server["mac"] == mac and "root" in disks:
                server.update(disks)

    def forge(directory: Path) -> None:
        lines("heartbeat", other)(directory)
        files.edit(directory / "workload.json", alter)

    return forge


def net_booted_too(forge: Forge) -> Forge:
    """Another survivor is net-booted from the disk of the same image."""

    def forge_both(directory: Path) -> None:
        other_disk(3, root=small_cloud.ROOT)(directory)
        forge(directory)

    return forge_both


def shortly(beat: Any) -> bool:
    """The new server's heartbeats but the first two."""
    return bool(beat["mac"] == small_cloud.mac(8) and beat["seq"] > 2)


FORGED: dict[str, tuple[Forge, str, str]] = {
    "a survivor that is heard every five seconds": (
        lines("heartbeat", flapping),
        "heartbeats",
        f"heartbeat of {NAME}",
    ),
    "a disk that was written since its workload was made": (
        other_disk(1, marker="another"),
        "agreement",
        "workload boots agree",
    ),
    "a disk of another image than its instance's": (
        net_booted_too(other_disk(1, root="another")),
        "agreement",
        "workload boots agree",
    ),
    "a machine that nobody knows sends heartbeats": (
        stranger,
        "agreement",
        "strangers agree",
    ),
    "a free machine that boots in the window": (asked(6), "agreement", "asleep agree"),
    "a stopped survivor that boots in the window": (
        asked(2),
        "agreement",
        "asleep agree",
    ),
    "a power command in the BMCs' log alone": (
        not_in_the_record,
        "agreement",
        "obeyed agree",
    ),
    "a survivor switched off while the proxy is tried": (
        switched_off("proxy"),
        "BMCs",
        f"power of {NAME}",
    ),
    "a survivor switched off while Tempest runs": (
        switched_off("tempest"),
        "BMCs",
        f"power of {NAME}",
    ),
    "a free machine is given a survivor's address": (
        leased(small_cloud.mac(5)),
        "agreement",
        "addresses agree",
    ),
    "a survivor's other NIC is given its address": (
        leased(small_cloud.macs(4)[0]),
        "agreement",
        "addresses agree",
    ),
    "a survivor's lease is taken away after its renewal": (
        leased(MAC, "del"),
        "agreement",
        "addresses agree",
    ),
    "an instance that was started, they said": (
        never_back,
        "operations",
        "back, start",
    ),
    "a new server whose machine sends nothing": (
        lines("heartbeat", lambda b: None if b["mac"] == small_cloud.mac(8) else b),
        "operations",
        "back, new server",
    ),
    "one deploy told of two rebuilds": (
        one_deploy,
        "operations",
        "own boot, net-booted rebuild",
    ),
    "one boot told of each operation": (one_boot, "operations", "back, rebuilt start"),
    "a machine that boots by itself told as rebooted": (
        by_itself,
        "operations",
        "switched on for each boot, bm-01",
    ),
    "a new server that ran for two seconds": (
        lines("heartbeat", lambda b: None if shortly(b) else b),
        "operations",
        "running on, bm-08",
    ),
    "another machine with the survivor's MAC": (
        beside,
        "agreement",
        "one machine agree",
    ),
    "another machine in the place of one that was rebooted": (
        in_its_place("boot-2"),
        "operations",
        f"same machine, {small_cloud.mac(1)}",
    ),
    "net-booted operations on an instance that boots from its disk": (
        on_another("net-booted reboot", "net-booted again"),
        "operations",
        "boot, net-booted reboot",
    ),
}
