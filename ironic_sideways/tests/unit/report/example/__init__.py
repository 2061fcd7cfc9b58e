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

More than small_move's, which it builds on: nodes with the lab's names, phases as long
as they are, logs, Tempest's results on either side, and the environment. ``good``
passes the verdict; ``failed`` had a machine switched off and on in the window, and
``cut_short`` ended in the phase ``migrate``.
"""

import json
import shutil
from pathlib import Path
from typing import Any

from ironic_sideways.evidence import documents
from ironic_sideways.tests.unit.report import small_move, told_twice, upstream
from ironic_sideways.tests.unit.report.example import (
    clock,
    lab_logs,
    lab_nodes,
    lab_trials,
    timeline,
)
from ironic_sideways.tests.unit.report.laid_once import laid_once
from ironic_sideways.tests.unit.report.small_move import (
    files,
    log_files,
    phases,
    records,
    small_cloud,
)
from ironic_sideways.tests.unit.report.small_move.files import Document


@laid_once
def good(directory: Path, nodes: int = 8, tests: int = 216) -> None:
    """A run that passed."""
    known = lab_nodes.cloud(nodes)
    with lab_nodes.of(known):
        small_move.lay_down(directory)
    number = len(known)
    servers = [server for _n, server, _s, _p in known.values() if server]

    def dressed(document: Document) -> None:
        for at, server in enumerate(document["servers"], start=1):
            server.update(
                name=f"survivor-{at}",
                host=small_cloud.HOST,
                image=lab_nodes.named("image", 1),
                flavor="baremetal",
                vm_state="active" if server["status"] == "ACTIVE" else "stopped",
                power_state=1 if server["status"] == "ACTIVE" else 4,
                key_name=lab_nodes.DIGESTS("survivor"),
                metadata=lab_nodes.DIGESTS({"role": f"survivor-{at}"}),
                created_at="2026-11-25T09:58:12Z",
            )
        image, around = lab_nodes.named("image", 1), document["around"]
        around["images"][image] = "active"
        around["contents"][image] = ["qcow2", 9, "a hash"]
        for machine in document["machines"]:
            machine["name"] = f"bm-{machine['mac'][-2:]}"
        for node in document.get("ironic_nodes", ()):
            node.update(
                driver="ipmi",
                resource_class="baremetal",
                owner=lab_nodes.named("project", 1),
            )

    for name in ("before", "after", "ended", "restarted"):
        files.edit(directory / f"{name}.json", dressed)
    counts = {**dict.fromkeys(("read", "planned", "written", "verified"), number)}

    def moved(document: Document) -> None:
        document["counts"].update(counts)
        document["options"]["owner"] = lab_nodes.named("project", 1)
        document["rows"][0]["boot"] = "network"

    files.edit(directory / "migration.json", moved)
    cleared = {
        "port-1": {
            "instance": servers[0],
            "old": records.dhcp_options()["ports"]["port-1"]["old"],
        }
    }
    files.edit(directory / "dhcp-options.json", lambda d: d.update(ports=cleared))
    timeline.timed(directory)
    locks(directory, known)
    lab_trials.operated(directory, servers[0])
    lab_trials.tempest(directory, tests)
    lab_logs.logs(directory)
    files.write(directory / "environment.json", environment())
    told_twice.lay_down(directory)
    log_files.switched(directory)
    log_files.bmc_log(directory)
    log_files.processes(directory)
    log_files.asked(directory)
    log_files.phase_logs(directory)
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
    files.edit(directory / "maintenance.json", lambda d: d.update(record))
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

        files.edit(directory / f"{name}.json", set_locks)


def environment() -> Document:
    return {
        "taken_at": clock.span("collect")[0],
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


@laid_once
def failed(directory: Path, nodes: int = 8, tests: int = 216) -> None:
    """A run in whose window Ironic switched a machine off and on again."""
    good(directory, nodes, tests)
    begin, _end = clock.span("takeover")
    off, on = begin + 4, begin + 19
    third = small_cloud.mac(3)
    kept, number = [], 0
    for line in (directory / "heartbeat.jsonl").read_text().splitlines():
        beat = json.loads(line)
        if beat["mac"] != third or beat["time"] < off:
            kept.append(beat)
        elif beat["time"] > on:
            number += 1
            kept.append({**beat, "boot_id": "boot-2", "seq": number})
        if beat["mac"] == small_cloud.mac(4) and beat["seq"] in (60, 61):
            kept.pop()
    files.write_lines(directory / "heartbeat.jsonl", kept)

    def booted(document: Document) -> None:
        document["machines"][2].update(boot_id="boot-2", last_seq=number)

    for name in ("after", "ended", "restarted"):
        files.edit(directory / f"{name}.json", booted)
    timeline.sequenced(directory)
    commands = [
        {"time": moment, "domain": "bm-03", "command": word}
        for moment, word in ((off, "off"), (off + 2, "on"))
    ]
    files.edit(directory / "bmc.json", lambda d: d["commands"].extend(commands))
    log_files.bmc_log(directory)
    log = directory / "logs" / "ironic-conductor.log"
    switched = lab_logs.SWITCHED.format(node=lab_nodes.named("node", 3))
    told = log_files.log_line(off, switched, "WARNING", 41)
    log.write_text("".join(sorted([*log.read_text().splitlines(True), told])))
    compute = directory / "logs" / "nova-compute.log"
    unknown = [
        log_files.log_line(clock.span("compute")[0] + second, lab_logs.UNKNOWN, "ERROR")
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
        "time": clock.span("prepare")[0],
        "memory_used_mb": 3000,
        "resume": "tools/run_upgrade.sh --resume",
        "roll_back": "grenade/upgrade-ironic --rollback",
    }
    path.write_text(f"{json.dumps(event)}\n{path.read_text()}")


@laid_once
def cut_short(directory: Path) -> None:
    """A run that ended in the phase migrate: nothing after it was recorded."""
    good(directory)
    ways_on(directory)
    good_events = (directory / "events.jsonl").read_text().splitlines()
    files.edit(
        directory / "bmc.json",
        lambda d: d.update(
            commands=[c for c in d["commands"] if c["time"] < clock.BEGIN]
        ),
    )
    log_files.bmc_log(directory)
    names = [name for name, _seconds, _figure in clock.PHASES]
    gone = set(names[names.index("migrate") :])
    events = [e for e in map(json.loads, good_events) if e.get("name") not in gone]
    begin, end = clock.span("migrate")
    why = "ironic-nova-bm-migrate: bm_nodes row 3: pm_user is NULL, expected a user"
    events += [
        phases.phase("migrate", "started", begin),
        {**phases.phase("migrate", "failed", end, end - begin), "figure": why},
    ]
    files.write_lines(directory / "events.jsonl", events)
    for name in ("after", "ended", "restarted", "migration", "takeover", "resources"):
        (directory / f"{name}.json").unlink()
    for name in ("dhcp-options", "port-bindings", "allocations"):
        (directory / f"{name}.json").unlink()
    for name in ("operations", "proxy", "judges", "judges-again", "last-look"):
        (directory / f"{name}.json").unlink()
    for name in ("api", "conductor"):
        (directory / "logs" / f"ironic-{name}.log").unlink()
    for name in ("tempest", "tempest-base"):
        shutil.rmtree(directory / name)
    for name in gone:
        (directory / "phases" / f"{name}.log").unlink()
    log_files.phase_logs(directory)
    log = directory / "phases" / "migrate.log"
    header, _why = log.read_text().splitlines()
    log.write_text(f"{header}\nreading 8 rows\n{why}\n")
