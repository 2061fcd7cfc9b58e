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

"""The evidence of a good run on another machine or another day: it stays green."""

import datetime
import json
import random
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ironic_sideways.tests.unit.report import complete, probes
from ironic_sideways.tests.unit.report.example import clock, lab_nodes, timeline
from ironic_sideways.tests.unit.report.small_move import (
    files,
    guests,
    log_files,
    looks,
    phases,
    small_cloud,
)
from ironic_sideways.tests.unit.report.test_broken_moves import lines, red

LATER = ("after", "ended", "restarted")
BEGIN, OPERATED = (clock.span(name)[0] for name in ("begin-maintenance", "operate"))
MAC = small_cloud.mac(4)

Vary = Callable[[Path], Any]


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("good")
    complete.lay_down(directory, 8)
    return directory


def rows(directory: Path, name: str) -> list[Any]:
    text = (directory / f"{name}.jsonl").read_text()
    return [json.loads(line) for line in text.splitlines()]


def rewrite(directory: Path, name: str, found: list[Any], key: str = "time") -> None:
    ordered = sorted(found, key=lambda row: float(row[key]))
    files.write_lines(directory / f"{name}.jsonl", ordered)


def in_logs(pattern: str, to: str) -> Vary:
    def vary(directory: Path) -> None:
        for path in (directory / "logs").glob("*.log"):
            path.write_text(re.sub(pattern, to, path.read_text()))

    return vary


def told(name: str, level: str, *texts: str) -> Vary:
    """A service tells this thrice in the window."""

    def vary(directory: Path) -> None:
        with (directory / "logs" / f"{name}.log").open("a") as log:
            for at in range(3):
                moment = BEGIN + 9 + 5 * at
                log.writelines(
                    log_files.log_line(moment, text, level).replace("[-] ", "")
                    for text in texts
                )

    return vary


def unsteady(directory: Path) -> None:
    """Heartbeats are up to a second late, and once they stop for four."""
    late = random.Random(18)  # noqa: S311

    def delayed(beat: Any) -> Any:
        if BEGIN < beat["time"] < OPERATED:
            beat["time"] += late.random() * 0.9
            since = beat["time"] - BEGIN - 30
            beat["time"] += 4 - since if 0 < since < 4 and beat["mac"] == MAC else 0
        return beat

    lines("heartbeat", delayed)(directory)
    timeline.sequenced(directory)


def two_addresses(directory: Path) -> None:
    """A survivor has an IPv6 address besides."""
    both = ["172.30.0.4", "fd00::4"]
    uuid = lab_nodes.named("server", 4)

    def alter(document: Any) -> None:
        for server in document["servers"]:
            for port in server["ports"] if server["uuid"] == uuid else ():
                port["fixed_ips"] = both

    def asked(document: Any) -> None:
        for server in document["servers"]:
            server.update({"fixed_ips": both} if server["uuid"] == uuid else {})

    for name in ("before", *LATER):
        files.edit(directory / f"{name}.json", alter)
    files.edit(directory / "workload.json", asked)


def beside(directory: Path) -> None:
    """A KVM compute host is in the cloud, before and after."""
    new = {"host": "kvm1", "id": "service-9", "binary": "nova-compute"}
    for name in ("before", *LATER):
        files.edit(
            directory / f"{name}.json",
            lambda d: d["services"].append({**looks.service("enabled"), **new}),
        )


def refused(directory: Path) -> None:
    """A member's create in the window found no host, and is in ERROR."""
    known = json.loads((directory / "before.json").read_text())["servers"][0]
    new = {"uuid": lab_nodes.named("server", 99), "status": "ERROR", "ports": []}
    nowhere: Any = {"node": None, "host": None, "bindings": {}, "locked": False}

    def alter(document: Any) -> None:
        document["servers"].append({**known, **new, **nowhere})
        document["around"]["fingerprints"][new["uuid"]] = None
        document["around"]["server groups"][new["uuid"]] = []
        document["around"]["actions"][new["uuid"]] = []

    for name in LATER:
        files.edit(directory / f"{name}.json", alter)


