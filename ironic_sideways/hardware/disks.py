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

import dataclasses
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from ironic_sideways import exceptions
from ironic_sideways.hardware import cache

MIB = 1 << 20
#: MiB: where the first partition begins.
LEAD = 1
#: MiB that a disk has besides its GB: a flavor's root disk may have all of these, and
#: 2014 made a swap partition of 1 MiB where a flavor had none.
SLACK = 8

#: Bytes, a page: all that mkswap writes (mkswap(8)).
SWAP_HEADER = 4096

QCOW2_MAGIC = b"QFI\xfb"


@dataclasses.dataclass(frozen=True)
class Sizes:
    """The partitions of a disk, in MiB, as bm_nodes has them.

    :param preserve_ephemeral: leave what is on the ephemeral disk, which then is
        where these very sizes have put it before.
    """

    root_mb: int = 0
    swap_mb: int = 1
    ephemeral_mb: int = 0
    preserve_ephemeral: bool = False

    def partitions(self, image_mb: int) -> Iterator[tuple[str, int, int]]:
        """Name, begin and size of each, in its order on the disk (make_partitions).

        :param image_mb: the root partition is as large at least (deploy).
        """
        root = ("root", max(self.root_mb, image_mb))
        swap = ("swap", self.swap_mb)
        wanted = [("ephemeral", self.ephemeral_mb), swap, root]
        begin = LEAD
        for name, size in wanted if self.ephemeral_mb else [root, swap]:
            yield name, begin, size
            begin += size


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
    command += ["-b", below, "-F", "qcow2", part, f"{_size_mb(size_gb)}M"]
    cache.run(command, "qemu-utils")
    part.rename(disk)


def root_uuid(image: Path) -> str | None:
    """The UUID of the file system that ``image`` is; None of a whole disk.

    :raises SidewaysError: blkid is missing.
    """
    script = 'blkid -p -o value -s UUID "$1" || [ $? = 2 ]'
    said = cache.run(["sh", "-c", script, "blkid", image], "util-linux").strip()
    return said or None


def refuse_running(name: str, running: bool) -> None:
    """:raises SidewaysError: the machine is on, whose disk is to be written."""
    if running:
        raise exceptions.SidewaysError(
            f"machine {name}: expected it off while its disk is written, found it on; "
            "power it off first"
        )


def uuid_of_image(image: Path, scratch: Path) -> str | None:
    """``root_uuid`` of an image in any format.

    :param scratch: a name for a moment.
    """
    _convert(image, scratch, "raw")
    return root_uuid(scratch)


def write(
    directory: Path, name: str, size_gb: int, image: Path, sizes: Sizes
) -> str | None:
    """Replace the disk of the machine ``name``, which must be off, by ``image``.

    A whole disk becomes the disk; a file system goes on a root partition, with
    swap, maybe an ephemeral disk, and no boot loader beside it.

    :returns: the UUID of the root file system; None of a whole disk.
    :raises SidewaysError: the partitions do not fit the disk, or a tool fails.
    """
    disk = path(directory, name)
    part = disk.with_name(f"{disk.name}.part")
    try:
        uuid = _make(part, disk, _size_mb(size_gb), image, sizes)
        # Nothing may fail after it: exit code 1 means that nothing changed.
        part.rename(disk)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    return uuid


def _make(
    part: Path, disk: Path, size_mb: int, image: Path, sizes: Sizes
) -> str | None:
    """Make what ``disk`` becomes, and leave nothing else; as ``write``."""
    ends = ("raw.part", "image.part", "swap.part")
    raw, plain, swap = (disk.with_name(f"{disk.name}.{end}") for end in ends)
    try:
        # As 2014's cache_image did: what goes on a partition is raw.
        uuid = uuid_of_image(image, plain)
        if uuid:
            if sizes.preserve_ephemeral:
                _convert(disk, raw, "raw")
            else:
                _truncate(raw, size_mb)
            _partition(raw, plain, swap, sizes)
            _convert(raw, part, "qcow2")
        else:
            _convert(plain, part, "qcow2")
            cache.run(["qemu-img", "resize", "-q", part, f"{size_mb}M"], "qemu-utils")
    finally:
        for left in (raw, plain, swap):
            left.unlink(missing_ok=True)
    return uuid


def _size_mb(size_gb: int) -> int:
    return size_gb * 1024 + SLACK


def _truncate(file: Path, size_mb: int) -> None:
    with file.open("wb") as stream:
        stream.truncate(size_mb * MIB)


def _partition(raw: Path, image: Path, swap: Path, sizes: Sizes) -> None:
    """Partitions and file systems on ``raw``, the image on the root partition.

    :param swap: a name for a moment: mkswap knows no offset in a file.
    """
    image_mb = -(-image.stat().st_size // MIB)
    places = {n: (begin, size) for n, begin, size in sizes.partitions(image_mb)}
    table = "label: dos\n" + "".join(
        f"start={begin}MiB, size={size}MiB, type={82 if name == 'swap' else 83}\n"
        for name, (begin, size) in places.items()
    )
    script = 'printf "%s" "$2" | sfdisk --quiet --no-tell-kernel "$1"'
    cache.run(["sh", "-c", script, "sfdisk", raw, table], "fdisk")
    _copy(image, raw, places["root"][0])
    _truncate(swap, places["swap"][1])
    cache.run(["mkswap", "--quiet", "-L", "swap1", swap], "util-linux")
    os.truncate(swap, SWAP_HEADER)
    _copy(swap, raw, places["swap"][0])
    if "ephemeral" in places and not sizes.preserve_ephemeral:
        begin, size = places["ephemeral"]
        command = ["mkfs.ext3", "-q", "-F", "-L", "ephemeral0"]
        command += ["-E", f"offset={begin * MIB}"]
        cache.run([*command, raw, f"{size}M"], "e2fsprogs")


def _copy(source: Path, target: Path, begin_mb: int) -> None:
    with target.open("r+b") as stream, source.open("rb") as content:
        stream.seek(begin_mb * MIB)
        shutil.copyfileobj(content, stream, MIB)


def _convert(image: Path, target: Path, wanted: str) -> None:
    with image.open("rb") as stream:
        # Named, never guessed from content that a raw image can choose.
        kind = "qcow2" if stream.read(4) == QCOW2_MAGIC else "raw"
    command: list[str | Path] = ["qemu-img", "convert", "-f", kind, "-O", wanted]
    cache.run([*command, image, target], "qemu-utils")
