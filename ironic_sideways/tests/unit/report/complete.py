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

"""The example's evidence with all that a run records: each document, each key.

What the example leaves out is what the page does not show.
"""

import datetime
import functools
import json
from pathlib import Path

from ironic_sideways.tests.unit.report import example, told_twice
from ironic_sideways.tests.unit.report.example import clock, lab_nodes
from ironic_sideways.tests.unit.report.laid_once import laid_once
from ironic_sideways.tests.unit.report.small_move import files, looks
from ironic_sideways.tests.unit.report.small_move.files import Document, edit

HOST = "lab-compute"
OLD = {"VCPU": 1, "MEMORY_MB": 256, "DISK_GB": 2}
PROJECT, USER = lab_nodes.named("project", 2), lab_nodes.named("user", 2)


@laid_once
def lay_down(directory: Path, nodes: int = 20) -> None:
    """Half of the nodes have an instance; 216 tests."""
    example.good(directory, nodes)
    for name in ("before", "after", "ended", "restarted"):
        edit(directory / f"{name}.json", functools.partial(looked_at, name))
    before = json.loads((directory / "before.json").read_text())
    leased(directory)
    told_twice.lay_down(directory)
    edit(directory / "takeover.json", lambda d: taken_over(d, directory))
    edit(directory / "resources.json", reported)
    edit(directory / "migration.json", lambda d: moved(d, before))
    told_twice.asked(directory)
    edit(directory / "maintenance.json", maintained)
    edit(directory / "operations.json", operated)
    edit(directory / "proxy.json", lambda d: [row.update(detail="200") for row in d])
    edit(directory / "secrets.json", lambda d: sought(d, before))
    tagged(directory, before["servers"][0])
    example.lines_of_their_own(directory)


def tagged(directory: Path, server: Document) -> None:
    """What an owner did in the window, and the operator accepted."""
    change = {
        "key": "tags",
        "before": server["tags"],
        "then": lab_nodes.DIGESTS(["new"]),
    }
    for name in ("after", "ended", "restarted"):
        edit(
            directory / f"{name}.json",
            lambda d: d["servers"][0].update(tags=change["then"]),
        )
    files.write(directory / "accepted.json", [{"instance": server["uuid"], **change}])


def looked_at(name: str, document: Document) -> None:
    for machine in document["machines"]:
        machine["bmc"] = f"127.0.0.1:{machine['mac'][-2:]}"
    for server in document["servers"]:
        server.update(project_id=PROJECT, user_id=USER, host=HOST)
        document["around"]["consumers"][server["uuid"]] = [PROJECT, USER]
        document["around"]["aggregates"] = {HOST: [["1", "zone-1", "digest:0"]]}
        if name == "before":
            for binding in server["bindings"]:
                server["bindings"][binding] = [HOST, "normal"]
    for provider in document["providers"]:
        provider["name"] = provider["uuid"]
        if name == "before":
            held = bool(provider["allocations"])
            provider["inventories"] = {
                key: {
                    **{"total": total, "min_unit": 1, "max_unit": total},
                    **{"step_size": 1, "allocation_ratio": 1.0},
                    "reserved": total if held else 0,
                }
                for key, total in OLD.items()
            }
            provider["allocations"] = dict.fromkeys(provider["allocations"], OLD)
    (compute,) = document["services"]
    compute["host"] = HOST
    for number, binary in enumerate(("nova-conductor", "nova-scheduler"), start=2):
        document["services"].append(
            {
                **looks.service("enabled"),
                **{"binary": binary, "host": HOST, "id": f"service-{number}"},
            }
        )
    for node in document.get("ironic_nodes", ()):
        number = next(
            m["bmc"] for m in document["machines"] if m["uuid"] == node["uuid"]
        )
        node.update(bmc=number, boot_interface="ipxe", deploy_interface="direct")
        if node["instance_uuid"] is None:
            node["deploy_interface"] = "ramdisk"


def maintained(document: Document) -> None:
    for service in document["services"]:
        service["host"] = HOST


def leased(directory: Path) -> None:
    """What was given first was new."""
    path = directory / "leases.jsonl"
    leases = [json.loads(line) for line in path.read_text().splitlines()]
    given: set[str] = set()
    for lease in leases:
        if lease["mac"] not in given:
            lease["event"] = "add"
        given.add(lease["mac"])
    files.write_lines(path, leases)


def taken_over(document: Document, directory: Path) -> None:
    after = json.loads((directory / "after.json").read_text())["ironic_nodes"]
    for node, now in zip(document["nodes"], after, strict=True):
        node.update({key: now[key] for key in ("instance_uuid", "bmc", "ports")})


def reported(document: Document) -> None:
    for node in document["nodes"]:
        node["name"] = node["uuid"]
        node["instance"] = next(iter(node["allocations"]), None)


def moved(document: Document, before: Document) -> None:
    ports = {
        server["uuid"]: port["id"] for server, port in told_twice.with_ports(before)
    }
    for row in document["rows"]:
        port = ports.get(row["instance_uuid"])
        row.update(
            **{"cpu_arch": "x86_64", "capabilities": "boot_mode:bios"},
            **{"service_host": HOST, "interfaces": [row["bm_node_id"]]},
            **{"vifs": [port] if port else [], "interfaces_skipped": []},
            **{"reasons": [], "notes": []},
        )
    document["rows"][0]["notes"] = ["boots over the network, and so it will"]
    number = len(document["rows"])
    document["options"].update(
        **{"resource_class": "baremetal", "node_arch": "x86_64"},
        **{"architectures": {HOST: "x86_64"}, "capabilities": {HOST: {}}},
        **{"deploy_interface": "direct", "free_deploy_interface": "ramdisk"},
        **{"boot_interface": "ipxe", "free_state": "available", "boot_mode": "bios"},
    )
    document["counts"].update(
        **{"migrate": number, "skip": 0, "interfaces_skipped": 0},
        ports_written=number,
    )
    table = {
        **{"read": number, "to_write": number},
        **dict.fromkeys(("moved_before", "skipped", "refused"), 0),
    }
    document.update(
        **{"command": "run", "tool": "ironic-sideways 0.1.0"},
        source="mysql+pymysql://nova_bm:***@127.0.0.1/nova_bm?charset=utf8mb4",
        target="mysql+pymysql://ironic:***@127.0.0.1/ironic?charset=utf8mb4",
        tables={"bm_nodes": table, "bm_interfaces": dict(table)},
        load_seconds=0.05,
        finished_at=datetime.datetime.fromtimestamp(
            clock.span("migrate")[1] - 0.5, datetime.UTC
        ).isoformat(),
    )


def operated(document: list[Document]) -> None:
    for number, operation in enumerate(document, start=1):
        operation["seconds"] = float(number + 37)
        if operation["name"] in ("new server", "redeploy"):
            for key in ("instance", "embedded", "allocation", "macs"):
                del operation[key]
        operation["detail"] = f"{operation['name']} done"


def sought(document: Document, before: Document) -> None:
    names = [f"BMC password of {machine['name']}" for machine in before["machines"]]
    document.update(sought=[*names, "database-nova"], too_short=[])
