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

"""Ironic's own code rebuilds, refuses and deletes a moved net-booted instance (T1).

The rest of it, machines and Nova included, is done by the lab's main job
(trials/operations.py).
"""

import json
import subprocess
import sys
import tomllib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from openstack.baremetal.v1.node import ValidationResult
from sqlalchemy.engine import URL

from ironic_sideways.evidence import judges as asked
from ironic_sideways.report import judges
from ironic_sideways.tests.bench import conductor
from ironic_sideways.tests.functional import mariadb
from ironic_sideways.tests.unit.report import upstream

MODULE = "ironic_sideways.tests.functional.conductor.rebuilds"
REPOSITORY = Path(__file__).parents[4]
TIMEOUT = 300


@pytest.fixture(scope="module")
def found(
    server: mariadb.Server, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Any]:
    """Each case, and its node afterwards."""
    directory = tmp_path_factory.mktemp("conductor")
    url: URL = mariadb.create_ironic(server, "rebuilds", directory)
    config = conductor.configure(
        directory,
        url,
        {"automated_clean": 0},
        mariadb.free_port(),
        deploy="direct,ramdisk",
    )
    done = subprocess.run(
        [sys.executable, "-m", MODULE, config],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return dict(json.loads(done.stdout.splitlines()[-1]))


@pytest.fixture(scope="module")
def known(found: dict[str, Any]) -> dict[str, Any]:
    """What the cases were made of."""
    return {**found["constants"], "no kernel": found["no deploy kernel"]["uuid"]}


def touched(node: dict[str, Any], known: dict[str, Any]) -> dict[str, Any]:
    """What of the node is not as the move left it."""
    wanted = {
        "instance_info": known["moved"],
        "driver_info": {**known["bmc"], **known["forced"]},
        "driver_internal_info": {"persistent_boot_device": "pxe"},
        "power_state": "power on",
        "begun": None,
    }
    if node["uuid"] == known["no kernel"]:
        wanted["driver_info"] = known["forced"]
    return {name: node[name] for name, value in wanted.items() if node[name] != value}


def test_t1_ironic_alone_would_write_no_disk(found: dict[str, Any]) -> None:
    """The fault: what the other cases mend."""
    node = found["stock"]
    assert node["begun"] == "RamdiskDeploy"
    assert node["instance_info"]["ramdisk_kernel_arguments"] == "root=UUID=4d66-11aa ro"
    assert "kernel" not in node["instance_info"]


def test_t1_a_whole_disk_image_is_deployed_by_the_nodes_own_interface(
    found: dict[str, Any], known: dict[str, Any]
) -> None:
    node = found["whole disk"]
    assert (node["error"], node["begun"]) == (None, "AgentDeploy")
    left = {
        name: node[name].keys() & set(keys) for name, keys in known["settings"].items()
    }
    assert not any(left.values()), left
    assert node["instance_info"]["image_source"] == known["images"]["whole"]
    assert node["instance_info"]["display_name"] == "server-1"
    assert node["driver_internal_info"]["is_whole_disk_image"] is True


@pytest.mark.parametrize(
    ("case", "says"),
    [
        ("2014", "the image has kernel_id or ramdisk_id"),
        ("ami", "Ironic takes no image of format ami"),
        ("gone", "image 00000000-0000-0000-0000-000000000004 cannot be read"),
        ("no image", "image None cannot be read"),
        ("no deploy kernel", "Cannot validate"),
        (
            "preserve",
            "its ephemeral disk cannot be kept, ask without preserve_ephemeral;",
        ),
    ],
)
def test_t1_what_cannot_be_deployed_is_refused_and_nothing_touched(
    found: dict[str, Any], known: dict[str, Any], case: str, says: str
) -> None:
    node = found[case]
    assert (node["error"], node["provision_state"]) == (None, "active")
    assert touched(node, known) == {}
    state, told = node["nova saw"]
    assert state == "deploy failed"
    assert told.startswith(known["refused"] + says)
    assert told.endswith(
        "; rebuild with a whole-disk image, or let an administrator set it active"
    )
    # Nova shows an owner as much, "Failed to provision instance UUID: " included.
    assert len(f"Failed to provision instance {node['uuid']}: {told}") <= 255


def test_t10_preserve_ephemeral_is_let_where_there_is_no_ephemeral_disk(
    found: dict[str, Any],
) -> None:
    node = found["nothing to preserve"]
    assert (node["error"], node["begun"]) == (None, "AgentDeploy")


def test_t1_a_node_that_a_dead_conductor_refused_is_active_again_a_failed_one_not(
    found: dict[str, Any], known: dict[str, Any]
) -> None:
    refused, failed = found["ended"]["refused"], found["ended"]["failed"]
    assert (refused["provision_state"], refused["last_error"]) == ("active", None)
    assert refused["target_provision_state"] is None
    assert touched(refused, known) == {}
    assert failed["provision_state"] == "deploy failed"
    assert failed["last_error"] == "Agent timed out"


def test_t1_a_refused_rebuild_may_be_followed_by_a_good_one(
    found: dict[str, Any],
) -> None:
    node = found["second try"]
    assert (node["error"], node["begun"]) == (None, "AgentDeploy")
    assert node["provision_state"] == "active"


def test_t1_a_ramdisk_node_that_was_not_moved_is_ironics(found: dict[str, Any]) -> None:
    assert found["another's"]["begun"] == "RamdiskDeploy"


def test_t1_a_deleted_instance_leaves_no_net_boot_on_its_node(
    found: dict[str, Any], known: dict[str, Any]
) -> None:
    node = found["deleted"]
    assert node["provision_state"] == "available"
    assert node["instance_info"] == {}
    assert node["driver_info"] == known["bmc"]
    assert "persistent_boot_device" not in node["driver_internal_info"]


def test_t1_ironic_finds_it_by_its_name() -> None:
    content = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())
    points = content["project"]["entry-points"]["ironic.hardware.interfaces.deploy"]
    module, _, name = points["netbooted"].partition(":")
    path = REPOSITORY / f"{module.replace('.', '/')}.py"
    assert f"class {name}(" in path.read_text()


@pytest.mark.parametrize(
    ("name", "lacks"),
    [
        ("network", {}),
        ("disk", {"deploy": upstream.NO_IMAGE}),
        ("deployed", {}),
        ("free", {"deploy": upstream.NO_IMAGE}),
        (
            "free, net-booted",
            {"boot": upstream.NO_KERNEL, "deploy": upstream.NO_KERNEL},
        ),
    ],
)
def test_what_ironic_calls_valid_of_a_node_is_what_the_verdict_expects(
    found: dict[str, Any], name: str, lacks: dict[str, str]
) -> None:
    uuid, said = found["validated"][name]
    answers = {
        kind: ValidationResult(one["result"], one.get("reason"))
        for kind, one in said.items()
    }
    baremetal = SimpleNamespace(validate_node=lambda uuid, required: answers)
    cloud: Any = SimpleNamespace(baremetal=baremetal)
    node = asked.node(cloud, uuid)

    wanted = {kind: reason.format(uuid) for kind, reason in lacks.items()}
    assert node["interfaces"] == {**dict.fromkeys(judges.INTERFACES, ""), **wanted}
    kinds = {uuid: name.partition(",")[0]}
    checks = judges.each_node({"nodes": [node]}, kinds)
    assert [check.detail for check in checks if not check.ok] == []
