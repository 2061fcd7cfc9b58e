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

import datetime
import json
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from ironic_sideways.evidence import compare
from ironic_sideways.report import checks, log_holes, operations, verdict, window
from ironic_sideways.report import logs as logs_judged
from ironic_sideways.report import tempest as judged
from ironic_sideways.report.subjects import Judged
from ironic_sideways.tests.unit.report import probes, told_twice, upstream

Document = dict[str, Any]

BEGIN, END, OPERATED, GATHERED = 1000.0, 1060.0, 1070.0, 1120.0
HOST, MANAGER = "isw0", "ironic_sideways.compute.manager.ClusteredComputeManager"
CLASS = told_twice.CLASS
#: The root file system of the running survivor, which is net-booted.
ROOT = "0b5c9d0e-0000-4000-8000-000000000001"
DISKS = {"root": ROOT, "marker": "marker-1", "ephemeral": "marker-2"}

#: Node: number, instance on it, that one's status, and the machine's power.
NODES = {
    "node-run": (1, "server-run", "ACTIVE", "on"),
    "node-stop": (2, "server-stop", "SHUTOFF", "off"),
    "node-free": (3, None, None, "off"),
}

#: What this evidence is judged by.
SUBJECTS = [
    name
    for name, subject in verdict.SUBJECTS.items()
    if subject.judged is not Judged.WHEN_ADDED
]

FREE = {"provision_state": "available", "power_state": "power off"}


def mac(number: int) -> str:
    return f"52:54:00:00:{number // 256:02x}:{number % 256:02x}"


def macs(number: int) -> list[str]:
    """Of a machine's NICs; its port has the second one's, as 2014 crossed VIFs."""
    return [mac(number).replace("52:54:00", "52:54:01"), mac(number)]


def write(path: Path, document: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document))


