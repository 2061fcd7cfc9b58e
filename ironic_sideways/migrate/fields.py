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

"""What each field of a moved node and port must hold: the declared table.

Written down apart from ``mapping`` on purpose, as the second entry of double
bookkeeping: neither imports what the other computes.
"""

import dataclasses
import datetime
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from ironic_sideways import resource_class
from ironic_sideways.migrate import choices, kept_options, mapping
from ironic_sideways.nova_bm import reader


class _Absent:
    """The key is not there at all."""

    def __repr__(self) -> str:
        return "nothing"


ABSENT = _Absent()
#: Shown as "(secret)" in a difference.
SECRET = frozenset({"driver_info.ipmi_password"})


@dataclasses.dataclass(frozen=True)
class Source:
    """What the expectations on a node are made of."""

    node: reader.Node
    interfaces: tuple[reader.Interface, ...]
    options: choices.Options
    version: str

    @property
    def used(self) -> bool:
        """Whether an instance is on the node."""
        return bool(self.node.instance_uuid)

    @property
    def bmc(self) -> choices.Bmc | None:
        """The BMC that the operator's map gives the node."""
        names = {(card.address or "").lower() for card in self.node.interfaces}
        names.add(self.node.uuid or "")
        return next(
            (self.options.bmcs[n] for n in names & self.options.bmcs.keys()), None
        )

    @property
    def boot(self) -> choices.NetBoot | None:
        """What its instance boots with over the network."""
        known = self.options.netboot
        if known is None or not self.node.instance_uuid:
            return None
        return known[self.node.instance_uuid]


@dataclasses.dataclass(frozen=True)
class PortSource:
    """What the expectations on a port are made of."""

    node: reader.Node
    card: reader.Interface
    interfaces: tuple[reader.Interface, ...]
    options: choices.Options
    version: str

    @property
    def vif(self) -> str | None:
        """The VIF on this NIC: of the port with its address, if Neutron was asked."""
        told = self.options.vif_macs
        if not self.node.instance_uuid:
            return None
        if told is None or self.options.vifs_as_recorded:
            return self.card.vif_uuid or None
        mine = (self.card.address or "").lower()
        vifs = (card.vif_uuid for card in self.interfaces if card.vif_uuid)
        return next((vif for vif in vifs if told.get(vif) == mine), None)


def _told_vifs(s: Source) -> dict[str, str] | None:
    """What Neutron told of a node with several NICs and a VIF, for its provenance."""
    if not s.used or len(s.interfaces) == 1 or s.options.vifs_as_recorded:
        return None
    told = s.options.vif_macs or {}
    return {c.vif_uuid: told[c.vif_uuid] for c in s.interfaces if c.vif_uuid} or None


def _or_absent(value: Any) -> Any:
    return ABSENT if value is None else value


def _utc(value: datetime.datetime | None) -> datetime.datetime | None:
    return value and value.replace(tzinfo=datetime.UTC)


def _if_used(value: Callable[[Source], Any]) -> Callable[[Source], Any]:
    return lambda s: _or_absent(value(s)) if s.used else ABSENT


def _deploy_interface(s: Source) -> str:
    free = s.options.free_deploy_interface
    return free if free and not s.used else s.options.deploy_interface


def _if_netbooted(value: Callable[[choices.NetBoot], Any]) -> Callable[[Source], Any]:
    return lambda s: ABSENT if s.boot is None else value(s.boot)


def _interface(kind: str, usual: str) -> Callable[[Source], str]:
    return lambda s: s.options.interfaces.get(kind, usual)


def _resource_class(s: Source) -> str:
    name = s.options.resource_class
    if not s.options.resource_class_by_shape:
        return name
    arch = s.options.architectures.get(s.node.service_host or "")
    return resource_class.by_shape(
        name,
        arch or s.options.node_arch or "",
        s.node.cpus,  # type: ignore[arg-type]
        s.node.memory_mb,  # type: ignore[arg-type]
        s.node.local_gb,  # type: ignore[arg-type]
    )


