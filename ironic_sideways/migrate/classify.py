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

"""Which nova_bm rows move, which are skipped, which are refused, and why. No I/O."""

import dataclasses
import enum
import re
from collections.abc import Mapping, Sequence

from ironic_sideways import exceptions
from ironic_sideways.migrate import choices, row_faults
from ironic_sideways.nova_bm import reader

_MAC = re.compile(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}", re.IGNORECASE)
_SHAPE = ("cpus", "memory_mb", "local_gb")


class Outcome(enum.StrEnum):
    """What becomes of a row."""

    MIGRATE = "migrate"
    #: Written by an earlier run, and still what this run would write.
    PRESENT = "present"
    SKIP = "skip"
    REFUSE = "refuse"


@dataclasses.dataclass(frozen=True)
class Policy:
    """What the operator decided about rows that can be read two ways.

    :param null_deleted: "live" or "skip" for rows whose ``deleted`` is NULL;
        None refuses them.
    :param stale_states_free: a node without instance is free whatever word was
        left in its task_state (``states.STALE``).
    :param boot_from_disk: instances without a PXE configuration boot from their disk.
    :param dhcp_provider: Ironic's ``[dhcp] dhcp_provider``.
    :param power_managers: service_host -> class name, from nova.conf.
    :param default_power_manager: of hosts that ``power_managers`` lacks.
    :param known_hosts: hosts that a nova.conf was given for; None: one that names
        no host speaks of all.
    :param service_hosts: only nodes of these; empty: all.
    :param nodes: only nodes with these uuids; empty: all.
    """

    null_deleted: str | None = None
    stale_states_free: bool = False
    boot_from_disk: bool = False
    dhcp_provider: str = "neutron"
    power_managers: Mapping[str, str] = dataclasses.field(default_factory=dict)
    default_power_manager: str = row_faults.IPMI_POWER_MANAGER
    known_hosts: frozenset[str] | None = frozenset()
    service_hosts: frozenset[str] = frozenset()
    nodes: frozenset[str] = frozenset()

    def power_manager(self, source: reader.Node) -> str:
        """The class name that the row's host has for its BMC."""
        return self.power_managers.get(
            source.service_host or "", self.default_power_manager
        )


@dataclasses.dataclass
class Verdict:
    """What becomes of one bm_nodes row.

    :param interfaces: the interfaces that move with the node.
    :param reasons: why it is skipped or refused.
    :param notes: what is not moved as it stands, or should be looked at.
    :param skipped: ids of its bm_interfaces rows that stay behind.
    :param resource_class: that it gets, in Ironic's spelling.
    :param cpu_arch: of the node, as its flavors ask for it.
    :param capabilities: likewise, ``properties.capabilities``.
    :param netboot: what its instance fetches at every power-on; None: it boots
        from its disk.
    """

    source: reader.Node
    outcome: Outcome
    interfaces: tuple[reader.Interface, ...] = ()
    reasons: list[str] = dataclasses.field(default_factory=list)
    notes: list[str] = dataclasses.field(default_factory=list)
    skipped: list[int] = dataclasses.field(default_factory=list)
    resource_class: str | None = None
    cpu_arch: str | None = None
    capabilities: str = ""
    netboot: choices.NetBoot | None = None

    def refuse(self, reason: str) -> None:
        """Refuse the row, for one more reason."""
        self.outcome = Outcome.REFUSE
        self.reasons.append(reason)