def write_lines(path: Path, rows: Iterable[Document]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def edit(path: Path, change: Callable[[Any], Any]) -> None:
    document = json.loads(path.read_text())
    change(document)
    write(path, document)


def servers(locked: bool) -> list[Document]:
    """``server-stop`` was locked by somebody else before."""
    found: list[Document] = []
    for node, (number, server, status, _power) in NODES.items():
        if server is None:
            continue
        before = server == "server-stop"
        reason = "ours" if before else "maintenance" if locked else None
        port = {
            "id": f"port-{number}",
            "mac": mac(number),
            "fixed_ips": [f"172.30.0.{number}"],
        }
        found.append(
            {
                **dict.fromkeys(compare.SERVER_FIELDS),
                **{"uuid": server, "name": server, "status": status, "node": node},
                **{"locked": locked or before, "locked_reason": reason},
                **{"project_id": "project-2", "user_id": "user-2"},
                "ports": [port],
                "bindings": {port["id"]: [node, "baremetal"]},
            }
        )
    return found


def providers(resources: Document) -> list[Document]:
    return [
        {
            "uuid": node,
            "inventories": {
                key: {**compare.WHOLE_NODE, "reserved": 1 if server else 0}
                for key in resources
            },
            "allocations": {server: resources} if server else {},
        }
        for node, (_number, server, _status, _power) in NODES.items()
    ]


def machines(seq: int) -> list[Document]:
    return [
        {
            **{"uuid": node, "name": f"machine-{number}", "mac": mac(number)},
            "macs": macs(number),
            "power": power,
            "boot_id": "boot-1" if server else None,
            "last_seq": seq if power == "on" else 3 if server else None,
        }
        for node, (number, server, _status, power) in NODES.items()
    ]


def service(status: str) -> Document:
    reason = "maintenance" if status == "disabled" else None
    names = {"binary": "nova-compute", "host": HOST}
    state = {"id": "service-1", "state": "up"}
    return {**names, **state, "status": status, "disabled_reason": reason}


def snapshot(seq: int, resources: Document, locked: bool, taken: float) -> Document:
    """:param taken: seconds since the begin of maintenance."""
    return {
        "taken_at": BEGIN + taken,
        "base_driver": "nova_bm",
        "servers": servers(locked),
        "providers": providers(resources),
        "machines": machines(seq),
        "services": [service("disabled" if locked else "enabled")],
        "around": around(moved=CLASS in resources),
    }


def around(moved: bool) -> Document:
    """What instances lean on.

    :param moved: whether flavors ask for the nodes' class already.
    """
    flavor = flavors()["flavors"]["flavor-1"]
    held = [server for _number, server, *_ in NODES.values() if server]
    return {
        "access": {"flavor-1": {"public": True, "projects": []}},
        "specs": {"flavor-1": flavor["new" if moved else "old"]},
        "images": dict.fromkeys(("kernel-1", "ramdisk-1"), "active") if moved else {},
        "fingerprints": dict.fromkeys(held, "digest:0"),
        "security groups": {
            f"port-{n}": [["group-1"], True] for n, *_ in NODES.values()
        },
        "consumers": {server: ["project-2", "user-2"] for server in held},
        "hypervisors": {node: node for node in NODES},
        "nova_bm": {"bm_nodes": 1, "bm_interfaces": 2},
    }


def ironic_nodes() -> list[Document]:
    return [
        {
            "uuid": node,
            "instance_uuid": server,
            "provision_state": "active" if server else "available",
            "power_state": f"power {power}",
            "maintenance": False,
            "last_error": None,
            "driver": "ipmi",
            "conductor": HOST,
            "owner": "project-1",
            "resource_class": "baremetal",
            "network_interface": "flat",
            "protected": False,
            "retired": False,
            "deploy_kernel": "kernel-1",
            "deploy_ramdisk": "ramdisk-1",
            "ports": [
                {
                    "uuid": f"ironic-{number}",
                    "mac": mac(number),
                    "vif": f"port-{number}" if server else None,
                },
                {"uuid": f"ironic-{number}-0", "mac": macs(number)[0], "vif": None},
            ],
        }
        for node, (number, server, _status, power) in NODES.items()
    ]


def phase(name: str, result: str, time: float, seconds: float = 0.0) -> Document:
    return {
        **{"kind": "phase", "name": name, "result": result, "figure": ""},
        **{"time": time, "seconds": seconds, "memory_used_mb": 3000},
    }


#: When each phase begins, in seconds from the begin of maintenance; it takes two.
STARTS = {
    "deploy-ramdisk": -20.0,
    "ironic-database": -10.0,
    **{name: 4.5 * at for at, name in enumerate(window.WINDOW[2:-1])},
    "end-maintenance": 50.0,
    "verify": 60.0,
    "restarted": 64.0,
}


#: What is tried when the operations are over, all in no time.
TRIED = ("proxy", "tempest", "last-look")


def phase_events() -> list[Document]:
    found = [phase("prepare", "ok", BEGIN - 50, 100.0)]
    found += [phase("tempest-base", r, BEGIN - 50) for r in ("started", "ok")]
    for name in (*window.PHASES, "restarted"):
        begin = BEGIN + STARTS[name]
        end = END if name == "end-maintenance" else begin + 2
        found += [phase(name, "started", begin), phase(name, "ok", end, end - begin)]
    return [
        *found,
        phase("operate", "started", OPERATED),
        phase("operate", "ok", OPERATED + 39, 39.0),
        *(phase(n, r, OPERATED + 40) for n in TRIED for r in ("started", "ok")),
        phase("collect", "started", GATHERED),
        phase("collect", "ok", GATHERED + 1, 1.0),
    ]


def moment(name: str) -> float:
    """A second after a phase's begin."""
    return BEGIN + STARTS[name] + 1


def written(name: str) -> str:
    """The same, as the tools that an operator has write it."""
    return datetime.datetime.fromtimestamp(moment(name), datetime.UTC).isoformat()


def beats(
    sequence: Iterable[int],
    number: int = 1,
    boot_id: str = "boot-1",
    first: float = BEGIN - 5,
) -> list[Document]:
    """A beat a second of machine ``number``; the one of ``first`` has sequence 0."""
    return [
        {
            **{"time": first + seq, "mac": mac(number), "boot_id": boot_id},
            **{"ip": f"172.30.0.{number}", "seq": seq},
        }
        for seq in sequence
    ]


def lease(time: float, event: str = "old") -> Document:
    """An event of the running survivor's lease of two minutes."""
    return {
        **{"time": time, "event": event, "mac": mac(1), "ip": "172.30.0.1"},
        "expires": time + 120,
    }


def takeover() -> Document:
    nodes = [
        {
            "uuid": node["uuid"],
            "provision_state": node["provision_state"],
            "power_state": node["power_state"],
            "conductor": HOST if node["instance_uuid"] else None,
            "online": 1 if node["instance_uuid"] else None,
            "maintenance": 0,
            "last_error": None,
            "driver": "ipmi",
            "reservation": None,
            "run_id": "run-1",
        }
        for node in ironic_nodes()
    ]
    taken = {"taken_at": moment("takeover")}
    return {"nodes": nodes, "forbidden": [], "others": [], **taken}


def resources() -> Document:
    loaded = {"driver": "ironic.IronicDriver", "manager": MANAGER}
    nodes = [
        {**provider, "hypervisor": {"name": provider["uuid"], "type": "ironic"}}
        for provider in providers({CLASS: 1})
    ]
    return {
        "taken_at": moment("resources"),
        "resource_classes": [CLASS],
        "loaded": loaded,
        "told": loaded,
        "nodes": nodes,
    }


def migration() -> Document:
    numbers = {"read": 3, "planned": 3, "written": 3, "present": 0, "verified": 3}
    rows = [
        {
            **{"uuid": node, "instance_uuid": server, "outcome": "migrate"},
            **{"bm_node_id": number, "resource_class": "baremetal"},
            "boot": "network" if server == "server-run" else "disk",
        }
        for node, (number, server, _status, _power) in NODES.items()
    ]
    images = {"deploy_kernel": "kernel-1", "deploy_ramdisk": "ramdisk-1"}
    return {
        **{"run_id": "run-1", "started_at": written("migrate"), "result": "done"},
        "options": {"owner": "project-1", "network_interface": "flat", **images},
        "rows": rows,
        "counts": {**numbers, "different": 0, "refuse": 0},
    }


def flavors() -> Document:
    old = {"cpu_arch": "x86_64"}
    new = {
        "baremetal:deploy_kernel_id": "kernel-1",
        "baremetal:deploy_ramdisk_id": "ramdisk-1",
        f"resources:{CLASS}": "1",
        **checks.NO_MORE,
    }
    flavor = {"name": "baremetal", "old": old, "set": new, "new": {**old, **new}}
    tool = {"tool": "nova-bm-update-flavors", "created_at": written("flavors")}
    return {**tool, "flavors": {"flavor-1": flavor}}


def dhcp_options() -> Document:
    old = dict.fromkeys(sorted(checks.BOOT_OPTIONS), "172.30.0.254")
    tool = {"tool": "nova-bm-clear-dhcp-options", "created_at": written("dhcp-options")}
    return {**tool, "ports": {"port-1": {"instance": "server-run", "old": old}}}


def log_line(moment: float, text: str, level: str = "INFO") -> str:
    """As oslo.log writes it."""
    clock = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(moment))
    return f"{clock}.123 42 {level} some.module [-] {text}\n"


