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

"""What is written on a light machine's disk is what its heartbeats tell of it."""

from pathlib import Path

import pytest

from ironic_sideways.hardware import disks
from ironic_sideways.hardware.light import disk

ROOT = "0a1b2c3d-0000-4000-8000-000000000001"
MACS = ("52:54:00:00:00:01", "52:54:01:00:00:01")


@pytest.fixture
def image(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Of a root file system, or a whole disk where its name says so."""

    def uuid_of(image: Path, scratch: Path) -> str | None:
        return None if image.name == "whole" else ROOT

    monkeypatch.setattr(disks, "uuid_of_image", uuid_of)
    return tmp_path / "image"


def test_a_new_machines_disk_boots_on_its_own(tmp_path: Path) -> None:
    assert disk.read(tmp_path, "one") == disk.Disk()


def test_each_deploy_has_a_marker_of_its_own(tmp_path: Path, image: Path) -> None:
    assert disk.write(tmp_path, "one", image, disks.Sizes(64)) == ROOT
    first = disk.read(tmp_path, "one")
    disk.write(tmp_path, "one", image, disks.Sizes(64))

    assert first.root == ROOT
    assert first.marker
    assert first.ephemeral is None
    assert disk.read(tmp_path, "one").marker not in (None, first.marker)


@pytest.mark.parametrize("preserved", [True, False])
def test_an_ephemeral_disk_is_preserved_on_request(
    tmp_path: Path, image: Path, preserved: bool
) -> None:
    disk.write(tmp_path, "one", image, disks.Sizes(64, 1, 8))
    before = disk.read(tmp_path, "one").ephemeral
    disk.write(tmp_path, "one", image, disks.Sizes(64, 1, 8, preserved))

    assert before
    assert (disk.read(tmp_path, "one").ephemeral == before) == preserved


def test_a_whole_disk_has_neither_root_nor_marker(tmp_path: Path, image: Path) -> None:
    disk.write(tmp_path, "one", image, disks.Sizes(64, 1, 8))
    whole = image.with_name("whole")

    assert disk.write(tmp_path, "one", whole, disks.Sizes(0, 1, 8)) is None
    assert disk.read(tmp_path, "one") == disk.Disk()


@pytest.mark.parametrize(
    "place",
    ["tftp/pxelinux.cfg/01-52-54-01-00-00-01", "http/pxelinux.cfg/52-54-01-00-00-01"],
)
def test_the_network_leads_to_the_root_of_any_nic(tmp_path: Path, place: str) -> None:
    path = tmp_path / place
    path.parent.mkdir(parents=True)
    path.write_text(f"append initrd=x root=UUID={ROOT} ro\n")

    found = disk.told_by_the_network(MACS, tmp_path / "tftp", tmp_path / "http")
    assert found == ROOT


def test_an_operators_local_boot_leads_to_the_disk(tmp_path: Path) -> None:
    path = tmp_path / "pxelinux.cfg" / "01-52-54-00-00-00-01"
    path.parent.mkdir()
    path.write_text("default local\nlabel local\nlocalboot 0\n")

    assert disk.told_by_the_network(MACS, tmp_path, tmp_path / "http") is None
