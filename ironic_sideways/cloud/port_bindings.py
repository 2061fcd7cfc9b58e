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

"""The bindings of the Neutron ports of moved instances: from a host to a node.

The base bound each port to its compute host, as vnic_type ``normal``. Ironic binds
a port that it deploys to the node, as ``baremetal`` (``_bind_flat_ports`` and
``plug_port_to_tenant_network``, ironic.drivers.modules.network), and ML2 refuses
another vnic_type while the port is bound (``_validate_port_update``): a rebuild would
meet that 409 when the machine is off. So a port is unbound, and bound again.

``binding:profile`` is not touched: only the service role may write it.
"""

import dataclasses
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import openstack.connection

from ironic_sideways import exceptions
from ironic_sideways.cloud import nodes_file, undo_file

TOOL = "nova-bm-bind-ports"


@dataclasses.dataclass(frozen=True)
class Binding:
    """What of a port's binding an administrator may write; no host: unbound."""

    host_id: str
    vnic_type: str

    def __str__(self) -> str:
        return f"{self.host_id or 'no host'} ({self.vnic_type})"


@dataclasses.dataclass(frozen=True)
class Port:
    """A port, whose it is, and what became of its binding (``vif_type``)."""

    id: str
    device: str
    binding: Binding
    vif_type: str


@dataclasses.dataclass(frozen=True)
class Change:
    """A binding for a port of an instance; None: it has it."""

    port: Port
    binding: Binding | None

    def __bool__(self) -> bool:
        return self.binding is not None

    def __str__(self) -> str:
        return f"port {self.port.id}"

    @property
    def in_parts(self) -> bool:
        """One that is bound is unbound first."""
        return bool(self.port.binding.host_id)


@dataclasses.dataclass(frozen=True)
class Plan:
    """What is to be done with each port, and what is not as it should be.

    :param faults: one line for each port that cannot be changed.
    :param notes: one line for each port that is left as it is.
    """

    changes: list[Change]
    faults: list[str]
    notes: list[str]


class Neutron:
    """The calls of the Networking API that the bindings need."""

    def __init__(self, connection: openstack.connection.Connection) -> None:
        self.network = connection.network

    def ports(self, ids: Collection[str], devices: Collection[str]) -> dict[str, Port]:
        """These ports and those of these devices, by id.

        :raises SidewaysError: the account may not see bindings, and so not change
            them (``get_port:binding:host_id`` and ``update_port:binding:host_id`` of
            neutron.conf.policies.port have one rule).
        """
        found = {}
        for port in self.network.ports():
            if port.id not in ids and port.device_id not in devices:
                continue
            if port.binding_host_id is None:
                raise exceptions.SidewaysError(
                    f"port {port.id}: Neutron does not show its binding:host_id to "
                    "this account: expected an administrator's; nothing was changed"
                )
            found[port.id] = Port(
                id=port.id,
                device=port.device_id,
                binding=Binding(port.binding_host_id, port.binding_vnic_type),
                vif_type=port.binding_vif_type,
            )
        return found

    def apply(self, change: Change) -> None:
        """Unbind the port if it is bound, then bind it as ``change`` says."""
        assert change.binding
        if change.port.binding.host_id:
            self.network.update_port(change.port.id, binding_host_id="")
        self.network.update_port(
            change.port.id,
            binding_host_id=change.binding.host_id,
            binding_vnic_type=change.binding.vnic_type,
        )


def moved(path: Path, leave: Collection[str]) -> list[nodes_file.Node]:
    """The nodes that hold an instance, but for the instances to ``leave``.

    :param path: migration.json, as ``ironic-nova-bm-migrate run`` writes it.
    :raises UsageError: it has no such instance, or does not say their ports.
    """
    nodes = [node for node in nodes_file.read(path) if node.instance_uuid]
    known = {node.instance_uuid for node in nodes}
    if strange := sorted(set(leave) - known):
        raise exceptions.UsageError(
            f"--leave {strange[0]}: {path} has no such instance that moved"
        )
    if any(node.vifs is None or node.service_host is None for node in nodes):
        raise exceptions.UsageError(
            f"{path}: does not say the ports of its instances; repeat "
            "ironic-nova-bm-migrate run, which finds its rows and writes it again"
        )
    return [node for node in nodes if node.instance_uuid not in leave]


