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

"""The maintenance window in time: its phases, and power commands to the BMCs."""

import dataclasses
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ironic_sideways import exceptions
from ironic_sideways.evidence import documents, events
from ironic_sideways.evidence.compare import Check
from ironic_sideways.report import places
from ironic_sideways.report.findings import Finding

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
    "dhcp-options",
    "port-bindings",
    "scheduler",
    "compute",
    "resources",
    "end-maintenance",
)

#: The instances are looked at once more when maintenance is over.
PHASES = (*WINDOW, "verify")

#: The phases that operate on machines that their evidence names.
OPERATING = ("operate", "fail-over", "deploys")


@dataclasses.dataclass(frozen=True)
class Bounds:
    """Moments of a run, seconds since the epoch.

    :param end: when maintenance ended; where it did not, when its last phase began.
    :param operated: when machines were first switched on purpose after the
        move; the last event's time when they never were.
    :param gathered: when the logs were gathered, or else the last phase's event.
    :param ended: whether maintenance came to its end.
    """

    begin: float
    end: float
    operated: float
    gathered: float
    ended: bool = True


def of_one_host(directory: Path) -> bool:
    """Whether other hosts, with machines of theirs, have windows of their own.

    What runs all the time, and is shared, tells of all of them (grenade/hosts.sh).
    """
    return directory.resolve().parent.name == "increments"


def phases(directory: Path) -> dict[str, dict[str, Any]]:
    """The last event of each phase, by name; those that failed before included."""
    return documents.once(directory / "events.jsonl", _phases)


def _phases(path: Path) -> dict[str, dict[str, Any]]:
    found = {}
    for event in events.read(path):
        if event["kind"] == "phase" and event["result"] != "started":
            found[event["name"]] = event
    return found


def tries(directory: Path) -> dict[str, list[tuple[float, float]]]:
    """When each try of each phase began and ended; one that was killed never did."""
    return documents.once(directory / "events.jsonl", _tries)


def _tries(path: Path) -> dict[str, list[tuple[float, float]]]:
    found: dict[str, list[tuple[float, float]]] = {}
    begun: dict[str, float] = {}
    for event in events.read(path):
        if event["kind"] != "phase":
            continue
        name, time = event["name"], event["time"]
        if event["result"] == "started":
            begun[name] = time
        elif name in begun:
            found.setdefault(name, []).append((begun.pop(name), time))
    for name, time in begun.items():
        found.setdefault(name, []).append((time, float("inf")))
    return found


def lasting(
    tries: dict[str, list[tuple[float, float]]], name: str
) -> list[tuple[float, float]]:
    """The tries of a phase since it was last undone."""
    undone = tries.get(f"undo-{name}", [(0.0, 0.0)])[-1][0]
    return [span for span in tries.get(name, []) if span[0] >= undone]


def check_order(directory: Path) -> Check:
    """Each phase of the window began after the last one before it had ended.

    None was undone and not done again.
    """
    found = tries(directory)
    wrong = [
        f"{name} began before {earlier} had ended"
        for earlier, name in itertools.pairwise(PHASES)
        if earlier in found
        and name in found
        and found[name][-1][0] < found[earlier][-1][1]
    ]
    done = {name: event["time"] for name, event in phases(directory).items()}
    wrong += [
        f"{name} was undone"
        for name in PHASES
        if name in done and done.get(f"undo-{name}", 0.0) > done[name]
    ]
    wrong += [
        f"{name} has an end and no begin"
        for name in phases(directory).keys() & {*PHASES} - found.keys()
    ]
    return Check("order of phases", not wrong, "; ".join(wrong))


def bounds(directory: Path) -> Bounds:
    """When maintenance began and ended, and when machines were next switched.

    A maintenance that was rolled back counts for nothing.

    :raises EvidenceAbsent: maintenance never began.
    """
    return documents.once(directory / "events.jsonl", _bounds)


def _bounds(path: Path) -> Bounds:
    begin = end = operated = gathered = None
    time = reached = 0.0
    for event in events.read(path):
        if event["kind"] != "phase":
            continue
        time = event["time"]
        name, result = event.get("name"), event.get("result")
        if name in WINDOW and result == "started":
            reached = time
        match name, result:
            case "begin-maintenance", "started" if begin is None:
                begin = time
            case "undo-begin-maintenance", "ok":
                begin = None
            case "end-maintenance", "ok":
                end = time
            case "operate" | "switch" | "tempest", "started":
                if end and operated is None:
                    operated = time
            case "collect", "started":
                gathered = time
    if begin is None:
        raise exceptions.EvidenceAbsent(path, "it records no start of maintenance")
    if end is None:
        last = max(reached, time)
        return Bounds(begin, reached, last, last, ended=False)
    return Bounds(begin, end, operated or time, gathered or time)


