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

import datetime
import json
from pathlib import Path
from typing import Any

from ironic_sideways.tests.unit.report import complete
from ironic_sideways.tests.unit.report.example import clock, lab_nodes
from ironic_sideways.tests.unit.report.small_move import files, log_files, phases
from ironic_sideways.tests.unit.report.test_broken_moves import Forge

EVERY_LOOK = ("before", "after", "ended", "restarted")

#: A free node.
LAST = lab_nodes.named("node", 8)


def done_besides(name: str, moment: float) -> Forge:
    """A phase more, which began at ``moment``."""

    def forge(directory: Path) -> None:
        path = directory / "events.jsonl"
        told = [json.loads(line) for line in path.read_text().splitlines()]
        told += [
            phases.phase(name, "started", moment),
            phases.phase(name, "ok", moment + 0.1, 0.1),
        ]
        files.write_lines(path, sorted(told, key=lambda event: float(event["time"])))

    return forge


def unserved(directory: Path) -> None:
    """No conductor serves the free nodes once those in use were taken over."""

    def alter(document: Any) -> None:
        for node in document["ironic_nodes"]:
            if node["instance_uuid"] is None:
                node["conductor"] = None

    for name in ("after", "restarted"):
        files.edit(directory / f"{name}.json", alter)


def broken_before(**change: Any) -> Forge:
    """The survivor was no better before the move: each look has it."""

    def alter(document: Any) -> None:
        for server in document["servers"]:
            if server["uuid"] == lab_nodes.named("server", 4):
                server.update({key: change[key] for key in change if key in server})

    def forge(directory: Path) -> None:
        for name in ("before", "after", "ended", "restarted", "workload"):
            files.edit(directory / f"{name}.json", alter)

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
        files.edit(directory / f"{name}.json", alter)
    files.edit(directory / "migration.json", lambda d: d["options"].update(noop))


def flavor_left(directory: Path) -> None:
    """A second flavor has nova-baremetal's extra specs in each look."""
    specs = {f"baremetal:deploy_{what}_id": what for what in ("kernel", "ramdisk")}

    def alter(document: Any) -> None:
        around = document["around"]
        around["access"]["flavor-2"] = {"public": True, "projects": []}
        around["specs"]["flavor-2"] = specs
        around["images"] |= dict.fromkeys(specs.values(), "active")

    for name in ("before", "after", "ended", "restarted"):
        files.edit(directory / f"{name}.json", alter)


def put_aside(**change: Any) -> Forge:
    """A free node is put aside while the proxy is tried, and nobody takes it back."""

    def alter(document: Any) -> None:
        document["nodes"][-1].update(change)

    return lambda directory: files.edit(directory / "last-look.json", alter)


def stranger(directory: Path) -> None:
    """A server that nobody knew runs on no node since the end of maintenance."""

    def alter(document: Any) -> None:
        known = document["servers"][0]
        new = {"uuid": lab_nodes.named("server", 99), "node": None, "status": "ACTIVE"}
        document["servers"].append({**known, **new, "ports": [], "bindings": {}})

    for name in ("ended", "restarted"):
        files.edit(directory / f"{name}.json", alter)


def around(kind: str, **change: Any) -> Forge:
    """What instances lean on is something else, before and after."""

    def alter(document: Any) -> None:
        for key in document["around"][kind]:
            document["around"][kind][key] = change["value"]

    def forge(directory: Path) -> None:
        for name in EVERY_LOOK:
            files.edit(directory / f"{name}.json", alter)

    return forge


def another_class(directory: Path) -> None:
    """Each document has the nodes' class as one that nobody asked for."""
    told = json.loads((directory / "migration.json").read_text())["options"]
    for path in directory.glob("*.json"):
        text = path.read_text()
        text = text.replace("CUSTOM_BAREMETAL", "CUSTOM_GOLD")
        text = text.replace('"resource_class": "baremetal"', '"resource_class": "gold"')
        path.write_text(text)
    files.edit(directory / "migration.json", lambda d: d.update(options=told))


def lost(kind: str) -> Forge:
    """Of what instances lean on nothing is told of one, before and after."""

    def alter(document: Any) -> None:
        told = document["around"][kind]
        del told[next(iter(told))]

    def forge(directory: Path) -> None:
        for name in EVERY_LOOK:
            files.edit(directory / f"{name}.json", alter)

    return forge


def without_tables(directory: Path) -> None:
    """Nobody looked at nova_bm."""
    for name in EVERY_LOOK:
        files.edit(directory / f"{name}.json", lambda d: d["around"].pop("nova_bm"))


def written_over(directory: Path) -> None:
    """The survivors' image holds something else since the move."""
    for name in EVERY_LOOK[1:]:
        files.edit(
            directory / f"{name}.json",
            lambda d: d["around"]["contents"].update(
                {lab_nodes.named("image", 1): ["qcow2", 9, "another hash"]}
            ),
        )


