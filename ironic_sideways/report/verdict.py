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

"""Evidence directory -> pass or fail, with named reasons.

A function of the directory alone: it can run again later on a job's saved
artifacts. Absent evidence is a failure with the name of what is absent.
"""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ironic_sideways import exceptions
from ironic_sideways.evidence import compare, documents, events, heartbeat
from ironic_sideways.evidence.compare import Check

#: The window's phases, in the specification's order (grenade/upgrade-ironic).
WINDOW = (
    "deploy-ramdisk",
    "ironic-database",
    "begin-maintenance",
    "stop-compute",
    "flavors",
    "migrate",
    "start-ironic",
    "takeover",
    "scheduler",
    "compute",
    "resources",
    "end-maintenance",
)


@dataclasses.dataclass(frozen=True)
class Finding:
    """One line of the ledger, made of the checks of one subject."""

    name: str
    checks: list[Check]
    figure: str

    @property
    def ok(self) -> bool:
        return bool(self.checks) and all(check.ok for check in self.checks)

    @property
    def failures(self) -> list[Check]:
        return [check for check in self.checks if not check.ok]


def phases(directory: Path) -> dict[str, dict[str, Any]]:
    """The last event of each phase, by name; those that failed before included."""
    found = {}
    for event in events.read(directory / "events.jsonl"):
        if event["kind"] == "phase" and event["result"] != "started":
            found[event["name"]] = event
    return found


def window_bounds(directory: Path) -> tuple[float, float]:
    """When maintenance began and ended: seconds since the epoch.

    :raises SidewaysError: no such events.
    """
    begin = end = None
    for event in events.read(directory / "events.jsonl"):
        key = (event.get("name"), event.get("result"))
        if key == ("begin-maintenance", "started") and begin is None:
            begin = event["time"]
        if key == ("end-maintenance", "ok"):
            end = event["time"]
    if begin is None or end is None:
        raise exceptions.SidewaysError(
            "events.jsonl: maintenance did not begin and end"
        )
    return begin, end


def check_phases(directory: Path) -> Finding:
    found = phases(directory)
    checks = []
    for name in WINDOW:
        event = found.get(name, {"result": "never ran", "figure": ""})
        ok = event["result"] == "ok"
        checks.append(Check(f"phase {name}", ok, event["figure"] or event["result"]))
    begin, end = window_bounds(directory)
    return Finding("window", checks, f"maintenance took {end - begin:.0f} s")


def check_survival(directory: Path) -> Finding:
    before = documents.read(directory / "before.json")
    after = documents.read(directory / "after.json")
    checks = compare.compare(before, after)
    figure = f"{len(before['servers'])} instances, {len(before['machines'])} machines"
    return Finding("survival", checks, figure)


def check_migration(directory: Path) -> Finding:
    document = documents.read(directory / "migration.json")
    counts = document["counts"]
    # A run that is resumed finds its own rows: present, and verified again.
    moved = counts["written"] + counts["present"]
    whole = counts["planned"] == counts["written"] and moved == counts["verified"] > 0
    text = ", ".join(
        f"{name} {counts[name]}" for name in ("read", "written", "present", "verified")
    )
    return Finding("migration", [Check("counts agree", whole, text)], text)


def check_takeover(directory: Path) -> Finding:
    document = documents.read(directory / "takeover.json")
    checks = [
        Check(
            f"take-over of {node['uuid']}",
            node["power_state"] is not None
            and (node["provision_state"] != "active" or bool(node["conductor"])),
            f"conductor {node['conductor']}, power {node['power_state']}",
        )
        for node in document["nodes"]
    ]
    checks += [Check("no machine acted on", False, x) for x in document["forbidden"]]
    return Finding("take-over", checks, f"{len(document['nodes'])} nodes")


def check_resources(directory: Path) -> Finding:
    document = documents.read(directory / "resources.json")
    wanted = document["resource_class"]
    checks = []
    for node in document["nodes"]:
        holders = {node["instance"]: {wanted: 1}} if node["instance"] else {}
        ok = set(node["inventories"]) == {wanted} and node["allocations"] == holders
        detail = f"{sorted(node['inventories'])}, held by {sorted(node['allocations'])}"
        checks.append(Check(f"resources of {node['uuid']}", ok, detail))
    figure = f"{len(checks)} nodes as {wanted}"
    driver = document["loaded"]["driver"]
    checks.append(Check("driver", driver == "ironic.IronicDriver", driver))
    return Finding("resources", checks, figure)