def logs(directory: Path) -> None:
    """What the conductor and nova-compute tell of each node, in the window."""
    directory.mkdir()
    for name in (*logs_judged.BOTH, *logs_judged.LAB, *logs_judged.QUIET):
        step = 10 if name in log_holes.TELLS else 170
        told = [log_line(BEGIN + at, "told") for at in range(-60, 111, step)]
        (directory / f"{name}.log").write_text("".join(told))
    adopted = (
        "During sync_power_state, node {} has no previous known state. "
        "Recording current state 'power off'."
    )
    for name, text in (
        ("ironic-conductor", adopted),
        ("nova-compute", "Final resource view: name={} phys_ram=1024MB"),
    ):
        path = directory / f"{name}.log"
        first, last = path.read_text().splitlines(keepends=True)
        told = [log_line(BEGIN + 46, text.format(node)) for node in NODES]
        path.write_text("".join([first, *told, last]))


#: The boots of the running survivor that operations end in, the last two from a disk
#: that the agent wrote: when each began, in seconds from OPERATED; a beat comes one and
#: two seconds later.
BOOTS = {
    **{f"boot-{n}": 5.0 + 3 * at for at, n in enumerate((2, *range(5, 12)))},
    **{"boot-3": 30.0, "boot-4": 34.0},
}


