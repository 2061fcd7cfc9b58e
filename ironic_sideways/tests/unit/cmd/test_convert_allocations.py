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

import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import webob
import webob.dec

from ironic_sideways import placement
from ironic_sideways.cmd import convert_allocations
from ironic_sideways.tests import fake_cloud, http_server
from ironic_sideways.tests.placement_service import (
    STANDARD,
    Service,
    placement_service,
)

__all__ = ["placement_service"]

HOST = "compute-1"


@pytest.fixture
def cloud(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, placement_service: Service
) -> Iterator[fake_cloud.FakeCloud]:
    """A cloud whose Placement is real, and whose user has the role service."""
    fake = fake_cloud.FakeCloud()

    @webob.dec.wsgify
    def with_role(request: webob.Request) -> Any:
        request.headers["X-Roles"] = "admin,service"
        return placement_service.application

    with http_server.serve(fake) as url, http_server.serve(with_role) as placement_url:
        file = fake_cloud.clouds_yaml(tmp_path, url, placement_url)
        monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", str(file))
        yield fake


@pytest.fixture
def undo_file(tmp_path: Path) -> Path:
    return tmp_path / "allocations.json"


def run(*arguments: object) -> int:
    words = ["--os-cloud", fake_cloud.CLOUD, *map(str, arguments)]
    return convert_allocations.main(words)


def convert(undo_file: Path, *arguments: object) -> int:
    options = ("--resource-class", "baremetal", "--undo-file", undo_file)
    return run(*options, *arguments)


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
    cloud.add_hypervisor(other, "compute-2", "up")
    before = [placement_service.inventory(node) for node in nodes]
    output = tmp_path / "outcome.json"
    assert convert(undo_file, "--compute-host", HOST, "--output", output) == 0
    for node in nodes:
        assert set(placement_service.inventory(node)) == {"CUSTOM_BAREMETAL"}
    assert set(placement_service.inventory(other)) == set(STANDARD)
    last = capsys.readouterr().out.splitlines()[-1]
    assert last == "2/2 nodes converted to CUSTOM_BAREMETAL"
    outcomes = json.loads(output.read_text())["nodes"]
    assert outcomes == dict.fromkeys(nodes, "converted")
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


def test_a_dry_run_changes_nothing(
    cloud: fake_cloud.FakeCloud,
    placement_service: Service,
    undo_file: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    node = placement_service.add_node(instance=True)
    assert convert(undo_file, "--node", node, "--dry-run") == 0
    assert f"node {node}: would be converted" in capsys.readouterr().out
    assert set(placement_service.inventory(node)) == set(STANDARD)
    assert not undo_file.exists()


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
