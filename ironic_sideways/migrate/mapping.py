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

"""One nova_bm node becomes one Ironic node and its ports. No I/O.

The rows are complete: every column of Ironic's tables that a bulk import must
set itself is here, but for the ids, and ``version``, which follows the
installed Ironic. Rules and their sources: the operator's page of the
documentation, and the comments below where a value surprises.
"""

import dataclasses
import types
import uuid
from collections.abc import Mapping
from typing import Any

from ironic_sideways.migrate import choices, kept_options, provenance
from ironic_sideways.nova_bm import reader

#: Port uuids are derived from the node's uuid and the MAC below this namespace,
#: so that each run gives a port the same uuid.
PORT_NAMESPACE = uuid.UUID("6f2d51e4-1f0c-5a3c-9d5e-0b1d7a2c9c10")

#: Interfaces whose value does not depend on the deployment, chosen from what an
#: unchanged ironic.conf enables: one row that names an interface which is not
#: enabled stops every take-over listed after it.
PLAIN_INTERFACES: Mapping[str, str] = types.MappingProxyType(
    {
        "bios": "no-bios",
        "console": "no-console",
        "firmware": "no-firmware",
        "inspect": "no-inspect",
        "management": "ipmitool",
        "power": "ipmitool",
        "raid": "no-raid",
        "rescue": "no-rescue",
        "storage": "noop",
        "vendor": "ipmitool",
    }
)
#: JSON columns that Ironic's objects expect to be {} and not NULL.
EMPTY_JSON = (
    "clean_step",
    "deploy_step",
    "network_data",
    "raid_config",
    "service_step",
    "target_raid_config",
)


@dataclasses.dataclass(frozen=True)
class Target:
    """The rows of one node: ``nodes``, and ``ports`` without their node_id."""

    node: dict[str, Any] = dataclasses.field(repr=False)
    ports: list[dict[str, Any]] = dataclasses.field(repr=False)


def map_node(
    source: reader.Node,
    interfaces: tuple[reader.Interface, ...],
    options: choices.Options,
    stamp: Mapping[str, str],
) -> Target:
    """Ironic's rows for ``source``, a node at rest that the check has passed.

    :param interfaces: those of its interfaces that move.
    :param stamp: run id and tool version, kept in each row's ``extra``.
    """
    used = bool(source.instance_uuid)
    boot = choices.netboot_of(source, options)
    node = {
        **_identity(source, options),
        **_states(source, options, used),
        **_interface_columns(options, used),
        "driver": "ipmi",
        "driver_info": {**_driver_info(source, options), **_boot_device(boot)},
        "driver_internal_info": _boot_state(boot),
        "properties": _properties(source, options, boot),
        "instance_info": (
            {**_instance_info(source), **_boot_info(boot)} if used else {}
        ),
        "extra": {
            provenance.KEY: {
                **_node_provenance(source, options, stamp, boot),
                **(_vif_decision(interfaces, options) if used else {}),
                # For rollback, to notice that one was removed.
                "ports": len(interfaces),
            }
        },
        **{name: {} for name in EMPTY_JSON},
    }
    provenance.seal(node)
    vifs = choices.vifs_on(interfaces, options) if used else {}
    ports = [_map_port(source, card, vifs.get(card.id), stamp) for card in interfaces]
    return Target(node, ports)


def port_uuid(node_uuid: str, mac: str) -> str:
    """The uuid that each run gives to the port with ``mac`` of this node."""
    return str(uuid.uuid5(PORT_NAMESPACE, f"{node_uuid}/{mac.lower()}"))


def _identity(source: reader.Node, options: choices.Options) -> dict[str, Any]:
    return {
        "uuid": source.uuid,
        "name": None,
        "instance_uuid": source.instance_uuid or None,
        "instance_name": source.instance_name if source.instance_uuid else None,
        "resource_class": choices.class_of(source, options),
        "owner": options.owner,
        "lessee": None,
        # Nova's [ironic] shard: else its hash ring reassigns the free nodes.
        "shard": source.service_host if options.shard_by_service_host else None,
        "created_at": source.created_at,
        "updated_at": source.updated_at,
        "provision_updated_at": source.updated_at or source.created_at,
    }


def _states(
    source: reader.Node, options: choices.Options, used: bool
) -> dict[str, Any]:
    return {
        # NULL makes the conductor adopt what the BMC says. Any other value is
        # enforced on the machine: a running server would be switched off.
        "power_state": None,
        "target_power_state": None,
        "provision_state": "active" if used else options.free_state,
        "target_provision_state": None,
        # NULL would hide the node from power synchronisation and take-over.
        "maintenance": False,
        "maintenance_reason": None,
        "console_enabled": False,
        # Any id here would keep the conductors from taking the node over.
        "conductor_affinity": None,
        "conductor_group": "",
        "reservation": None,
        "protected": False,
        "retired": False,
        "disable_power_off": False,
        "last_error": None,
        "fault": None,
    }


def _interface_columns(options: choices.Options, used: bool) -> dict[str, Any]:
    deploy = options.deploy_interface
    if not used and options.free_deploy_interface:
        deploy = options.free_deploy_interface
    chosen = {
        **PLAIN_INTERFACES,
        **options.interfaces,
        "boot": options.boot_interface,
        "deploy": deploy,
        "network": options.network_interface,
    }
    return {f"{kind}_interface": name for kind, name in chosen.items()}


def _driver_info(source: reader.Node, options: choices.Options) -> dict[str, Any]:
    return _present(
        {
            **_bmc_access(source, choices.bmc_of(source, options)),
            "ipmi_terminal_port": choices.terminal_port(source),
            "ipmi_cipher_suite": options.cipher_suite,
            "deploy_kernel": options.deploy_kernel,
            "deploy_ramdisk": options.deploy_ramdisk,
        }
    )