def classify(
    source: reader.Node,
    options: choices.Options,
    policy: Policy,
    duplicates: Sequence[str] = (),
) -> Verdict:
    """The verdict on one row, with every reason that applies.

    :param duplicates: what it shares with other rows, found beforehand.
    """
    skip = _skip_reason(source, policy)
    if skip:
        return Verdict(source, Outcome.SKIP, reasons=[skip])
    verdict = Verdict(source, Outcome.MIGRATE)
    if source.deleted is None and policy.null_deleted is None:
        verdict.refuse(
            "deleted is NULL, neither live nor deleted; say --null-deleted live or skip"
        )
        return verdict
    for reason in (
        *row_faults.of_identity(source),
        *row_faults.of_state(source, policy.stale_states_free),
        *row_faults.of_hardware(source, options, policy.power_manager(source)),
        *duplicates,
    ):
        verdict.refuse(reason)
    _judge_class(verdict, options)
    _judge_interfaces(verdict, policy)
    if source.instance_uuid:
        _judge_vifs(verdict, options)
    if row_faults.is_canonical_uuid(source.instance_uuid):
        _judge_boot(verdict, options, policy)
    verdict.cpu_arch = choices.architecture(source, options)
    verdict.capabilities = choices.capabilities(source, options, verdict.netboot)
    verdict.notes += _notes(source, verdict.interfaces)
    return verdict


def _skip_reason(source: reader.Node, policy: Policy) -> str | None:
    if source.deleted:
        return "deleted in nova_bm"
    if source.deleted is None and policy.null_deleted == "skip":
        return "deleted is NULL and --null-deleted skip was given"
    if policy.service_hosts and source.service_host not in policy.service_hosts:
        return f"service_host {source.service_host} was not selected"
    if policy.nodes and source.uuid not in policy.nodes:
        return "the node was not selected"
    return None


def _judge_class(verdict: Verdict, options: choices.Options) -> None:
    """Give the node its resource class, or say why it can have none."""
    source = verdict.source
    if options.resource_class_by_shape:
        missing = [name for name in _SHAPE if getattr(source, name) is None]
        if missing:
            verdict.refuse(
                f"{', '.join(missing)} NULL: --resource-class-by-shape makes the "
                "class of cpus, memory_mb and local_gb"
            )
        if verdict.outcome is Outcome.REFUSE:
            return
    try:
        verdict.resource_class = choices.class_of(source, options)
    except exceptions.UsageError as error:
        verdict.refuse(str(error))


def _judge_interfaces(verdict: Verdict, policy: Policy) -> None:
    """Sort the node's interfaces into those that move, stay, and forbid the move."""
    moving = []
    for card in verdict.source.interfaces:
        if card.deleted or (
            card.deleted is None
            and (card.address is None or policy.null_deleted == "skip")
        ):
            verdict.skipped.append(card.id)
            continue
        where = f"bm_interfaces row {card.id}"
        if card.deleted is None and policy.null_deleted is None:
            verdict.refuse(
                f"{where}: deleted is NULL with address {card.address}; say "
                "--null-deleted live or skip"
            )
        elif card.address is None:
            verdict.refuse(f"{where}: address is NULL")
        elif not _MAC.fullmatch(card.address):
            verdict.refuse(f"{where}: address {card.address!r} is not a MAC address")
        elif card.vif_uuid and not row_faults.is_canonical_uuid(card.vif_uuid):
            verdict.refuse(f"{where}: vif_uuid {card.vif_uuid!r} is not a uuid")
        else:
            moving.append(card)
    verdict.interfaces = tuple(moving)


def _judge_vifs(verdict: Verdict, options: choices.Options) -> None:
    """See that it is decided on which NIC each VIF of the instance is."""
    cards = verdict.interfaces
    plugged = [card for card in cards if card.vif_uuid]
    if options.vifs_as_recorded or not plugged:
        return
    if options.vif_macs is None:
        if len(cards) > 1:
            vifs = ", ".join(card.vif_uuid or "" for card in plugged)
            verdict.refuse(
                f"{len(cards)} NICs and VIF {vifs}: nova-baremetal recorded a VIF on "
                "the first free NIC, whatever the MAC address of its port; give "
                "--os-cloud, for Neutron to tell, or say --vifs-as-recorded"
            )
        return
    free = {card.address.lower() for card in cards if card.address}
    for card in plugged:
        assert card.vif_uuid and card.address
        mac = options.vif_macs.get(card.vif_uuid)
        where = f"VIF {card.vif_uuid} (bm_interfaces row {card.id}, {card.address})"
        wanted = "find out why, or say --vifs-as-recorded"
        if mac is None:
            verdict.refuse(f"{where}: Neutron has no such port; {wanted}")
        elif mac not in free:
            verdict.refuse(
                f"{where}: Neutron's port has {mac}, which no NIC of the node, or "
                f"another of its ports, has; {wanted}"
            )
        elif mac != card.address.lower():
            verdict.notes.append(f"{where}: is on the NIC {mac}, as its Neutron port")
        free.discard(mac or "")