def check_heartbeats(directory: Path) -> Finding:
    """No sequence number missing, and every survivor beats through the window."""
    begin, end = window_bounds(directory)
    streams = heartbeat.streams(heartbeat.read(directory / "heartbeat.jsonl"))
    by_boot = {(stream.mac, stream.boot_id): stream for stream in streams}
    checks = []
    for machine in documents.read(directory / "before.json")["machines"]:
        if machine["power"] != "on":
            continue
        name = f"heartbeat of {machine['name']}"
        stream = by_boot.get((machine["mac"], machine["boot_id"]))
        if stream is None:
            checks.append(Check(name, False, "never heard"))
        elif stream.last_time < end or stream.first_time > begin:
            detail = f"heard {stream.first_time:.0f} to {stream.last_time:.0f} only"
            checks.append(Check(name, False, f"{detail}, window {begin:.0f}-{end:.0f}"))
        else:
            detail = f"longest silence {stream.longest_silence:.1f} s"
            checks.append(Check(name, True, detail))
    lost = heartbeat.lost(streams)
    checks.append(Check("no heartbeat lost", lost == 0, f"{lost} lost"))
    figure = f"{len(checks) - 1} machines beat through the window, {lost} lost"
    return Finding("heartbeats", checks, figure)


def check_bmc(directory: Path) -> Finding:
    """No power command reached a BMC between start and end of maintenance."""
    begin, end = window_bounds(directory)
    commands = documents.read(directory / "bmc.json")["commands"]
    during = [c for c in commands if begin <= c["time"] <= end]
    checks = [
        Check(f"power of {c['domain']}", False, f"power {c['command']} in the window")
        for c in during
    ]
    # The log is evidence only if it holds the commands that came before and after.
    heard = Check("BMC log heard", bool(commands), f"{len(commands)} power commands")
    figure = f"power commands in the window: {len(during)}, in all: {len(commands)}"
    return Finding("BMCs", [heard, *checks], figure)


def check_operations(directory: Path) -> Finding:
    found = documents.read(directory / "operations.json")
    checks = [Check(o["name"], o["ok"], o["detail"]) for o in found]
    return Finding("operations", checks, ", ".join(o["name"] for o in found))


def check_tempest(directory: Path) -> Finding:
    document = documents.read(directory / "tempest" / "results.json")
    counts = document["counts"]
    checks = [
        Check(test["name"], False, test["reason"])
        for test in document["tests"]
        if test["outcome"] == "failed"
    ]
    checks.append(Check("tests ran", counts["passed"] > 0, str(counts)))
    figure = ", ".join(f"{number} {name}" for name, number in counts.items())
    return Finding("tempest", checks, figure)


SUBJECTS: dict[str, Callable[[Path], Finding]] = {
    "window": check_phases,
    "migration": check_migration,
    "take-over": check_takeover,
    "resources": check_resources,
    "survival": check_survival,
    "heartbeats": check_heartbeats,
    "BMCs": check_bmc,
    "operations": check_operations,
    "tempest": check_tempest,
}


def verdict(directory: Path, without: tuple[str, ...] = ()) -> list[Finding]:
    """One finding a subject; evidence that is absent or malformed is a failure.

    :param without: subjects that the run was told to leave out.
    """
    findings = []
    for name, check in SUBJECTS.items():
        if name in without:
            continue
        try:
            findings.append(check(directory))
        except exceptions.SidewaysError as error:
            findings.append(broken(name, str(error)))
        except FileNotFoundError as error:
            findings.append(broken(name, f"evidence {error.filename}: absent"))
        except (KeyError, TypeError, ValueError) as error:
            text = f"evidence is malformed: {type(error).__name__} {error}"
            findings.append(broken(name, text))
    return findings


def heartbeat_figure(directory: Path) -> str:
    """The line that a person looks for: missing sequence numbers, all machines."""
    path = directory / "heartbeat.jsonl"
    if not path.exists():
        return "heartbeats lost: unknown, there is no heartbeat.jsonl"
    return f"heartbeats lost: {heartbeat.lost(heartbeat.streams(heartbeat.read(path)))}"


def memory_figure(directory: Path) -> str:
    """The most memory that the machine had in use at any event."""
    found = [
        event["memory_used_mb"] for event in events.read(directory / "events.jsonl")
    ]
    return f"at most {max(found)} MiB of the machine's in use" if found else "unknown"


def broken(name: str, why: str) -> Finding:
    return Finding(name, [Check(f"evidence of {name}", False, why)], why)