def _capabilities(s: Source) -> str:
    words = [f"boot_mode:{s.options.boot_mode if s.boot is None else 'bios'}"]
    for host in (s.node.service_host, None):
        if host in s.options.capabilities:
            words += map(":".join, s.options.capabilities[host].items())
            break
    return ",".join(words)


#: Field of Ironic's Node -> what it must hold. A name with a dot is a key of a
#: JSON field. Fields of the object that are not named must be empty.
NODE: Mapping[str, Callable[[Source], Any]] = {
    "uuid": lambda s: s.node.uuid,
    "instance_uuid": lambda s: s.node.instance_uuid or None,
    "instance_name": lambda s: s.node.instance_name if s.used else None,
    "name": lambda s: None,
    "driver": lambda s: "ipmi",
    "power_state": lambda s: None,
    "provision_state": lambda s: "active" if s.used else s.options.free_state,
    "provision_updated_at": lambda s: _utc(s.node.updated_at or s.node.created_at),
    "created_at": lambda s: _utc(s.node.created_at),
    "updated_at": lambda s: _utc(s.node.updated_at),
    "maintenance": lambda s: False,
    "console_enabled": lambda s: False,
    "conductor_affinity": lambda s: None,
    "conductor_group": lambda s: "",
    "reservation": lambda s: None,
    "resource_class": _resource_class,
    "owner": lambda s: s.options.owner,
    "shard": lambda s: s.node.service_host if s.options.shard_by_service_host else None,
    "bios_interface": _interface("bios", "no-bios"),
    "boot_interface": lambda s: s.options.boot_interface,
    "console_interface": _interface("console", "no-console"),
    "deploy_interface": _deploy_interface,
    "firmware_interface": _interface("firmware", "no-firmware"),
    "inspect_interface": _interface("inspect", "no-inspect"),
    "management_interface": _interface("management", "ipmitool"),
    "network_interface": lambda s: s.options.network_interface,
    "power_interface": _interface("power", "ipmitool"),
    "raid_interface": _interface("raid", "no-raid"),
    "rescue_interface": _interface("rescue", "no-rescue"),
    "storage_interface": _interface("storage", "noop"),
    "vendor_interface": _interface("vendor", "ipmitool"),
    "driver_info.ipmi_address": lambda s: s.bmc.address if s.bmc else s.node.pm_address,
    "driver_info.ipmi_port": lambda s: (
        s.bmc.port if s.bmc and s.bmc.port != 623 else ABSENT
    ),
    "driver_info.ipmi_username": lambda s: s.bmc.user if s.bmc else s.node.pm_user,
    "driver_info.ipmi_password": lambda s: (
        s.bmc.password if s.bmc else s.node.pm_password
    ),
    "driver_info.ipmi_terminal_port": lambda s: (
        s.node.terminal_port if s.node.terminal_port in range(1, 65536) else ABSENT
    ),
    "driver_info.ipmi_cipher_suite": lambda s: _or_absent(s.options.cipher_suite),
    "driver_info.deploy_kernel": lambda s: _or_absent(s.options.deploy_kernel),
    "driver_info.deploy_ramdisk": lambda s: _or_absent(s.options.deploy_ramdisk),
    "driver_info.ipmi_force_boot_device": _if_netbooted(lambda boot: True),
    "driver_info.force_persistent_boot_device": _if_netbooted(lambda boot: "Always"),
    "driver_internal_info.persistent_boot_device": _if_netbooted(lambda boot: "pxe"),
    "properties.cpus": lambda s: _or_absent(s.node.cpus),
    "properties.memory_mb": lambda s: _or_absent(s.node.memory_mb),
    "properties.local_gb": lambda s: _or_absent(s.node.local_gb),
    "properties.cpu_arch": lambda s: (
        s.options.architectures.get(s.node.service_host or "") or s.options.node_arch
    ),
    "properties.capabilities": _capabilities,
    "instance_info.display_name": _if_used(lambda s: s.node.instance_name),
    "instance_info.nova_host_id": _if_used(lambda s: s.node.service_host),
    "instance_info.local_gb": _if_used(
        lambda s: None if s.node.local_gb is None else f"{s.node.local_gb}"
    ),
    "instance_info.root_gb": _if_used(
        lambda s: None if s.node.root_mb is None else f"{s.node.root_mb // 1024}"
    ),
    "instance_info.swap_mb": _if_used(
        lambda s: {None: None, 1: "0"}.get(s.node.swap_mb, f"{s.node.swap_mb}")
    ),
    "instance_info.preserve_ephemeral": _if_used(
        lambda s: "True" if s.node.preserve_ephemeral else "False"
    ),
    "instance_info.ephemeral_gb": _if_used(
        lambda s: (
            f"{s.node.ephemeral_mb // 1024}"
            if s.node.ephemeral_mb and s.node.ephemeral_mb >= 1024
            else None
        )
    ),
    "instance_info.deploy_interface": _if_netbooted(lambda boot: "ramdisk"),
    "instance_info.kernel": _if_netbooted(lambda boot: boot.kernel),
    "instance_info.ramdisk": _if_netbooted(lambda boot: boot.ramdisk),
    "instance_info.ramdisk_kernel_arguments": _if_netbooted(
        lambda boot: boot.arguments
    ),
    "instance_info.kernel_append_params": _if_netbooted(lambda boot: ""),
    "extra.nova_bm.driver_internal_info": _if_netbooted(
        lambda boot: {"persistent_boot_device": "pxe"}
    ),
    "extra.nova_bm.bm_node_id": lambda s: s.node.id,
    "extra.nova_bm.service_host": lambda s: _or_absent(s.node.service_host),
    "extra.nova_bm.instance_name": lambda s: _or_absent(s.node.instance_name),
    "extra.nova_bm.task_state": lambda s: _or_absent(s.node.task_state),
    "extra.nova_bm.image_path": lambda s: _or_absent(s.node.image_path),
    "extra.nova_bm.pxe_config_path": lambda s: _or_absent(s.node.pxe_config_path),
    "extra.nova_bm.pm_address": lambda s: (
        _or_absent(s.node.pm_address) if s.bmc else ABSENT
    ),
    "extra.nova_bm.pm_user": lambda s: _or_absent(s.node.pm_user) if s.bmc else ABSENT,
    "extra.nova_bm.terminal_port": lambda s: (
        ABSENT
        if s.node.terminal_port in range(1, 65536)
        else _or_absent(s.node.terminal_port)
    ),
    "extra.nova_bm.root_mb": lambda s: _or_absent(s.node.root_mb),
    "extra.nova_bm.swap_mb": lambda s: _or_absent(s.node.swap_mb),
    "extra.nova_bm.ephemeral_mb": lambda s: _or_absent(s.node.ephemeral_mb),
    "extra.nova_bm.ports": lambda s: len(s.interfaces),
    "extra.nova_bm.vif_macs": lambda s: _or_absent(_told_vifs(s)),
    "extra.nova_bm.vifs_as_recorded": lambda s: (
        True
        if s.used
        and s.options.vifs_as_recorded
        and len(s.interfaces) > 1
        and any(card.vif_uuid for card in s.interfaces)
        else ABSENT
    ),
    "extra.nova_bm.preserve_ephemeral": lambda s: _or_absent(s.node.preserve_ephemeral),
}

