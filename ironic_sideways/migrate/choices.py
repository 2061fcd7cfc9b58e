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

"""What the operator chose, and what nova_bm does not know of a node. No I/O."""

import dataclasses
from collections.abc import Mapping

from ironic_sideways import resource_class
from ironic_sideways.nova_bm import reader

#: Of IPMI over LAN; Ironic's default.
IPMI_PORT = 623


@dataclasses.dataclass(frozen=True, slots=True)
class Bmc:
    """The BMC that a node gets in place of what its row says.

    :param where: the line of the map, for messages.
    """

    address: str
    port: int
    user: str
    password: str = dataclasses.field(repr=False)
    where: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class NetBoot:
    """What an instance fetches at every power-on.

    :param config: nova-baremetal's PXE configuration that says so.
    :param kernel: reference that Ironic's conductor can follow.
    :param ramdisk: likewise.
    :param arguments: of the kernel, ``root=`` among them.
    :param fault: why the instance cannot be booted so; the rest is then empty.
    """

    config: str = ""
    kernel: str = ""
    ramdisk: str = ""
    arguments: str = ""
    fault: str | None = None


@dataclasses.dataclass(frozen=True)
class Options:
    """What the operator chose, and what nova_bm does not know.

    :param resource_class: of every node, as Ironic spells it ("baremetal").
    :param resource_class_by_shape: its name is only what all classes begin with.
    :param owner: the project that sees the nodes, or None.
    :param architectures: service_host -> cpu_arch, from nova.conf.
    :param capabilities: service_host -> what else its nodes advertise, by name, from
        nova.conf; of a file that names no host, at None.
    :param node_arch: cpu_arch of the hosts that ``architectures`` lacks.
    :param shard_by_service_host: each node's shard is its service_host.
    :param free_state: provision_state of free nodes, available or manageable.
    :param free_deploy_interface: of free nodes, when not ``deploy_interface``.
    :param bmcs: node uuid, or MAC in lower case -> its BMC.
    :param netboot: instance uuid -> what it boots with, or None when it boots
        from its disk; None: nobody looked.
    :param vif_macs: VIF -> the MAC address of its Neutron port, in lower case; None:
        nobody asked Neutron.
    :param vifs_as_recorded: each VIF is on the NIC whose row names it.
    :param interfaces: kind -> name, where it is not that of ``PLAIN_INTERFACES``.
    """

    resource_class: str
    owner: str | None
    node_arch: str | None = None
    architectures: Mapping[str, str] = dataclasses.field(default_factory=dict)
    capabilities: Mapping[str | None, Mapping[str, str]] = dataclasses.field(
        default_factory=dict
    )
    deploy_kernel: str | None = None
    deploy_ramdisk: str | None = None
    deploy_interface: str = "direct"
    free_deploy_interface: str | None = None
    boot_interface: str = "ipxe"
    network_interface: str = "flat"
    interfaces: Mapping[str, str] = dataclasses.field(default_factory=dict)
    free_state: str = "available"
    boot_mode: str = "bios"
    cipher_suite: str | None = None
    resource_class_by_shape: bool = False
    shard_by_service_host: bool = False
    netboot: Mapping[str, NetBoot | None] | None = None
    vif_macs: Mapping[str, str] | None = None
    vifs_as_recorded: bool = False
    bmcs: Mapping[str, Bmc] = dataclasses.field(default_factory=dict, repr=False)


def is_port(number: int) -> bool:
    """Whether there is a UDP or TCP port of this number."""
    return 0 < number < 65536


def terminal_port(source: reader.Node) -> int | None:
    """The node's console port, unless Ironic would refuse the node for it.

    See ``ironic.drivers.modules.ipmitool._parse_driver_info``.
    """
    port = source.terminal_port
    return port if port is not None and is_port(port) else None


def architecture(source: reader.Node, options: Options) -> str | None:
    """The cpu_arch of a node, or None: neither its nova.conf nor an option says."""
    host = source.service_host
    return (host and options.architectures.get(host)) or options.node_arch


def capabilities(source: reader.Node, options: Options, boot: NetBoot | None) -> str:
    """A node's ``properties.capabilities``: how it boots, and what it advertised."""
    # pxelinux, with which it booted so far, is of the BIOS alone.
    mode = "bios" if boot else options.boot_mode
    own = advertised(source, options)
    return ",".join(f"{k}:{v}" for k, v in ({"boot_mode": mode} | dict(own)).items())


def advertised(source: reader.Node, options: Options) -> Mapping[str, str]:
    """What the node's compute host advertised of it, or else what all do."""
    known = options.capabilities
    return known.get(source.service_host) or known.get(None) or {}


def class_of(source: reader.Node, options: Options) -> str:
    """The resource class of a node.

    :raises UsageError: by shape, and the row lacks a part of it.
    """
    if not options.resource_class_by_shape:
        return options.resource_class
    return resource_class.by_shape(
        options.resource_class,
        architecture(source, options),  # type: ignore[arg-type]
        source.cpus,  # type: ignore[arg-type]
        source.memory_mb,  # type: ignore[arg-type]
        source.local_gb,  # type: ignore[arg-type]
    )


def bmc_of(source: reader.Node, options: Options) -> Bmc | None:
    """The BMC that the operator's map gives the node, by its uuid or a MAC of it."""
    if not options.bmcs:
        return None
    keys = [source.uuid, *(card.address for card in source.interfaces)]
    found = (options.bmcs.get(key.lower()) for key in keys if key)
    return next(filter(None, found), None)


def vifs_on(
    interfaces: tuple[reader.Interface, ...], options: Options
) -> dict[int, str]:
    """bm_interfaces row id -> the VIF that is on that NIC of a node.

    Nova 2014 recorded a VIF on the first free NIC (``vif_driver.py``), and Neutron
    gave its port the MAC address of any (``macs_for_instance``): the port's counts.
    """
    recorded = {card.id: card.vif_uuid for card in interfaces if card.vif_uuid}
    if options.vif_macs is None or options.vifs_as_recorded:
        return recorded
    by_mac = {card.address.lower(): card.id for card in interfaces if card.address}
    macs = options.vif_macs
    return {by_mac[macs[v]]: v for v in recorded.values() if macs.get(v) in by_mac}


def netboot_of(source: reader.Node, options: Options) -> NetBoot | None:
    """What the node's instance fetches at every power-on, if it does."""
    if options.netboot is None or not source.instance_uuid:
        return None
    return options.netboot[source.instance_uuid]
