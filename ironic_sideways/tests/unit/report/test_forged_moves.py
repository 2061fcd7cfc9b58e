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

"""A whole run's evidence, rewritten at each place as a broken move would leave it.

Other than in test_broken_moves.py a story changes all the documents that tell of it.
Each was judged PASSED once (2026-11-30). Each must be red, by the check that names it.
"""

import itertools
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ironic_sideways.report import logs, tempest
from ironic_sideways.tests.unit.report import complete, example, probes, whole
from ironic_sideways.tests.unit.report.test_broken_moves import lines, red

Forge = Callable[[Path], Any]

#: A survivor that runs, and that no operation is on.
NAME, MAC, IP, PORT = "bm-04", whole.mac(4), "172.30.0.4", "port-4"


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("good")
    complete.lay_down(directory, 8)
    assert red(directory) == {}
    return directory


@pytest.fixture
def evidence(good: Path, tmp_path: Path) -> Iterator[Path]:
    """A copy of a good run's, to be forged."""
    yield Path(shutil.copytree(good, tmp_path / "evidence"))


def switched_off(phase: str) -> Forge:
    """The survivor gets a command in a phase that is not its own, and falls silent."""
    moment = example.span(phase)[0] + 3
    command = {"time": moment, "domain": NAME, "command": "off"}

    def forge(directory: Path) -> None:
        whole.edit(directory / "bmc.json", lambda d: d["commands"].append(command))
        lines("heartbeat", lambda b: b if beats_on(b, moment) else None)(directory)

    return forge


def beats_on(beat: Any, until: float) -> bool:
    return bool(beat["mac"] != MAC or beat["time"] < until)


def done_besides(name: str, moment: float) -> Forge:
    """A phase more, which began at ``moment``."""

    def forge(directory: Path) -> None:
        path = directory / "events.jsonl"
        told = [json.loads(line) for line in path.read_text().splitlines()]
        told += [
            whole.phase(name, "started", moment),
            whole.phase(name, "ok", moment + 0.1, 0.1),
        ]
        whole.write_lines(path, sorted(told, key=lambda event: float(event["time"])))

    return forge


def leased(mac: str, event: str = "add") -> Forge:
    """DHCP tells of the survivor's address, and of ``mac``."""
    moment = example.span("verify")[1]

    def forge(directory: Path) -> None:
        path = directory / "leases.jsonl"
        told = [json.loads(line) for line in path.read_text().splitlines()]
        expires = max(one["expires"] for one in told if one["mac"] == MAC)
        new = {"time": moment, "event": event, "mac": mac, "ip": IP}
        told.append({**new, "expires": moment + 120 if event == "add" else expires})
        whole.write_lines(path, sorted(told, key=lambda one: float(one["time"])))

    return forge


def flapping(service: str, of: int, *phases: str) -> Forge:
    """Of so many probes an API answers one, from a phase to the end of another."""
    begin, end = example.span(phases[0])[0], example.span(phases[-1])[1]

    def forge(directory: Path) -> None:
        path = directory / "api.jsonl"
        told = [json.loads(line) for line in path.read_text().splitlines()]
        others = [line for line in told if line["service"] != service]
        asked = [line for line in told if line["service"] == service]
        numbers = itertools.count(1)

        def answer(at: float) -> str | None:
            return "503" if begin < at < end and next(numbers) % of else None

        whole.write_lines(path, [*others, *probes.cut(asked, answer)])

    return forge


def unserved(directory: Path) -> None:
    """No conductor serves the free nodes once those in use were taken over."""

    def alter(document: Any) -> None:
        for node in document["ironic_nodes"]:
            if node["instance_uuid"] is None:
                node["conductor"] = None

    for name in ("after", "restarted"):
        whole.edit(directory / f"{name}.json", alter)


def logged(text: str) -> Forge:
    """The conductor tells of the survivor's node while others are operated."""
    line = whole.log_line(example.span("operate")[0] + 3, text, "ERROR")

    def forge(directory: Path) -> None:
        with (directory / "logs" / "ironic-conductor.log").open("a") as log:
            log.write(line)

    return forge


def broken_before(**change: Any) -> Forge:
    """The survivor was no better before the move: each look has it."""

    def alter(document: Any) -> None:
        for server in document["servers"]:
            if server["uuid"] == example.named("server", 4):
                server.update({key: change[key] for key in change if key in server})

    def forge(directory: Path) -> None:
        for name in ("before", "after", "ended", "restarted", "workload"):
            whole.edit(directory / f"{name}.json", alter)

    return forge