PORT: Mapping[str, Callable[[PortSource], Any]] = {
    "uuid": lambda s: str(
        uuid.uuid5(
            mapping.PORT_NAMESPACE, f"{s.node.uuid}/{(s.card.address or '').lower()}"
        )
    ),
    "address": lambda s: (s.card.address or "").lower(),
    "pxe_enabled": lambda s: True,
    "is_smartnic": lambda s: False,
    "available_for_dynamic_portgroup": lambda s: True,
    "internal_info.tenant_vif_port_id": lambda s: _or_absent(s.vif),
    "created_at": lambda s: _utc(s.card.created_at),
    "updated_at": lambda s: _utc(s.card.updated_at),
    "extra.nova_bm.bm_interface_id": lambda s: s.card.id,
    "extra.nova_bm.datapath_id": lambda s: _or_absent(s.card.datapath_id),
    "extra.nova_bm.port_no": lambda s: _or_absent(s.card.port_no),
    "extra.nova_bm.vif_uuid": lambda s: _or_absent(s.card.vif_uuid),
}

#: Of a run and not of a row, or ids of the database's own.
_FREE = frozenset({"id", "node_id", "node_uuid", "traits", "version"})
_FREE_KEYS = frozenset({"run_id", "tool", "options", "digest", "updated_at"})