def _judge_boot(verdict: Verdict, options: choices.Options, policy: Policy) -> None:
    """Tell the instance that boots over the network from one that boots from disk."""
    source = verdict.source
    boot = choices.netboot_of(source, options)
    if boot is None:
        # Nova 2014.2's PXE driver wanted kernel_id and ramdisk_id of every instance.
        if not policy.boot_from_disk:
            verdict.refuse(_unknown_boot(source, options))
        elif options.deploy_interface == "ramdisk":
            verdict.refuse(
                "its instance boots from its disk, which --deploy-interface ramdisk "
                "cannot take over: give --deploy-interface direct, and "
                "--free-deploy-interface ramdisk for the free nodes"
            )
        return
    if boot.fault:
        verdict.refuse(f"its instance boots over the network: {boot.fault}")
        return
    verdict.netboot = boot
    if options.boot_mode == "uefi":
        verdict.refuse(
            "its instance boots over the network by pxelinux, which UEFI machines do "
            "not run: leave this node to a run without --boot-mode uefi"
        )
    if policy.dhcp_provider == "neutron":
        if options.network_interface == "noop":
            verdict.refuse(
                "its instance boots over the network, for which Ironic with "
                "[dhcp] dhcp_provider = neutron needs --network-interface flat or "
                "neutron"
            )
        if not any(card.vif_uuid for card in verdict.interfaces):
            verdict.refuse(
                "its instance boots over the network, and has no VIF through which "
                "Neutron could tell it where from"
            )
    verdict.notes.append(
        f"boots over the network as {boot.config} says, and so it will with Ironic; "
        "a rebuild needs a whole-disk image, with which it boots from its disk"
    )
    if source.ephemeral_mb:
        verdict.notes.append("no rebuild keeps its ephemeral disk")
    if not source.pxe_config_path:
        verdict.notes.append(
            "pxe_config_path is empty, but the configuration is there: what the "
            "machine is given at power-on counts"
        )


def _unknown_boot(source: reader.Node, options: choices.Options) -> str:
    if source.pxe_config_path:
        said = f"its instance boots over the network ({source.pxe_config_path})"
    else:
        said = (
            "its instance boots over the network, as all of nova-baremetal's did (its "
            "row has no pxe_config_path)"
        )
    if options.netboot is None:
        return (
            f"{said} and would not boot again; give --tftp-root, or "
            "--instances-boot-from-disk if it does boot from its disk"
        )
    return (
        f"{said}, but there is no {source.instance_uuid}/config below any --tftp-root; "
        "add --instances-boot-from-disk if it does boot from its disk"
    )


def _notes(source: reader.Node, interfaces: tuple[reader.Interface, ...]) -> list[str]:
    notes = [
        f"{column} is NULL: the node's properties lack it"
        for column in _SHAPE
        if getattr(source, column) is None
    ]
    if source.terminal_port is not None and not choices.terminal_port(source):
        notes.append(
            f"terminal_port {source.terminal_port} is not a port from 1 to 65535, and "
            "is kept in extra only"
        )
    if row_faults.is_stale(source):
        notes.append(f"free, though task_state says {source.task_state!r}")
    if not interfaces:
        notes.append("no network interface moves with it")
    if not source.instance_uuid:
        notes += [
            f"bm_interfaces row {card.id}: vif_uuid {card.vif_uuid} is of an "
            "instance that is gone, and is kept in extra only"
            for card in interfaces
            if card.vif_uuid
        ]
    elif interfaces and not any(card.vif_uuid for card in interfaces):
        notes.append("its instance has no VIF on any interface")
    return notes
