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

"""The machines' guest: a kernel, a busybox ramdisk and disks for both ways to boot.

The guest takes its address by DHCP, sends a numbered heartbeat each second to
the collector that DHCP option 224 names, and powers off at the ACPI button.
It boots from a disk with a boot loader, or, as nova-baremetal's instances did,
with kernel and ramdisk from the network and its root file system on a disk that
has none.
"""

import dataclasses
import gzip
import hashlib
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

from ironic_sideways import exceptions
from ironic_sideways.hardware import cache as caches
from ironic_sideways.hardware import kernel as kernels

#: Changes whenever the recipe below does: part of the cache's key.
RECIPE = "4"

BUSYBOX = Path("/bin/busybox")
SYSLINUX_MBR = Path("/usr/lib/SYSLINUX/mbr.bin")
_HERE = Path(__file__).parent
#: Place on the root file system -> file beside this one.
SCRIPTS = {"sbin/init": "guest_init.sh", "etc/udhcpc.sh": "guest_udhcpc.sh"}
#: Place in the ramdisk -> file beside this one.
RAMDISK_SCRIPTS = {
    "init": "guest_init.sh",
    "etc/udhcpc.sh": "guest_udhcpc.sh",
    "etc/root.sh": "guest_root.sh",
}
APPLETS = (
    "dd",
    "findfs",
    "ifconfig",
    "insmod",
    "mkfifo",
    "mount",
    "poweroff",
    "route",
    "sh",
    "sleep",
    "switch_root",
    "sync",
    "udhcpc",
    "umount",
    "wget",
    "xxd",
)
#: The NIC, the power button and how a program reads it.
MODULES = ("virtio_pci", "virtio_net", "button", "evdev")
#: What a root file system on the disk needs besides; ext4 asks for the checksum's
#: module by its algorithm, which modprobe's dependencies do not list.
ROOT_MODULES = ("virtio_blk", "crc32c_generic", "ext4")

#: TCG makes each of the kernel's self-tests and calibrations expensive, and on a busy
#: host one of them wrong: "IO-APIC + timer doesn't work" (arch/x86/kernel/apic).
KERNEL_ARGUMENTS = (
    "console=ttyS0 quiet mitigations=off tsc=reliable nokaslr no_timer_check"
)

#: What the heartbeats of a guest from ``Guest.marked`` carry.
MARK = "written-by-the-agent"

SECTOR = 512
#: Where the only partition begins, as partitioning tools have it.
PARTITION_START = 2048
DISK_SIZE = 32 << 20
ROOT_SIZE = 16 << 20


@dataclasses.dataclass(frozen=True)
class Guest:
    """The guest's files.

    :param key: changes with whatever the files are made of.
    :param disk: bootable qcow2 (BIOS); kernel and ramdisk boot over the network.
    :param marked: the same, but its heartbeats carry ``MARK``: every machine's disk is
        the former at first, whose heartbeats do not prove that it was written.
    :param root: an ext4 file system as qcow2, to go with kernel and ramdisk: what
        images were in 2014. It is not bootable on its own.
    """

    key: str
    kernel: Path
    ramdisk: Path
    disk: Path
    marked: Path
    root: Path


def build(cache: Path) -> Guest:
    """Build the guest in seconds, or take it from the cache.

    :param cache: directory for ``guest-<key>/``; made if missing.
    :raises SidewaysError: a tool or a package that the build needs is missing.
    """
    for path, package in ((BUSYBOX, "busybox-static"), (SYSLINUX_MBR, "syslinux")):
        if not path.exists():
            raise exceptions.SidewaysError(
                f"{path} is missing: install the package {package}"
            )
    kernel = kernels.fetch(cache)
    key = _key(kernel)
    entry = cache / f"guest-{key}"
    if not entry.is_dir():
        with caches.building(entry) as part:
            shutil.copyfile(kernel.image, part / "kernel")
            _make_ramdisk(kernel, part)
            _make_disk(part, "disk.qcow2", KERNEL_ARGUMENTS)
            marked = f"{KERNEL_ARGUMENTS} guest.image={MARK}"
            _make_disk(part, "marked.qcow2", marked)
            _make_root(part)
    return Guest(
        key,
        kernel=entry / "kernel",
        ramdisk=entry / "ramdisk",
        disk=entry / "disk.qcow2",
        marked=entry / "marked.qcow2",
        root=entry / "root.qcow2",
    )


