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

"""What two documents tell of one thing agrees: what is recorded twice is judged twice.

Grouped, one check a document; a document that is absent is missed by its own subject.
"""

import collections
import datetime
import ipaddress
import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from ironic_sideways import exceptions, resource_class
from ironic_sideways.evidence import compare, documents, heartbeat, leases, migration
from ironic_sideways.report import deploys, window
from ironic_sideways.report.findings import Finding, clock, in_one

Document = dict[str, Any]

#: Seconds, on a busy machine, between what happens and the program that tells of it.
TICK = 15.0

#: Steps that are told once they are over.
UNTOLD = ("prepare",)

#: Seconds that a guest's clock of sequence numbers may stand between two beats: until
#: one is acknowledged the next is not sent.
UNACKNOWLEDGED = 120.0


def snapshots(directory: Path) -> Iterator[tuple[str, Document]]:
    for name in ("before.json", "after.json", "ended.json"):
        if (directory / name).exists():
            yield name, documents.read(directory / name)


def workload(directory: Path, before: Document) -> Iterator[str]:
    """The instances that must survive are in before.json what they are here."""
    servers = compare.by(before["servers"], "uuid")
    machines = {machine["mac"]: machine for machine in before["machines"]}
    told_of = documents.read(directory / "workload.json")["servers"]
    if wrong := compare.mismatch(servers, [wanted["uuid"] for wanted in told_of]):
        yield wrong
    for wanted in told_of:
        server = servers.get(wanted["uuid"])
        if server is None:
            continue
        ports = [port for port in server["ports"] if port["mac"] == wanted["mac"]]
        found = {
            **{key: server[key] for key in ("name", "status")},
            "port": ports[0]["id"] if ports else None,
            "fixed_ips": ports[0]["fixed_ips"] if ports else None,
            "boot_id": machines.get(wanted["mac"], {}).get("boot_id"),
        }
        if wrong := compare.differences(wanted, found, found):
            yield f"{wanted['uuid']}: {wrong}"


def workload_boots(directory: Path, before: Document) -> Iterator[str]:
    """How each instance boots is what migration.json and its own heartbeats tell."""
    boots = {
        row["instance_uuid"]: row["boot"]
        for row in migration.rows(directory / "migration.json")
    }
    streams = heartbeat.streams(heartbeat.read(directory / "heartbeat.jsonl"))
    roots = {(stream.mac, stream.boot_id): stream.root for stream in streams}
    for wanted in documents.read(directory / "workload.json")["servers"]:
        root = roots.get((wanted["mac"], wanted["boot_id"]))
        found = {"boot": boots.get(wanted["uuid"]), "root": root}
        if wrong := compare.differences(wanted, found, found):
            yield f"{wanted['uuid']}: {wrong}"


def allocations(directory: Path, before: Document) -> Iterator[str]:
    """What each provider held is what before.json saw, and its owner the server's."""
    document = documents.read(directory / "allocations.json")
    providers = compare.by(before["providers"], "uuid")
    servers = compare.by(before["servers"], "uuid")
    classes = migration.classes(directory / "migration.json")
    names = {u: resource_class.normalise(name) for u, name in classes.items()}
    if wrong := compare.mismatch(providers.keys() & names.keys(), document["nodes"]):
        yield f"nodes: {wrong}"
    if beside := set(document["new_classes"]) - set(names.values()):
        yield f"new classes that no node has: {sorted(beside)}"
    for uuid in providers.keys() & document["nodes"].keys():
        node = document["nodes"][uuid]
        wanted = {
            "resource_class": names.get(uuid),
            "inventories": providers[uuid]["inventories"],
            "allocations": {
                consumer: {
                    "resources": held,
                    **{
                        key: servers.get(consumer, {}).get(key)
                        for key in ("project_id", "user_id")
                    },
                }
                for consumer, held in providers[uuid]["allocations"].items()
            },
        }
        if wrong := compare.differences(wanted, node, wanted):
            yield f"{uuid}: {wrong}"