def booted() -> list[Document]:
    """The heartbeats after OPERATED: the survivor's, and those of what was free."""
    last = [number for number, *_ in NODES.values()][-1]
    found = [
        {**beat, **({"image": "marked"} if at >= 30.0 else DISKS)}
        for boot_id, at in BOOTS.items()
        for beat in beats((1, 2), 1, boot_id, OPERATED + at)
    ]
    return found + [
        beat
        for number in sorted({3, last})
        for beat in beats(range(1, 9), number, "boot-3", OPERATED + 30)
    ]


def switched_on() -> list[Document]:
    """The command before each of these boots, in order of time."""
    last = [number for number, *_ in NODES.values()][-1]
    of_one = [(at, 1) for at in BOOTS.values()]
    others = [(5.0, number) for number in {3, last}]
    return [
        {"time": OPERATED + at, "domain": f"machine-{number}", "command": "on"}
        for at, number in sorted([*of_one, *others])
    ]


def deployed(node: str, number: int, boot_id: str = "boot-3") -> Document:
    """What the agent's deploy of machine ``number`` leaves."""
    changes = [
        {"after": 2, "state": "deploying", "step": "deploy"},
        {"after": 12, "state": "wait call-back", "step": "write_image"},
        {"after": 30, "state": "active", "step": None},
    ]
    return {
        **{"begin": OPERATED, "node": node, "interface": "direct"},
        "agent": {"version": "13.0.0", "after": 20},
        "changes": changes,
        **{"mac": mac(number), "fixed_ip": f"172.30.0.{number}"},
        **{"boot_id": boot_id, "image": "marked", "answered": "refused"},
        "beating": BOOTS.get(boot_id, 160.0) + 1,
    }


def cleaned() -> list[Document]:
    """The findings that cleaning a node and deploying it again leaves."""
    changes = [
        {"after": 12, "state": "clean wait", "step": "erase_devices_metadata"},
        {"after": 30, "state": "available", "step": None},
    ]
    record = deployed("node-run", 1, "boot-12")
    old = {"instance": "server-run", "embedded": {}, "allocation": {}, "macs": {}}
    return [
        {
            **{"name": "cleaning", "ok": True, "detail": "", **old},
            "clean": {**record, "changes": changes},
        },
        {"name": "deploy after cleaning", "ok": True, "detail": "", "deploy": record},
        {
            **{"name": "direct deploy", "ok": True, "detail": ""},
            "deploy": deployed("node-free", 3, "boot-12"),
        },
    ]


#: What a member may not do in the window, sorted as the start's record has it.
REFUSED = [
    *("createBackup", "createImage", "delete", "port allowed_address_pairs"),
    *("port binding:vnic_type", "port created", "port deleted", "port device_id"),
    *("port device_owner", "port fixed_ips", "port mac_address", "reboot", "rename"),
    *("share attached", "share detached", "tag", "tags removed", "unlock"),
]