def _bmc_access(source: reader.Node, bmc: choices.Bmc | None) -> dict[str, Any]:
    """Where the BMC is; nova_bm knows no port, for it was always the usual one."""
    if bmc is None:
        return {
            "ipmi_address": source.pm_address,
            "ipmi_username": source.pm_user,
            "ipmi_password": source.pm_password,
        }
    return {
        "ipmi_address": bmc.address,
        "ipmi_port": bmc.port if bmc.port != choices.IPMI_PORT else None,
        "ipmi_username": bmc.user,
        "ipmi_password": bmc.password,
    }


def _boot_device(boot: choices.NetBoot | None) -> dict[str, Any]:
    """That the conductor asks the BMC for network boot at each power-on."""
    if boot is None:
        return {}
    return {"ipmi_force_boot_device": True, "force_persistent_boot_device": "Always"}


def _boot_state(boot: choices.NetBoot | None) -> dict[str, Any]:
    return {} if boot is None else {"persistent_boot_device": "pxe"}


def _boot_info(boot: choices.NetBoot | None) -> dict[str, Any]:
    """The instance's own boot; gone with it, unlike the node's columns."""
    if boot is None:
        return {}
    return {
        "deploy_interface": "ramdisk",
        "kernel": boot.kernel,
        "ramdisk": boot.ramdisk,
        "ramdisk_kernel_arguments": boot.arguments,
        "kernel_append_params": "",
    }


def _properties(
    source: reader.Node, options: choices.Options, boot: choices.NetBoot | None
) -> dict[str, Any]:
    return _present(
        {
            "cpus": source.cpus,
            "memory_mb": source.memory_mb,
            "local_gb": source.local_gb,
            "cpu_arch": choices.architecture(source, options),
            "capabilities": choices.capabilities(source, options, boot),
        }
    )


def _instance_info(source: reader.Node) -> dict[str, Any]:
    """What Nova's patcher would have written, in its types (strings).

    See ``nova/virt/ironic/patcher.py``. Image, flavor and project are not in
    nova_bm; Nova writes them again at the next rebuild.
    """
    ephemeral_gb = _gib(source.ephemeral_mb)
    info = {
        "display_name": source.instance_name,
        "nova_host_id": source.service_host,
        "local_gb": _text(source.local_gb),
        "root_gb": _text(_gib(source.root_mb)),
        # nova-baremetal made a partition of 1 MiB where the flavor had no swap.
        "swap_mb": "0" if source.swap_mb == 1 else _text(source.swap_mb),
        "ephemeral_gb": _text(ephemeral_gb) if ephemeral_gb else None,
        "preserve_ephemeral": str(bool(source.preserve_ephemeral)),
    }
    return _present(info)


def _node_provenance(
    source: reader.Node,
    options: choices.Options,
    stamp: Mapping[str, str],
    boot: choices.NetBoot | None,
) -> dict[str, Any]:
    mapped = choices.bmc_of(source, options) is not None
    kept = {
        # For retire, when others were moved with other options.
        "options": kept_options.recorded(source, options),
        "bm_node_id": source.id,
        "service_host": source.service_host,
        "instance_name": source.instance_name,
        "task_state": source.task_state,
        "image_path": source.image_path,
        "pxe_config_path": source.pxe_config_path,
        "root_mb": source.root_mb,
        "swap_mb": source.swap_mb,
        "ephemeral_mb": source.ephemeral_mb,
        "preserve_ephemeral": source.preserve_ephemeral,
        # Elsewhere only when the map put another BMC in their place.
        "pm_address": source.pm_address if mapped else None,
        "pm_user": source.pm_user if mapped else None,
        "terminal_port": (
            None if choices.terminal_port(source) else source.terminal_port
        ),
        # A take-over writes this column: rollback asks here what we wrote.
        "driver_internal_info": _boot_state(boot) or None,
    }
    return {**stamp, **_present(kept)}


def _vif_decision(
    interfaces: tuple[reader.Interface, ...], options: choices.Options
) -> dict[str, Any]:
    """Who told which NIC has which VIF, where a node has several: for ``verify``."""
    vifs = [card.vif_uuid for card in interfaces if card.vif_uuid]
    if len(interfaces) < 2 or not vifs:
        return {}
    if options.vifs_as_recorded:
        return {"vifs_as_recorded": True}
    return {"vif_macs": {vif: (options.vif_macs or {}).get(vif) for vif in vifs}}


def _map_port(
    source: reader.Node,
    card: reader.Interface,
    vif: str | None,
    stamp: Mapping[str, str],
) -> dict[str, Any]:
    assert card.address and source.uuid
    mac = card.address.lower()
    kept = {
        "bm_interface_id": card.id,
        "datapath_id": card.datapath_id,
        "port_no": card.port_no,
        "vif_uuid": card.vif_uuid,
    }
    port = {
        "uuid": port_uuid(source.uuid, mac),
        "address": mac,
        "name": None,
        "extra": {provenance.KEY: {**stamp, **_present(kept)}},
        "local_link_connection": {},
        "portgroup_id": None,
        "pxe_enabled": True,
        # The only place where Ironic looks for the VIF of an instance. One that
        # a free node still names is of an instance that is gone.
        "internal_info": {"tenant_vif_port_id": vif} if vif else {},
        "physical_network": None,
        "is_smartnic": False,
        "available_for_dynamic_portgroup": True,
        "created_at": card.created_at,
        "updated_at": card.updated_at,
    }
    provenance.seal(port)
    return port


def _present(values: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not None}


def _text(value: int | None) -> str | None:
    return None if value is None else str(value)


def _gib(mib: int | None) -> int | None:
    return None if mib is None else mib // 1024
