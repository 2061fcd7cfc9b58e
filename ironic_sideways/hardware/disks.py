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

"""The machines' disks: qcow2 files, and what a deploy writes on them.

``write`` stands in for what the deploy ramdisk of 2014 and
``nova-baremetal-deploy-helper`` did together (``baremetal_deploy_helper.py``
of Nova 2014.2): partitions, the image on the root partition, its UUID.
"""

import shutil
from pathlib import Path

from ironic_sideways.hardware import cache

SECTOR = 512
#: In sectors: where the first partition begins, and the swap of one MiB that
#: 2014 made before the root partition when a flavor had none.
FIRST_PARTITION = 2048
SWAP = 2048

QCOW2_MAGIC = b"QFI\xfb"


def path(directory: Path, name: str) -> Path:
    """The disk of the machine ``name``."""
    return directory / f"{name}.qcow2"


def make(directory: Path, name: str, size_gb: int, below: Path) -> None:
    """An overlay on the qcow2 image ``below``; a disk that exists stays."""
    disk = path(directory, name)
    if disk.exists():
        return
    part = disk.with_name(disk.name + ".part")
    command: list[str | Path] = ["qemu-img", "create", "-q", "-f", "qcow2"]
    command += ["-b", below, "-F", "qcow2", part, f"{size_gb}G"]
    cache.run(command, "qemu-utils")
    part.rename(disk)


def root_uuid(image: Path) -> str | None:
    """The UUID of the file system that ``image`` is; None of a whole disk.

    :raises SidewaysError: blkid is missing.
    """
    script = 'blkid -p -o value -s UUID "$1" || [ $? = 2 ]'
    said = cache.run(["sh", "-c", script, "blkid", image], "util-linux").strip()
    return said or None


def write(directory: Path, name: str, size_gb: int, image: Path) -> str | None:
    """Replace the disk of the machine ``name``, which must be off, by ``image``.

    A whole disk becomes the disk; a file system goes on a root partition, with
    swap and no boot loader beside it.

    :returns: the UUID of the root file system; None of a whole disk.
    """
    disk = path(directory, name)
    part, raw = (disk.with_name(f"{disk.name}.{end}") for end in ("part", "raw.part"))
    uuid = root_uuid(image)
    try:
        if uuid:
            _partition(raw, size_gb << 30, image)
            _convert(raw, part)
        else:
            _convert(image, part)
            cache.run(["qemu-img", "resize", "-q", part, f"{size_gb}G"], "qemu-utils")
        part.rename(disk)
    finally:
        for left in (part, raw):
            left.unlink(missing_ok=True)
    return uuid


def _partition(raw: Path, size: int, image: Path) -> None:
    table = (
        "label: dos\n"
        f"start={FIRST_PARTITION}, size={SWAP}, type=82\n"
        f"start={FIRST_PARTITION + SWAP}, type=83\n"
    )
    with raw.open("wb") as stream:
        stream.truncate(size)
    script = 'printf "%s" "$2" | sfdisk --quiet --no-tell-kernel "$1"'
    cache.run(["sh", "-c", script, "sfdisk", raw, table], "fdisk")
    with raw.open("r+b") as stream, image.open("rb") as source:
        stream.seek((FIRST_PARTITION + SWAP) * SECTOR)
        shutil.copyfileobj(source, stream, 1 << 20)


def _convert(image: Path, target: Path) -> None:
    with image.open("rb") as stream:
        # Named, never guessed from content that a raw image can choose.
        kind = "qcow2" if stream.read(4) == QCOW2_MAGIC else "raw"
    command: list[str | Path] = ["qemu-img", "convert", "-f", kind, "-O", "qcow2"]
    cache.run([*command, image, target], "qemu-utils")
