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

"""The subject exact-match: a flavor on another shape, or on any, is named."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ironic_sideways.report import exact_match, schemas
from ironic_sideways.tests.unit.report import small_move
from ironic_sideways.tests.unit.report.small_move import files

Document = dict[str, Any]


def node(uuid: str, memory_mb: int) -> Document:
    shape = {"cpus": 1, "memory_mb": memory_mb, "local_gb": 2, "cpu_arch": "x86_64"}
    name = f"baremetal-x86_64-1c-{memory_mb}m-2g"
    return {"uuid": uuid, "resource_class": name, **shape}


def flavor(name: str, ram: int) -> Document:
    asked = f"CUSTOM_BAREMETAL_X86_64_1C_{ram}M_2G"
    return {"name": name, "class": asked, "vcpus": 1, "ram": ram, "disk": 2}


def check(name: str, **what: Any) -> Document:
    return {"name": name, "ok": True, "detail": "done", "seconds": 1, **what}


def landed(flavor: str, node: str) -> Document:
    about = {"flavor": flavor, "instance": "server", "node": node}
    return check(f"{flavor} lands on its shape", landed=about)


def refused(flavor: str, *free: str) -> Document:
    fault = "No valid host was found. There are not enough hosts available."
    about = {"flavor": flavor, "fault": fault, "free": list(free)}
    return check(f"{flavor}, none of its shape free", refused=about)


@pytest.fixture
def evidence(tmp_path: Path) -> Path:
    small_move.lay_down(tmp_path)
    document = {
        "resource_class": "baremetal",
        "nodes": [
            *(node("node-run", 256), node("node-stop", 512)),
            node("node-free", 512),
        ],
        "flavors": [flavor("small", 256), flavor("large", 512)],
        "checks": [
            *(landed("small", "node-run"), landed("large", "node-stop")),
            refused("small", "node-free"),
            refused("large", "node-run"),
            refused("between", "node-run", "node-free"),
        ],
    }
    files.write(tmp_path / exact_match.FILE, document)
    return tmp_path


def failed(directory: Path) -> dict[str, str]:
    found = exact_match.check_exact_match(directory).failures
    return {check.name: check.detail for check in found}


def test_what_lands_on_its_shape_and_nowhere_else_is_good(evidence: Path) -> None:
    assert failed(evidence) == {}
    (schema,) = (s for s in schemas.every() if s.name == "exact-match")
    assert list(schemas.faults(schema, evidence / exact_match.FILE)) == []


def set_at(*path: Any, value: Any) -> Callable[[Document], None]:
    def change(document: Any) -> None:
        for step in path[:-1]:
            document = document[step]
        document[path[-1]] = value

    return change


@pytest.mark.parametrize(
    ("change", "name", "says"),
    [
        (
            set_at("checks", 0, "landed", "node", value="node-stop"),
            "small lands on its shape",
            "is on node node-stop with (1, 512, 2)",
        ),
        (
            set_at("flavors", 0, "disk", value=1),
            "small lands on its shape",
            "wants (1, 256, 1)",
        ),
        (
            set_at("checks", 0, "landed", "node", value="node-new"),
            "small lands on its shape",
            "was not a node before",
        ),
        (
            lambda d: d["checks"].pop(0),
            "small lands on its shape",
            "no server landed",
        ),
        (
            set_at("nodes", 0, "resource_class", value="baremetal-x86_64-1c-512m-2g"),
            "class of node-run",
            "its shape: baremetal-x86_64-1c-256m-2g",
        ),
        (
            lambda d: d["nodes"].pop(),
            "every node accounted for",
            "missing ['node-free']",
        ),
        (
            set_at("checks", 2, "refused", "fault", value=""),
            "small finds no host",
            "the scheduler said: ",
        ),
        (
            set_at("checks", 2, "refused", "free", value=[]),
            "small finds no host",
            "nothing to prove",
        ),
        (
            set_at("checks", 3, "refused", "free", value=["node-free"]),
            "large finds no host",
            "of its shape was free: node-free",
        ),
        (
            lambda d: d["checks"].pop(3),
            "large finds no host",
            "was never tried",
        ),
        (
            lambda d: d["checks"].pop(),
            "a shape that no node has finds no host",
            "was never tried",
        ),
        (
            lambda d: d["flavors"].pop(),
            "flavors of several shapes",
            "small",
        ),
        (
            lambda d: d["checks"][1].update(ok=False, detail="no luck"),
            "large lands on its shape",
            "no luck",
        ),
    ],
)
def test_what_is_not_exact_is_named(
    evidence: Path, change: Callable[[Document], None], name: str, says: str
) -> None:
    files.edit(evidence / exact_match.FILE, change)

    assert says in failed(evidence)[name]


def test_one_shape_alone_proves_nothing(evidence: Path) -> None:
    def same(document: Document) -> None:
        document["nodes"] = [
            node(uuid, 256) for uuid in ("node-run", "node-stop", "node-free")
        ]

    files.edit(evidence / exact_match.FILE, same)

    assert "1 shapes" in failed(evidence)["nodes of several shapes"]