def port_bindings(directory: Path, before: Document) -> Iterator[str]:
    """The old binding of each port is the one that before.json saw."""
    found = documents.read(directory / "port-bindings.json")["ports"]
    wanted = {
        port["id"]: {
            "instance": server["uuid"],
            "node": server["node"],
            "old": dict(
                zip(
                    ("host_id", "vnic_type"),
                    server["bindings"].get(port["id"], ()),
                    strict=False,
                )
            ),
        }
        for server in before["servers"]
        for port in server["ports"]
    }
    if wrong := compare.mismatch(wanted, found):
        yield wrong
    for uuid in wanted.keys() & found.keys():
        if wrong := compare.differences(wanted[uuid], found[uuid], wanted[uuid]):
            yield f"{uuid}: {wrong}"


def takeover(directory: Path, before: Document) -> Iterator[str]:
    """Each node is in after.json as the take-over left it."""
    if not (directory / "after.json").exists():
        return
    after = documents.read(directory / "after.json").get("ironic_nodes", ())
    now = compare.by(after, "uuid")
    fields = ("instance_uuid", "driver", "bmc", "ports", "power_state", "maintenance")
    for node in documents.read(directory / "takeover.json")["nodes"]:
        told = [field for field in fields if field in node]
        if node["uuid"] not in now:
            continue
        if wrong := compare.differences(node, now[node["uuid"]], told):
            yield f"{node['uuid']}: {wrong}"


def resources(directory: Path, before: Document) -> Iterator[str]:
    """Each node is in after.json as nova-compute reported it."""
    document = documents.read(directory / "resources.json")
    if document["loaded"] != document["told"]:
        yield f"loaded {document['loaded']}, configured {document['told']}"
    classes = {name for node in document["nodes"] for name in node["inventories"]}
    if wrong := compare.mismatch(classes, document["resource_classes"]):
        yield f"resource_classes: {wrong}"
    if not (directory / "after.json").exists():
        return
    after = documents.read(directory / "after.json")
    now = compare.by(after["providers"], "uuid")
    holders = {server["node"]: server["uuid"] for server in after["servers"]}
    for node in document["nodes"]:
        uuid = node["uuid"]
        if uuid not in now:
            continue
        wanted = {**now[uuid], "instance": holders.get(uuid)}
        told = {key: wanted[key] for key in wanted if key in node}
        if wrong := compare.differences(told, node, told):
            yield f"{uuid}: {wrong}"


