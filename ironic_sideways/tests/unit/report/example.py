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

"""The evidence of a run as the lab leaves it, for the page's tests and pictures.

More than whole.py's, which it builds on: nodes with the lab's names, phases as long
as they are, logs, Tempest's results on either side, and the environment. ``good``
passes the verdict; ``failed`` had a machine switched off and on in the window, and
``cut_short`` ended in the phase ``migrate``.
"""

import contextlib
import datetime
import json
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ironic_sideways.evidence import documents, heartbeat, tenants
from ironic_sideways.report import log_holes, schemas
from ironic_sideways.tests.unit.report import probes, told_twice, upstream, whole

Document = dict[str, Any]

#: A Wednesday morning, UTC.
BEGIN = 1795600800.0

#: Phase and seconds, from the lab's start on.
#: A run's own is random: tenants' values here are made with this one.
DIGESTS = tenants.Digests(b"the key of no run")

PHASES = (
    ("prepare", 14.2, ""),
    ("dummy-images", 3.1, "2 images, 1 flavor"),
    ("tempest-base", 20.5, "198 passed, 0 failed, 0 skipped"),
    ("workload", 58.4, "4 instances, 3 of them running"),
    ("deploy-ramdisk", 6.0, "ironic-deploy-kernel and ironic-deploy-ramdisk active"),
    ("ironic-database", 4.3, "schema at the head, no rows"),
    ("begin-maintenance", 3.9, "4 instances locked, nova-compute disabled"),
    ("stop-compute", 1.2, "nova-compute is gone"),
    ("flavors", 2.4, "1 flavor changed"),
    ("migrate", 4.1, "nodes moved and verified"),
    ("start-ironic", 8.7, "conductor online, API answers"),
    ("takeover", 12.9, "nodes taken over"),
    ("dhcp-options", 1.6, "3 ports cleared"),
    ("port-bindings", 2.1, "4/4 ports bound to their nodes (4 other)"),
    ("scheduler", 6.2, "proxy lists and shows every node, 4 writes get 404"),
    ("compute", 9.5, "nova-compute runs IronicDriver"),
    ("resources", 6.8, "nodes reported as CUSTOM_BAREMETAL"),
    ("end-maintenance", 3.3, "locks and service as before"),
    ("verify", 7.4, "all as before"),
    ("restarted", 9.1, "Ironic and nova-compute: started again"),
    ("operate", 39.0, "6 operations"),
    ("proxy", 18.6, "39 checks"),
    ("tempest", 165.0, "206 passed, 0 failed, 0 skipped"),
    ("last-look", 1.9, "8 nodes"),
    ("collect", 1.1, "14 power commands reached the BMCs in all"),
)

#: The machines that are switched once all have been looked at.
OPERATED = (1, 3)

STATES = (("ACTIVE", "on"), ("SHUTOFF", "off"), ("ACTIVE", "on"), ("ACTIVE", "on"))

#: What the log of a survivor's conductor says when a machine was switched.
SWITCHED = (
    "During sync_power_state, node {node} state 'power off' does not match expected "
    "state 'power on'. Changing hardware state to 'power on'."
)

#: An error that no rule of the verdict knows.
UNKNOWN = (
    "MessagingTimeout: Timed out waiting for a reply to message ID "
    "5c0d0f9d6d0a4a36a2b4a3b7ce0d6f11"
)

PACKAGE = "tempest.api.compute"
TESTS = (
    ("flavors.test_flavors.FlavorsV2TestJSON", "test_list_flavors_detailed_limit_{n}"),
    ("keypairs.test_keypairs.KeyPairsV2TestJSON", "test_keypair_create_delete_{n}"),
    ("servers.test_list_server_filters.ListServerFiltersTestJSON", "test_list_{n}"),
    ("servers.test_server_metadata.ServerMetadataTestJSON", "test_set_metadata_{n}"),
)


def named(word: str, number: int) -> str:
    """A UUID that is the same in each run."""
    return str(uuid.uuid5(uuid.NAMESPACE_DNS, f"{word}-{number}.example.org"))


def cloud(nodes: int) -> dict[str, tuple[int, str | None, str | None, str]]:
    """``whole.NODES`` of so many machines: half of them hold an instance."""
    found: dict[str, tuple[int, str | None, str | None, str]] = {}
    for number in range(1, nodes + 1):
        server: str | None = None
        status, power = None, "off"
        if number <= nodes // 2:
            server = named("server", number)
            status, power = STATES[(number - 1) % len(STATES)]
        found[named("node", number)] = (number, server, status, power)
    return found