def compare_node(source: Source, node: Any, version: str | None) -> list[str]:
    """The fields of Ironic's ``node`` that are not as declared, one line each."""
    lines = _compare(NODE, source, node)
    kept = (node.extra or {}).get("nova_bm", {}).get("options")
    if not _says_the_same(kept, source):
        lines.append(f"extra.nova_bm.options: another choice than made, {kept!r}")
    if list(node.traits.objects):
        lines.append("traits: expected none")
    return lines + _compare_version(source.version, version)


def _says_the_same(kept: Any, source: Source) -> bool:
    """Whether the choices that are kept make the same node of the row."""
    given = source.options
    try:
        options = dataclasses.replace(
            kept_options.restored(kept, given),
            vif_macs=given.vif_macs,
            vifs_as_recorded=given.vifs_as_recorded,
        )
        again = dataclasses.replace(source, options=options)
        return all(rule(again) == rule(source) for rule in NODE.values())
    # Whoever changed it may have put anything there.
    except (AttributeError, KeyError, TypeError, ValueError):
        return False


def compare_port(source: PortSource, port: Any, version: str | None) -> list[str]:
    """The fields of Ironic's ``port`` that are not as declared, one line each."""
    lines = _compare(PORT, source, port) + _compare_version(source.version, version)
    return [f"port {port.address}: {line}" for line in lines]


def _compare_version(expected: str, found: str | None) -> list[str]:
    return [] if found == expected else [f"version: expected {expected}, found {found}"]


def _compare(declared: Mapping[str, Callable], source: Any, found: Any) -> list[str]:
    actual = dict(_flatten(found))
    lines = []
    for name, expectation in declared.items():
        if name not in actual and name in _NEWER and name not in found.fields:
            continue
        expected = expectation(source)
        value = actual.pop(name, ABSENT)
        if expected != value or type(expected) is not type(value):
            lines.append(_difference(name, expected, value))
    lines += [
        f"{name}: expected nothing, found {value!r}"
        for name, value in actual.items()
        if value not in (None, False, "", {})
    ]
    return lines


#: Declared fields that an older supported Ironic does not have.
_NEWER = frozenset({"instance_name", "available_for_dynamic_portgroup"})


def _flatten(found: Any) -> list[tuple[str, Any]]:
    """Field names and values; a dict field gives its keys, ours two levels."""
    flat: list[tuple[str, Any]] = []
    for name in found.fields:
        if name in _FREE:
            continue
        value = getattr(found, name)
        if not isinstance(value, dict):
            flat.append((name, value))
            continue
        for key, inner in value.items():
            if name == "extra" and key == "nova_bm" and isinstance(inner, dict):
                flat += [
                    (f"extra.nova_bm.{last}", kept)
                    for last, kept in inner.items()
                    if last not in _FREE_KEYS
                ]
            else:
                flat.append((f"{name}.{key}", inner))
    return flat


def _difference(name: str, expected: Any, found: Any) -> str:
    if name in SECRET:
        return f"{name}: differs (secret)"
    return f"{name}: expected {expected!r}, found {found!r}"