def rows(directory: Path, before: Document) -> Iterator[str]:
    """Each row's ports, architecture and host, and what the tool counted."""
    document = documents.read(directory / "migration.json")
    ports = {s["uuid"]: [port["id"] for port in s["ports"]] for s in before["servers"]}
    hosts = {one["host"] for one in before["services"]}
    options = document["options"]
    for row in document["rows"]:
        vifs = sorted(ports.get(row["instance_uuid"], ()))
        if "vifs" in row and sorted(row["vifs"]) != vifs:
            yield f"row {row['bm_node_id']}: VIFs {row['vifs']}, before {vifs}"
        host = row.get("service_host")
        if "service_host" in row and host not in hosts:
            yield f"row {row['bm_node_id']}: host {host} is none of {sorted(hosts)}"
        for key in ("architectures", "capabilities"):
            if key in options and host not in options[key]:
                yield f"options: {key} of {host}: none"
        for key, value in options.get("capabilities", {}).get(host, {}).items():
            if f"{key}:{value}" not in row["capabilities"].split(","):
                yield f"row {row['bm_node_id']}: {row['capabilities']}, not {key}"
        archs = options.get("architectures", {})
        if "cpu_arch" in row and row["cpu_arch"] != archs.get(
            host, options.get("node_arch")
        ):
            yield f"row {row['bm_node_id']}: architecture {row['cpu_arch']}"
    counts = document["counts"]
    told = {
        "migrate": sum(row["outcome"] == "migrate" for row in document["rows"]),
        "skip": sum(row["outcome"] == "skip" for row in document["rows"]),
        "present": sum(row["outcome"] == "present" for row in document["rows"]),
        "refuse": sum(row["outcome"] == "refuse" for row in document["rows"]),
        "interfaces_skipped": sum(
            len(row.get("interfaces_skipped", ())) for row in document["rows"]
        ),
        "ports_written": sum(
            len(row.get("interfaces", ()))
            for row in document["rows"]
            if row["outcome"] == "migrate"
        ),
    }
    told = {key: value for key, value in told.items() if key in counts}
    if wrong := compare.differences(told, counts, told):
        yield f"counts: {wrong}"
    for name, table in document.get("tables", {}).items():
        parts = ("to_write", "moved_before", "skipped", "refused")
        if table["read"] != sum(table[part] for part in parts):
            yield f"tables: {name}: {table}"
    if "tables" in document:
        nodes = document["tables"]["bm_nodes"]
        wanted = (counts["read"], counts["migrate"], counts["present"], counts["skip"])
        found = tuple(
            nodes[key] for key in ("read", "to_write", "moved_before", "skipped")
        )
        if wanted != found:
            yield f"tables: bm_nodes: {nodes}, counts {counts}"
        cards = sum(len(row.get("interfaces", ())) for row in document["rows"])
        if document["tables"]["bm_interfaces"]["to_write"] != counts["ports_written"]:
            yield f"tables: bm_interfaces: {cards} interfaces of the rows"


def sequences(directory: Path, before: Document) -> Iterator[str]:
    """Each snapshot's last sequence number is one that a heartbeat had in its phase."""
    spans = [span for found in window.tries(directory).values() for span in found]
    streams = heartbeat.streams(heartbeat.read(directory / "heartbeat.jsonl"))
    found = {(stream.mac, stream.boot_id): stream for stream in streams}
    for name, snapshot in snapshots(directory):
        taken = snapshot["taken_at"]
        until = min(
            (end for begin, end in spans if begin <= taken <= end), default=taken
        )
        for machine in snapshot["machines"]:
            stream = found.get((machine["mac"], machine["boot_id"]))
            if stream is None:
                if machine["boot_id"] or machine["last_seq"] is not None:
                    yield f"{name}: {machine['name']}: no such heartbeats"
                continue
            last = machine["last_seq"]
            least = stream.first_seq - 1 + sum(t <= taken for t in stream.times)
            most = stream.first_seq - 1 + sum(t <= until for t in stream.times)
            if last is None or not least <= last <= most:
                yield (
                    f"{name}: {machine['name']}: sequence {last}, its heartbeats had"
                    f" {least} to {most} then"
                )


def machines(directory: Path, before: Document) -> Iterator[str]:
    """A machine's name and BMC do not change."""
    then = compare.by(before["machines"], "uuid")
    if wrong := compare.mismatch(compare.nodes(before), then):
        yield f"before.json: machines: {wrong}"
    for name, snapshot in snapshots(directory):
        for machine in snapshot["machines"]:
            fields = then.get(machine["uuid"], {}).keys() & {"name", "bmc"}
            if fields and (
                wrong := compare.differences(then[machine["uuid"]], machine, fields)
            ):
                yield f"{name}: {machine['uuid']}: {wrong}"


def providers(directory: Path, before: Document) -> Iterator[str]:
    """A provider's name does not change."""
    names = {p["uuid"]: p.get("name") for p in before["providers"]}
    for name, snapshot in snapshots(directory):
        for one in snapshot["providers"]:
            if one["uuid"] in names and one.get("name") != names[one["uuid"]]:
                yield f"{name}: provider {one['uuid']}: name {one.get('name')}"


