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

"""The evidence of a move that went well: a running, a stopped and a free node."""

import json
from pathlib import Path

from ironic_sideways.report import operations, verdict
from ironic_sideways.report.subjects import Judged
from ironic_sideways.tests.unit.report import probes, told_twice, upstream
from ironic_sideways.tests.unit.report.small_move import (
    guests,
    log_files,
    looks,
    phases,
    records,
    small_cloud,
    trials,
)
from ironic_sideways.tests.unit.report.small_move.files import (
    Document,
    edit,
    write,
    write_lines,
)
from ironic_sideways.tests.unit.report.small_move.phases import GATHERED, OPERATED
from ironic_sideways.tests.unit.report.small_move.small_cloud import (
    CLASS,
    DISKS,
    FREE,
    mac,
)

#: What this evidence is judged by.
SUBJECTS = [
    name
    for name, subject in verdict.SUBJECTS.items()
    if subject.judged is not Judged.WHEN_ADDED
]


def lay_down(directory: Path) -> None:
    """Write the whole evidence."""
    write_lines(directory / "events.jsonl", phases.phase_events())
    write(directory / "before.json", looks.snapshot(6, {"VCPU": 1}, False, 1))
    after = looks.snapshot(55, {CLASS: 1}, True, 50)
    write(directory / "after.json", {**after, "ironic_nodes": looks.moved_nodes()})
    write(directory / "ended.json", looks.snapshot(65, {CLASS: 1}, False, 60))
    again = looks.snapshot(70, {CLASS: 1}, False, 65)
    write(directory / "restarted.json", {**again, "ironic_nodes": looks.moved_nodes()})
    write(directory / "maintenance.json", records.maintenance())
    write(directory / "flavors.json", records.flavors())
    write(directory / "dhcp-options.json", records.dhcp_options())
    command = {"command": "tools/run_upgrade.sh", "taken_at": GATHERED}
    write(directory / "environment.json", command)
    write(directory / "migration.json", records.migration())
    write(directory / "takeover.json", records.takeover())
    write(directory / "resources.json", records.resources())
    survivor = [{**row, **DISKS} for row in guests.beats(range(1, 80))]
    stopped = guests.beats(range(1, 4), 2, first=phases.BEGIN - 60)
    write_lines(directory / "heartbeat.jsonl", survivor + stopped + guests.booted())
    write_lines(
        directory / "leases.jsonl",
        [
            guests.lease(phases.BEGIN - 50, "add"),
            guests.lease(phases.BEGIN + 10),
            guests.lease(phases.BEGIN + 70),
        ],
    )
    # The prober's last lines are not written yet when the logs are gathered.
    probed = probes.lines(
        phases.BEGIN - 1, GATHERED - 21, (phases.BEGIN, phases.BEGIN + 50)
    )
    write_lines(directory / "api.jsonl", probed)
    first = {"time": phases.BEGIN - 100, "domain": "machine-1", "command": "on"}
    commands = [first, *guests.switched_on()]
    write(directory / "bmc.json", {"commands": commands})
    log_files.logs(directory / "logs")
    names = [f"machine-{number}" for number, *_ in small_cloud.NODES.values()]
    known = [*(f"BMC password of {name}" for name in names), "database-nova"]
    write(directory / "secrets.json", {"sought": known, "hits": [], "too_short": []})
    write(directory / "operations.json", trials.operations())
    row = {"ok": True, "detail": "", "moved_by": ["run-1"]}
    rows = [
        {"name": name, "time": OPERATED + 40 + 0.1 * at, **row}
        for at, name in enumerate(sorted(operations.PROXY), start=1)
    ]
    write(directory / "proxy.json", rows)
    for place, driver in (("tempest-base", "base"), ("tempest", "ironic")):
        write(directory / place / "results.json", trials.tempest_results(driver))
    told_twice.lay_down(directory)
    log_files.switched(directory)
    log_files.bmc_log(directory)
    log_files.processes(directory)
    log_files.asked(directory)
    log_files.phase_logs(directory)
    upstream.lay_down(directory)


def without_instances(directory: Path) -> None:
    """Turn it into that of a base with Nova's plain fake driver: no instance."""

    def empty(document: Document) -> None:
        document.update(base_driver="fake", servers=[])
        document["providers"] = [{"uuid": "fake", "inventories": {}, "allocations": {}}]
        for machine in document["machines"]:
            machine.update(power="off", boot_id=None, last_seq=None)
        for node in document.get("ironic_nodes", []):
            node.update(instance_uuid=None, **FREE)
            node["ports"][0]["vif"] = None

    for name in ("before", "after", "ended", "restarted"):
        edit(directory / f"{name}.json", empty)

    def unlocked(document: Document) -> None:
        document.update(lock=[], locked_before=[], refused=[], permitted=[])
        for row in document["rows"]:
            row["instance_uuid"] = None

    edit(directory / "maintenance.json", unlocked)
    inventory = {CLASS: {"total": 1, "reserved": 0}}
    for name, key, change in (
        ("migration", "rows", {"instance_uuid": None}),
        ("takeover", "nodes", {**FREE, "conductor": None, "online": None}),
        ("resources", "nodes", {"inventories": inventory, "allocations": {}}),
    ):
        document = json.loads((directory / f"{name}.json").read_text())
        for row in document[key]:
            row.update(change)
        write(directory / f"{name}.json", document)
    (new,) = {number for number, *_ in small_cloud.NODES.values() if number > 2}
    mine = [beat for beat in guests.booted() if beat["mac"] == mac(new)]
    write_lines(directory / "heartbeat.jsonl", mine)
    (directory / "leases.jsonl").unlink()
    edit(directory / "bmc.json", lambda d: d["commands"].pop(0))
    edit(directory / "dhcp-options.json", lambda d: d.update(ports={}))
    edit(directory / "operations.json", lambda d: d.__delitem__(slice(1, None)))
    told_twice.lay_down(directory)
    upstream.lay_down(directory)
