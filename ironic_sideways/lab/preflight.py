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

"""What a host must have before a lab is made on it; each refusal is one line."""

import dataclasses
import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path

import psutil

from ironic_sideways import exceptions
from ironic_sideways.hardware import hypervisor
from ironic_sideways.lab import bridge, processes, service_table
from ironic_sideways.lab.layout import Layout
from ironic_sideways.lab.record import LabRecord

#: Requirements of the main job.
DISK_BYTES = 10 * 10**9
#: 8 GiB, less what firmware and kernel of such a machine keep for themselves.
MEMORY_BYTES = int(7.5 * 2**30)

#: Characters without a meaning in any configuration format here.
PLAIN_PATH = re.compile(r"[A-Za-z0-9._+/-]+")

BMC_PORT = 623
ANY_ADDRESS = "0.0.0.0"  # noqa: S104 (recognised, not bound)

#: Suggested for --network where the default is taken.
PREFIXES = ("172.30", "172.29", "10.99", "10.199", "192.168")

#: Program -> Debian's package, for the machines and for a whole lab.
HARDWARE_PROGRAMS = {
    "dnsmasq": "dnsmasq-base",
    "nginx": "nginx-light",
    "libvirtd": "libvirt-daemon",
    "qemu-system-x86_64": "qemu-system-x86",
    "ipmitool": "ipmitool",
    "ip": "iproute2",
}
PROGRAMS = {
    "mariadbd": "mariadb-server",
    "mariadb-install-db": "mariadb-server",
    "epmd": "erlang-base",
    **HARDWARE_PROGRAMS,
}


def check_host(layout: Layout, record: LabRecord) -> None:
    """Refuse a host that cannot hold the lab.

    :raises SidewaysError: the first thing that is missing.
    """
    if os.geteuid() != 0:
        raise exceptions.SidewaysError(
            "not root: the lab makes a bridge and BMCs at port 623; run it with sudo"
        )
    _check_programs(HARDWARE_PROGRAMS if record.hardware_only else PROGRAMS)
    existing = next(
        one for one in (layout.directory, *layout.directory.parents) if one.exists()
    )
    free = shutil.disk_usage(existing).free
    if free < DISK_BYTES:
        raise exceptions.SidewaysError(
            f"{layout.directory}: expected {DISK_BYTES / 1e9:.0f} GB of free disk, "
            f"found {free / 1e9:.1f} GB; free some or choose another --directory"
        )
    memory = psutil.virtual_memory().total
    if memory < MEMORY_BYTES:
        raise exceptions.SidewaysError(
            f"memory: expected 8 GiB, found {memory / 2**30:.1f} GiB; use a larger "
            "machine"
        )
    if not PLAIN_PATH.fullmatch(str(layout.directory)):
        raise exceptions.SidewaysError(
            f"{layout.directory}: expected a path of letters, digits and ._+-/ alone "
            "(others mean something in a service's configuration); choose another "
            "--directory"
        )
    # libvirt's are the longest below a lab's directory.
    excess = hypervisor.socket_path_excess(layout.libvirt)
    if excess > 0:
        raise exceptions.SidewaysError(
            f"{layout.directory}: too long for Unix sockets by {excess} characters; "
            "choose a shorter --directory"
        )


def _check_programs(programs: Mapping[str, str]) -> None:
    for program, package in programs.items():
        if shutil.which(program, path=f"{os.environ['PATH']}:/usr/sbin:/sbin") is None:
            raise exceptions.SidewaysError(
                f"program {program}: not found; `apt-get install {package}` "
                "(bindep.txt has the whole list)"
            )


def check_free(layout: Layout, record: LabRecord) -> None:
    """Refuse ports, addresses and names that are taken.

    Only for a lab that is not there yet: its own would be found too.

    :raises SidewaysError: the first one that is taken, and by whom.
    """
    hint = "stop it, or choose another lab --number"
    listeners = processes.listeners()
    groups: tuple[service_table.Group, ...] = ("hardware",)
    for name in service_table.listeners(*groups if record.hardware_only else ()):
        if layout.port(name) in listeners:
            holder = processes.tell(listeners[layout.port(name)])
            raise exceptions.SidewaysError(
                f"port {layout.port(name)} ({name}): taken by {holder}; {hint}"
            )
    receivers = processes.receivers()
    for index in range(record.nodes):
        for address in (layout.bmc_address(index), ANY_ADDRESS):
            if (address, BMC_PORT) in receivers:
                holder = processes.tell(receivers[address, BMC_PORT])
                raise exceptions.SidewaysError(
                    f"BMC address {layout.bmc_address(index)} UDP {BMC_PORT}: taken "
                    f"by {holder}; {hint}"
                )
    device = bridge.find(layout.bridge)
    if (
        device is not None
        and not bridge.is_ours(layout, device)
        and not bridge.is_left_behind(device)
    ):
        raise exceptions.SidewaysError(
            f"network device {layout.bridge}: in the way and not this lab's "
            f"({device.get('ifalias') or 'no alias'}); remove it, or choose another "
            "lab --number"
        )
    _check_networks(layout)
    _check_domains(layout, record.nodes)


def _check_networks(layout: Layout) -> None:
    """The bridge's routes would take precedence over the host's own."""
    taken = [one for one in bridge.taken_networks() if one[0] != layout.bridge]
    for device, network in taken:
        for ours in (layout.network, layout.network6):
            if _overlap(ours, network):
                raise exceptions.SidewaysError(
                    f"network {ours}: overlaps {network} of this host ({device}); "
                    f"{_advice(layout, taken)}"
                )


def _overlap(one: bridge.Network, other: bridge.Network) -> bool:
    return one.version == other.version and one.overlaps(other)


def _advice(layout: Layout, taken: list[tuple[str, bridge.Network]]) -> str:
    for prefix in PREFIXES:
        other = dataclasses.replace(layout, prefix=prefix)
        if not any(
            _overlap(ours, network)
            for _, network in taken
            for ours in (other.network, other.network6)
        ):
            return f"choose another by --network, such as --network {prefix}"
    return f"none of --network {', '.join(PREFIXES)} free: free one of those networks"


def _check_domains(layout: Layout, nodes: int) -> None:
    names = {layout.machine_name(index) for index in range(nodes)}
    for process in psutil.process_iter(["name", "cmdline"]):
        command = process.info["cmdline"] or []
        if not Path(command[0] if command else "").name.startswith("qemu-system-"):
            continue
        if any(f"{layout.directory}/" in word for word in command):
            continue
        for word in command:
            name = word.removeprefix("guest=").split(",")[0]
            if name in names:
                raise exceptions.SidewaysError(
                    f"domain {name}: in the way and not this lab's (QEMU, pid "
                    f"{process.pid}); stop it, or choose another lab --number"
                )
