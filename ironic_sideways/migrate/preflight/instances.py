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


"""Compare nova_bm's nodes with Nova's instances and compute nodes, by its API.

One paged list of instances for each compute host that the rows name, and two of
the compute nodes: nothing is asked per instance, but for those that the lists
do not have.
"""

import contextlib
import dataclasses
from collections.abc import Iterator
from typing import Any

import keystoneauth1.exceptions
import openstack.exceptions
import sqlalchemy as sa

from ironic_sideways import exceptions
from ironic_sideways.migrate import classify
from ironic_sideways.nova_bm import schema

#: Instances in one answer; Nova's [api] max_limit is 1000 by default.
PAGE = 1000
#: Instances that are asked for one by one, because no list has them.
LOOKUPS = 50
#: Instances without a row that are named; all are counted.
SHOWN = 20
#: The first with the compute nodes' uuids, and the last that tells their host
#: without asking the (perhaps stopped) nova-compute.
UUID_MICROVERSION = "2.53"
HOST_MICROVERSION = "2.27"
#: Nova's power_state RUNNING (nova.objects.fields.InstancePowerState).
RUNNING = 1
AT_REST = ("active", "stopped")


@dataclasses.dataclass(frozen=True, slots=True)
class Instance:
    """What is kept of an instance of Nova's."""

    uuid: str
    host: str | None
    node: str | None
    vm_state: str | None
    task_state: str | None
    power_state: int | None
    volumes: tuple[str, ...] = ()

    @property
    def runs(self) -> bool:
        """Whether Nova takes it to be switched on."""
        return self.vm_state == "active"


@dataclasses.dataclass(frozen=True, slots=True)
class ComputeNode:
    """What is kept of a compute node of Nova's."""

    uuid: str
    host: str | None