def beats(directory: Path, before: Document) -> Iterator[str]:
    """One boot's heartbeats count from 1, in order, from one address and one root."""
    found: dict[tuple[str, str], list[heartbeat.Beat]] = {}
    for beat in heartbeat.read(directory / "heartbeat.jsonl"):
        found.setdefault((beat.mac, beat.boot_id), []).append(beat)
    for (mac, boot_id), stream in found.items():
        name = f"{mac} under boot id {boot_id}"
        if min(beat.seq for beat in stream) != 1:
            yield f"{name}: the first heartbeat is {min(b.seq for b in stream)}"
        for what in ("root", "image"):
            told = {getattr(beat, what) for beat in stream}
            if len(told) > 1:
                yield f"{name}: {what} {sorted(map(str, told))}"
        families: dict[bool, set[str]] = {}
        for beat in stream:
            families.setdefault(":" in beat.ip, set()).add(beat.ip)
        for ips in families.values():
            if len(ips) > 1:
                yield f"{name}: sent from {sorted(ips)}"
        heard: set[int] = set()
        for beat in stream:
            if beat.again != (beat.seq in heard):
                yield f"{name}: heartbeat {beat.seq}, recorded again: {beat.again}"
            heard.add(beat.seq)
        ordered = sorted(stream, key=lambda beat: (beat.seq, beat.time))
        for one, two in itertools.pairwise(ordered):
            if not 0 <= two.time - one.time <= UNACKNOWLEDGED:
                yield f"{name}: beat {two.seq} at {clock(two.time)} UTC"


def moments(directory: Path, before: Document) -> Iterator[str]:
    """Events are in order, and a phase took the time that it tells."""
    last = 0.0
    begun: dict[str, float] = {}
    for number, event in enumerate(
        documents.read_lines(directory / "events.jsonl"), start=1
    ):
        time, name = event["time"], event.get("name", "")
        if time < last:
            yield f"events.jsonl:{number}: {clock(time)} after {clock(last)} UTC"
        last = max(last, time)
        if event.get("kind") != "phase":
            continue
        if event["result"] == "started":
            begun[name] = time
            if event["seconds"]:
                yield f"events.jsonl:{number}: {name} took time when it began"
        elif name not in begun:
            if name not in UNTOLD:
                yield f"events.jsonl:{number}: {name} has an end and no begin"
        else:
            took = time - begun.pop(name)
            if abs(took - event["seconds"]) > TICK:
                yield (
                    f"events.jsonl:{number}: {name}: {event['seconds']} s, but"
                    f" {took:.1f} s lay between its begin and its end"
                )

    if event.get("result") != "started" and begun:
        yield f"events.jsonl: begun, and not ended: {', '.join(begun)}"


def commands(directory: Path, before: Document) -> Iterator[str]:
    """Each power command is of a machine, and in order of time."""
    names = {machine["name"] for machine in before["machines"]}
    told = documents.read(directory / "bmc.json")["commands"]
    last = 0.0
    until = window.bounds(directory).gathered + TICK
    for command in told:
        if command["domain"] not in names:
            yield f"{command['domain']} is no machine of before.json"
        if not last <= command["time"] <= until:
            yield f"power {command['command']} at {clock(command['time'])} UTC"
        last = command["time"]