def not_bound(directory: Path) -> None:
    """The interface that nobody binds was asked for, and no port is bound."""
    noop = {"network_interface": "noop"}

    def alter(document: Any) -> None:
        for server in document["servers"]:
            server["bindings"] = {
                port: [complete.HOST, "normal"] for port in server["bindings"]
            }
        for node in document.get("ironic_nodes", ()):
            node.update(noop)

    for name in ("after", "ended", "restarted"):
        whole.edit(directory / f"{name}.json", alter)
    whole.edit(directory / "migration.json", lambda d: d["options"].update(noop))


def told_as_grenade(directory: Path) -> None:
    """The lab's logs are gone, and its run names a command that has others."""
    told = {"command": "devstack/upgrade/upgrade.sh"}
    whole.edit(directory / "environment.json", lambda d: d.update(told))
    for name in logs.LAB:
        (directory / "logs" / f"{name}.log").unlink()


def flavor_left(directory: Path) -> None:
    """A second flavor has nova-baremetal's extra specs in each look."""
    specs = {f"baremetal:deploy_{what}_id": what for what in ("kernel", "ramdisk")}

    def alter(document: Any) -> None:
        around = document["around"]
        around["access"]["flavor-2"] = {"public": True, "projects": []}
        around["specs"]["flavor-2"] = specs
        around["images"] |= dict.fromkeys(specs.values(), "active")

    for name in ("before", "after", "ended", "restarted"):
        whole.edit(directory / f"{name}.json", alter)


def on_another(*names: str) -> Forge:
    """These operations were done on the survivor, which boots from its disk."""
    done = {
        "instance": example.named("server", 4),
        "allocation": {example.named("node", 4): {whole.CLASS: 1}},
        "macs": dict.fromkeys(("neutron", "ironic"), MAC),
    }

    def alter(document: Any) -> None:
        for operation in document:
            if operation["name"] in names:
                operation.update(done)

    return lambda directory: whole.edit(directory / "operations.json", alter)


def never_began(phase: str) -> Forge:
    """The evidence of a phase is an earlier run's: this one did not get there."""
    return lines("events", lambda event: None if event["name"] == phase else event)


def never_back(directory: Path) -> None:
    """What was started is off: its guest sends nothing under another boot id."""
    mac = whole.mac(example.OPERATED[1])
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

    whole.edit(directory / "operations.json", alter)


def one_boot(directory: Path) -> None:
    """Of all its operations the survivor was rebooted for one, and for its deploys."""
    kept = ("boot-1", "boot-2", "boot-3", "boot-4")
    lines("heartbeat", lambda b: b if b["boot_id"] in kept else None)(directory)


def by_itself(directory: Path) -> None:
    """It went down and came up again, and nobody told its BMC to."""
    begin = example.span("operate")[0] + 6

    def alter(document: Any) -> None:
        document["commands"] = [
            command
            for command in document["commands"]
            if command["domain"] != "bm-01" or command["time"] < begin
        ]

    whole.edit(directory / "bmc.json", alter)


def earlier(directory: Path) -> None:
    """Tempest's results and the proxy's table are those of a run a day before."""
    day = 86400

    def alter(document: Any) -> None:
        for row in document if isinstance(document, list) else [document]:
            for key in row.keys() & {"time", "taken_at"}:
                row[key] -= day

    for name in ("proxy.json", "tempest/results.json"):
        whole.edit(directory / name, alter)


def fewer_tests(directory: Path) -> None:
    """One hundred tests are wanted, and one hundred ran."""

    def alter(document: Any) -> None:
        document.update(floor=100, tests=document["tests"][-101:])
        for name in document["counts"]:
            outcomes = [test["outcome"] for test in document["tests"]]
            document["counts"][name] = outcomes.count(name)

    for place in ("tempest", "tempest-base"):
        whole.edit(directory / place / "results.json", alter)


def own_list(directory: Path) -> None:
    """The tests are a list's that nobody knows, which has a floor of its own."""
    fewer_tests(directory)
    whole.edit(directory / tempest.AFTER, lambda d: d.update(list="mine"))


def left_out_since(directory: Path) -> None:
    """What passed on the base is on the list of those that do not run."""

    def alter(document: Any) -> None:
        told = {"outcome": "excluded", "reason": "it fails", "source": "seen"}
        document["tests"][0].update(told, seconds=None)
        document["tests"][0]["name"] = tempest.bare(document["tests"][0]["name"])
        document["counts"]["passed"] -= 1
        document["counts"]["excluded"] += 1

    whole.edit(directory / tempest.AFTER, alter)