@contextlib.contextmanager
def of(nodes: dict[str, Any]) -> Iterator[None]:
    """Let whole.py lay down the evidence of these nodes, on the clock of BEGIN."""
    was = whole.NODES, whole.BEGIN
    whole.NODES, whole.BEGIN = nodes, span("begin-maintenance")[0]
    try:
        yield
    finally:
        whole.NODES, whole.BEGIN = was


def span(name: str) -> tuple[float, float]:
    """When a phase of PHASES began and ended, on the clock of BEGIN."""
    moment = BEGIN - sum(seconds for _, seconds, _ in PHASES[:6])
    for phase, seconds, _figure in PHASES:
        if phase == name:
            return moment, moment + seconds
        moment += seconds + 0.2
    raise KeyError(name)


def good(directory: Path, nodes: int = 8, tests: int = 216) -> None:
    """A run that passed."""
    known = cloud(nodes)
    with of(known):
        whole.lay_down(directory)
    number = len(known)
    servers = [server for _n, server, _s, _p in known.values() if server]

    def dressed(document: Document) -> None:
        for at, server in enumerate(document["servers"], start=1):
            server.update(
                name=f"survivor-{at}",
                host=whole.HOST,
                image=named("image", 1),
                flavor="baremetal",
                vm_state="active" if server["status"] == "ACTIVE" else "stopped",
                power_state=1 if server["status"] == "ACTIVE" else 4,
                key_name=DIGESTS("survivor"),
                metadata=DIGESTS({"role": f"survivor-{at}"}),
                created_at="2026-11-25T09:58:12Z",
            )
        document["around"]["images"][named("image", 1)] = "active"
        for machine in document["machines"]:
            machine["name"] = f"bm-{machine['mac'][-2:]}"
        for node in document.get("ironic_nodes", ()):
            node.update(
                driver="ipmi",
                resource_class="baremetal",
                owner=named("project", 1),
            )

    for name in ("before", "after", "ended", "restarted"):
        whole.edit(directory / f"{name}.json", dressed)
    counts = {**dict.fromkeys(("read", "planned", "written", "verified"), number)}

    def moved(document: Document) -> None:
        document["counts"].update(counts)
        document["options"]["owner"] = named("project", 1)
        document["rows"][0]["boot"] = "network"

    whole.edit(directory / "migration.json", moved)
    cleared = {
        "port-1": {
            "instance": servers[0],
            "old": whole.dhcp_options()["ports"]["port-1"]["old"],
        }
    }
    whole.edit(directory / "dhcp-options.json", lambda d: d.update(ports=cleared))
    timed(directory)
    locks(directory, known)
    operated(directory, servers[0])
    tempest(directory, tests)
    logs(directory)
    whole.write(directory / "environment.json", environment())
    told_twice.lay_down(directory)
    upstream.lay_down(directory)
    lines_of_their_own(directory)


def lines_of_their_own(directory: Path) -> None:
    """Write each document as the tools do, so that a line of it says something."""
    for path in directory.rglob("*.json"):
        documents.write(path, json.loads(path.read_text()))


def locks(directory: Path, known: dict[str, Any]) -> None:
    """All were locked by the start, but for one in four, whose owner had done it."""
    mine = {s for _n, s, status, _p in known.values() if s and status == "SHUTOFF"}
    theirs = {s for _n, s, status, _p in known.values() if s and status == "ACTIVE"}
    record = {"lock": sorted(theirs), "locked_before": sorted(mine)}
    whole.edit(directory / "maintenance.json", lambda d: d.update(record))
    for name, locked in (
        ("before", False),
        ("after", True),
        ("ended", False),
        ("restarted", False),
    ):

        def set_locks(document: Document, locked: bool = locked) -> None:
            for server in document["servers"]:
                own = server["uuid"] in mine
                reason = "ours" if own else "maintenance" if locked else None
                server.update(locked=locked or own, locked_reason=reason)

        whole.edit(directory / f"{name}.json", set_locks)