def addresses(directory: Path, before: Document) -> Iterator[str]:
    """A survivor's MAC has its own address in each lease, and leases expire in time."""
    wanted = {
        port["mac"]: port["fixed_ips"]
        for server in before["servers"]
        for port in server["ports"]
    }
    operated = window.bounds(directory).operated
    last = 0.0
    known = {machine["mac"] for machine in before["machines"]}
    found = leases.read(directory / "leases.jsonl")
    given = [one.expires - one.time for one in found if one.event == "add"]
    if given and max(given) - min(given) > TICK:
        yield f"leases of {min(given):.0f} to {max(given):.0f} s"
    expires: dict[str, float] = {}
    for lease in found:
        if lease.event == "tftp":
            # What was loaded, with its size and to which address.
            continue
        if lease.event == "del" and lease.expires != expires.get(lease.mac):
            yield f"{lease.mac}: what was released expired at {lease.expires:.0f}"
        expires[lease.mac] = lease.expires
        if lease.mac not in known:
            yield f"{lease.mac} is no machine's"
        if given and lease.expires - lease.time > max(given) + TICK:
            yield f"{lease.mac}: a lease of {lease.expires - lease.time:.0f} s"
        if lease.time < last - 1:
            yield f"a lease at {clock(lease.time)} after {clock(last)} UTC"
        last = max(last, lease.time)
        if lease.time < operated and lease.ip not in wanted.get(lease.mac, [lease.ip]):
            yield f"{lease.mac} had {lease.ip}, not {wanted[lease.mac]}"


def bindings(directory: Path, before: Document) -> Iterator[str]:
    """A port's binding is after the end what it was in the window."""
    after = compare.by(documents.read(directory / "after.json")["servers"], "uuid")
    for server in documents.read(directory / "ended.json")["servers"]:
        was = after.get(server["uuid"], server)["bindings"]
        if wrong := compare.differences(was, server["bindings"]):
            yield f"ended.json: {server['uuid']}: {wrong}"


#: Of these, what one record tells each record tells, and the document all or nothing.
ALIKE: dict[str, tuple[str, ...]] = {
    "before.json": ("machines", "providers", "servers", "services"),
    "after.json": ("ironic_nodes", "machines", "providers", "servers", "services"),
    "ended.json": ("machines", "providers", "servers", "services"),
    "maintenance.json": ("rows", "services"),
    "migration.json": ("rows",),
    "resources.json": ("nodes",),
    "takeover.json": ("nodes",),
    "tempest/results.json": ("tests",),
    "tempest-base/results.json": ("tests",),
}


def alike(directory: Path, before: Document) -> Iterator[str]:
    """Records of one kind have the same keys: one that lacks a key is cut."""
    for file, lists in ALIKE.items():
        if not (directory / file).exists():
            continue
        document = documents.read(directory / file)
        for name in lists:
            found = document.get(name, ())
            keys = {key for record in found for key in record}
            for record in found:
                if lacks := sorted(keys - record.keys()):
                    yield f"{file}: {name}: one without {', '.join(lacks)}"


#: What a document tells at once or, of an earlier version, not at all.
TOGETHER: dict[str, tuple[tuple[str, ...], ...]] = {
    "environment.json": (
        ("commit",),
        ("distributions",),
        *(("host", key) for key in ("architecture", "cpu", "cpus", "kernel")),
        *(("host", key) for key in ("memory_mb", "system")),
        *(("packages",), ("python",)),
    ),
    "maintenance.json": (("ended",), ("ending",)),
    "migration.json": (
        *(("command",), ("finished_at",), ("load_seconds",), ("source",)),
        *(("tables",), ("target",), ("tool",)),
        *(("counts", key) for key in ("interfaces_skipped", "migrate", "skip")),
        ("counts", "ports_written"),
        *(("options", key) for key in ("architectures", "boot_interface")),
        *(("options", key) for key in ("boot_mode", "capabilities")),
        *(("options", key) for key in ("deploy_interface", "free_deploy_interface")),
        *(("options", key) for key in ("free_state", "node_arch", "resource_class")),
    ),
    "secrets.json": (("hits",), ("sought",), ("too_short",)),
}


def together(directory: Path, before: Document) -> Iterator[str]:
    """A document that lacks one of what it tells at once is cut."""
    for file, paths in TOGETHER.items():
        if not (directory / file).exists():
            continue
        document = documents.read(directory / file)
        lacks = [path for path in paths if not has(document, path)]
        if lacks and len(lacks) < len(paths):
            yield f"{file}: without {', '.join('.'.join(path) for path in lacks)}"