def put_aside(**change: Any) -> Forge:
    """A free node is put aside while the proxy is tried, and nobody takes it back."""

    def alter(document: Any) -> None:
        document["nodes"][-1].update(change)

    return lambda directory: whole.edit(directory / "last-look.json", alter)


EVERY_LOOK = ("before", "after", "ended", "restarted")


def stranger(directory: Path) -> None:
    """A server that nobody knew runs on no node since the end of maintenance."""

    def alter(document: Any) -> None:
        known = document["servers"][0]
        new = {"uuid": example.named("server", 99), "node": None, "status": "ACTIVE"}
        document["servers"].append({**known, **new, "ports": [], "bindings": {}})

    for name in ("ended", "restarted"):
        whole.edit(directory / f"{name}.json", alter)


def around(kind: str, **change: Any) -> Forge:
    """What instances lean on is something else, before and after."""

    def alter(document: Any) -> None:
        for key in document["around"][kind]:
            document["around"][kind][key] = change["value"]

    def forge(directory: Path) -> None:
        for name in EVERY_LOOK:
            whole.edit(directory / f"{name}.json", alter)

    return forge


def another_class(directory: Path) -> None:
    """Each document has the nodes' class as one that nobody asked for."""
    told = json.loads((directory / "migration.json").read_text())["options"]
    for path in directory.glob("*.json"):
        text = path.read_text()
        text = text.replace("CUSTOM_BAREMETAL", "CUSTOM_GOLD")
        text = text.replace('"resource_class": "baremetal"', '"resource_class": "gold"')
        path.write_text(text)
    whole.edit(directory / "migration.json", lambda d: d.update(options=told))


def beside(directory: Path) -> None:
    """Another machine sends with the survivor's MAC, from before the window on."""
    path = directory / "heartbeat.jsonl"
    told = [json.loads(line) for line in path.read_text().splitlines()]
    first = min(beat["time"] for beat in told if beat["mac"] == MAC)
    other = whole.beats(range(1, 90), 4, "boot-99", first + 0.5)
    whole.write_lines(path, [*told, *other])


def in_its_place(boot_id: str) -> Forge:
    """A machine with other disks comes back as the survivor."""
    disks = {"marker": "another"}

    def other(beat: Any) -> Any:
        return {**beat, **disks} if beat["boot_id"] == boot_id else beat

    return lines("heartbeat", other)


def lacks(name: str, begin: float, seconds: float) -> Forge:
    """A log spans the run, and lacks so much of it."""

    def forge(directory: Path) -> None:
        path = directory / "logs" / f"{name}.log"
        kept = [
            line.text
            for line in logs.lines(directory, path.name)
            if not begin < line.time < begin + seconds
        ]
        path.write_text("\n".join(kept) + "\n")

    return forge


def shortly(beat: Any) -> bool:
    """The new server's heartbeats but the first two."""
    return bool(beat["mac"] == whole.mac(8) and beat["seq"] > 2)


NODE = example.named("node", 4)
LAST = example.named("node", 8)