def _key(kernel: kernels.Kernel) -> str:
    digest = hashlib.sha256(f"{RECIPE} {kernel.root.name}".encode())
    digest.update(f"{KERNEL_ARGUMENTS} {MARK}".encode())
    scripts = sorted({*SCRIPTS.values(), *RAMDISK_SCRIPTS.values()})
    for path in (BUSYBOX, *(_HERE / name for name in scripts)):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def _modules(kernel: kernels.Kernel, wanted: Iterable[str]) -> list[Path]:
    """The modules' files in the order in which they load, each once.

    :raises SidewaysError: modprobe prints nothing for one.
    """
    files: dict[Path, None] = {}
    for name in wanted:
        tree = ["--dirname", str(kernel.root), "--set-version", kernel.version]
        shown = caches.run(["modprobe", *tree, "--show-depends", name], "kmod")
        if not shown.strip():
            # Such as a container's, which does nothing: the guest would have no NIC.
            raise exceptions.SidewaysError(
                f"{shutil.which('modprobe')} --show-depends {name}: says nothing;"
                " expected kmod's, which names files or 'builtin'"
            )
        for line in shown.splitlines():
            if line.startswith("insmod "):
                files[Path(line.split()[1])] = None
    return list(files)


def _lay_out(root: Path, scripts: Mapping[str, str]) -> None:
    """Busybox and the guest's scripts, without modules."""
    for name in ("bin", "dev", "etc", "lib", "mnt", "proc", "run", "sbin", "sys"):
        (root / name).mkdir(parents=True)
    shutil.copy(BUSYBOX, root / "bin" / "busybox")
    for applet in APPLETS:
        (root / "bin" / applet).symlink_to("busybox")
    (root / "etc" / "modules").touch()
    for place, name in scripts.items():
        shutil.copyfile(_HERE / name, root / place)
        (root / place).chmod(0o755)


def _make_ramdisk(kernel: kernels.Kernel, part: Path) -> None:
    """Write ``part/ramdisk``: busybox, modules and the guest's scripts."""
    root = part / "root"
    _lay_out(root, RAMDISK_SCRIPTS)
    first = _modules(kernel, MODULES)
    later = [m for m in _modules(kernel, ROOT_MODULES) if m not in first]
    for name, modules in (("modules", first), ("root-modules", later)):
        for module in modules:
            shutil.copyfile(module, root / "lib" / module.name)
        (root / "etc" / name).write_text("".join(f"{m.name}\n" for m in modules))
    (part / "ramdisk").write_bytes(archive(root))


def archive(root: Path) -> bytes:
    """The tree below ``root`` as the kernel unpacks it; it is gone afterwards."""
    names, packed = root.with_name("names"), root.with_name("cpio")
    paths = sorted(root.rglob("*"))
    names.write_text("".join(f"{path.relative_to(root)}\n" for path in paths))
    pack = f'exec "{BUSYBOX}" cpio -o -H newc <../names >../cpio'
    caches.run(["sh", "-c", pack], "busybox-static", root)
    shutil.rmtree(root)
    names.unlink()
    text = packed.read_bytes()
    packed.unlink()
    return gzip.compress(text, mtime=0)


def _make_root(part: Path) -> None:
    """Write ``part/root.qcow2``: the root file system of a net-booted guest."""
    root, image = part / "root", part / "root.ext4"
    _lay_out(root, SCRIPTS)
    with image.open("wb") as stream:
        stream.truncate(ROOT_SIZE)
    caches.run(["mkfs.ext4", "-q", "-L", "guest-root", "-d", root, image], "e2fsprogs")
    shutil.rmtree(root)
    convert = ["qemu-img", "convert", "-f", "raw", "-O", "qcow2"]
    caches.run([*convert, str(image), str(part / "root.qcow2")], "qemu-utils")
    image.unlink()


def _make_disk(part: Path, name: str, arguments: str) -> None:
    """Write ``part/name`` around the kernel and the ramdisk in ``part``.

    One active FAT partition with SYSLINUX, written by tools that need no loop
    device.
    """
    raw = part / "disk.raw"
    start = PARTITION_START * SECTOR
    with raw.open("wb") as stream:
        stream.write(SYSLINUX_MBR.read_bytes())
        stream.truncate(DISK_SIZE)
    table = part / "table"
    table.write_text(f"label: dos\nstart={PARTITION_START}, type=e, bootable\n")
    caches.run(
        ["sh", "-c", "exec sfdisk --quiet --no-tell-kernel disk.raw < table"],
        "fdisk",
        part,
    )
    blocks = str((DISK_SIZE - start) // 1024)
    fat = ["-F", "16", "-h", str(PARTITION_START), "--offset", str(PARTITION_START)]
    caches.run(["mkfs.fat", *fat, str(raw), blocks], "dosfstools")
    (part / "syslinux.cfg").write_text(
        "DEFAULT guest\nLABEL guest\n KERNEL kernel\n INITRD ramdisk\n"
        f" APPEND {arguments}\n"
    )
    files = [part / name for name in ("kernel", "ramdisk", "syslinux.cfg")]
    caches.run(["mcopy", "-i", f"{raw}@@{start}", *files, "::"], "mtools")
    caches.run(["syslinux", "--install", "--offset", str(start), raw], "syslinux")
    convert = ["qemu-img", "convert", "-f", "raw", "-O", "qcow2"]
    caches.run([*convert, str(raw), str(part / name)], "qemu-utils")
    for leftover in (raw, table, part / "syslinux.cfg"):
        leftover.unlink()
