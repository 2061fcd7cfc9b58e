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

"""nova-bm-convert-allocations with the record of the migration, migration.json."""

import json
import os
import uuid
from pathlib import Path

import pytest

from ironic_sideways.tests import fake_cloud
from ironic_sideways.tests.functional.cmd.converting import (
    HOST,
    convert,
    plain_admin,
    provider,
    record,
    run,
)
from ironic_sideways.tests.placement_service import (
    STANDARD,
    Service,
)


def test_each_nodes_class_by_shape_comes_from_the_record_of_the_migration(
    cloud: fake_cloud.FakeCloud,
    placement_service: Service,
    undo_file: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    small, large = placement_service.add_node(), placement_service.add_node()
    rows = [
        {"uuid": node, "outcome": "migrate", "resource_class": f"baremetal-{shape}"}
        for node, shape in ((small, "i686-1c-256m-2g"), (large, "x86_64-8c-1024m-9g"))
    ]
    file = tmp_path / "migration.json"
    file.write_text(json.dumps({"rows": rows}))
    assert convert(undo_file, "--nodes-file", file) == 2
    assert "--resource-class-by-shape takes each node's own" in capsys.readouterr().err
    assert convert(undo_file, "--nodes-file", file, "--resource-class-by-shape") == 0
    assert set(placement_service.inventory(small)) == {
        "CUSTOM_BAREMETAL_I686_1C_256M_2G"
    }
    last = capsys.readouterr().out.splitlines()[-1]
    assert last == "2/2 nodes converted to 2 resource classes"
    assert run("--undo", undo_file, "--dry-run") == 0
    assert run("--undo", undo_file) == 0
    assert set(placement_service.inventory(large)) == set(STANDARD)


@pytest.mark.parametrize("said", [None, "gold-x86_64-1c-1m-1g", "baremetal"])
def test_a_node_without_a_class_of_the_prefix_is_bad_usage(
    cloud: fake_cloud.FakeCloud, undo_file: Path, tmp_path: Path, said: str | None
) -> None:
    file = tmp_path / "nodes.json"
    file.write_text(json.dumps([{"uuid": "a", "resource_class": said}]))
    assert convert(undo_file, "--nodes-file", file, "--resource-class-by-shape") == 2


def test_d3_a_file_without_nodes_that_move_is_refused(
    cloud: fake_cloud.FakeCloud,
    undo_file: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    file = record(tmp_path, {})
    assert convert(undo_file, "--nodes-file", file) == 2
    assert f"{file}: expected nodes that move, found none" in capsys.readouterr().err


def test_d5_an_instance_without_allocation_gets_it_and_an_undo_takes_it_back(
    cloud: fake_cloud.FakeCloud,
    placement_service: Service,
    undo_file: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    node, instance = placement_service.add_node(), str(uuid.uuid4())
    placement_service.set_inventory(node, STANDARD, reserved=True)
    before = placement_service.inventory(node)
    cloud.servers.add(instance)
    file = record(tmp_path, {node: instance})
    assert convert(undo_file, "--nodes-file", file, "--dry-run") == 0
    assert f"its instance {instance} has no allocation" in capsys.readouterr().err
    assert placement_service.held(node) == {}
    assert convert(undo_file, "--nodes-file", file) == 0
    assert placement_service.held(node) == {instance: {"CUSTOM_BAREMETAL": 1}}
    whose = placement_service.adapter.get(f"/allocations/{instance}").json()
    assert (whose["project_id"], whose["user_id"]) == ("9" * 32, "8" * 32)
    assert convert(undo_file, "--nodes-file", file) == 0
    assert run("--undo", undo_file) == 0
    assert placement_service.held(node) == {}
    assert placement_service.inventory(node) == before
    assert run("--undo", undo_file) == 0


def test_d5_an_allocation_of_another_node_is_refused_and_its_repair_works(
    cloud: fake_cloud.FakeCloud,
    placement_service: Service,
    undo_file: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    own, wrong = placement_service.add_node(), placement_service.add_node(instance=True)
    ((instance, held),) = placement_service.held(wrong).items()
    cloud.servers.add(instance)
    file = record(tmp_path, {own: instance, wrong: None})
    assert convert(undo_file, "--nodes-file", file) == 1
    first, second, _ = capsys.readouterr().err.splitlines()
    repair = f"'openstack resource provider allocation delete {instance}'"
    assert f"node {own}: its instance {instance} holds node {wrong} instead" in first
    assert f"node {wrong}: instance {instance} holds it, and is on node {own}" in second
    assert repair in first and repair in second
    assert placement_service.held(wrong) == {instance: held}
    assert not undo_file.exists()
    placement_service.release(instance)
    assert convert(undo_file, "--nodes-file", file) == 0
    assert placement_service.held(own) == {instance: {"CUSTOM_BAREMETAL": 1}}
    assert placement_service.held(wrong) == {}


def test_d5_an_instance_that_the_record_does_not_have_is_refused(
    cloud: fake_cloud.FakeCloud,
    placement_service: Service,
    undo_file: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """One that holds a free node, one that Nova lacks, one lost after a conversion."""
    free, gone = placement_service.add_node(instance=True), placement_service.add_node()
    (instance,) = placement_service.held(free)
    cloud.servers.add(instance)
    file = record(tmp_path, {free: None, gone: instance[::-1]})
    assert convert(undo_file, "--nodes-file", file) == 1
    first, second, _ = capsys.readouterr().err.splitlines()
    assert f"instance {instance} holds it, and the nodes file has no instanc" in first
    assert f"Nova has no instance {instance[::-1]}, which the nodes file has" in second
    file = record(tmp_path, {free: instance})
    assert convert(undo_file, "--nodes-file", file) == 0
    placement_service.release(instance)
    capsys.readouterr()
    assert convert(undo_file, "--nodes-file", file) == 1
    assert f"rp={free},CUSTOM_BAREMETAL=1" in capsys.readouterr().err


def test_d1_a_compute_node_of_another_uuid_is_no_node_without_provider(
    cloud: fake_cloud.FakeCloud, undo_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    node = str(uuid.uuid4())
    cloud.add_hypervisor(node, HOST)
    cloud.hypervisors[0]["id"] = "0f000000-0000-4000-8000-000000000009"
    assert convert(undo_file, "--node", node, "--missing-ok", "--dry-run") == 1
    assert f"node {node}: Nova's compute node of this name has" in (
        capsys.readouterr().err
    )


def test_d10_a_dry_run_asks_whether_the_account_may_reshape(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    placement_service: Service,
    cloud: fake_cloud.FakeCloud,
    undo_file: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """There and back; with the role it changes nothing."""
    node = placement_service.add_node(instance=True)
    cloud.servers.update(placement_service.held(node))
    known, generation = placement_service.classes(), provider(placement_service, node)
    assert convert(undo_file, "--node", node, "--dry-run") == 0
    assert placement_service.classes() == known
    assert provider(placement_service, node) == generation
    assert convert(undo_file, "--node", node) == 0
    generation = provider(placement_service, node)
    clouds_yaml = os.environ["OS_CLIENT_CONFIG_FILE"]
    with plain_admin(placement_service) as url:
        text = Path(clouds_yaml).read_text()
        own = json.loads(text)
        own["clouds"][fake_cloud.CLOUD]["placement_endpoint_override"] = url
        Path(clouds_yaml).write_text(json.dumps(own))
        capsys.readouterr()
        for words in (
            ("--resource-class", "other", "--node", node, "--dry-run"),
            ("--undo", undo_file, "--dry-run"),
        ):
            assert run(*words) == 1
            said = capsys.readouterr().err
            assert "Placement refused POST /reshaper (403)" in said
            assert "roles admin and service" in said
            assert len(said.splitlines()) == 1
    assert provider(placement_service, node) == generation
    Path(clouds_yaml).write_text(text)
    assert run("--undo", undo_file, "--dry-run") == 0
    assert provider(placement_service, node) == generation
