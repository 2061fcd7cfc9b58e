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

"""Stories of the moved cloud, its nodes and instances, as documents would tell them."""

import json
from pathlib import Path
from typing import Any

from ironic_sideways.tests.unit.report import complete, example, whole
from ironic_sideways.tests.unit.report.test_broken_moves import Forge

EVERY_LOOK = ("before", "after", "ended", "restarted")

#: A free node.
LAST = example.named("node", 8)


def done_besides(name: str, moment: float) -> Forge:
    """A phase more, which began at ``moment``."""

    def forge(directory: Path) -> None:
        path = directory / "events.jsonl"
        told = [json.loads(line) for line in path.read_text().splitlines()]
        told += [
            whole.phase(name, "started", moment),
            whole.phase(name, "ok", moment + 0.1, 0.1),
        ]
        whole.write_lines(path, sorted(told, key=lambda event: float(event["time"])))

    return forge


def unserved(directory: Path) -> None:
    """No conductor serves the free nodes once those in use were taken over."""

    def alter(document: Any) -> None:
        for node in document["ironic_nodes"]:
            if node["instance_uuid"] is None:
                node["conductor"] = None

    for name in ("after", "restarted"):
        whole.edit(directory / f"{name}.json", alter)


def broken_before(**change: Any) -> Forge:
    """The survivor was no better before the move: each look has it."""

    def alter(document: Any) -> None:
        for server in document["servers"]:
            if server["uuid"] == example.named("server", 4):
                server.update({key: change[key] for key in change if key in server})

    def forge(directory: Path) -> None:
        for name in ("before", "after", "ended", "restarted", "workload"):
            whole.edit(directory / f"{name}.json", alter)

    return forge


def not_bound(directory: Path) -> None:
    """The interface that nobody binds was asked for, and no port is bound."""
    noop = {"network_interface": "noop"}

    def alter(document: Any) -> None:
        for server in document["servers"]:
            server["bindings"] = {
                port: [complete.HOST, "normal"] for port in server["bindings"]
            }
        for node in document.get("ironic_nodes", ()):
            node.update(noop)

    for name in ("after", "ended", "restarted"):
        whole.edit(directory / f"{name}.json", alter)
    whole.edit(directory / "migration.json", lambda d: d["options"].update(noop))


def flavor_left(directory: Path) -> None:
    """A second flavor has nova-baremetal's extra specs in each look."""
    specs = {f"baremetal:deploy_{what}_id": what for what in ("kernel", "ramdisk")}

    def alter(document: Any) -> None:
        around = document["around"]
        around["access"]["flavor-2"] = {"public": True, "projects": []}
        around["specs"]["flavor-2"] = specs
        around["images"] |= dict.fromkeys(specs.values(), "active")

    for name in ("before", "after", "ended", "restarted"):
        whole.edit(directory / f"{name}.json", alter)


def put_aside(**change: Any) -> Forge:
    """A free node is put aside while the proxy is tried, and nobody takes it back."""

    def alter(document: Any) -> None:
        document["nodes"][-1].update(change)

    return lambda directory: whole.edit(directory / "last-look.json", alter)


def stranger(directory: Path) -> None:
    """A server that nobody knew runs on no node since the end of maintenance."""

    def alter(document: Any) -> None:
        known = document["servers"][0]
        new = {"uuid": example.named("server", 99), "node": None, "status": "ACTIVE"}
        document["servers"].append({**known, **new, "ports": [], "bindings": {}})

    for name in ("ended", "restarted"):
        whole.edit(directory / f"{name}.json", alter)


def around(kind: str, **change: Any) -> Forge:
    """What instances lean on is something else, before and after."""

    def alter(document: Any) -> None:
        for key in document["around"][kind]:
            document["around"][kind][key] = change["value"]

    def forge(directory: Path) -> None:
        for name in EVERY_LOOK:
            whole.edit(directory / f"{name}.json", alter)

    return forge


def another_class(directory: Path) -> None:
    """Each document has the nodes' class as one that nobody asked for."""
    told = json.loads((directory / "migration.json").read_text())["options"]
    for path in directory.glob("*.json"):
        text = path.read_text()
        text = text.replace("CUSTOM_BAREMETAL", "CUSTOM_GOLD")
        text = text.replace('"resource_class": "baremetal"', '"resource_class": "gold"')
        path.write_text(text)
    whole.edit(directory / "migration.json", lambda d: d.update(options=told))


FORGED: dict[str, tuple[Forge, str, str]] = {
    "rolled back once all was judged": (
        done_besides("undo-migrate", example.span("collect")[1] + 1),
        "window",
        "order of phases",
    ),
    "data taken back in the window": (
        done_besides("undo-migrate", example.span("dhcp-options")[1] + 0.05),
        "window",
        "order of phases",
    ),
    "free nodes that no conductor serves": (
        unserved,
        "survival",
        f"ironic node {example.named('node', 8)} as moved",
    ),
    "a survivor in ERROR before, and for ever": (
        broken_before(status="ERROR", vm_state="error"),
        "agreement",
        "at rest agree",
    ),
    "a survivor in the middle of a task, for ever": (
        broken_before(task_state="rebooting_hard"),
        "agreement",
        "at rest agree",
    ),
    "a survivor that Nova calls off, which runs": (
        broken_before(vm_state="stopped", power_state=4),
        "agreement",
        "at rest agree",
    ),
    "a survivor on a host that is none": (
        broken_before(host="another"),
        "agreement",
        "at rest agree",
    ),
    "no port bound, and told that all are": (not_bound, "agreement", "bound agree"),
    "a bare-metal flavor that was not updated": (
        flavor_left,
        "flavors",
        "each bare-metal flavor",
    ),
    "a node in maintenance at the end": (
        put_aside(maintenance=True),
        "last look",
        f"ironic node {LAST} at the end",
    ),
    "a node whose cleaning failed at the end": (
        put_aside(provision_state="clean failed"),
        "last look",
        f"ironic node {LAST} at the end",
    ),
    "a node without conductor at the end": (
        put_aside(conductor=None),
        "last look",
        f"ironic node {LAST} at the end",
    ),
    "a server that nobody knew, on no node": (
        stranger,
        "survival",
        f"instance {example.named('server', 99)} after the end",
    ),
    "allocations of another project": (
        around("consumers", value=["project-9", "user-9"]),
        "agreement",
        "consumers agree",
    ),
    "tables of nova_bm that are not there": (
        around("nova_bm", value=None),
        "survival",
        "nova_bm bm_nodes",
    ),
    "another resource class in each document": (
        another_class,
        "agreement",
        "options agree",
    ),
}