def api_late(directory: Path) -> None:
    """Neutron's answers come late, and Glance is away for ten seconds."""
    begin = clock.span("takeover")[0] + 2
    found = rows(directory, "api")
    for line in found:
        line["until"] += 0.6 if line["service"] == "neutron" else 0
    found = probes.away(found, "glance", begin, begin + 10, "503")
    rewrite(directory, "api", found, "until")


def again(phase: str) -> Vary:
    """The first try of a phase failed, and the run was resumed."""

    def vary(directory: Path) -> None:
        found = []
        for event in rows(directory, "events"):
            if event["name"] == phase:
                began = event["result"] == "started"
                at = event["time"]
                if began:
                    found += [event, phases.phase(phase, "failed", at + 0.05, 0.05)]
                change = {"time": at + 0.08} if began else {}
                took = round(max(0.0, event["seconds"] - 0.08), 3)
                event = {**event, **change, "seconds": took}
            found.append(event)
        rewrite(directory, "events", found)
        log_files.phase_logs(directory)

    return vary


def there_and_back(directory: Path) -> None:
    """The window was opened before, up to Ironic's start, and all of it undone."""
    names = ("begin-maintenance", "stop-compute", "flavors", "migrate", "start-ironic")
    back = (f"undo-{name}" for name in reversed(names))
    found, at = rows(directory, "events"), BEGIN - 60
    for name in (*names, *back):
        found.append(phases.phase(name, "started", at))
        found.append(phases.phase(name, "ok", at + 2, 2.0))
        at += 2.2
    rewrite(directory, "events", found)
    log_files.phase_logs(directory)
    path = directory / "logs" / "ironic-conductor.log"
    earlier = (log_files.log_line(BEGIN - 50 + n, "told", process=39) for n in range(9))
    path.write_text("".join(earlier) + path.read_text())


def headers_earlier(directory: Path) -> None:
    """The begin of a phase takes seconds to be recorded."""

    def earlier(found: re.Match[str]) -> str:
        moment = datetime.datetime.fromisoformat(found[1])
        moment -= datetime.timedelta(seconds=9)
        return f"--- {moment.strftime('%Y-%m-%dT%H:%M:%S%z')} ---"

    for path in (directory / "phases").glob("*.log"):
        path.write_text(re.sub(r"--- (\S+) ---", earlier, path.read_text()))


def told_again(directory: Path) -> None:
    """dnsmasq starts anew, tells all leases again, and lets the stopped one's go."""
    found, moment = rows(directory, "leases"), BEGIN + 25
    known = {row["mac"]: row for row in found if row["time"] < moment}
    found += [{**row, "time": moment, "event": "old"} for row in known.values()]
    gone = timeline.lease(2, BEGIN - 130)
    found += [{**gone, "event": "add"}, {**gone, "event": "del", "time": BEGIN + 26}]
    rewrite(directory, "leases", found)


def without(*left: str) -> Vary:
    """The run was told to leave these out."""

    def vary(directory: Path) -> None:
        found = [e for e in rows(directory, "events") if e["name"] not in left]
        event = {"kind": "left-out", "subjects": [*left], "memory_used_mb": 1}
        files.write_lines(
            directory / "events.jsonl", [{**event, "time": found[0]["time"]}, *found]
        )
        for name in left:
            (directory / f"{name}.json").unlink(missing_ok=True)
        if "tempest" in left:
            shutil.rmtree(directory / "tempest")
            still_held(directory)

    return vary