def has(document: Any, path: tuple[str, ...]) -> bool:
    for step in path:
        if not isinstance(document, dict) or step not in document:
            return False
        document = document[step]
    return True


def machine_powers(directory: Path, before: Document) -> Iterator[str]:
    """The last power command before a look left the machine as it was found."""
    told = documents.read(directory / "bmc.json")["commands"]
    words = {"on": "on", "reset": "on", "diag": "on", "off": "off", "soft": "off"}
    for name, snapshot in snapshots(directory):
        for machine in snapshot["machines"]:
            sent = [
                words[command["command"]]
                for command in told
                if command["domain"] == machine["name"]
                and command["time"] <= snapshot["taken_at"]
            ]
            if sent and sent[-1] != machine["power"]:
                found = f"is {machine['power']}, sent {sent[-1]}"
                yield f"{name}: {machine['name']} {found}"


def options(directory: Path, before: Document) -> Iterator[str]:
    """What the migration was told is what it wrote, and when it says it did."""
    document = documents.read(directory / "migration.json")
    told = document["options"]
    mode = told.get("boot_mode")
    for row in migration.rows(directory / "migration.json"):
        if mode and f"boot_mode:{mode}" not in (row.get("capabilities") or "").split(
            ","
        ):
            yield f"row {row['bm_node_id']}: {row['capabilities']}, boot mode {mode}"
        if row.get("reasons"):
            yield f"row {row['bm_node_id']} was moved, against {row['reasons']}"
    if "finished_at" in document:
        started, finished = (
            seconds(document[key]) for key in ("started_at", "finished_at")
        )
        spans = window.tries(directory).get("migrate", [])
        if not any(begin - 1 <= finished <= end + 1 for begin, end in spans):
            yield f"finished {document['finished_at']}, not in phase migrate"
        if document["load_seconds"] > finished - started:
            yield f"loaded for {document['load_seconds']} s"
    if free := told.get("free_state"):
        states = {
            node["provision_state"]
            for node in documents.read(directory / "takeover.json")["nodes"]
            if node["provision_state"] != "active"
        }
        if not states <= {free}:
            yield f"free nodes are {sorted(states)}, told {free}"


def seconds(moment: str) -> float:
    return datetime.datetime.fromisoformat(moment).timestamp()


def conductors(directory: Path, before: Document) -> Iterator[str]:
    """A node has a conductor that is online, or none."""
    for node in documents.read(directory / "takeover.json")["nodes"]:
        if bool(node["conductor"]) != bool(node["online"]):
            yield f"{node['uuid']}: {node['conductor']}, online: {node['online']}"


def operations(directory: Path, before: Document) -> Iterator[str]:
    """Operations took no longer than their phase, and their flavor is the old one."""
    found = documents.read(directory / "operations.json")
    flavors = documents.read(directory / "flavors.json")["flavors"].values()
    old = {flavor["name"]: flavor["old"] for flavor in flavors}
    servers = compare.by(before["servers"], "uuid")
    spans = [
        span
        for phase in window.OPERATING
        for span in window.tries(directory).get(phase, [])
    ]
    longest = max((end - begin for begin, end in spans), default=0.0)
    timed = ["seconds" in operation for operation in found]
    if any(timed) and not all(timed):
        yield "an operation without its time"
    for operation in found:
        name = operation["name"]
        if operation.get("seconds", 0) > longest + TICK:
            yield f"{name}: {operation['seconds']} s, phase: {longest:.1f} s"
        server = servers.get(operation.get("instance"), {})
        embedded, flavor = operation.get("embedded"), server.get("flavor")
        if embedded is not None and flavor in old and embedded != old[flavor]:
            wrong = compare.differences(old[flavor], embedded)
            yield f"{name}: embedded flavor {flavor}: {wrong}"
        record = operation.get("deploy") or operation.get("clean")
        if record:
            yield from (
                f"{name}: {wrong}" for wrong in deploy(record, operation, spans)
            )


