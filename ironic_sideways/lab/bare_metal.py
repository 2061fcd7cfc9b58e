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

"""The lab's bare metal: machines, their BMCs, and their rows in nova_bm."""

import contextlib
import shutil
import sys
import uuid
from collections.abc import Sequence
from pathlib import Path

import libvirt

import ironic_sideways
from ironic_sideways import commands, exceptions
from ironic_sideways.hardware import bmc, disks, guest, hypervisor, machines
from ironic_sideways.hardware.light import disk
from ironic_sideways.lab import files
from ironic_sideways.lab.layout import Layout
from ironic_sideways.lab.supervision import State

#: Of the nodes, the last so many have the shape that a real deploy fits. Nova's RAM
#: weigher fills them first: the four survivors are on them, and one is free for a new
#: server.
DEPLOY_NODES = 5

#: Seconds for the BMCs to answer ipmitool: for all, and for each besides.
BMC_TIMEOUT, BMC_SECONDS = 60.0, 0.5

#: What a machine that boots nova-baremetal's way loads first -> Debian's package.
BOOT_LOADERS = {
    Path("/usr/lib/PXELINUX/pxelinux.0"): "pxelinux",
    Path("/usr/lib/syslinux/modules/bios/ldlinux.c32"): "syslinux-common",
}

SEEDER = Path(ironic_sideways.__file__).parents[1] / "tools" / "seed_nova_bm.py"


def plan(layout: Layout, nodes: int) -> list[machines.Machine]:
    """The lab's machines: those of machines.json, or new ones written there."""
    if layout.machines.exists():
        return machines.read(layout.machines)
    planned = []
    for index in range(nodes):
        shape: machines.Shape = "deploy" if nodes - index <= DEPLOY_NODES else "api"
        vcpus, memory_mb, disk_gb = machines.SHAPES[shape]
        planned.append(
            machines.Machine(
                name=layout.machine_name(index),
                uuid=str(uuid.uuid4()),
                index=index,
                macs=machines.macs(layout.number, index),
                bmc_address=layout.bmc_address(index),
                vcpus=vcpus,
                memory_mb=memory_mb,
                disk_gb=disk_gb,
                shape=shape,
            )
        )
    machines.write(layout.machines, planned)
    return planned


def prepare(layout: Layout) -> None:
    """Write libvirtd's configuration, make vbmcd's and the base's TFTP root.

    :raises SidewaysError: a boot loader's package is missing.
    """
    if layout.light:
        files.make_private_directory(layout.disks)
    else:
        hypervisor.prepare(layout.libvirt)
    bmc.prepare(layout.vbmc)
    for loader, package in BOOT_LOADERS.items():
        if not loader.exists():
            raise exceptions.SidewaysError(
                f"{loader}: not found; install the package {package}"
            )
        target = layout.tftp_boot / loader.name
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(loader, target)


def define(layout: Layout, planned: Sequence[machines.Machine], cache: Path) -> None:
    """Define the machines, and wait until each one's BMC answers ipmitool."""
    uri = "" if layout.light else hypervisor.uri(layout.libvirt)
    if not layout.light:
        below = guest.build(cache).disk
        machines.define(uri, planned, layout.disks, below, layout.bridge)
    timeout = BMC_TIMEOUT + BMC_SECONDS * len(planned)
    bmc.ensure(layout.vbmc, planned, uri, layout.log("vbmcd"), timeout)


def write_disk(
    layout: Layout, node: str, image: Path, sizes: disks.Sizes
) -> str | None:
    """Write ``image`` on the disk of the machine with the uuid ``node``.

    :returns: the root file system's UUID; None where ``image`` is a whole disk.
    :raises SidewaysError: no such machine, or it is on.
    """
    for machine in machines.read(layout.machines):
        if machine.uuid == node and layout.light:
            return disk.write(layout.disks, machine.name, image, sizes)
        if machine.uuid == node:
            uri = hypervisor.uri(layout.libvirt)
            return machines.write_disk(uri, machine, layout.disks, image, sizes)
    raise exceptions.SidewaysError(
        f"node {node}: expected a machine of {layout.machines}, found none"
    )


def seed(layout: Layout) -> None:
    """Fill nova_bm with a row per machine, as an operator does.

    Each host gets a machine in turn: it has nodes of both shapes.

    :raises SidewaysError: the seeder failed; shows its output.
    """
    names = [machine.name for machine in machines.read(layout.machines)]
    done = commands.run(
        [
            sys.executable,
            str(SEEDER),
            *("--nova-bm-db", f"@{layout.database_url_file('nova_bm')}"),
            *_where(layout),
            *("--vbmc-config", str(layout.vbmc)),
            *("--service-host", *layout.compute_services.values()),
            *("--domain", *names),
        ],
        timeout=120,
    )
    if done.returncode:
        raise exceptions.SidewaysError(
            f"{SEEDER.name} failed (exit code {done.returncode}): "
            f"{(done.stderr or done.stdout).strip()}"
        )


def _where(layout: Layout) -> tuple[str, str]:
    """Where the seeder finds the machines."""
    if layout.light:
        return "--machines", str(layout.machines)
    return "--libvirt-uri", hypervisor.uri(layout.libvirt)


def remove(layout: Layout, libvirtd: State | None) -> None:
    """Switch off and remove the lab's machines and their disks.

    :param libvirtd: as supervisord sees it. Without a libvirtd that answers,
        the machines are QEMU processes, which `lab down` kills.
    """
    if libvirtd is None or libvirtd.state != "RUNNING":
        return
    with contextlib.suppress(libvirt.libvirtError):
        machines.undefine(hypervisor.uri(layout.libvirt), layout.disks)
