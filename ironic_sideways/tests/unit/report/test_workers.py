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

"""The subject workers: each outcome of a worker's death that was not kept is named."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ironic_sideways.report import schemas, workers
from ironic_sideways.tests.unit.report import small_move
from ironic_sideways.tests.unit.report.small_move import files, small_cloud

Document = dict[str, Any]

FIRST, SECOND = "nova-compute", "nova-compute-sibling"


def nodes() -> list[Document]:
    return [
        {
            **{"uuid": uuid, "instance": instance, "compute_nodes": 1},
            "provision_state": "active" if instance else "available",
            "providers": [uuid],
        }
        for uuid, (_number, instance, _status, _power) in small_cloud.NODES.items()
    ]


def round_of(name: str, kind: str, **done: Any) -> Document:
    return {
        **{"name": name, "ok": True, "detail": "done", "seconds": 9.5},
        "done": {"kind": kind, "server": "new", **done},
        "bystanders": [
            {"mac": small_cloud.mac(1), "before": "boot-1", "after": "boot-1"}
        ],
        "nodes": nodes(),
    }


@pytest.fixture
def evidence(tmp_path: Path) -> Path:
    small_move.lay_down(tmp_path)
    document = {
        "workers": [FIRST, SECOND],
        "each": 1,
        "build_timeout": 180,
        "periodic": 120,
        "rounds": [
            round_of("second, idle", "idle", killed=SECOND, boot_id="b-1"),
            round_of("first, idle", "idle", killed=FIRST, boot_id="b-2"),
            *(reboot("in a reboot"), delete("in a delete")),
            round_of("in a build", "build", killed=FIRST, ended="ERROR", seconds=190.0),
            round_of("in both", "delete in build", builder=FIRST, deleter=SECOND),
            round_of("beside", "start beside build", builder=FIRST, killed=SECOND),
            *(reboot("in a reboot, 1"), delete("in a delete, 1")),
        ],
        "killed": [SECOND, FIRST, FIRST, FIRST, FIRST, FIRST, FIRST],
    }
    files.write(tmp_path / workers.FILE, document)
    return tmp_path


def reboot(name: str) -> Document:
    more = {"boot_id_before": "b-2", "boot_id": "b-3"}
    return round_of(name, "reboot", killed=FIRST, **more)


def delete(name: str) -> Document:
    return round_of(name, "delete", killed=FIRST, node="node-free")


def failed(directory: Path) -> dict[str, str]:
    found = workers.check_workers(directory).failures
    return {check.name: check.detail for check in found}


def test_rounds_in_which_all_was_kept_are_good(evidence: Path) -> None:
    assert failed(evidence) == {}
    (schema,) = (s for s in schemas.every() if s.name == "clustered")
    assert list(schemas.faults(schema, evidence / workers.FILE)) == []


@pytest.mark.parametrize(
    ("number", "where", "change", "name", "says"),
    [
        (4, "done", {"ended": "BUILD"}, "outcome of in a build", "ended BUILD"),
        (4, "done", {"seconds": 301.0}, "outcome of in a build", "at most 300"),
        (2, "done", {"boot_id": "b-2"}, "outcome of in a reboot", "did not reboot"),
        (3, "done", {"node": "node-run"}, "outcome of in a delete", "was not freed"),
        (
            3,
            "done",
            {"server": "server-run"},
            "outcome of in a delete",
            "still on node",
        ),
        (
            5,
            "done",
            {"server": "server-run"},
            "outcome of in both",
            "still on node node-run",
        ),
        (5, "done", {"deleter": FIRST}, "outcome of in both", "what it built itself"),
        (0, "done", {"boot_id": ""}, "outcome of second, idle", "served no request"),
        (
            1,
            "done",
            {"killed": SECOND},
            "each worker was killed",
            "killed: nova-compute",
        ),
        (0, "ok", False, "round second, idle", "done"),
        (0, "ok", False, "rounds: idle", "1 times, expected 2"),
        (8, "ok", False, "rounds: delete", "1 times, expected 2"),
        (6, "ok", False, "rounds: start beside build", "0 times, expected 1"),
        (2, "bystanders", [], "bystanders of in a reboot", "nothing to prove"),
    ],
)
def test_a_promise_that_was_not_kept_is_named(
    evidence: Path, number: int, where: str, change: Any, name: str, says: str
) -> None:
    def spoil(document: Document) -> None:
        row = document["rounds"][number]
        row[where] = row[where] | change if isinstance(change, dict) else change

    files.edit(evidence / workers.FILE, spoil)

    assert says in failed(evidence)[name]


def test_a_running_instance_that_booted_anew_is_named(evidence: Path) -> None:
    def reboot_it(document: Document) -> None:
        document["rounds"][0]["bystanders"][0]["after"] = "boot-2"

    files.edit(evidence / workers.FILE, reboot_it)

    assert "boot-1 became boot-2" in failed(evidence)["bystanders of second, idle"]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (
            lambda node: node.update(provision_state="error"),
            "is error, expected active",
        ),
        (lambda node: node["providers"].append("twin"), "has the providers"),
        (lambda node: node.update(compute_nodes=2), "is 2 compute nodes"),
        (lambda node: node.update(uuid="other"), "lacks ['node-run']"),
    ],
)
def test_a_node_that_is_not_in_order_is_named(
    evidence: Path, change: Callable[[Document], None], says: str
) -> None:
    def spoil(document: Document) -> None:
        change(document["rounds"][0]["nodes"][0])

    files.edit(evidence / workers.FILE, spoil)

    assert says in failed(evidence)["nodes after second, idle"]