def timed(directory: Path) -> None:
    """Phases, heartbeats, leases and power commands on the clock of BEGIN."""
    events = []
    for name, seconds, figure in PHASES:
        begin, end = span(name)
        events += [
            whole.phase(name, "started", begin),
            {**whole.phase(name, "ok", end, seconds), "figure": figure},
        ]
        events[-1]["memory_used_mb"] = 3000 + round(len(events) * 40)
    whole.write_lines(directory / "events.jsonl", events)
    begin, end = span("begin-maintenance")[0], span("operate")[0]
    first = span("workload")[1] - 20
    beats: list[Document] = []
    leases: list[Document] = []
    for _uuid, (number, _server, _status, power) in machines(directory):
        if power == "on":
            until = end + 3 if number in OPERATED else span("collect")[1]
            found = whole.beats(
                range(1, round(until - first)), number, first=first + number / 9
            )
            rooted = whole.DISKS if number == 1 else {}
            beats += [{**beat, **rooted} for beat in found]
            leases += [lease(number, m) for m in (first, begin + 20, end - 5)]
    path = directory / "heartbeat.jsonl"
    booted = [
        {**beat, "time": beat["time"] - whole.OPERATED + end}
        for beat in map(json.loads, path.read_text().splitlines())
        if beat["boot_id"] in whole.BOOTS
    ]
    whole.write_lines(path, [*beats, *booted])
    leases.sort(key=lambda lease: float(lease["time"]))
    whole.write_lines(directory / "leases.jsonl", leases)
    held = span("begin-maintenance")[0] + 1, span("end-maintenance")[0] + 2
    probed = probes.lines(first, span("collect")[1], held)
    begun, ended = span("scheduler")[0] + 2, span("scheduler")[1]
    for service in ("nova", "lock"):
        probed = probes.away(probed, service, begun, ended, "ConnectFailure")
    whole.write_lines(directory / "api.jsonl", probed)
    commands = [
        {"time": first - 10, "domain": f"bm-{number:02}", "command": "on"}
        for number in OPERATED
    ]
    for command in json.loads((directory / "bmc.json").read_text())["commands"]:
        moment = command["time"] - whole.OPERATED
        if 0 <= moment < 39:
            name = f"bm-{whole.mac(int(command['domain'].rpartition('-')[2]))[-2:]}"
            commands.append({**command, "time": moment + end, "domain": name})
    whole.write(directory / "bmc.json", {"commands": commands})
    begun = span("proxy")[0]
    whole.edit(
        directory / "proxy.json",
        lambda d: [row.update(time=begun + at) for at, row in enumerate(d, start=1)],
    )
    for name, (written_in, key) in schemas.WRITTEN_IN.items():
        moment = span(written_in)[0] + 0.5
        told = datetime.datetime.fromtimestamp(moment, datetime.UTC).isoformat()
        path = directory / name
        if path.exists():
            document = json.loads(path.read_text())
            document[key] = moment if key == "taken_at" else told
            whole.write(path, document)
    whole.edit(
        directory / "ended.json",
        lambda d: d.update(taken_at=span("end-maintenance")[1] - 0.5),
    )
    stopped(directory)
    sequenced(directory)
    names = [
        f"bm-{whole.mac(at)[-2:]}" for at, _power in enumerate(machines(directory), 1)
    ]
    known = [*(f"BMC password of {name}" for name in names), "database-nova"]
    whole.edit(directory / "secrets.json", lambda d: d.update(sought=known))


def streams(directory: Path) -> dict[tuple[str, str], heartbeat.Stream]:
    found = heartbeat.streams(heartbeat.read(directory / "heartbeat.jsonl"))
    return {(stream.mac, stream.boot_id): stream for stream in found}


def stopped(directory: Path) -> None:
    """A machine that is off was on before."""
    path = directory / "heartbeat.jsonl"
    told = [json.loads(line) for line in path.read_text().splitlines()]
    first = min(beat["time"] for beat in told)
    for machine in json.loads((directory / "before.json").read_text())["machines"]:
        if machine["power"] == "off" and machine["boot_id"]:
            number = int(machine["mac"].rpartition(":")[2], 16)
            told += whole.beats(range(1, 4), number, machine["boot_id"], first - 60)
    whole.write_lines(path, sorted(told, key=lambda beat: float(beat["time"])))


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
        whole.edit(directory / f"{name}.json", numbered)