def still_held(directory: Path) -> None:
    """Without Tempest the nodes hold what the operations left."""
    servers = json.loads((directory / "before.json").read_text())["servers"]
    done = json.loads((directory / "operations.json").read_text())
    gone = {one["instance"] for one in done if one["name"] == "delete"}
    held = {s["node"]: s["uuid"] for s in servers if s["uuid"] not in gone}
    held |= {one["node"]: "new" for one in done if one["name"] == "new server"}

    def alter(document: Any) -> None:
        for node in document["nodes"]:
            if node["uuid"] in held:
                node["instance_uuid"] = held[node["uuid"]]
                node["provision_state"] = "active"

    files.edit(directory / "last-look.json", alter)


def two_hosts(directory: Path) -> None:
    """Two nova-computes move in one window; each has a log."""
    path = directory / "logs" / "nova-compute.log"
    text = re.sub(r" (4\d) INFO", r" 9\1 INFO", path.read_text())
    (directory / "logs" / "nova-compute-2.log").write_text(text)


def brought_up(directory: Path) -> None:
    """Ports were down on the base, and came up when they were bound anew."""

    def down(document: Any) -> None:
        for port in document["around"]["vifs"].values():
            port["status"] = "DOWN"

    files.edit(directory / "before.json", down)


def locked_twice(directory: Path) -> None:
    """The begin of maintenance failed at first, and was resumed: Nova locks again."""
    again("begin-maintenance")(directory)

    def alter(document: Any) -> None:
        for done in document["around"]["actions"].values():
            done[1:1] = [dict(one) for one in done if one["action"] == "lock"]

    for name in LATER:
        files.edit(directory / f"{name}.json", alter)


BENIGN: dict[str, Vary] = {
    "heartbeats that are late": unsteady,
    "logs of whole seconds": in_logs(r"(:\d\d)\.\d{3} ", r"\1.000 "),
    "logs that are most of a second ahead": in_logs(r"\.123 ", ".999 "),
    "a deadlock that is retried": told(
        "nova-conductor",
        "DEBUG",
        "Traceback (most recent call last):",
        "oslo_db.exception.DBDeadlock: try restarting transaction",
    ),
    "an error now and then that names nothing": told(
        "nova-conductor", "ERROR", "MessagingTimeout: no reply"
    ),
    "an IPv6 address besides": two_addresses,
    "another compute host": beside,
    "a create that was refused": refused,
    "APIs that answer late": api_late,
    "a migration that failed at first": again("migrate"),
    "flavors that failed at first": again("flavors"),
    "a window that was rolled back before": there_and_back,
    "phases whose begin is recorded late": headers_earlier,
    "DHCP that tells its leases again": told_again,
    "a run without Tempest": without("tempest"),
    "a run without the proxy": without("proxy"),
    "two nova-computes": two_hosts,
    "ports that come up": brought_up,
    "a begin of maintenance that failed at first": locked_twice,
}


@pytest.mark.parametrize("name", BENIGN)
def test_what_a_good_run_may_leave_is_green(good, tmp_path, name):
    directory = shutil.copytree(good, tmp_path / "evidence")
    BENIGN[name](directory)

    assert red(directory) == {}


def test_one_host_of_several_is_judged_by_its_own(good, tmp_path):
    directory = shutil.copytree(good, tmp_path / "increments" / "host-1")
    for name in ("before", *LATER):
        files.edit(directory / f"{name}.json", lambda d: d["around"].pop("nova_bm"))
    other = {"mac": small_cloud.mac(999), "ip": "172.30.3.231"}
    new = [{**beat, **other} for beat in guests.beats(range(1, 9), 4, "boot-9", BEGIN)]
    rewrite(directory, "heartbeat", [*rows(directory, "heartbeat"), *new])
    lease = {**timeline.lease(4, BEGIN), **other}
    rewrite(directory, "leases", [*rows(directory, "leases"), lease])
    command = {"time": BEGIN - 900, "domain": "bm-99", "command": "on"}
    files.edit(directory / "bmc.json", lambda d: d["commands"].insert(0, command))
    log_files.bmc_log(directory)
    files.edit(
        directory / "secrets.json", lambda d: d["sought"].append("BMC password of x")
    )

    assert red(directory) == {}