def plan(
    nodes: Sequence[nodes_file.Node],
    ports: Mapping[str, Port],
    recorded: Collection[str],
) -> Plan:
    """What makes each VIF's port its node's.

    :param recorded: ports whose binding of before an earlier run has recorded: one
        without a host is half done.
    """
    found = Plan([], [], [])
    for node in nodes:
        for vif in node.vifs or ():
            port = ports.get(vif)
            what = f"port {vif} of instance {node.instance_uuid}, node {node.uuid}"
            if fault := _fault(node, port, recorded):
                found.faults.append(f"{what}: {fault}")
            elif port:
                wanted = Binding(node.uuid, "baremetal")
                done = port.binding == wanted
                found.changes.append(Change(port, None if done else wanted))
        found.notes.extend(
            f"port {port.id} of instance {node.instance_uuid}: on no NIC of node "
            f"{node.uuid} in nova_bm; Ironic does not bind it, and it is left as it is"
            for port in ports.values()
            if port.device == node.instance_uuid and port.id not in (node.vifs or ())
        )
    return found


def _fault(
    node: nodes_file.Node, port: Port | None, recorded: Collection[str]
) -> str | None:
    detach = (
        "a rebuild would fail with the machine off: 'openstack baremetal node vif "
        "detach' it"
    )
    if port is None:
        return f"is gone from Neutron; {detach}"
    if port.device != node.instance_uuid:
        return f"its device is {port.device or 'nothing'} now; {detach}"
    expected = [Binding(node.service_host or "", "normal")]
    expected.append(Binding(node.uuid, "baremetal"))
    if port.id in recorded and not port.binding.host_id:
        return None
    if port.binding in expected:
        return None
    return (
        f"is bound to {port.binding}, expected {expected[0]}, as the base bound it; "
        "bind it so again"
    )


def record(
    path: Path, changes: Sequence[Change], nodes: Sequence[nodes_file.Node]
) -> None:
    """Write the undo file; the binding that an earlier run recorded stays in it."""
    content = undo_file.continued(path, TOOL, ports={})
    of = {node.instance_uuid: node.uuid for node in nodes}
    for change in filter(None, changes):
        entry = {
            "instance": change.port.device,
            "node": of[change.port.device],
            "old": dataclasses.asdict(change.port.binding),
        }
        content["ports"].setdefault(change.port.id, entry)
    undo_file.write(path, content)


@dataclasses.dataclass(frozen=True)
class Old:
    """What an undo file says of a port."""

    instance: str
    node: str
    binding: Binding


def recorded(path: Path) -> dict[str, Old]:
    """What an undo file says, by the port's id; nothing where there is none yet."""
    content = undo_file.continued(path, TOOL, ports={})
    with undo_file.whole(path):
        return {
            port: Old(entry["instance"], entry["node"], Binding(**entry["old"]))
            for port, entry in content["ports"].items()
        }


def plan_undo(old: Mapping[str, Old], ports: Mapping[str, Port]) -> Plan:
    """What leads each port back; one that is gone needs nothing."""
    found = Plan([], [], [])
    for port_id, before in old.items():
        port = ports.get(port_id)
        if port is None:
            continue
        ours = (before.binding, Binding(before.node, "baremetal"))
        if port.binding.host_id and port.binding not in ours:
            found.faults.append(
                f"port {port_id} of instance {before.instance}: is bound to "
                f"{port.binding} now, expected {ours[1]}, as this tool left it; bind "
                "it so again, or keep it and take the port out of the undo file"
            )
            continue
        done = port.binding == before.binding
        found.changes.append(Change(port, None if done else before.binding))
    return found


def unlike(changes: Sequence[Change], ports: Mapping[str, Port]) -> Iterator[str]:
    """The ports that are not bound as their change said, when read again."""
    for change in filter(None, changes):
        port = ports.get(change.port.id)
        if port and port.binding != change.binding:
            yield change.port.id


def vif_types(ports: Iterable[Port]) -> str:
    """How many ports came to which ``vif_type``, to be added to a figure."""
    types = [port.vif_type for port in ports]
    counts = (f"{types.count(name)} {name}" for name in sorted(set(types)))
    return f" ({', '.join(counts)})" if types else ""