def machines(directory: Path) -> list[tuple[str, Any]]:
    """Number and power of each machine of before.json, in ``whole.NODES``' shape."""
    found = json.loads((directory / "before.json").read_text())["machines"]
    return [
        (m["uuid"], (at, None, None, m["power"])) for at, m in enumerate(found, start=1)
    ]


def lease(number: int, moment: float) -> Document:
    ip = f"172.30.0.{number}"
    return {
        **{"time": moment, "event": "old", "mac": whole.mac(number), "ip": ip},
        "expires": moment + 120,
    }


def operated(directory: Path, server: str) -> None:
    """The operations on a survivor, with what it holds."""
    known = json.loads((directory / "before.json").read_text())["servers"]
    node = next(found["node"] for found in known if found["uuid"] == server)

    def of_the_survivor(found: Any) -> None:
        for operation in found:
            operation["instance"] = server
            if operation["name"] != "delete":
                operation["macs"] = dict.fromkeys(("neutron", "ironic"), whole.mac(1))
                operation["allocation"] = {node: {whole.CLASS: 1}}
            if operation["name"] == "start":
                # The other machine that was switched.
                other = known[OPERATED[1] - 1]
                mac = other["ports"][0]["mac"]
                operation["instance"] = other["uuid"]
                operation["macs"] = dict.fromkeys(("neutron", "ironic"), mac)
                operation["allocation"] = {other["node"]: {whole.CLASS: 1}}
            if "deploy" in operation:
                operation["deploy"].update(begin=span("operate")[0], node=node)

    whole.edit(directory / "operations.json", of_the_survivor)


def tempest(directory: Path, number: int) -> None:
    """Tempest's results: a few excluded, and the base's beside them."""
    tests: list[Document] = []
    for at in range(number):
        suite, method = TESTS[at % len(TESTS)]
        left = at % 22 == 3
        tests.append(
            {
                "name": f"{PACKAGE}.{suite}.{method.format(n=at)}[id-{at:08x}]",
                "outcome": "excluded" if left else "passed",
                "reason": "it asks for ssh into a server" if left else "",
                "source": "tempest.conf: validation.run_validation" if left else "",
                "seconds": None if left else round(0.2 + at % 7 * 0.6, 1),
            }
        )
    tests.append(
        {
            "name": f"{PACKAGE}.servers.test_server_rescue.Rescue.test_rescue[id-1]",
            "outcome": "excluded",
            "reason": "the driver rescues no server of this flavor",
            "source": "nova/virt/ironic/driver.py: capabilities",
            "seconds": None,
        }
    )
    for place, driver in (("tempest-base", "base"), ("tempest", "ironic")):
        document = whole.tempest_results(driver)
        counts = dict.fromkeys(document["counts"], 0)
        for test in tests:
            counts[test["outcome"]] += 1
        document.update(counts=counts, tests=tests, taken_at=span(place)[1] - 0.5)
        whole.write(directory / place / "results.json", document)


def logs(directory: Path) -> None:
    """A few lines of each service, and each phase's own log."""
    ends = [
        whole.log_line(moment, "Lock released")
        for moment in (span("prepare")[0], span("collect")[0])
    ]
    for name in ("nova-api", "nova-compute", "ironic-api", "ironic-conductor"):
        lines = [
            f"2026-11-25 10:00:{second:02d}.{second * 7:03d} 4242 INFO {name} [-] "
            f"Lock released for the periodic task number {second}"
            for second in range(40)
        ]
        path = directory / "logs" / f"{name}.log"
        told = path.read_text() if path.exists() else ""
        if name == "nova-compute":
            # whole.py's are of a moment before its phase, on this clock.
            told = "".join(
                whole.log_line(span("resources")[0] + 2, line.partition("[-] ")[2])
                for line in told.splitlines()
            )
        path.write_text(ends[0] + "\n".join(lines) + "\n" + told + ends[1])
    begin, end = round(span("prepare")[0]), round(span("collect")[0])
    for name in (*log_holes.TELLS, *log_holes.PERIODIC):
        with (directory / "logs" / f"{name}.log").open("a") as log:
            log.writelines(
                whole.log_line(moment, "told") for moment in range(begin, end + 2, 10)
            )
    for name, _seconds, figure in PHASES:
        path = directory / "phases" / f"{name}.log"
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"--- 2026-11-25T10:00:00+0000 ---\n{figure}\n")


