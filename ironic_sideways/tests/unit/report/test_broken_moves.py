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

"""A good run's evidence, rewritten as a broken move would have left it.

Each was judged PASSED once (2026-11-29). Each must be red, by the check that names it.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ironic_sideways.report import verdict
from ironic_sideways.tests.unit.report import told_twice
from ironic_sideways.tests.unit.report.small_move import (
    files,
    guests,
    log_files,
    looks,
    phases,
    small_cloud,
)
from ironic_sideways.tests.unit.report.small_move.files import edit
from ironic_sideways.tests.unit.report.small_move.phases import BEGIN, END, OPERATED

Forge = Callable[[Path], Any]


def red(directory: Path) -> dict[str, list[str]]:
    return {
        finding.name: [check.name for check in finding.failures]
        for finding in verdict.verdict(directory).findings
        if not finding.ok
    }


def at(name: str, *path: str | int, **change: Any) -> Forge:
    """Update what lies at ``path`` in a document."""

    def alter(document: Any) -> None:
        for key in path:
            document = document[key]
        document.update(change)

    return lambda directory: edit(directory / f"{name}.json", alter)


def into(name: str, *path: str | int, row: Any) -> Forge:
    """Append a row to the list at ``path`` in a document."""

    def alter(document: Any) -> None:
        for key in path:
            document = document[key]
        document.append(row)

    return lambda directory: edit(directory / f"{name}.json", alter)


def lines(name: str, keep: Callable[[Any], Any]) -> Forge:
    """Keep of a document of lines what ``keep`` returns of each."""

    def alter(directory: Path) -> None:
        path = directory / f"{name}.jsonl"
        rows = [keep(json.loads(line)) for line in path.read_text().splitlines()]
        files.write_lines(path, [row for row in rows if row])

    return alter


def late(beat: Any) -> Any:
    """Beats of 20 seconds that were resent at once when the network came back."""
    if beat["boot_id"] == "boot-1" and BEGIN + 20 < beat["time"] < BEGIN + 40:
        beat["time"] = BEGIN + 40
    return beat


def reset_inside(directory: Path) -> None:
    """The machine of no operation resets itself between verify and its own end."""
    rows = guests.beats(range(1, 5), boot_id="boot-9", first=OPERATED + 1)
    path = directory / "heartbeat.jsonl"
    told = [json.loads(line) for line in path.read_text().splitlines()]
    files.write_lines(path, [*told, *rows])


def order(directory: Path) -> None:
    """Ironic was started before the data was moved."""

    def earlier(event: Any) -> Any:
        if event["name"] == "start-ironic":
            event["time"] = BEGIN + phases.STARTS["flavors"] + 1
        return event

    lines("events", earlier)(directory)


def never_started(event: Any) -> Any:
    return None if (event["name"], event["result"]) == ("flavors", "started") else event


def renewed_early(lease: Any) -> Any:
    """DHCP served the survivors no more from the eleventh second on."""
    return lease if lease["time"] < BEGIN + 11 else None


def without_logs(directory: Path) -> None:
    for path in (directory / "logs").iterdir():
        if path.stem not in ("nova-compute", "ironic-conductor"):
            path.unlink()


def cut_log(directory: Path) -> None:
    """nova-api's log was truncated in the middle of the window."""
    line = log_files.log_line(OPERATED + 1, "told")
    (directory / "logs" / "nova-api.log").write_text(line)


def told(directory: Path, name: str, moment: float, *texts: str) -> None:
    with (directory / "logs" / name).open("a") as log:
        log.write("".join(log_files.log_line(moment, text, "ERROR") for text in texts))


def error_of_node(directory: Path) -> None:
    told(directory, "ironic-conductor.log", END - 2, "node-run: no answer of its BMC")


def traceback_after(directory: Path) -> None:
    crash = ("Traceback (most recent call last):", "KeyError: 'node'")
    told(directory, "nova-compute.log", OPERATED + 9, *crash)


def fake_base(directory: Path) -> None:
    for name in ("before", "after", "ended"):
        at(name, base_driver="fake")(directory)


def bad_flavor(**new: Any) -> Forge:
    return at("flavors", "flavors", "flavor-1", "new", **new)


def service(name: str, **change: Any) -> Forge:
    """A second service, which ``change`` tells of."""
    row = {**looks.service("enabled"), "id": "service-2", "binary": "nova-scheduler"}

    def alter(directory: Path) -> None:
        for snapshot in ("before", "after", "ended"):
            new = row | (change if snapshot == name else {})
            into(snapshot, "services", row=new)(directory)

    return alter