def deploy(
    record: Document, operation: Document, spans: list[tuple[float, float]]
) -> Iterator[str]:
    """What in the record of an agent's deploy cannot be."""
    if not any(begin <= record["begin"] <= end for begin, end in spans):
        yield f"began at {clock(record['begin'])} UTC, in no phase"
    changes = record["changes"]
    times = [0.0, *(change["after"] for change in changes)]
    if "beating" in record:
        times.append(record["beating"])
        if times[-1] > operation.get("seconds", times[-1]) + TICK:
            yield f"its guest's heartbeat came after {times[-1]} s"
    elif "deploy" in operation and operation["ok"]:
        yield "no time of its guest's heartbeat"
    if times != sorted(times):
        yield f"its node's states are not in order of time: {times}"
    told = [(change["state"], change["step"]) for change in changes]
    kind = "deploy" if "deploy" in operation else "clean"
    if operation["ok"] and (deploys.WAITED[kind], deploys.STEP[kind]) not in told:
        yield f"step {deploys.STEP[kind]} was not in state {deploys.WAITED[kind]}"
    if any(one == two for one, two in itertools.pairwise(told)):
        yield "its node's state is told twice"
    if record["agent"] and record["agent"]["after"] > changes[-1]["after"]:
        yield f"the agent came after {record['agent']['after']} s"
    node = operation.get("node") or next(iter(operation.get("allocation") or ()), None)
    if node and node != record["node"]:
        yield f"node {record['node']}, its instance's: {node}"


def base_tests(directory: Path, before: Document) -> Iterator[str]:
    """Tempest's results are of the driver then, and its tests the same."""
    found = {}
    for place, driver in (("tempest-base", "base"), ("tempest", "ironic")):
        path = directory / place / "results.json"
        if not path.exists():
            continue
        document = found[place] = documents.read(path)
        if document["driver"] != driver:
            yield f"{place}: driver {document['driver']}, expected {driver}"
        counts = collections.Counter(test["outcome"] for test in document["tests"])
        if wrong := compare.differences(
            {**dict.fromkeys(document["counts"], 0), **counts}, document["counts"]
        ):
            yield f"{place}: counts: {wrong}"
        ran = counts["passed"] + counts["failed"]
        if ran < document["floor"]:
            yield f"{place}: {ran} ran, expected at least {document['floor']}"
        for test in document["tests"]:
            ended = test["outcome"] == "passed"
            if ended == bool(test["reason"]) or ended == bool(test["source"]):
                yield f"{place}: {test['name']}: {test['outcome']}, {test['reason']}"
    if len(found) == 2:
        lists = [document["list"] for document in found.values()]
        names = [{t["name"] for t in document["tests"]} for document in found.values()]
        if lists[0] != lists[1] or names[0] != names[1]:
            wrong = compare.mismatch(*names) or f"lists {lists}"
            yield f"the base's tests are others: {wrong}"


def reasons(directory: Path, before: Document) -> Iterator[str]:
    """All that the window locked and disabled it did for one reason."""
    after = documents.read(directory / "after.json")
    now = compare.by(after["servers"], "uuid")
    was = {one["id"]: one for one in before["services"]}
    told = {
        now[server["uuid"]]["locked_reason"]
        for server in before["servers"]
        if server["uuid"] in now and not server["locked"]
    }
    told |= {
        one["disabled_reason"]
        for one in after["services"]
        if one["status"] == "disabled"
        and was.get(one["id"], {}).get("status") == "enabled"
    }
    if len(told) > 1:
        yield f"{sorted(map(str, told))}"


def flavors(directory: Path, before: Document) -> Iterator[str]:
    """Each instance's flavor is one of those that were updated."""
    found = documents.read(directory / "flavors.json")["flavors"].values()
    names = {flavor["name"] for flavor in found}
    for server in before["servers"]:
        if server["flavor"] and server["flavor"] not in names:
            yield f"{server['uuid']} has {server['flavor']}; updated: {sorted(names)}"


