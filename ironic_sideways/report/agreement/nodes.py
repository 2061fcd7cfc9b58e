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

"""Of the nodes: what the migration wrote, and what Ironic and Nova told of them."""

import datetime
import itertools
import re
from collections.abc import Iterator
from pathlib import Path

from ironic_sideways.evidence import compare, documents, migration
from ironic_sideways.report import interfaces, places, window
from ironic_sideways.report.agreement.looks import Document


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


def options(directory: Path, before: Document) -> Iterator[str]:
    """What the migration was told is what it wrote, and when it says it did."""
    document = documents.read(directory / "migration.json")
    told = document["options"]
    mode, name = told.get("boot_mode"), told.get("resource_class")
    by_shape = told.get("resource_class_by_shape")
    for row in migration.rows(directory / "migration.json"):
        # A whole shape follows the architecture (resource_class.by_shape).
        shaped = rf"{re.escape(name or '')}-{row.get('cpu_arch')}-\d+c-\d+m-\d+g"
        told_class = shaped if by_shape else re.escape(name or "")
        if name and not re.fullmatch(told_class, row["resource_class"]):
            yield f"row {row['bm_node_id']}: class {row['resource_class']}, told {name}"
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
        if not 0 < document["load_seconds"] <= finished - started:
            yield f"loaded for {document['load_seconds']} s"
        if document["source"] == document["target"]:
            yield f"moved from {document['source']} to itself"
    if free := told.get("free_state"):
        states = {
            node["provision_state"]
            for node in documents.read(directory / "takeover.json")["nodes"]
            if node["provision_state"] != "active"
        }
        if not states <= {free}:
            yield f"free nodes are {sorted(states)}, told {free}"


#: What the window's script had found for the migration.
FOUND = {
    f"phases/{name}.value": name.replace("-", "_")
    for name in ("owner", "deploy-kernel", "deploy-ramdisk")
}
KEYS = tuple(FOUND.values())
#: What the migration does where it is not told (migrate/arguments.py, interfaces.py).
DEFAULTS = {
    **{"resource_class": "baremetal", "free_state": "available"},
    **{"deploy_interface": "direct", "boot_interface": "ipxe", "boot_mode": "bios"},
    **{"network_interface": "flat", "free_deploy_interface": None},
}
FLAGS = ("resource_class_by_shape", "shard_by_service_host")


def asked(directory: Path, before: Document) -> Iterator[str]:
    """The migration did what it was asked, as the script that called it has noted."""
    told = documents.read(directory / "migration.json")["options"]
    for file, key in FOUND.items():
        found = " ".join(places.lines(directory / file)) or "absent"
        if told.get(key) != found:
            yield f"options: {key}: {told.get(key)}, {file} has {found}"
    words = interfaces.words(directory)
    if not words:
        yield f"{interfaces.ASKED} is absent"
    values = {
        key.removeprefix("--").replace("-", "_"): value
        for key, value in itertools.pairwise([*words, "--"])
        if key.startswith("--") and not value.startswith("--")
    }
    for key in (*DEFAULTS, *KEYS):
        wanted = values.get(key, DEFAULTS.get(key))
        # One that it was not asked for is not recorded by an earlier version.
        if told.get(key, DEFAULTS.get(key)) != wanted:
            yield f"options: {key}: {told.get(key)}, asked for was {wanted}"
    for key in FLAGS:
        if told.get(key, False) != (f"--{key.replace('_', '-')}" in words):
            yield f"options: {key}: {told.get(key)}, not as asked for"


def seconds(moment: str) -> float:
    return datetime.datetime.fromisoformat(moment).timestamp()


def conductors(directory: Path, before: Document) -> Iterator[str]:
    """A node has a conductor that is online, or none."""
    for node in documents.read(directory / "takeover.json")["nodes"]:
        if bool(node["conductor"]) != bool(node["online"]):
            yield f"{node['uuid']}: {node['conductor']}, online: {node['online']}"