def shaped(**change: Any) -> Forge:
    """A free node has another shape than its row, since it was moved."""

    def alter(document: Any) -> None:
        for node in document["ironic_nodes"]:
            if node["uuid"] == LAST:
                node["properties"].update(change)

    def forge(directory: Path) -> None:
        for name in ("after", "restarted"):
            files.edit(directory / f"{name}.json", alter)

    return forge


def another_image(directory: Path) -> None:
    """The survivor was of another image by the time of the first look."""
    image = lab_nodes.named("image", 2)

    def alter(document: Any) -> None:
        document["servers"][3]["image"] = image
        document["around"]["images"][image] = "active"

    for name in EVERY_LOOK:
        files.edit(directory / f"{name}.json", alter)


def undone_and_again(name: str, key: str, file: str) -> Forge:
    """All was undone and done again, and a document is of the first time."""
    first = clock.span("begin-maintenance")[0] - 20

    def forge(directory: Path) -> None:
        path = directory / "events.jsonl"
        told = [json.loads(line) for line in path.read_text().splitlines()]
        for at, phase in enumerate((name, f"undo-{name}")):
            began = first + 3 * at
            told += [
                phases.phase(phase, "started", began),
                phases.phase(phase, "ok", began + 2, 2.0),
            ]
        files.write_lines(path, sorted(told, key=lambda event: float(event["time"])))
        log_files.phase_logs(directory)
        moment = datetime.datetime.fromtimestamp(first + 1, datetime.UTC).isoformat()
        files.edit(directory / file, lambda d: d.update({key: moment}))

    return forge


def one_deploy_image(directory: Path) -> None:
    """Deploy kernel and deploy ramdisk are one image, wherever they are told."""
    for path in (*directory.glob("*.json"), *(directory / "phases").glob("*.value")):
        path.write_text(path.read_text().replace("ramdisk-1", "kernel-1"))


def moved_at_once(directory: Path) -> None:
    """The migration read, wrote and verified in no time."""

    def alter(document: Any) -> None:
        document.update(finished_at=document["started_at"], load_seconds=0.0)

    files.edit(directory / "migration.json", alter)


def moved_to_itself(directory: Path) -> None:
    files.edit(directory / "migration.json", lambda d: d.update(target=d["source"]))


def one_look(directory: Path) -> None:
    """The look at the end of the window is told as that after it, too."""
    moment = json.loads((directory / "after.json").read_text())["taken_at"]
    files.edit(directory / "ended.json", lambda d: d.update(taken_at=moment))


FORGED: dict[str, tuple[Forge, str, str]] = {
    "rolled back once all was judged": (
        done_besides("undo-migrate", clock.span("collect")[1] + 1),
        "window",
        "order of phases",
    ),
    "data taken back in the window": (
        done_besides("undo-migrate", clock.span("dhcp-options")[1] + 0.05),
        "window",
        "order of phases",
    ),
    "free nodes that no conductor serves": (
        unserved,
        "survival",
        f"ironic node {lab_nodes.named('node', 8)} as moved",
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
    **{
        f"a node that is {state} for ever": (
            put_aside(provision_state=state),
            "last look",
            f"ironic node {LAST} at the end",
        )
        for state in ("deleting", "cleaning", "clean wait")
    },
    "a node that Tempest did not give back": (
        put_aside(provision_state="active", instance_uuid="left"),
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
        f"instance {lab_nodes.named('server', 99)} after the end",
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
    **{
        f"{kind} of which one is not told": (lost(kind), "agreement", "leaning agree")
        for kind in (
            *("access", "fingerprints", "security groups"),
            *("consumers", "hypervisors", "nova_bm", "contents"),
        )
    },
    "nova_bm, which nobody looked at": (
        without_tables,
        "agreement",
        "leaning agree",
    ),
    "another image than was asked for": (
        another_image,
        "agreement",
        "workload agree",
    ),
    "an image that holds something else": (
        written_over,
        "agreement",
        "leaning agree",
    ),
    **{
        f"a node of another shape than its row's, {key}": (
            shaped(**{key: value}),
            "survival",
            f"ironic node {LAST} as moved",
        )
        for key, value in (("memory_mb", 128), ("capabilities", "boot_mode:uefi"))
    },
    "rows moved before all was undone": (
        undone_and_again("migrate", "started_at", "migration.json"),
        "evidence",
        "moment of migration.json",
    ),
    "one image as deploy kernel and deploy ramdisk": (
        one_deploy_image,
        "flavors",
        "deploy kernel and deploy ramdisk",
    ),
    "a migration in no time": (moved_at_once, "agreement", "options agree"),
    "a migration to where it came from": (
        moved_to_itself,
        "agreement",
        "options agree",
    ),
    "one look told as two": (one_look, "evidence", "order of ended.json"),
    "another resource class in each document": (
        another_class,
        "agreement",
        "options agree",
    ),
}
