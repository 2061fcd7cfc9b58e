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


"""nova-bm-bind-ports against a Neutron with ML2's rule for a bound port (T11)."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from ironic_sideways.cmd import bind_ports
from ironic_sideways.tests import fake_cloud

BASE = ("compute-1", "normal", "other")
ONE, TWO, THREE = "11" * 16, "22" * 16, "33" * 16


def moved(number: int, instance: str | None, *vifs: str, outcome: str = "migrate"):
    return {
        "uuid": f"node-{number}",
        "instance_uuid": instance,
        "outcome": outcome,
        "service_host": "compute-1",
        "vifs": list(vifs),
    }


@pytest.fixture
def cloud(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[fake_cloud.FakeCloud]:
    """Two moved instances, one with two NICs, and one that stays."""
    fake = fake_cloud.FakeCloud()
    for name, device in (("a", ONE), ("b", TWO), ("c", TWO), ("other", THREE)):
        fake.add_port(name, device)
        fake.bind_port(name, "compute-1")
    with fake_cloud.served(fake, tmp_path, monkeypatch):
        yield fake


@pytest.fixture
def undo_file(tmp_path: Path) -> Path:
    return tmp_path / "port-bindings.json"


@pytest.fixture
def migration(tmp_path: Path) -> Path:
    rows = [
        moved(1, ONE, "a"),
        moved(2, TWO, "b", "c", outcome="present"),
        moved(3, None),
        moved(4, THREE, "other", outcome="skip"),
    ]
    path = tmp_path / "migration.json"
    path.write_text(json.dumps({"rows": rows}))
    return path


def run(*words: object) -> int:
    return bind_ports.main(["--os-cloud", fake_cloud.CLOUD, *map(str, words)])


def bind(migration: Path, undo_file: Path, *more: object) -> int:
    return run("--migration", migration, "--undo-file", undo_file, *more)


def test_t11_each_moved_port_is_bound_to_its_node_as_ironic_binds_it(
    cloud: fake_cloud.FakeCloud,
    migration: Path,
    undo_file: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert bind(migration, undo_file) == 0

    assert cloud.binding("a") == ("node-1", "baremetal", "other")
    assert cloud.binding("b") == ("node-2", "baremetal", "other")
    assert cloud.binding("c") == ("node-2", "baremetal", "other")
    assert cloud.binding("other") == BASE
    assert cloud.writes == [f"PUT ports/{name}" for name in "aabbcc"]
    assert undo_file.stat().st_mode & 0o777 == 0o600
    said = capsys.readouterr().out.splitlines()
    assert said[0] == (
        f"port a (instance {ONE}): bound to node-1 (baremetal), was compute-1 (normal)"
    )
    assert said[-1] == "3/3 ports bound to their nodes (3 other)"


def test_t11_no_driver_for_baremetal_leaves_what_ironic_would_leave(
    cloud: fake_cloud.FakeCloud,
    migration: Path,
    undo_file: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    cloud.vif_types["baremetal"] = "binding_failed"

    assert bind(migration, undo_file) == 0
    last = capsys.readouterr().out.splitlines()[-1]
    assert last == "3/3 ports bound to their nodes (3 binding_failed)"
    assert run("--undo", undo_file) == 0
    assert cloud.binding("a") == BASE


def test_t11_a_second_run_writes_nothing_and_the_undo_still_leads_back(
    cloud: fake_cloud.FakeCloud, migration: Path, undo_file: Path
) -> None:
    bind(migration, undo_file)
    cloud.writes.clear()
    assert bind(migration, undo_file) == 0
    assert cloud.writes == []

    assert run("--undo", undo_file) == 0
    assert [cloud.binding(name) for name in "abc"] == [BASE] * 3
    cloud.writes.clear()
    assert run("--undo", undo_file) == 0
    assert cloud.writes == []
    assert bind(migration, undo_file) == 0
    assert run("--undo", undo_file) == 0
    assert [cloud.binding(name) for name in "abc"] == [BASE] * 3


@pytest.mark.parametrize("calls", range(1, 6))
def test_t11_a_run_that_ends_after_any_call_is_resumed_and_undone(
    cloud: fake_cloud.FakeCloud, migration: Path, undo_file: Path, calls: int
) -> None:
    for way_on in ("again", "undo"):
        cloud.writes.clear()
        cloud.fail_writes_after = calls
        assert bind(migration, undo_file) == 3
        cloud.fail_writes_after = None
        if way_on == "again":
            assert bind(migration, undo_file) == 0
            assert cloud.binding("b") == ("node-2", "baremetal", "other")
        assert run("--undo", undo_file) == 0
        assert [cloud.binding(name) for name in "abc"] == [BASE] * 3


@pytest.mark.parametrize("calls", range(1, 6))
def test_t11_an_undo_that_ends_after_any_call_is_resumed(
    cloud: fake_cloud.FakeCloud, migration: Path, undo_file: Path, calls: int
) -> None:
    bind(migration, undo_file)
    cloud.writes.clear()
    cloud.fail_writes_after = calls
    assert run("--undo", undo_file) == 3
    cloud.fail_writes_after = None

    assert run("--undo", undo_file) == 0
    assert [cloud.binding(name) for name in "abc"] == [BASE] * 3


def test_t11_a_dry_run_shows_and_changes_nothing(
    cloud: fake_cloud.FakeCloud,
    migration: Path,
    undo_file: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run("--migration", migration, "--dry-run") == 0
    assert cloud.writes == []
    said = capsys.readouterr().out.splitlines()
    assert said[-1] == "3/3 ports would be bound to their nodes"

    bind(migration, undo_file)
    cloud.writes.clear()
    assert run("--undo", undo_file, "--dry-run") == 0
    assert cloud.writes == []


def test_t11_a_dry_run_notices_an_account_that_may_not_bind(
    cloud: fake_cloud.FakeCloud, migration: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Neutron hides the binding from those who may not write it."""
    for port in cloud.ports.values():
        del port["binding:host_id"], port["binding:vif_type"]

    assert run("--migration", migration, "--dry-run") == 1
    assert "expected an administrator's" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"binding:host_id": "compute-9"}, "is bound to compute-9 (normal), expected"),
        ({"binding:host_id": "node-9"}, "is bound to node-9 (normal), expected"),
        ({"binding:vnic_type": "direct"}, "bound to compute-1 (direct), expected"),
        ({"binding:host_id": ""}, "is bound to no host (normal), expected compute-1"),
        ({"device_id": "44" * 16}, f"its device is {'44' * 16} now; a rebuild"),
        ({"device_id": ""}, "its device is nothing now; a rebuild"),
        (None, "is gone from Neutron; a rebuild would fail"),
    ],
)
def test_t11_a_port_that_its_owner_or_another_changed_is_named(
    cloud: fake_cloud.FakeCloud,
    migration: Path,
    undo_file: Path,
    capsys: pytest.CaptureFixture[str],
    changed: dict[str, str] | None,
    says: str,
) -> None:
    if changed is None:
        del cloud.ports["c"]
    else:
        cloud.ports["c"] |= changed

    assert bind(migration, undo_file) == 1
    said = capsys.readouterr().err
    assert f"port c of instance {TWO}, node node-2: " in said
    assert says in said
    assert "1 ports refused; nothing was changed" in said
    assert cloud.writes == []

    assert bind(migration, undo_file, "--leave", TWO) == 0
    assert cloud.binding("a") == ("node-1", "baremetal", "other")
    assert cloud.writes == ["PUT ports/a"] * 2