def check_phases(directory: Path) -> Finding:
    """Every phase ended well, whatever its earlier tries did.

    Those outside of the window that failed come first: they kept it from its start.
    """
    found, begun = phases(directory), tries(directory)
    failed = {name for name, event in found.items() if event["result"] != "ok"}
    killed = {name for name, spans in begun.items() if spans[-1][1] == float("inf")}
    others = [*(failed | killed) - {*PHASES}]
    ends = {name: float(event["time"]) for name, event in found.items()}
    others.sort(key=lambda name: begun[name][-1][0] if name in begun else ends[name])
    checks = [
        check_phase(directory, name, found.get(name), begun.get(name, []))
        for name in (*others, *PHASES)
    ]
    checks.append(check_order(directory))
    try:
        window = bounds(directory)
    except exceptions.EvidenceAbsent:
        return Finding("window", checks, "maintenance never began")
    took = f"maintenance took {window.end - window.begin:.0f} s"
    return Finding(
        "window", checks, took if window.ended else "maintenance never ended"
    )


def check_phase(
    directory: Path,
    name: str,
    event: dict[str, Any] | None,
    begun: list[tuple[float, float]],
) -> Check:
    """:param event: the phase's last end; None when it never came to one.

    :param begun: its tries.
    """
    if begun and begun[-1][1] == float("inf"):
        where = places.last_line(directory, f"phases/{name}.log")
        return Check(f"phase {name}", False, "was begun, not ended", where=where)
    if event is None:
        return Check(f"phase {name}", False, "never ran", absent=True)
    ok = event["result"] == "ok"
    where = "" if ok else places.last_line(directory, f"phases/{name}.log")
    detail = event["figure"] or event["result"]
    return Check(f"phase {name}", ok, detail, where=where)


def check_bmc(directory: Path) -> Finding:
    """No power command reached a BMC from the start until machines were operated."""
    window = bounds(directory)
    base_driver = documents.read(directory / "before.json")["base_driver"]
    commands = documents.read(directory / "bmc.json")["commands"]
    during = [c for c in commands if window.begin <= c["time"] <= window.operated]
    # The log is evidence only if it holds the commands that came before and after.
    earlier = sum(c["time"] < window.begin for c in commands)
    later = sum(c["time"] > window.operated for c in commands)
    # Nobody switches a machine under the plain fake driver.
    heard = later > 0 and (earlier > 0 or base_driver == "fake")
    checks = [
        Check(
            "BMC log is complete",
            heard,
            f"{earlier} commands before, {later} after",
            # Before maintenance has ended nobody may have switched a machine.
            absent=not window.ended,
        ),
        *(
            Check(f"power of {c['domain']}", False, f"power {c['command']} in window")
            for c in during
        ),
    ]
    checks += on_bystanders(directory, commands, window)
    figure = f"power commands in the window: {len(during)}, in all: {len(commands)}"
    return Finding("BMCs", checks, figure)


def operated_on(operations: list[dict[str, Any]], nodes: dict[str, str]) -> set[str]:
    """The nodes that operations are on.

    :param nodes: of each instance before, by its uuid.
    """
    operated: set[str] = set()
    for operation in operations:
        record = operation.get("deploy") or operation.get("clean") or {}
        operated |= {*(operation.get("allocation") or ())}
        named = operation.get("node"), record.get("node")
        operated |= {node for node in named if node}
        operated |= {
            nodes[uuid] for uuid in (operation.get("instance"),) if uuid in nodes
        }
    return operated


def on_bystanders(
    directory: Path, commands: list[dict[str, Any]], window: Bounds
) -> Iterator[Check]:
    """No command reaches a machine that no operation is on, while others are operated.

    Nor one of a survivor later on: what is deployed then is on free nodes.
    """
    try:
        operations = documents.read(directory / "operations.json")
    except exceptions.EvidenceAbsent:
        # The operations' own subject says so, unless they were left out.
        return
    before = documents.read(directory / "before.json")
    nodes = {server["uuid"]: server["node"] for server in before["servers"]}
    operated = operated_on(operations, nodes)
    names = {m["name"]: m["uuid"] for m in before.get("machines", ())}
    end = max(
        (phases(directory).get(name, {}).get("time", 0.0) for name in OPERATING),
        default=0.0,
    )
    touched = {
        command["domain"]
        for command in commands
        if window.operated < command["time"]
        and (node := names.get(command["domain"])) not in operated
        and (command["time"] < end or node in nodes.values())
    }
    detail = f"of {len(operated)} nodes"
    if not touched:
        yield Check("power of bystanders", True, detail)
    for domain in sorted(touched):
        wrong = "got a power command, but no operation was on it"
        yield Check(f"power of {domain}", False, wrong)
