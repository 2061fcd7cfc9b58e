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

"""The maintenance window in time: its phases, heartbeats and power commands."""

import dataclasses
import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from ironic_sideways import exceptions
from ironic_sideways.evidence import compare, documents, events, heartbeat, leases
from ironic_sideways.evidence.compare import Check
from ironic_sideways.report import places
from ironic_sideways.report.findings import Finding, clock

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

#: Seconds between two heartbeats of a survivor, at most, from the begin of maintenance
#: until it is operated on itself. It sends one a second; one that was resent is late.
SILENCE = 5.0

#: The instances are looked at once more when maintenance is over.
PHASES = (*WINDOW, "verify")

#: The phases that operate on machines that their evidence names.
OPERATING = ("operate", "deploys")


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


def phases(directory: Path) -> dict[str, dict[str, Any]]:
    """The last event of each phase, by name; those that failed before included."""
    found = {}
    for event in events.read(directory / "events.jsonl"):
        if event["kind"] == "phase" and event["result"] != "started":
            found[event["name"]] = event
    return found


def tries(directory: Path) -> dict[str, list[tuple[float, float]]]:
    """When each try of each phase began and ended; one that was killed never did."""
    found: dict[str, list[tuple[float, float]]] = {}
    begun: dict[str, float] = {}
    for event in events.read(directory / "events.jsonl"):
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
    begin = end = operated = gathered = None
    time = reached = 0.0
    path = directory / "events.jsonl"
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
            case "operate" | "tempest", "started" if end and operated is None:
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
    others = [
        name for name in found.keys() - {*PHASES} if found[name]["result"] != "ok"
    ]
    others.sort(key=lambda name: float(found[name]["time"]))
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


def silence(stream: heartbeat.Stream, begin: float, end: float) -> tuple[float, float]:
    """The longest time without a beat between two moments, as two moments."""
    heard = [begin, *(t for t in stream.times if begin < t < end), end]
    return max(itertools.pairwise(heard), key=lambda pair: pair[1] - pair[0])


def unsteady(
    machine: dict[str, Any],
    server: dict[str, Any] | None,
    streams: list[heartbeat.Stream],
    window: Bounds,
    until: float,
) -> str:
    """Why ``machine`` did not run through ``window``; empty when it did.

    :param server: the instance on it, whose addresses the beats must carry.
    :param streams: the machine's, one a boot.
    :param until: when it was operated on itself, seconds since the epoch.
    """
    stream = next((s for s in streams if s.boot_id == machine["boot_id"]), None)
    if stream is None:
        return "no heartbeat was ever received"
    if stream.last_time < window.end or stream.first_time > window.begin:
        return (
            f"heartbeats only from {clock(stream.first_time)} to "
            f"{clock(stream.last_time)}, window {clock(window.begin)} to "
            f"{clock(window.end)} UTC"
        )
    for other in streams:
        if window.begin <= other.first_time < until:
            return f"rebooted: boot id {other.boot_id}"
    begin, end = silence(stream, window.begin, until)
    if end - begin > SILENCE:
        return (
            f"silent for {end - begin:.0f} s from {clock(begin)} UTC on,"
            f" allowed are {SILENCE:g} s"
        )
    if server:
        ports = [port for port in server["ports"] if port["mac"] == machine["mac"]]
        fixed_ips = sorted(ip for port in ports for ip in port["fixed_ips"])
        # A guest with an IPv6 address besides sends from one of them.
        if not set(stream.ips) <= set(fixed_ips):
            return f"heartbeats came from {sorted(stream.ips)}, fixed IPs: {fixed_ips}"
    return ""


def own_operations(directory: Path, window: Bounds) -> Callable[[str], float]:
    """Until when a machine, by its name, must run: it is switched on purpose then.

    One that nobody switches runs on until the logs are gathered.
    """
    try:
        commands = documents.read(directory / "bmc.json")["commands"]
    except exceptions.EvidenceAbsent:
        # The BMCs' own subject says so.
        return lambda name: window.operated
    found: dict[str, float] = {}
    for command in commands:
        if command["time"] >= window.operated:
            found.setdefault(command["domain"], command["time"])
    return lambda name: found.get(name, window.gathered)