def boot_options(directory: Path, before: Document) -> Iterator[str]:
    """Each port lost all of nova-baremetal's options, which name one server."""
    ports = documents.read(directory / "dhcp-options.json")["ports"]
    for uuid, port in ports.items():
        old = port["old"]
        if wrong := compare.mismatch(BOOT_OPTIONS, old):
            yield f"{uuid}: {wrong}"
            continue
        try:
            servers = {ipaddress.ip_address(old[key]) for key in SERVERS}
        except ValueError as error:
            yield f"{uuid}: {error}"
            continue
        if len(servers) > 1:
            yield f"{uuid}: {sorted(map(str, servers))}"


SERVERS = ("server-ip-address", "tftp-server")
BOOT_OPTIONS = {"bootfile-name", *SERVERS}


def environment(directory: Path, before: Document) -> Iterator[str]:
    """It was looked at when the logs were gathered."""
    moment = documents.read(directory / "environment.json")["taken_at"]
    spans = window.tries(directory).get("collect", [])
    if spans and not any(begin - 1 <= moment <= end + 1 for begin, end in spans):
        yield f"taken at {clock(moment)} UTC, not in phase collect"


def sought(directory: Path, before: Document) -> Iterator[str]:
    """Each machine's BMC password was searched for."""
    found = documents.read(directory / "secrets.json")["sought"]
    told = [name for name in found if name.startswith(BMC)]
    if told and (
        wrong := compare.mismatch(
            {f"{BMC}{machine['name']}" for machine in before["machines"]}, told
        )
    ):
        yield wrong


BMC = "BMC password of "

Tell = Callable[[Path, Document], Iterator[str]]

#: The document that each is about, and what is told in it.
ALL: tuple[tuple[str, Tell], ...] = (
    ("workload.json", workload),
    ("workload.json", workload_boots),
    ("allocations.json", allocations),
    ("port-bindings.json", port_bindings),
    ("takeover.json", takeover),
    ("resources.json", resources),
    ("migration.json", rows),
    ("heartbeat.jsonl", beats),
    ("ended.json", bindings),
    ("before.json", alike),
    ("before.json", together),
    ("bmc.json", machine_powers),
    ("migration.json", options),
    ("takeover.json", conductors),
    ("operations.json", operations),
    ("tempest/results.json", base_tests),
    ("secrets.json", sought),
    ("environment.json", environment),
    ("after.json", reasons),
    ("flavors.json", flavors),
    ("dhcp-options.json", boot_options),
    ("before.json", sequences),
    ("before.json", machines),
    ("before.json", providers),
    ("events.jsonl", moments),
    ("bmc.json", commands),
    ("leases.jsonl", addresses),
)


def check_agreement(directory: Path) -> Finding:
    """The documents tell one account of the run."""
    checks = list(check(directory))
    figure = f"{len(checks)} things that documents must agree on"
    return Finding("agreement", in_one("one account", checks), figure)


def check(directory: Path) -> Iterator[compare.Check]:
    """One check for each thing that documents must agree on."""
    before = documents.read(directory / "before.json")
    if before["base_driver"] == "fake":
        yield compare.Check("one account", True, "no instance is on a node")
        return
    for file, tell in ALL:
        if not (directory / file).exists():
            continue
        name = f"{tell.__name__.replace('_', ' ')} agree"
        try:
            wrong = list(tell(directory, before))
        except exceptions.SidewaysError:
            # Its own subject misses it, or its schema.
            continue
        except (AttributeError, LookupError, TypeError, ValueError) as error:
            wrong = [f"{file} is malformed: {type(error).__name__} {error}"]
        detail = "; ".join(wrong[:3])
        yield compare.Check(name, not wrong, detail, where=f"{file}:1" if wrong else "")