def test_t11_a_port_on_no_nic_is_named_and_left(
    cloud: fake_cloud.FakeCloud,
    migration: Path,
    undo_file: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    cloud.add_port("more", ONE)
    cloud.bind_port("more", "compute-1")

    assert bind(migration, undo_file) == 0
    said = capsys.readouterr().out
    assert f"note: port more of instance {ONE}: on no NIC of node node-1" in said
    assert cloud.binding("more") == BASE


def test_t11_an_undo_refuses_a_port_that_was_bound_elsewhere_since(
    cloud: fake_cloud.FakeCloud,
    migration: Path,
    undo_file: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    bind(migration, undo_file)
    cloud.bind_port("b", "compute-9")
    cloud.writes.clear()

    assert run("--undo", undo_file) == 1
    assert "is bound to compute-9 (normal) now" in capsys.readouterr().err
    assert cloud.writes == []
    del cloud.ports["b"]
    assert run("--undo", undo_file) == 0
    assert cloud.binding("a") == BASE


def test_a_record_that_does_not_say_the_ports_is_refused(
    cloud: fake_cloud.FakeCloud,
    migration: Path,
    undo_file: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    rows = json.loads(migration.read_text())["rows"]
    del rows[0]["vifs"]
    migration.write_text(json.dumps({"rows": rows}))

    assert bind(migration, undo_file) == 2
    assert "repeat ironic-nova-bm-migrate run" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("--migration", "m.json"),
        ("--undo", "u.json", "--migration", "m.json"),
        ("--undo", "u.json", "--undo-file", "u.json"),
        ("--undo", "u.json", "--leave", ONE),
        ("--undo", "absent.json"),
    ],
)
def test_bad_usage_is_refused(words: tuple[str, ...]) -> None:
    assert run(*words) == 2


def test_an_instance_to_leave_that_did_not_move_is_refused(
    cloud: fake_cloud.FakeCloud, migration: Path, undo_file: Path
) -> None:
    assert bind(migration, undo_file, "--leave", THREE) == 2
    assert cloud.writes == []


@pytest.mark.parametrize(
    "content", ['{"tool": "nova-bm-update-flavors"}', "[]", '{"tool": 1}', "nothing"]
)
def test_another_tools_undo_file_is_refused(
    cloud: fake_cloud.FakeCloud, undo_file: Path, content: str
) -> None:
    undo_file.write_text(content)
    assert run("--undo", undo_file) == 2
    assert cloud.writes == []


def test_a_damaged_undo_file_is_refused(
    cloud: fake_cloud.FakeCloud, migration: Path, undo_file: Path
) -> None:
    undo_file.write_text('{"tool": "nova-bm-bind-ports", "ports": {"a": {}}}')
    assert run("--undo", undo_file) == 2
    assert bind(migration, undo_file) == 2
    assert cloud.writes == []
