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

"""Source nodes for unit tests, and Ironic's view of what is mapped from them."""

import collections
import dataclasses
import datetime
from collections.abc import Mapping
from typing import Any

from ironic.db.sqlalchemy import models

from ironic_sideways.migrate import choices, fields, mapping, target, verify
from ironic_sideways.nova_bm import reader
from ironic_sideways.tests import rows, strategies

STAMP = {"run_id": "run-1", "tool": "ironic-sideways test"}
OPTIONS = choices.Options(
    resource_class="gold",
    owner="project",
    node_arch="x86_64",
    architectures={"compute-2": "arm"},
    deploy_kernel="kernel",
    deploy_ramdisk="ramdisk",
    free_deploy_interface="ramdisk",
    vifs_as_recorded=True,
    cipher_suite="3",
)
#: Node 1 boots over the network.
NETBOOT: Mapping[str, choices.NetBoot | None] = collections.defaultdict(
    lambda: None,
    {
        rows.instance_uuid(1): choices.NetBoot(
            "/tftpboot/1/config", "file:///k", "file:///r", "root=UUID=1 ro"
        )
    },
)
#: The choices that exclude those above.
OTHER_OPTIONS = dataclasses.replace(
    OPTIONS,
    resource_class_by_shape=True,
    shard_by_service_host=True,
    free_deploy_interface=None,
    boot_mode="uefi",
    capabilities={"compute-2": {"gpus": "2", "gpu_arch": "kepler"}, None: {"a": "b"}},
    netboot=NETBOOT,
    vifs_as_recorded=False,
    vif_macs={
        rows.vif_uuid(1): rows.mac(1, card=1),
        rows.vif_uuid(2): rows.mac(2),
        rows.vif_uuid(5): rows.mac(5),
    },
    bmcs={
        rows.node_uuid(2): choices.Bmc("10.9.0.2", 6230, "root", "s3cret-9"),
        rows.mac(3): choices.Bmc("10.9.0.3", 623, "root", "s3cret-9"),
    },
    interfaces={"console": "ipmitool-socat", "vendor": "no-vendor"},
)
_TIMES = ("created_at", "updated_at", "deleted_at")


def source(*found: dict[str, Any]) -> reader.Node:
    """The node of a bm_nodes row and its bm_interfaces rows, as the reader gives it."""
    node: dict[str, Any]
    cards: list[dict[str, Any]]
    node, *cards = (
        {
            key: _time(value) if key in _TIMES else value
            for key, value in row.items()
            if key not in ("deleted_at", "deploy_key")
        }
        for row in found
    )
    empty: dict[str, Any] = dict.fromkeys(reader.NODE_FIELDS)
    blank: dict[str, Any] = dict.fromkeys(reader.INTERFACE_FIELDS)
    interfaces = tuple(
        reader.Interface(**{**blank, **card, "deleted": _bool(card["deleted"])})
        for card in cards
    )
    values = {**empty, **node}
    for name in ("deleted", "preserve_ephemeral"):
        values[name] = _bool(values[name])
    return reader.Node(**values, interfaces=interfaces)


def _time(value: str | None) -> datetime.datetime | None:
    """As the reader gives it: a zero date is none."""
    if value is None or value in strategies.ZERO_DATES:
        return None
    return datetime.datetime.fromisoformat(value)


def _bool(value: Any) -> bool | None:
    return None if value is None else bool(value)


def sources() -> list[reader.Node]:
    """Nodes that together use every rule of the mapping."""
    return [
        source(
            rows.used_node(1, terminal_port=8001, ephemeral_mb=1024, swap_mb=512),
            rows.plugged(1, datapath_id="0x1", port_no=3),
            rows.interface(1, card=1),
        ),
        source(
            rows.used_node(
                2,
                preserve_ephemeral=1,
                ephemeral_mb=0,
                service_host="compute-2",
                pxe_config_path="/tftpboot/config",
            ),
            rows.plugged(2),
        ),
        source(
            rows.used_node(
                5, root_mb=None, swap_mb=None, local_gb=None, ephemeral_mb=None
            ),
            rows.plugged(5),
        ),
        source(rows.free_node(3), rows.plugged(3)),
        source(rows.free_node(4, updated_at=None, cpus=None), rows.interface(4)),
        source(rows.free_node(7, terminal_port=1), rows.interface(7)),
        source(rows.free_node(8, terminal_port=65536), rows.interface(8)),
    ]


def pairs() -> list[tuple[reader.Node, choices.Options]]:
    """The nodes, each with options that the check would let it pass with."""
    found = [(node, OPTIONS) for node in sources()]
    # Nobody need say where the VIF of a single NIC is.
    silent = dataclasses.replace(OPTIONS, vifs_as_recorded=False)
    found += [(node, silent) for node in sources() if len(node.interfaces) == 1]
    shapes = ("cpus", "memory_mb", "local_gb")
    return found + [
        (node, OTHER_OPTIONS)
        for node in sources()
        if all(getattr(node, name) is not None for name in shapes)
    ]


def differences(
    node: reader.Node,
    mapped: mapping.Target,
    interfaces: tuple[reader.Interface, ...] | None = None,
    options: choices.Options = OPTIONS,
) -> list[str]:
    """What verify says of ``mapped`` once Ironic has loaded it."""
    objects = verify.ironic_objects()
    moving = node.interfaces if interfaces is None else interfaces
    version = target.object_version("Node")
    loaded = objects.Node._from_db_object(
        None, objects.Node(), models.Node(**mapped.node, id=1, version=version)
    )
    expected = fields.Source(node, moving, options, version)
    lines = fields.compare_node(expected, loaded, version)
    version = target.object_version("Port")
    assert len(mapped.ports) == len(moving)
    for port, card in zip(mapped.ports, moving, strict=True):
        one = objects.Port._from_db_object(
            None, objects.Port(), models.Port(**port, id=1, node_id=1, version=version)
        )
        lines += fields.compare_port(
            fields.PortSource(node, card, moving, options, version), one, version
        )
    return lines
