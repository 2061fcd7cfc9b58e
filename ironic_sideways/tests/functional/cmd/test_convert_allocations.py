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

"""nova-bm-convert-allocations upon nodes that are named, and what it refuses."""

import json
import stat
import uuid
from pathlib import Path

import pytest

from ironic_sideways.cloud import placement
from ironic_sideways.tests import fake_cloud
from ironic_sideways.tests.functional.cmd.converting import (
    HOST,
    convert,
    run,
)
from ironic_sideways.tests.placement_service import (
    STANDARD,
    Service,
)


def test_all_nodes_of_a_compute_host_are_converted_and_restored(
    cloud: fake_cloud.FakeCloud,
    placement_service: Service,
    undo_file: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    nodes = [placement_service.add_node(instance=used) for used in (True, False)]
    other = placement_service.add_node()
    for node in nodes:
        cloud.add_hypervisor(node, HOST)
    cloud.servers.update(placement_service.held(nodes[0]))
    cloud.add_hypervisor(other, "compute-2", "up")
    before = [placement_service.inventory(node) for node in nodes]
    output = tmp_path / "outcome.json"
    assert convert(undo_file, "--compute-host", HOST, "--output", output) == 0
    for node in nodes:
        assert set(placement_service.inventory(node)) == {"CUSTOM_BAREMETAL"}
    assert set(placement_service.inventory(other)) == set(STANDARD)
    last = capsys.readouterr().out.splitlines()[-1]
    assert last == "2/2 nodes converted to CUSTOM_BAREMETAL"
    recorded = json.loads(output.read_text())
    assert recorded["nodes"] == dict.fromkeys(nodes, "converted")
    assert recorded["finished"]
    assert stat.S_IMODE(output.stat().st_mode) == 0o600
    assert run("--undo", undo_file) == 0
    assert [placement_service.inventory(node) for node in nodes] == before


def test_nodes_come_from_a_file_of_machines_or_of_uuids(
    cloud: fake_cloud.FakeCloud,
    placement_service: Service,
    undo_file: Path,
    tmp_path: Path,
) -> None:
    first, second = placement_service.add_node(), placement_service.add_node()
    file = tmp_path / "machines.json"
    file.write_text(json.dumps([{"uuid": first, "name": "isw0-node-0"}, second]))
    assert convert(undo_file, "--nodes-file", file) == 0
    for node in (first, second):
        inventory = placement_service.inventory(node)
        assert inventory == placement.node_inventory("CUSTOM_BAREMETAL")


def test_a_nova_compute_that_is_up_is_refused(
    cloud: fake_cloud.FakeCloud,
    placement_service: Service,
    undo_file: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    node = placement_service.add_node()
    cloud.add_hypervisor(node, HOST, "up")
    assert convert(undo_file, "--node", node) == 1
    error = capsys.readouterr().err
    assert f"nova-compute on {HOST} is up: stop it" in error
    assert error.count("\n") == 1
    assert set(placement_service.inventory(node)) == set(STANDARD)


def test_a_dry_run_changes_nothing_and_may_be_made_while_nova_compute_is_up(
    cloud: fake_cloud.FakeCloud,
    placement_service: Service,
    undo_file: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    node = placement_service.add_node(instance=True)
    cloud.add_hypervisor(node, HOST, "up")
    cloud.servers.update(placement_service.held(node))
    assert convert(undo_file, "--node", node, "--dry-run") == 0
    told = capsys.readouterr()
    assert f"node {node}: would be converted" in told.out
    assert f"warning: nova-compute on {HOST} is up" in told.err
    assert set(placement_service.inventory(node)) == set(STANDARD)
    assert not undo_file.exists()


def test_what_holds_a_node_and_is_no_instance_is_named(
    cloud: fake_cloud.FakeCloud,
    placement_service: Service,
    undo_file: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    nodes = [placement_service.add_node(instance=True) for _ in range(4)]
    instance, hidden, migration, orphan = (
        next(iter(placement_service.held(node))) for node in nodes
    )
    cloud.servers.add(instance)
    cloud.soft_deleted.add(hidden)
    cloud.add_migration(migration, instance)
    assert convert(undo_file, "--node", *nodes) == 1
    first, second, last = capsys.readouterr().err.splitlines()
    assert (
        f"node {nodes[2]}: migration {migration} of instance {instance} "
        "(migration, finished) holds it: confirm or revert that move first"
    ) in first
    assert f"node {nodes[3]}: consumer {orphan} holds it and is no instance" in second
    assert f"'openstack resource provider allocation delete {orphan}'" in second
    assert last.endswith("2 of 4 nodes refused; nothing was changed")
    assert set(placement_service.inventory(nodes[0])) == set(STANDARD)


def test_traits_that_ironic_driver_will_replace_are_named(
    cloud: fake_cloud.FakeCloud,
    placement_service: Service,
    undo_file: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    node = placement_service.add_node()
    placement_service.label(node, "CUSTOM_FAST", str(uuid.uuid4()))
    assert convert(undo_file, "--node", node) == 0
    assert (
        f"'openstack baremetal node add trait {node} CUSTOM_FAST'"
        in capsys.readouterr().err
    )
    assert convert(undo_file, "--node", node) == 0
    assert not capsys.readouterr().err


def test_an_output_that_cannot_be_written_stops_the_run_before_any_change(
    cloud: fake_cloud.FakeCloud,
    placement_service: Service,
    undo_file: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    node = placement_service.add_node()
    assert convert(undo_file, "--node", node, "--output", "/dev/null/x") == 1
    assert "/dev/null/x: cannot be written" in capsys.readouterr().err
    assert set(placement_service.inventory(node)) == set(STANDARD)


def test_each_refused_node_has_its_line(
    cloud: fake_cloud.FakeCloud, undo_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = [str(uuid.uuid4()) for _ in range(2)]
    assert convert(undo_file, "--node", *missing) == 1
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 3
    assert all(node in line for node, line in zip(missing, lines, strict=False))
    assert lines[-1].endswith("2 of 2 nodes refused; nothing was changed")


def test_a_compute_host_without_nodes_is_refused(
    cloud: fake_cloud.FakeCloud, undo_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert convert(undo_file, "--compute-host", "nowhere") == 1
    assert "compute host nowhere" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["", "{}", "[1]", '[{"name": "x"}]', '{"uuid": 3}'])
def test_a_file_that_is_no_list_of_nodes_is_bad_usage(
    cloud: fake_cloud.FakeCloud, undo_file: Path, tmp_path: Path, text: str
) -> None:
    file = tmp_path / "nodes.json"
    file.write_text(text)
    assert convert(undo_file, "--nodes-file", file) == 2


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("--resource-class", "baremetal"),
        ("--resource-class", "baremetal", "--node", "x"),
        ("--resource-class", "CUSTOM_X", "--node", "x", "--dry-run"),
        ("--undo", "file", "--node", "x"),
        ("--undo", "file", "--resource-class-by-shape"),
        ("--undo", "/nonexistent"),
        ("--resource-class", "b", "--node", "x", "--resource-class-by-shape"),
    ],
)
def test_bad_usage_exits_2(
    cloud: fake_cloud.FakeCloud, arguments: tuple[str, ...]
) -> None:
    try:
        code: object = run(*arguments)
    except SystemExit as error:
        code = error.code
    assert code == 2


@pytest.mark.parametrize("read", ["--undo", "--nodes-file", "--undo-file"])
def test_d9_the_outcome_overwrites_no_file_that_an_option_names(
    cloud: fake_cloud.FakeCloud,
    placement_service: Service,
    undo_file: Path,
    capsys: pytest.CaptureFixture[str],
    read: str,
) -> None:
    node = placement_service.add_node()
    assert convert(undo_file, "--node", node) == 0
    before = undo_file.read_bytes()
    words = ["--resource-class", "b", "--node", node] if read == "--undo-file" else []
    assert run(read, undo_file, "--output", undo_file, *words) == 2
    assert f"would overwrite what {read} names" in capsys.readouterr().err
    assert undo_file.read_bytes() == before
    assert run("--undo", undo_file) == 0