BROKEN: dict[str, tuple[Forge, str, str]] = {
    "silent for 20 s, all beats resent": (
        lines("heartbeat", late),
        "heartbeats",
        "heartbeat of machine-1",
    ),
    "a reset from inside before its own operation": (
        reset_inside,
        "heartbeats",
        "heartbeat of machine-1",
    ),
    "every instance in ERROR after the last look": (
        at("ended", "servers", 0, status="ERROR"),
        "survival",
        "instance server-run after the end",
    ),
    "a machine off after the last look": (
        at("ended", "machines", 0, power="off"),
        "survival",
        "machine machine-1 after the end",
    ),
    "DHCP dead since the eleventh second": (
        lines("leases", renewed_early),
        "leases",
        f"lease of {small_cloud.mac(1)}",
    ),
    "Ironic started before the data was moved": (order, "window", "order of phases"),
    "a phase that never started": (
        lines("events", never_started),
        "window",
        "order of phases",
    ),
    "migration.json of another run": (
        at("migration", run_id="run-0"),
        "take-over",
        "run of the migration",
    ),
    "migration.json of another moment": (
        at("migration", started_at="2026-11-01T00:00:00+00:00"),
        "evidence",
        "moment of migration.json",
    ),
    "a row that nobody moved": (
        into(
            "maintenance",
            "rows",
            row={"id": 9, "uuid": "node-left", "instance_uuid": None},
        ),
        "migration",
        "every row of nova_bm accounted for",
    ),
    "a refused row": (
        at("migration", "counts", refuse=1),
        "migration",
        "counts agree",
    ),
    "flavors untouched": (
        at("flavors", "flavors", "flavor-1", new={"cpu_arch": "x86_64"}, set={}),
        "flavors",
        "flavor flavor-1",
    ),
    "no flavor at all": (
        at("flavors", flavors={}),
        "flavors",
        "every class is asked for",
    ),
    "deploy images of flavors empty": (
        bad_flavor(**{"baremetal:deploy_kernel_id": ""}),
        "flavors",
        "flavor flavor-1",
    ),
    "an extra spec dropped": (
        at("flavors", "flavors", "flavor-1", "old", capabilities="x"),
        "flavors",
        "flavor flavor-1",
    ),
    "a flavor that asks for VCPU again": (
        bad_flavor(**{"resources:VCPU": "1"}),
        "flavors",
        "flavor flavor-1",
    ),
    "a net-booted instance's options left": (
        at("dhcp-options", ports={}),
        "DHCP options",
        "each net-booted instance",
    ),
    "another option lost": (
        at("dhcp-options", "ports", "port-1", "old", mtu="1400"),
        "DHCP options",
        "options of port port-1",
    ),
    "one node of another class": (
        at("after", "ironic_nodes", 2, resource_class="baremeta"),
        "survival",
        "ironic node node-free as moved",
    ),
    "owner lost": (
        at("after", "ironic_nodes", 2, owner=None),
        "survival",
        "ironic node node-free as moved",
    ),
    "network interface noop, which nobody binds": (
        at("after", "ironic_nodes", 0, network_interface="noop"),
        "survival",
        "ironic node node-run as moved",
    ),
    "a survivor's port bound elsewhere": (
        at("after", "servers", 0, bindings={"port-1": ["isw0", "normal"]}),
        "survival",
        "port bindings of instance server-run",
    ),
    "driver changed": (
        at("after", "ironic_nodes", 0, driver="fake-hardware"),
        "survival",
        "ironic node node-run as moved",
    ),
    "a node besides": (
        into(
            "after", "ironic_nodes", row={"uuid": "node-9", "network_interface": "noop"}
        ),
        "survival",
        "ironic node node-9",
    ),
    "a node reserved by a dead conductor": (
        at("takeover", "nodes", 0, reservation="gone"),
        "take-over",
        "take-over of node-run",
    ),
    "overcommit": (
        at(
            "after",
            "providers",
            0,
            "inventories",
            small_cloud.CLASS,
            allocation_ratio=2.0,
        ),
        "survival",
        "provider node-run",
    ),
    "scheduler down": (
        service("after", state="down"),
        "maintenance",
        f"service nova-scheduler of {small_cloud.HOST}",
    ),
    "a second service left": (
        into("ended", "services", row={**looks.service("enabled"), "host": "isw-0"}),
        "maintenance",
        "service nova-compute of isw-0",
    ),
    "logs gone": (without_logs, "logs", "logs/nova-api.log"),
    "log cut": (cut_log, "logs", "span of logs/nova-api.log"),
    "an error of a node": (error_of_node, "logs", "no error of a node"),
    "traceback after the window": (traceback_after, "logs", "no traceback"),
    "base driver told as fake": (fake_base, "survival", "base driver"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_move_is_red_by_name(evidence, case):
    forge, subject, check = BROKEN[case]
    forge(evidence)

    assert check in red(evidence).get(subject, [])


def kept_on(directory: Path) -> None:
    """A free machine was on before, and is on after."""
    for name in ("before", "after", "ended", "restarted"):
        at(name, "machines", 2, power="on")(directory)
    for name in ("after", "restarted"):
        at(name, "ironic_nodes", 2, power_state="power on")(directory)
    at("takeover", "nodes", 2, power_state="power on")(directory)


def deadlock(directory: Path) -> None:
    with (directory / "logs" / "nova-conductor.log").open("a") as log:
        for text in (
            "Traceback (most recent call last):",
            "oslo_db.exception.DBDeadlock: try restarting transaction",
        ):
            line = log_files.log_line(BEGIN + 9, text, "DEBUG")
            log.write(line.replace("[-] ", ""))


def two_addresses(directory: Path) -> None:
    both = ["172.30.0.1", "fd00::1"]
    for name in ("before", "after", "ended", "restarted"):
        at(name, "servers", 0, "ports", 0, fixed_ips=both)(directory)
    told_twice.lay_down(directory)


@pytest.mark.parametrize("benign", [kept_on, deadlock, two_addresses])
def test_what_is_benign_is_green(evidence, benign):
    benign(evidence)

    assert red(evidence) == {}