def lay_down(directory: Path) -> None:
    """Write the whole evidence."""
    write_lines(directory / "events.jsonl", phase_events())
    write(directory / "before.json", snapshot(6, {"VCPU": 1}, False, 1))
    after = snapshot(55, {CLASS: 1}, True, 50)
    write(directory / "after.json", {**after, "ironic_nodes": ironic_nodes()})
    write(directory / "ended.json", snapshot(65, {CLASS: 1}, False, 60))
    again = snapshot(70, {CLASS: 1}, False, 65)
    write(directory / "restarted.json", {**again, "ironic_nodes": ironic_nodes()})
    locks = {"lock": ["server-run"], "locked_before": ["server-stop"]}
    was = {"host": HOST, "status": "enabled", "disabled_reason": None}
    rows = [
        {"id": number, "uuid": node, "instance_uuid": server}
        for node, (number, server, _status, _power) in NODES.items()
    ]
    tried = {"refused": REFUSED, "permitted": ["port device_id", "rename"]}
    undone = {"ending": True, "ended": True}
    record = {"services": [was], "rows": rows, **locks, **tried, **undone}
    write(directory / "maintenance.json", record)
    write(directory / "flavors.json", flavors())
    write(directory / "dhcp-options.json", dhcp_options())
    command = {"command": "tools/run_upgrade.sh", "taken_at": GATHERED}
    write(directory / "environment.json", command)
    write(directory / "migration.json", migration())
    write(directory / "takeover.json", takeover())
    write(directory / "resources.json", resources())
    survivor = [{**row, **DISKS} for row in beats(range(1, 80))]
    stopped = beats(range(1, 4), 2, first=BEGIN - 60)
    write_lines(directory / "heartbeat.jsonl", survivor + stopped + booted())
    write_lines(
        directory / "leases.jsonl",
        [lease(BEGIN - 50, "add"), lease(BEGIN + 10), lease(BEGIN + 70)],
    )
    # The prober's last lines are not written yet when the logs are gathered.
    probed = probes.lines(BEGIN - 1, GATHERED - 21, (BEGIN, BEGIN + 50))
    write_lines(directory / "api.jsonl", probed)
    first = {"time": BEGIN - 100, "domain": "machine-1", "command": "on"}
    commands = [first, *switched_on()]
    write(directory / "bmc.json", {"commands": commands})
    logs(directory / "logs")
    names = [f"machine-{number}" for number, *_ in NODES.values()]
    known = [*(f"BMC password of {name}" for name in names), "database-nova"]
    write(directory / "secrets.json", {"sought": known, "hits": [], "too_short": []})
    node, *_ = NODES
    specs = {"cpu_arch": "x86_64"}
    macs = {"neutron": mac(1), "ironic": mac(1)}
    old: Document = {"instance": "server-run", "embedded": specs}
    done = [
        {
            **{**old, "name": name, "ok": True, "detail": ""},
            **{"allocation": units, "macs": macs if units else {}},
        }
        for name, units in (
            ("new server", {node: {CLASS: 1}}),
            ("hard reboot", {node: {CLASS: 1}}),
            ("start", {node: {CLASS: 1}}),
            ("rebuild", {node: {CLASS: 1}}),
            ("delete", {}),
            ("refused rebuild", {node: {CLASS: 1}}),
            ("net-booted again", {node: {CLASS: 1}}),
            ("net-booted rebuild", {node: {CLASS: 1}}),
            ("rebuilt reboot", {node: {CLASS: 1}}),
            ("rebuilt start", {node: {CLASS: 1}}),
            ("stop and start", {node: {CLASS: 1}}),
            ("net-booted reboot", {node: {CLASS: 1}}),
        )
    ]
    done[0]["node"] = list(NODES)[-1]
    for rebuilt, boot in (("rebuild", "boot-3"), ("net-booted rebuild", "boot-4")):
        (found,) = (operation for operation in done if operation["name"] == rebuilt)
        found["deploy"] = deployed("node-run", 1, boot)
    write(directory / "operations.json", done)
    asked = [
        {"name": name, "ok": True, "detail": "", "time": OPERATED + 40}
        for name in sorted(operations.PROXY)
    ]
    write(directory / "proxy.json", asked)
    for place, driver in (("tempest-base", "base"), ("tempest", "ironic")):
        write(directory / place / "results.json", tempest_results(driver))
    told_twice.lay_down(directory)
    upstream.lay_down(directory)


def tempest_results(driver: str) -> Document:
    """The selection's tests, which passed, and one that does not run."""
    name = {"base": judged.ON_BASE, "ironic": "selection"}[driver]
    number = judged.FLOORS[name]
    passed = {"outcome": "passed", "reason": "", "source": "", "seconds": 1.0}
    excluded = {"outcome": "excluded", "reason": "why", "source": "where"}
    return {
        **{"list": name, "driver": driver, "floor": number},
        "taken_at": {"base": BEGIN - 50, "ironic": OPERATED + 40}[driver],
        "counts": {"passed": number, "failed": 0, "skipped": 0, "excluded": 1},
        "tests": [
            *({"name": f"t{n}", **passed} for n in range(number)),
            {"name": f"t{number}", **excluded, "seconds": None},
        ],
    }


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
    (new,) = {number for number, *_ in NODES.values() if number > 2}
    mine = [beat for beat in booted() if beat["mac"] == mac(new)]
    write_lines(directory / "heartbeat.jsonl", mine)
    (directory / "leases.jsonl").unlink()
    edit(directory / "bmc.json", lambda d: d["commands"].pop(0))
    edit(directory / "dhcp-options.json", lambda d: d.update(ports={}))
    edit(directory / "operations.json", lambda d: d.__delitem__(slice(1, None)))
    told_twice.lay_down(directory)
    upstream.lay_down(directory)