def each_machine(
    before: dict[str, Any],
    streams: list[heartbeat.Stream],
    window: Bounds,
    until: Callable[[str], float],
) -> Iterator[Check]:
    """One that ran sends heartbeats throughout; one that was off sends none.

    :param until: of a machine's name, as :func:`own_operations` tells.
    """
    servers = {server["node"]: server for server in before["servers"]}
    for machine in before["machines"]:
        mine = [stream for stream in streams if stream.mac in machine["macs"]]
        server = servers.get(machine["uuid"])
        if machine["power"] == "on" and server is None:
            # Nobody's system: what it was, it may stay (survival compares).
            continue
        end = until(machine["name"])
        if server and "on" in (machine["power"], compare.POWER.get(server["status"])):
            wrong = unsteady(machine, server, mine, window, end)
            yield Check(f"heartbeat of {machine['name']}", not wrong, wrong)
        else:
            heard = any(
                stream.first_time < end and stream.last_time > window.begin
                for stream in mine
            )
            detail = "was off, but sent heartbeats in the window" if heard else "silent"
            yield Check(f"silence of {machine['name']}", not heard, detail)


def place_of_loss(directory: Path, streams: list[heartbeat.Stream]) -> str:
    """The line of the first beat that was kept after one that was lost."""
    name = "heartbeat.jsonl"
    gaps = {(s.mac, s.boot_id): s.missing[0] for s in streams if s.missing}
    for number, line in enumerate(places.lines(directory / name), start=1):
        for beat in heartbeat.parse([line]):
            gap = gaps.get((beat.mac, beat.boot_id))
            if gap is not None and beat.seq > gap:
                return f"{name}:{number}"
    return f"{name}:1"


def check_heartbeats(directory: Path) -> Finding:
    """No sequence number is missing, and every survivor is heard throughout."""
    before = documents.read(directory / "before.json")
    streams = heartbeat.streams(heartbeat.read(directory / "heartbeat.jsonl"))
    window = bounds(directory)
    until = own_operations(directory, window)
    checks = list(each_machine(before, streams, window, until))
    beating = sum(check.ok and check.name.startswith("heart") for check in checks)
    if before["base_driver"] != "fake":
        checks.append(
            Check("a survivor sends heartbeats", beating > 0, f"{beating} do")
        )
    lost = heartbeat.lost(streams)
    where = place_of_loss(directory, streams) if lost else ""
    checks.append(Check("no heartbeat lost", lost == 0, f"{lost} lost", where=where))
    figure = f"{beating} machines sent heartbeats throughout the window, {lost} lost"
    return Finding("heartbeats", checks, figure, nothing=not beating)


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


def running_ports(directory: Path) -> list[dict[str, Any]]:
    """The ports of the instances that ran before."""
    return [
        port
        for server in documents.read(directory / "before.json")["servers"]
        for port in (server["ports"] if server["status"] == "ACTIVE" else ())
    ]


def served_since(directory: Path) -> float:
    """When Neutron's DHCP served what Ironic told it: the end of ``dhcp-options``.

    A renewal before proves the old cloud's DHCP alone.

    :raises EvidenceAbsent: that phase never ended well.
    """
    path = directory / "events.jsonl"
    event = phases(directory).get("dhcp-options")
    if event is None or event["result"] != "ok":
        raise exceptions.EvidenceAbsent(path, "phase dhcp-options never ended well")
    return float(event["time"])


def without_renewal(directory: Path, end: float) -> dict[str, str]:
    """Survivors that ran and did not renew their lease: MAC -> why.

    :param end: seconds since the epoch; counted is from when Ironic's DHCP serves.
    """
    ports = running_ports(directory)
    if not ports:
        return {}
    begin = served_since(directory)
    found = leases.read(directory / "leases.jsonl")
    wrong = {}
    for port in ports:
        ip = leases.renewed(found, port["mac"], begin, end)
        if ip not in port["fixed_ips"]:
            since = f"renewed {ip} since {clock(begin)} UTC"
            wrong[port["mac"]] = f"{since}, fixed IPs {port['fixed_ips']}"
    return wrong


def check_leases(directory: Path) -> Finding:
    """Every running survivor renewed its fixed IP before it was operated on."""
    window = bounds(directory)
    wrong = without_renewal(directory, window.operated)
    # The run waits for renewals once maintenance has ended.
    checks = [
        Check(f"lease of {mac}", False, why, absent=not window.ended)
        for mac, why in wrong.items()
    ]
    number = len(running_ports(directory))
    figure = f"{number - len(wrong)} of {number} running survivors renewed their lease"
    checks.insert(0, Check("leases.jsonl", True, figure))
    return Finding("leases", checks, figure, nothing=not number)
