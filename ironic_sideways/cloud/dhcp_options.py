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


"""The Neutron ports' DHCP options that nova-baremetal set for its net boot.

Each port said which boot loader to fetch from the compute host's TFTP server
(``dhcp_options_for_instance``, Nova 2014.2). That server goes with the base, and
what stays of these options stands beside Ironic's own, of which it wins in
dnsmasq, where the last line counts: a machine that asks then finds nothing.
"""

import dataclasses
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import openstack.connection

from ironic_sideways import exceptions
from ironic_sideways.cloud import nodes_file, undo_file

TOOL = "nova-bm-clear-dhcp-options"

#: The options by the names that nova-baremetal gave them; Ironic's have numbers.
NAMES = frozenset({"bootfile-name", "server-ip-address", "tftp-server"})
#: Ironic's (ironic.common.pxe_utils.dhcp_options_for_instance).
_NUMBERED = re.compile(r"(tag:[^,]+,|!)?\d+")


def is_bases(name: str) -> bool:
    """Whether an option is one that nova-baremetal set."""
    return name in NAMES


def is_ironics(name: str) -> bool:
    """Whether an option is one that Ironic's Neutron DHCP provider sets."""
    return bool(_NUMBERED.fullmatch(name))


@dataclasses.dataclass(frozen=True)
class Port:
    """A port of a moved instance, with those of its options that are asked for."""

    id: str
    instance: str
    options: dict[str, str]


@dataclasses.dataclass(frozen=True)
class Change:
    """Options to give a port; None removes one."""

    port: Port
    options: dict[str, str | None]
    in_parts = False

    def __bool__(self) -> bool:
        return bool(self.options)

    def __str__(self) -> str:
        return f"port {self.port.id}"


class Neutron:
    """The two calls of the Networking API that the options need."""

    def __init__(self, connection: openstack.connection.Connection) -> None:
        self.network = connection.network

    def ports(
        self, instances: Collection[str], whose: Callable[[str], bool] = is_bases
    ) -> list[Port]:
        """The ports of these instances, with the options that are ``whose``."""
        return [
            Port(
                id=port.id,
                instance=port.device_id,
                options={
                    option["opt_name"]: option["opt_value"]
                    for option in port.extra_dhcp_opts or []
                    if whose(option["opt_name"]) and option.get("ip_version", 4) == 4
                },
            )
            for port in self.network.ports()
            if port.device_id in instances
        ]

    def apply(self, change: Change) -> None:
        """Make ``change`` in one call; the port's other options stay."""
        options = [
            {"opt_name": name, "opt_value": value, "ip_version": 4}
            for name, value in change.options.items()
        ]
        self.network.update_port(change.port.id, extra_dhcp_opts=options)


def instances(path: Path) -> set[str]:
    """The moved instances, those that boot from disk too: all had the options.

    :param path: migration.json, as ``ironic-nova-bm-migrate run`` writes it.
    """
    return {node.instance_uuid for node in nodes_file.read(path) if node.instance_uuid}


def plan(ports: Sequence[Port]) -> list[Change]:
    """What to remove from each port; a change may be empty."""
    return [Change(port, dict.fromkeys(sorted(port.options))) for port in ports]


def record(path: Path, changes: Sequence[Change]) -> None:
    """Write the undo file; what an earlier run removed stays in it."""
    content = undo_file.continued(path, TOOL, ports={})
    for change in changes:
        if change:
            content["ports"][change.port.id] = {
                "instance": change.port.instance,
                "old": change.port.options,
            }
    undo_file.write(path, content)


def recorded(path: Path) -> dict[str, dict[str, Any]]:
    """What an undo file says, by the port's id: its instance and old options."""
    content = undo_file.read(path, TOOL)
    with undo_file.whole(path):
        return {
            port: {"instance": entry["instance"], "old": dict(entry["old"])}
            for port, entry in content["ports"].items()
        }


def plan_undo(
    old: Mapping[str, Mapping[str, Any]], ports: Sequence[Port]
) -> list[Change]:
    """What leads each port back; one that is gone needs nothing.

    :param old: as ``recorded`` gives it.
    :raises SidewaysError: an option was set to something else since.
    """
    changes = []
    for port in ports:
        wanted = old[port.id]["old"] if port.id in old else {}
        for name, value in wanted.items():
            if port.options.get(name, value) != value:
                raise exceptions.SidewaysError(
                    f"port {port.id}: {name} is {port.options[name]} now, expected "
                    "none, as this tool left it; remove it, or keep it and take the "
                    "port out of the undo file; nothing was changed"
                )
        missing = {n: v for n, v in wanted.items() if n not in port.options}
        changes.append(Change(port, missing))
    return changes