FORGED: dict[str, tuple[Forge, str, str]] = {
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
    "rolled back once all was judged": (
        done_besides("undo-migrate", example.span("collect")[1] + 1),
        "window",
        "order of phases",
    ),
    "data taken back in the window": (
        done_besides("undo-migrate", example.span("dhcp-options")[1] + 0.05),
        "window",
        "order of phases",
    ),
    "a free machine is given a survivor's address": (
        leased(whole.mac(5)),
        "agreement",
        "addresses agree",
    ),
    "a survivor's other NIC is given its address": (
        leased(whole.macs(4)[0]),
        "agreement",
        "addresses agree",
    ),
    "a survivor's lease is taken away after its renewal": (
        leased(MAC, "del"),
        "agreement",
        "addresses agree",
    ),
    "an API answers one call in nine through the window": (
        flapping("neutron", 9, "begin-maintenance", "end-maintenance"),
        "APIs",
        "neutron away in the window in all",
    ),
    "the lock could hardly be asked": (
        flapping("lock", 9, "begin-maintenance", "end-maintenance"),
        "APIs",
        "lock away in the window in all",
    ),
    "one of two workers of an API is broken since": (
        flapping("nova", 2, "restarted", "collect"),
        "APIs",
        "nova away after it in all",
    ),
    "free nodes that no conductor serves": (
        unserved,
        "survival",
        f"ironic node {example.named('node', 8)} as moved",
    ),
    "power sync switches a survivor while others are operated": (
        logged(example.SWITCHED.format(node=NODE)),
        "logs",
        "no machine switched by power sync",
    ),
    "the conductor gives a survivor up while others are operated": (
        logged(f"Switching node to maintenance mode {NODE}"),
        "logs",
        "no node put in maintenance",
    ),
    "a survivor's BMC is not understood while others are operated": (
        logged(f"Failed to get power state for node {NODE}"),
        "logs",
        "no error of a node",
    ),
    "a survivor in ERROR before, and for ever": (
        broken_before(status="ERROR", vm_state="error"),
        "agreement",
        "at rest agree",
    ),
    "a survivor in the middle of a task, for ever": (
        broken_before(task_state="rebooting_hard"),
        "agreement",
        "at rest agree",
    ),
    "a survivor that Nova calls off, which runs": (
        broken_before(vm_state="stopped", power_state=4),
        "agreement",
        "at rest agree",
    ),
    "a survivor on a host that is none": (
        broken_before(host="another"),
        "agreement",
        "at rest agree",
    ),
    "no port bound, and told that all are": (not_bound, "agreement", "bound agree"),
    "the lab's logs gone, told as Grenade's run": (
        told_as_grenade,
        "logs",
        "logs/nova-api.log",
    ),
    "a bare-metal flavor that was not updated": (
        flavor_left,
        "flavors",
        "each bare-metal flavor",
    ),
    "an instance that was started, they said": (
        never_back,
        "operations",
        "back, start",
    ),
    "a new server whose machine sends nothing": (
        lines("heartbeat", lambda b: None if b["mac"] == whole.mac(8) else b),
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
    "the proxy tried by an earlier run": (
        never_began("proxy"),
        "agreement",
        "begun agree",
    ),
    "Tempest's results of an earlier run": (
        never_began("tempest"),
        "agreement",
        "begun agree",
    ),
    "Tempest's results of a day before": (
        earlier,
        "evidence",
        "moment of tempest/results.json",
    ),
    "the proxy's table of a day before": (earlier, "agreement", "asked agree"),
    "a floor of the run's own": (fewer_tests, "tempest", "enough tests ran"),
    "a list of tests of the run's own": (own_list, "tempest", "list of tests"),
    "a test that passed on the base left out since": (
        left_out_since,
        "tempest",
        "no test of the base is excluded",
    ),
    "a node in maintenance at the end": (
        put_aside(maintenance=True),
        "last look",
        f"ironic node {LAST} at the end",
    ),
    "a node whose cleaning failed at the end": (
        put_aside(provision_state="clean failed"),
        "last look",
        f"ironic node {LAST} at the end",
    ),
    "a node without conductor at the end": (
        put_aside(conductor=None),
        "last look",
        f"ironic node {LAST} at the end",
    ),
    "a server that nobody knew, on no node": (
        stranger,
        "survival",
        f"instance {example.named('server', 99)} after the end",
    ),
    "allocations of another project": (
        around("consumers", value=["project-9", "user-9"]),
        "agreement",
        "consumers agree",
    ),
    "tables of nova_bm that are not there": (
        around("nova_bm", value=None),
        "survival",
        "nova_bm bm_nodes",
    ),
    "another resource class in each document": (
        another_class,
        "agreement",
        "options agree",
    ),
    "another machine with the survivor's MAC": (
        beside,
        "agreement",
        "one machine agree",
    ),
    "another machine in the place of one that was rebooted": (
        in_its_place("boot-2"),
        "operations",
        f"same machine, {whole.mac(1)}",
    ),
    "a log of an API that lacks minutes of the run": (
        lacks("nova-api", example.span("takeover")[0], 60),
        "logs",
        "holes of logs/nova-api.log",
    ),
    "a log of the BMCs that lacks minutes of the run": (
        lacks("vbmcd", example.span("begin-maintenance")[0], 304),
        "logs",
        "holes of logs/vbmcd.log",
    ),
    "net-booted operations on an instance that boots from its disk": (
        on_another("net-booted reboot", "net-booted again"),
        "operations",
        "boot, net-booted reboot",
    ),
}


@pytest.mark.parametrize("story", FORGED)
def test_a_forged_move_is_red_by_name(evidence, story):
    forge, subject, check = FORGED[story]
    forge(evidence)

    assert check in red(evidence).get(subject, [])
