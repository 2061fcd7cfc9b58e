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

"""What the deploy helper of 2014 left on a disk, by the tools that read disks."""

import json
import subprocess
from pathlib import Path

import pytest

from ironic_sideways import exceptions
from ironic_sideways.hardware import disks

MIB = 1 << 20


def run(*command: str | Path) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """A root file system of 4 MiB, as glance has it: qcow2."""
    raw = tmp_path / "root.raw"
    run("truncate", "-s", "4M", raw)
    run("mkfs.ext4", "-q", raw)
    run("qemu-img", "convert", "-f", "raw", "-O", "qcow2", raw, tmp_path / "image")
    return tmp_path / "image"


class Disk:
    """The disk of the machine ``m``, of 1 GB."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.qcow2 = disks.path(directory, "m")

    def write(self, image: Path, sizes: disks.Sizes) -> str | None:
        return disks.write(self.directory, "m", 1, image, sizes)

    @property
    def raw(self) -> Path:
        target = self.directory / "seen"
        run("qemu-img", "convert", "-f", "qcow2", "-O", "raw", self.qcow2, target)
        return target

    def partitions(self) -> list[tuple[int, int, str]]:
        """Begin and size in MiB, and type."""
        table = json.loads(run("sfdisk", "--json", self.raw))["partitiontable"]
        return [
            (one["start"] * 512 // MIB, one["size"] * 512 // MIB, one["type"])
            for one in table["partitions"]
        ]

    def probe(self, begin_mb: int) -> dict[str, str]:
        offset = str(begin_mb * MIB)
        said = run("blkid", "-p", "-o", "export", "-O", offset, self.raw)
        return dict(line.split("=", 1) for line in said.splitlines())

    def content(self, begin_mb: int) -> bytes:
        with self.raw.open("rb") as stream:
            stream.seek(begin_mb * MIB)
            return stream.read(MIB)


@pytest.fixture
def disk(tmp_path: Path) -> Disk:
    return Disk(tmp_path)


def test_t3_root_comes_first_and_a_swap_of_one_mib_is_made_all_the_same(
    disk: Disk, image: Path
) -> None:
    """A flavor's root disk may be as large as the node's."""
    uuid = disk.write(image, disks.Sizes(root_mb=1024))

    assert disk.partitions() == [(1, 1024, "83"), (1025, 1, "82")]
    root, swap = disk.probe(1), disk.probe(1025)
    assert (root["TYPE"], root["UUID"]) == ("ext4", uuid)
    assert (swap["TYPE"], swap["LABEL"]) == ("swap", "swap1")


def test_t10_the_ephemeral_disk_comes_before_swap_and_root(
    disk: Disk, image: Path
) -> None:
    disk.write(image, disks.Sizes(root_mb=512, swap_mb=64, ephemeral_mb=256))

    places = [(1, 256, "83"), (257, 64, "82"), (321, 512, "83")]
    assert disk.partitions() == places
    ephemeral = disk.probe(1)
    assert (ephemeral["TYPE"], ephemeral["LABEL"]) == ("ext3", "ephemeral0")
    assert disk.probe(257)["TYPE"] == "swap"
    assert disk.probe(321)["TYPE"] == "ext4"


def test_t10_what_is_preserved_stays_and_the_root_is_written_anew(
    disk: Disk, image: Path
) -> None:
    sizes = disks.Sizes(root_mb=512, swap_mb=64, ephemeral_mb=256)
    disk.write(image, sizes)
    for begin in (200, 324):
        fill = f"write -q -P 0xab {begin}M 1M"
        run("qemu-io", "-f", "qcow2", "-c", fill, disk.qcow2)
    before = disk.probe(1)["UUID"]

    kept = disks.Sizes(512, 64, 256, preserve_ephemeral=True)
    disk.write(image, kept)
    assert disk.content(200) == b"\xab" * MIB
    assert disk.probe(1)["UUID"] == before
    assert disk.content(324) != b"\xab" * MIB

    disk.write(image, sizes)
    assert disk.content(200) != b"\xab" * MIB


def test_partitions_that_do_not_fit_are_an_error_and_the_disk_stays(
    disk: Disk, image: Path
) -> None:
    disk.write(image, disks.Sizes())
    before = disk.qcow2.read_bytes()

    with pytest.raises(exceptions.SidewaysError, match="sfdisk"):
        disk.write(image, disks.Sizes(root_mb=2048, swap_mb=64))

    assert disk.qcow2.read_bytes() == before
    assert [one.name for one in disk.directory.glob("*.part")] == []


def test_what_ends_it_while_it_tidies_up_leaves_the_disk_as_it_was(
    disk: Disk, image: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk.write(image, disks.Sizes())
    before = disk.qcow2.read_bytes()
    unlink = Path.unlink

    def fail_once(path: Path, missing_ok: bool = False) -> None:
        monkeypatch.setattr(Path, "unlink", unlink)
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "unlink", fail_once)
    with pytest.raises(KeyboardInterrupt):
        disk.write(image, disks.Sizes(root_mb=512))

    assert disk.qcow2.read_bytes() == before


def test_a_whole_disk_becomes_the_disk(disk: Disk, image: Path, tmp_path: Path) -> None:
    whole = tmp_path / "whole"
    run("truncate", "-s", "8M", whole)

    assert disk.write(whole, disks.Sizes(ephemeral_mb=64)) is None

    shown = json.loads(run("qemu-img", "info", "--output", "json", disk.qcow2))
    assert shown["virtual-size"] == (1024 + disks.SLACK) * MIB