class Instances:
    """Checks the rows against Nova's instances.

    :param connection: openstacksdk's, with an administrator's rights.
    :param cloud: its name, for messages.
    """

    knows_instances = True

    def __init__(self, connection: Any, cloud: str) -> None:
        self._connection = connection
        self._cloud = cloud
        self._instances: dict[str, Instance] = {}
        self._by_node: dict[str, Instance] = {}
        self._nodes: dict[str, ComputeNode] = {}
        self._named: set[str] = set()
        self._lookups = 0

    def begin(self, source: sa.Connection) -> None:
        """Read Nova's lists.

        :raises SidewaysError: Nova cannot be reached, or keeps hosts to itself.
        """
        with self._asking():
            for host in _hosts(source):
                for server in self._connection.compute.servers(
                    details=True, all_projects=True, compute_host=host, limit=PAGE
                ):
                    self._add(_instance(server))
            hosts = {
                one.name: (one.service_details or {}).get("host")
                for one in self._connection.compute.hypervisors(
                    details=True, microversion=HOST_MICROVERSION
                )
            }
            for one in self._connection.compute.hypervisors(
                details=False, microversion=UUID_MICROVERSION
            ):
                self._nodes[one.name] = ComputeNode(one.id, hosts.get(one.name))
        if any(one.host is None for one in self._instances.values()):
            raise self._error("shows no hosts: expected an administrator's rights")

    def judge(self, verdicts: list[classify.Verdict]) -> None:
        """Refuse rows on which Nova disagrees."""
        for verdict in verdicts:
            if verdict.source.instance_uuid and not verdict.source.deleted:
                self._named.add(verdict.source.instance_uuid)
            if verdict.outcome is classify.Outcome.SKIP or not verdict.source.uuid:
                continue
            self._judge_node(verdict)
            if verdict.source.instance_uuid:
                self._judge_instance(verdict, verdict.source.instance_uuid)
            elif holder := self._by_node.get(verdict.source.uuid):
                verdict.refuse(
                    f"Nova has instance {holder.uuid} ({holder.vm_state}) on this "
                    "node, and nova_bm none: nova-baremetal frees the row when a "
                    "rebuild fails; delete the instance, its disk saved if need be"
                )

    def end(self) -> list[str]:
        """The instances on these compute hosts that no row names."""
        left = [one for one in self._instances.values() if one.uuid not in self._named]
        lines = [
            f"instance {one.uuid} is on {one.host} for Nova (node {one.node}, "
            f"{one.vm_state}), and no live row of nova_bm names it"
            for one in left[:SHOWN]
        ]
        if len(left) > SHOWN:
            lines.append(f"... and {len(left) - SHOWN} more such instances")
        return lines

    def get(self, uuid: str | None) -> Instance | None:
        """The instance, if a list had it."""
        return self._instances.get(uuid or "")

    def _judge_node(self, verdict: classify.Verdict) -> None:
        source = verdict.source
        node = self._nodes.get(source.uuid or "")
        if node is None:
            verdict.notes.append("Nova has no compute node of this name")
            return
        if node.host is not None and node.host != source.service_host:
            verdict.refuse(
                f"service_host is {source.service_host}, and Nova has the compute node "
                f"on {node.host}"
            )
        if node.uuid != source.uuid:
            verdict.refuse(
                f"Nova's compute node of this name has uuid {node.uuid}, expected the "
                "node's: with IronicDriver nova-compute would end at its start; with "
                "nova-compute stopped, give compute_nodes of Nova's cell and "
                "resource_providers of Placement the node's uuid, as 'Moving a cloud's "
                "nodes' shows"
            )

    def _judge_instance(self, verdict: classify.Verdict, uuid: str) -> None:
        source = verdict.source
        found = self._instances.get(uuid) or self._look_up(uuid)
        if found is None:
            verdict.refuse(
                f"Nova has no instance {uuid}: deleted without its node? free the row, "
                "or find the instance"
            )
            return
        where = f"instance {uuid}"
        if found.host != source.service_host:
            verdict.refuse(
                f"{where} is on {found.host} for Nova, and service_host is "
                f"{source.service_host}"
            )
        if found.node != source.uuid:
            verdict.refuse(f"{where} is on node {found.node} for Nova")
        if found.vm_state not in AT_REST:
            verdict.refuse(f"{where} is {found.vm_state} for Nova, expected active or "
                           "stopped")  # fmt: skip
        if found.volumes:
            verdict.refuse(
                f"{where} has volume {', '.join(found.volumes)} attached, by way of "
                "its base compute host: IronicDriver can detach none; have its owner "
                "detach it while the base driver is there"
            )
        if found.task_state:
            verdict.refuse(f"{where}: Nova is working on it ({found.task_state})")
        elif found.runs and found.power_state != RUNNING:
            verdict.notes.append(
                f"{where} is active for Nova, though not switched on (power_state "
                f"{found.power_state})"
            )

    def _look_up(self, uuid: str) -> Instance | None:
        """One that no list had: on another host, or deleted softly."""
        if self._lookups >= LOOKUPS:
            return None
        self._lookups += 1
        with self._asking():
            try:
                found = _instance(self._connection.compute.get_server(uuid))
            except openstack.exceptions.NotFoundException:
                return None
        return found

    def _add(self, one: Instance) -> None:
        self._instances[one.uuid] = one
        if one.node:
            self._by_node[one.node] = one

    @contextlib.contextmanager
    def _asking(self) -> Iterator[None]:
        try:
            yield
        except (
            openstack.exceptions.SDKException,
            keystoneauth1.exceptions.ClientException,
        ) as error:
            said = " ".join(str(error).split()) or type(error).__name__
            raise self._error(f"cannot be asked: {said}") from error

    def _error(self, what: str) -> exceptions.SidewaysError:
        return exceptions.SidewaysError(f"Nova of cloud {self._cloud} {what}")


def _hosts(source: sa.Connection) -> list[str]:
    """The compute hosts of the live rows."""
    table = schema.bm_nodes
    query = (
        sa.select(table.c.service_host)
        .where(
            sa.or_(table.c.deleted.is_(False), table.c.deleted.is_(None)),
            table.c.service_host.is_not(None),
        )
        .distinct()
        .order_by(table.c.service_host)
    )
    return list(source.scalars(query))


def _instance(server: Any) -> Instance:
    return Instance(
        server.id,
        server.compute_host,
        server.hypervisor_hostname,
        server.vm_state,
        server.task_state,
        server.power_state,
        tuple(volume.id for volume in server.attached_volumes or ()),
    )
