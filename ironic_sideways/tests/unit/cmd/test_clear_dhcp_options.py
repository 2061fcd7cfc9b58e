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


"""nova-bm-clear-dhcp-options against a Neutron with extra_dhcp_opts' rules."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from ironic_sideways.cmd import clear_dhcp_options
from ironic_sideways.tests import fake_cloud

BOOT = {
    "bootfile_name": "pxelinux.0",
    "server_ip_address": "192.0.2.1",
    "tftp_server": "192.0.2.1",
}
OLD = {name.replace("_", "-"): value for name, value in BOOT.items()}
NET, DISK, OTHER = "11" * 16, "22" * 16, "33" * 16


@pytest.fixture
def cloud(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[fake_cloud.FakeCloud]:
    fake = fake_cloud.FakeCloud()
    fake.add_port("net", NET, ntp_server="192.0.2.9", **BOOT)
    fake.add_port("disk", DISK)
    fake.add_port("other", OTHER, **BOOT)
    with fake_cloud.served(fake, tmp_path, monkeypatch):
        yield fake


@pytest.fixture
def undo_file(tmp_path: Path) -> Path:
    return tmp_path / "dhcp-options.json"


@pytest.fixture
def migration(tmp_path: Path) -> Path:
    rows = [
        {"uuid": "node-1", "instance_uuid": NET, "outcome": "migrate"},
        {"uuid": "node-2", "instance_uuid": DISK, "outcome": "present"},
        {"uuid": "node-3", "instance_uuid": None, "outcome": "migrate"},
        {"uuid": "node-4", "instance_uuid": OTHER, "outcome": "skip"},
    ]
    path = tmp_path / "migration.json"
    path.write_text(json.dumps({"rows": rows}))
    return path


def run(*words: object) -> int:
    return clear_dhcp_options.main(["--os-cloud", fake_cloud.CLOUD, *map(str, words)])


def clear(migration: Path, undo_file: Path) -> int:
    return run("--migration", migration, "--undo-file", undo_file)


def test_the_moved_instances_ports_lose_the_base_boot_options_and_no_others(
    cloud: fake_cloud.FakeCloud,
    migration: Path,
    undo_file: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert clear(migration, undo_file) == 0
    assert cloud.dhcp_options("net") == {"ntp-server": "192.0.2.9"}
    assert cloud.dhcp_options("other") == OLD
    assert cloud.writes == ["PUT ports/net"]
    last = capsys.readouterr().out.splitlines()[-1]
    assert last == "1/2 ports: boot options removed"


def test_a_second_run_writes_nothing_and_the_undo_still_leads_back(
    cloud: fake_cloud.FakeCloud, migration: Path, undo_file: Path
) -> None:
    clear(migration, undo_file)
    cloud.writes.clear()
    assert clear(migration, undo_file) == 0
    assert cloud.writes == []

    assert run("--undo", undo_file) == 0
    assert cloud.dhcp_options("net") == {"ntp-server": "192.0.2.9", **OLD}
    assert run("--undo", undo_file) == 0
    assert len(cloud.writes) == 1


def test_a_dry_run_shows_and_changes_nothing(
    cloud: fake_cloud.FakeCloud, migration: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("--migration", migration, "--dry-run") == 0
    assert cloud.writes == []
    names = "bootfile-name, server-ip-address, tftp-server would be removed"
    assert names in capsys.readouterr().out


def test_an_undo_refuses_an_option_that_was_set_since(
    cloud: fake_cloud.FakeCloud,
    migration: Path,
    undo_file: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    clear(migration, undo_file)
    cloud.add_port("net", NET, bootfile_name="undionly.kpxe")

    assert run("--undo", undo_file) == 1
    assert "bootfile-name is undionly.kpxe now, expected none" in (
        capsys.readouterr().err
    )
    assert cloud.dhcp_options("net") == {"bootfile-name": "undionly.kpxe"}


def test_an_undo_minds_no_port_that_is_gone(
    cloud: fake_cloud.FakeCloud, migration: Path, undo_file: Path
) -> None:
    clear(migration, undo_file)
    del cloud.ports["net"]

    assert run("--undo", undo_file) == 0


def test_a_neutron_that_fails_half_way_asks_for_a_second_run(
    cloud: fake_cloud.FakeCloud,
    migration: Path,
    undo_file: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    cloud.add_port("disk", DISK, **BOOT)
    cloud.fail_writes_after = 1
    assert clear(migration, undo_file) == 3
    assert "1 of 2 ports changed; run it again" in capsys.readouterr().err

    cloud.fail_writes_after = None
    assert clear(migration, undo_file) == 0
    assert run("--undo", undo_file) == 0
    assert cloud.dhcp_options("net") == {"ntp-server": "192.0.2.9", **OLD}
    assert cloud.dhcp_options("disk") == OLD


def test_the_way_back_takes_ironics_options_away_and_restores_the_bases(
    cloud: fake_cloud.FakeCloud,
    migration: Path,
    undo_file: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """As Ironic's Neutron provider sets them (ironic.common.pxe_utils, iPXE)."""
    clear(migration, undo_file)
    ironics = ("tag:!ipxe,67", "tag:ipxe,67", "66", "150", "255", "!175")
    cloud.ports["net"]["extra_dhcp_opts"] += [
        {"opt_name": name, "opt_value": "x", "ip_version": 4} for name in ironics
    ]
    capsys.readouterr()

    assert run("--migration", migration, "--of-ironic", "--dry-run") == 0
    assert len(cloud.dhcp_options("net")) == 7
    assert run("--migration", migration, "--of-ironic") == 0
    assert cloud.dhcp_options("net") == {"ntp-server": "192.0.2.9"}
    last = capsys.readouterr().out.splitlines()[-1]
    assert last == "1/2 ports: Ironic's boot options removed"

    assert run("--undo", undo_file) == 0
    assert cloud.dhcp_options("net") == {"ntp-server": "192.0.2.9", **OLD}
    assert cloud.dhcp_options("other") == OLD


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("--of-ironic",),
        ("--of-ironic", "--migration", "m.json", "--undo-file", "u.json"),
        ("--of-ironic", "--undo", "u.json"),
        ("--migration", "m.json"),
        ("--undo", "u.json", "--migration", "m.json"),
        ("--undo", "u.json", "--undo-file", "u.json"),
    ],
)
def test_bad_usage_is_refused(words: tuple[str, ...]) -> None:
    assert run(*words) == 2


def test_another_tools_undo_file_is_refused(
    cloud: fake_cloud.FakeCloud, undo_file: Path
) -> None:
    undo_file.write_text('{"tool": "nova-bm-update-flavors"}')
    assert run("--undo", undo_file) == 2
    assert cloud.writes == []