def environment() -> Document:
    return {
        "taken_at": span("collect")[0],
        "command": "tools/run_upgrade.sh",
        "commit": "0123abc",
        "python": "3.11.2",
        "host": {
            "system": "Debian GNU/Linux 12 (bookworm)",
            "kernel": "6.1.0",
            "architecture": "x86_64",
            "cpu": "AMD EPYC",
            "cpus": 2,
            "memory_mb": 7936,
        },
        "distributions": {"ironic": "39.0.0", "nova": "34.0.0", "tempest": "47.0.0"},
        "packages": {"mariadb-server": "1:10.11.19", "rabbitmq-server": "3.10.8"},
    }


def failed(directory: Path, nodes: int = 8, tests: int = 216) -> None:
    """A run in whose window Ironic switched a machine off and on again."""
    good(directory, nodes, tests)
    begin, _end = span("takeover")
    off, on = begin + 4, begin + 19
    third = whole.mac(3)
    kept, number = [], 0
    for line in (directory / "heartbeat.jsonl").read_text().splitlines():
        beat = json.loads(line)
        if beat["mac"] != third or beat["time"] < off:
            kept.append(beat)
        elif beat["time"] > on:
            number += 1
            kept.append({**beat, "boot_id": "boot-2", "seq": number})
        if beat["mac"] == whole.mac(4) and beat["seq"] in (60, 61):
            kept.pop()
    whole.write_lines(directory / "heartbeat.jsonl", kept)

    def booted(document: Document) -> None:
        document["machines"][2].update(boot_id="boot-2", last_seq=number)

    for name in ("after", "ended", "restarted"):
        whole.edit(directory / f"{name}.json", booted)
    sequenced(directory)
    commands = [
        {"time": moment, "domain": "bm-03", "command": word}
        for moment, word in ((off, "off"), (off + 2, "on"))
    ]
    whole.edit(directory / "bmc.json", lambda d: d["commands"].extend(commands))
    log = directory / "logs" / "ironic-conductor.log"
    lines = log.read_text().splitlines()
    lines[27] = lines[27].replace(" INFO ", " WARNING ").partition("[-]")[0] + (
        f"[-] {SWITCHED.format(node=named('node', 3))}"
    )
    log.write_text("\n".join(lines) + "\n")
    compute = directory / "logs" / "nova-compute.log"
    unknown = [
        whole.log_line(span("compute")[0] + second, UNKNOWN, "ERROR")
        for second in (2, 4, 6)
    ]
    compute.write_text(compute.read_text() + "".join(unknown))
    ways_on(directory)
    lines_of_their_own(directory)


def ways_on(directory: Path) -> None:
    """Let the run have said how to go on and how to go back."""
    path = directory / "events.jsonl"
    event = {
        "kind": "commands",
        "time": BEGIN,
        "memory_used_mb": 3000,
        "resume": "tools/run_upgrade.sh --resume",
        "roll_back": "grenade/upgrade-ironic --rollback",
    }
    path.write_text(f"{json.dumps(event)}\n{path.read_text()}")


def cut_short(directory: Path) -> None:
    """A run that ended in the phase migrate: nothing after it was recorded."""
    good(directory)
    ways_on(directory)
    good_events = (directory / "events.jsonl").read_text().splitlines()
    names = [name for name, _seconds, _figure in PHASES]
    gone = set(names[names.index("migrate") :])
    events = [e for e in map(json.loads, good_events) if e.get("name") not in gone]
    begin, end = span("migrate")
    why = "ironic-nova-bm-migrate: bm_nodes row 3: pm_user is NULL, expected a user"
    events += [
        whole.phase("migrate", "started", begin),
        {**whole.phase("migrate", "failed", end, end - begin), "figure": why},
    ]
    whole.write_lines(directory / "events.jsonl", events)
    for name in ("after", "ended", "restarted", "migration", "takeover", "resources"):
        (directory / f"{name}.json").unlink()
    for name in ("dhcp-options", "port-bindings", "allocations"):
        (directory / f"{name}.json").unlink()
    for name in ("operations", "proxy", "judges", "judges-again", "last-look"):
        (directory / f"{name}.json").unlink()
    for name in ("tempest", "tempest-base"):
        shutil.rmtree(directory / name)
    for name in gone:
        (directory / "phases" / f"{name}.log").unlink()
    log = directory / "phases" / "migrate.log"
    log.write_text(f"--- 2026-11-25T10:00:12+0000 ---\nreading 8 rows\n{why}\n")
