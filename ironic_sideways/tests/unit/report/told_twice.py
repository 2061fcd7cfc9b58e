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

"""What a run records of instances and nodes beside its looks, made from those."""

import datetime
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ironic_sideways.evidence import heartbeat
from ironic_sideways.evidence.snapshot import LASTING
from ironic_sideways.report.agreement import instances

Document = dict[str, Any]
#: As flavors ask for it.
CLASS = "CUSTOM_BAREMETAL"


def lay_down(directory: Path) -> None:
    """From the looks there: workload, allocations, port bindings and the last look."""
    before = json.loads((directory / "before.json").read_text())
    for name, tell in (
        ("workload", workload),
        ("allocations", allocations),
        ("port-bindings", port_bindings),
        ("last-look", last_look),
    ):
        (directory / f"{name}.json").write_text(json.dumps(tell(directory, before)))
    asked(directory)
    acted(directory)


def acted(directory: Path) -> None:
    """What Nova was asked to do to each instance by each look."""
    held = json.loads((directory / "maintenance.json").read_text())["lock"]
    begun_at = begun(directory, "begin-maintenance")
    created = action(begun_at - 900, "create", "user-2")
    done = [
        action(begun(directory, phase) + 0.5, name, "user-1")
        for phase, name in (
            ("begin-maintenance", "lock"),
            ("end-maintenance", "unlock"),
        )
    ]
    for name, number in (("before", 0), ("after", 1), ("ended", 2), ("restarted", 2)):
        path = directory / f"{name}.json"
        look = json.loads(path.read_text())
        look["around"]["actions"] = {
            uuid: [created, *(done[:number] if uuid in held else [])]
            for uuid in (server["uuid"] for server in look["servers"])
        }
        path.write_text(json.dumps(look))


def action(moment: float, name: str, user: str) -> dict[str, str]:
    """As Nova has it: in UTC, to the second."""
    told = datetime.datetime.fromtimestamp(int(moment), datetime.UTC)
    at = told.strftime("%Y-%m-%dT%H:%M:%S.000000")
    return {"at": at, "action": name, "user_id": user}


def asked(directory: Path) -> None:
    """What the window's script noted of what it asked of the migration."""
    options = json.loads((directory / "migration.json").read_text())["options"]
    words = [
        f"--{key.replace('_', '-')} {value}"
        for key, value in options.items()
        if isinstance(value, str)
    ]
    noted = {"migration-options": " ".join(words)}
    for key in ("owner", "deploy_kernel", "deploy_ramdisk"):
        noted[key.replace("_", "-")] = options[key]
    (directory / "phases").mkdir(exist_ok=True)
    for name, text in noted.items():
        (directory / "phases" / f"{name}.value").write_text(f"{text}\n")


def written(directory: Path, phase: str) -> str:
    """A moment in ``phase``."""
    moment = begun(directory, phase) + 0.01
    return datetime.datetime.fromtimestamp(moment, datetime.UTC).isoformat()


def begun(directory: Path, phase: str) -> float:
    events = (directory / "events.jsonl").read_text().splitlines()
    (begin, *_) = (
        event["time"]
        for event in map(json.loads, events)
        if event.get("name") == phase and event["result"] == "started"
    )
    return float(begin)


def last_look(directory: Path, before: Document) -> Document:
    """What lasts of after.json's nodes, when the instances are gone."""
    nodes = json.loads((directory / "after.json").read_text())["ironic_nodes"]
    free = {"provision_state": "available", "instance_uuid": None}
    return {
        "taken_at": begun(directory, "last-look"),
        "nodes": [{key: n[key] for key in LASTING if key in n} | free for n in nodes],
    }


def with_ports(before: Document) -> Iterator[tuple[Document, Document]]:
    for server in before["servers"]:
        for port in server["ports"]:
            yield server, port


def workload(directory: Path, before: Document) -> Document:
    rows = json.loads((directory / "migration.json").read_text())["rows"]
    boots = {row["instance_uuid"]: row["boot"] for row in rows}
    machines = {machine["mac"]: machine for machine in before["machines"]}
    beats = heartbeat.streams(heartbeat.read(directory / "heartbeat.jsonl"))
    heard = {(stream.mac, stream.boot_id): stream for stream in beats}

    def disks(mac: str) -> Document:
        stream = heard.get((mac, machines[mac]["boot_id"]))
        return {key: getattr(stream, key, None) for key in instances.DISKS}

    return {
        "servers": [
            {
                **{key: server[key] for key in ("uuid", "name", "status")},
                **{key: server[key] for key in ("image", "flavor")},
                **{"mac": port["mac"], "port": port["id"]},
                **{"fixed_ips": port["fixed_ips"], "boot": boots[server["uuid"]]},
                "boot_id": machines[port["mac"]]["boot_id"],
                **disks(port["mac"]),
            }
            for server, port in with_ports(before)
        ]
    }


def allocations(directory: Path, before: Document) -> Document:
    servers = {server["uuid"]: server for server in before["servers"]}
    return {
        "tool": "nova-bm-convert-allocations",
        "created_at": written(directory, "compute"),
        "new_classes": [CLASS],
        "nodes": {
            provider["uuid"]: {
                **{"resource_class": CLASS, "added": []},
                "inventories": provider["inventories"],
                "allocations": {
                    consumer: {
                        "resources": held,
                        "project_id": servers[consumer]["project_id"],
                        "user_id": servers[consumer]["user_id"],
                    }
                    for consumer, held in provider["allocations"].items()
                },
            }
            for provider in before["providers"]
        },
    }


def port_bindings(directory: Path, before: Document) -> Document:
    return {
        "tool": "nova-bm-bind-ports",
        "created_at": written(directory, "port-bindings"),
        "ports": {
            port["id"]: {
                **{"instance": server["uuid"], "node": server["node"]},
                "old": dict(
                    zip(
                        ("host_id", "vnic_type"),
                        server["bindings"][port["id"]],
                        strict=True,
                    )
                ),
            }
            for server, port in with_ports(before)
        },
    }
