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
import os
import stat
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import webob
import webob.dec

from ironic_sideways.cloud import placement
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


def record(directory: Path, instances: dict[str, str | None]) -> Path:
    """migration.json of nodes with these instances."""
    file = directory / "migration.json"
    rows = [
        {"uuid": node, "instance_uuid": instance, "outcome": "migrate"}
        for node, instance in instances.items()
    ]
    file.write_text(json.dumps({"rows": rows}))
    return file


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


def provider(service: Service, node: str) -> dict[str, Any]:
    """The node's provider, generation included."""
    return dict(service.adapter.get(f"/resource_providers/{node}").json())


def plain_admin(service: Service) -> Any:
    """Placement as an account without the role service is answered."""

    @webob.dec.wsgify
    def without_role(request: webob.Request) -> Any:
        request.headers["X-Roles"] = "admin"
        return service.application

    return http_server.serve(without_role)
