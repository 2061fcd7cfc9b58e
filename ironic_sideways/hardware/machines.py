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

"""The lab's bare-metal machines: libvirt domains.

Only domains that carry this module's mark with the same directory are touched.
"""

import dataclasses
import json
from collections.abc import Iterable, Iterator, Sequence
from concurrent import futures
from pathlib import Path
from typing import Literal

import libvirt

from ironic_sideways import exceptions, waits, whole_file
from ironic_sideways.hardware import disks, domain_xml, hypervisor

Shape = Literal["api", "deploy"]

#: vcpus, memory in MiB and disk in GB of each shape. "deploy" is what a real
#: deploy fits into (the agent takes no root device below 4 GiB); "api" is enough
#: for the guest.
SHAPES: dict[Shape, tuple[int, int, int]] = {"api": (1, 256, 2), "deploy": (1, 1024, 5)}

#: Of each machine, all on the same bridge: nova_bm knew no other use of a second one.
NICS = 2


@dataclasses.dataclass(frozen=True)
class Machine:
    """One machine, as ``machines.json`` has it; no credentials.

    :param uuid: of the domain, of its bm_nodes row and of its Ironic node.
    :param index: position in the lab, from 0.
    :param macs: of its NICs, in the order in which its firmware and its kernel see
        them.
    :param bmc_address: IPv4 address of its virtual BMC.
    """

    name: str
    uuid: str
    index: int
    macs: tuple[str, ...]
    bmc_address: str
    bmc_port: int = 623
    vcpus: int = 1
    memory_mb: int = 256
    disk_gb: int = 2
    shape: Shape = "api"


def macs(number: int, index: int) -> tuple[str, ...]:
    """The MACs of machine ``index`` in lab ``number``; locally administered."""
    return tuple(
        f"52:54:{nic:02x}:{number:02x}:{index >> 8:02x}:{index & 0xFF:02x}"
        for nic in range(NICS)
    )


def write(path: Path, machines: Iterable[Machine]) -> None:
    """Write ``machines.json`` atomically."""
    text = json.dumps([dataclasses.asdict(machine) for machine in machines], indent=2)
    whole_file.write(path, text + "\n")


def read(path: Path) -> list[Machine]:
    """Read ``machines.json``.

    :raises SidewaysError: it is missing or is no list of machines.
    """
    try:
        return [
            Machine(**{**fields, "macs": tuple(fields["macs"])})
            for fields in json.loads(path.read_text())
        ]
    except FileNotFoundError as error:
        raise exceptions.SidewaysError(
            f"{path}: not found; run 'ironic-sideways lab up' first"
        ) from error
    except (ValueError, TypeError, KeyError) as error:
        raise exceptions.SidewaysError(
            f"{path}: expected a list of machines, found: {error}"
        ) from error


def define(
    uri: str,
    machines: Sequence[Machine],
    directory: Path,
    guest_disk: Path,
    bridge: str,
) -> None:
    """Define every machine and its disk; what is up to date stays.

    :param uri: of the libvirtd (hypervisor.uri).
    :param directory: absolute, for ``<name>.qcow2`` and ``<name>.console.log``.
    :param guest_disk: qcow2 image below every machine's disk (guest.build).
    :param bridge: name of the Linux bridge that the NICs join.
    :raises SidewaysError: a domain that is not ours has a machine's name or
        uuid; no machine was defined then.
    """
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    with hypervisor.connect(uri) as connection:
        present = {domain.name(): domain for domain in connection.listAllDomains()}
        for machine in machines:
            _refuse_strangers(machine, present.values(), directory)
        for machine in machines:
            wanted, fingerprint = domain_xml.describe(
                dataclasses.asdict(machine),
                directory,
                disk=disks.path(directory, machine.name),
                console=directory / f"{machine.name}.console.log",
                bridge=bridge,
            )
            disks.make(directory, machine.name, machine.disk_gb, guest_disk)
            domain = present.get(machine.name)
            if domain is None or _mark(domain).get("fingerprint") != fingerprint:
                connection.defineXML(wanted)


def defined(uri: str, directory: Path) -> list[str]:
    """The names of all machines of ``directory``, sorted."""
    with hypervisor.connect(uri) as connection:
        return sorted(domain.name() for domain in _ours(connection, directory))


def write_disk(
    uri: str, machine: Machine, directory: Path, image: Path, sizes: disks.Sizes
) -> str | None:
    """Write ``image`` on the disk of a machine that is off (disks.write).

    :raises SidewaysError: it is on, or libvirt does not know it.
    """
    with hypervisor.connect(uri) as connection:
        running = _lookup(connection, machine.name).isActive()
        disks.refuse_running(machine.name, bool(running))
    return disks.write(directory, machine.name, machine.disk_gb, image, sizes)


def undefine(uri: str, directory: Path) -> None:
    """Power off and remove every machine of ``directory``, and their disks.

    :raises WaitExpired: libvirt still knows one of them afterwards.
    """
    with hypervisor.connect(uri) as connection:
        ours = list(_ours(connection, directory))
        _power_off(ours)
        for domain in ours:
            domain.undefine()
    for pattern in ("*.qcow2", "*.part", "*.console.log"):
        for path in directory.glob(pattern):
            path.unlink(missing_ok=True)
    waits.wait_for(
        lambda: defined(uri, directory),
        lambda left: not left,
        f"the machines of {directory} to be gone",
        timeout=10,
    )


def _lookup(connection: libvirt.virConnect, name: str) -> libvirt.virDomain:
    try:
        return connection.lookupByName(name)
    except libvirt.libvirtError as error:
        raise exceptions.SidewaysError(
            f"machine {name}: libvirt knows no such domain; define it first"
        ) from error


def _power_off(domains: Sequence[libvirt.virDomain]) -> None:
    """Power off at once, all at the same time: libvirt waits for each process."""

    def destroy(domain: libvirt.virDomain) -> None:
        try:
            domain.destroy()
        except libvirt.libvirtError as error:
            # Off already, or it powered off by itself just now.
            if error.get_error_code() != libvirt.VIR_ERR_OPERATION_INVALID:
                raise

    with futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(destroy, domains))


def _mark(domain: libvirt.virDomain) -> dict[str, str]:
    """The attributes of our mark; empty on a domain that is not ours."""
    try:
        text = domain.metadata(
            libvirt.VIR_DOMAIN_METADATA_ELEMENT, domain_xml.NAMESPACE
        )
    except libvirt.libvirtError as error:
        if error.get_error_code() != libvirt.VIR_ERR_NO_DOMAIN_METADATA:
            raise
        return {}
    return domain_xml.read_mark(text)


def _ours(
    connection: libvirt.virConnect, directory: Path
) -> Iterator[libvirt.virDomain]:
    for domain in connection.listAllDomains():
        if _mark(domain).get("directory") == str(directory):
            yield domain


def _refuse_strangers(
    machine: Machine, present: Iterable[libvirt.virDomain], directory: Path
) -> None:
    for domain in present:
        same_name = domain.name() == machine.name
        same_uuid = domain.UUIDString() == machine.uuid
        if not same_name and not same_uuid:
            continue
        ours = _mark(domain).get("directory") == str(directory)
        if not ours or same_name != same_uuid:
            raise exceptions.SidewaysError(
                f"machine {machine.name} (uuid {machine.uuid}): a domain that is "
                f"{'another machine of ours' if ours else 'not ours'} is in the way, "
                f"{domain.name()} (uuid {domain.UUIDString()}); undefine it with virsh "
                "or choose another lab number"
            )
