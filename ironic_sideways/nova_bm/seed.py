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

"""Write the rows that an administrator of 2014 enrolled by hand.

Used by ``tools/seed_nova_bm.py``; knows neither libvirt nor virtualbmc.
"""

import collections
import dataclasses
import datetime
from collections.abc import Sequence

import sqlalchemy as sa

from ironic_sideways import exceptions
from ironic_sideways.nova_bm import schema

#: nova_bm has no column for the BMC's port: the power manager never passed one.
BMC_PORT = 623


@dataclasses.dataclass(frozen=True)
class Machine:
    """A machine and its BMC, as they become a bm_nodes row with interfaces.

    :param name: for messages only.
    :param uuid: becomes the node's uuid, Nova's name for it.
    :param memory_mb: in MiB; ``disk_gb`` in GiB.
    :param service_host: Nova's ``CONF.host`` that owns the node.
    """

    name: str
    uuid: str
    cpus: int
    memory_mb: int
    disk_gb: int
    macs: tuple[str, ...]
    bmc_address: str
    bmc_port: int
    bmc_user: str
    bmc_password: str = dataclasses.field(repr=False)
    service_host: str


@dataclasses.dataclass
class Outcome:
    """Names of machines by what became of their rows."""

    added: list[str] = dataclasses.field(default_factory=list)
    updated: list[str] = dataclasses.field(default_factory=list)
    unchanged: list[str] = dataclasses.field(default_factory=list)
    #: Rows that differ from their machine but hold an instance.
    in_use: list[str] = dataclasses.field(default_factory=list)


def check(machines: Sequence[Machine]) -> None:
    """Refuse machines that nova_bm cannot express or that share a BMC or MAC.

    :raises SidewaysError: with the first reason found.
    """
    by_bmc: dict[str, str] = {}
    by_mac: dict[str, str] = {}
    for machine in machines:
        where = f"machine {machine.name}"
        if machine.bmc_port != BMC_PORT:
            raise exceptions.SidewaysError(
                f"{where}: its BMC listens on port {machine.bmc_port}, but nova_bm "
                f"has no column for a port: expected {BMC_PORT}; give each BMC an "
                "address of its own"
            )
        if not machine.bmc_address or machine.bmc_address in ("::", "0.0.0.0"):  # noqa: S104
            raise exceptions.SidewaysError(
                f"{where}: its BMC's address is {machine.bmc_address!r}, expected a "
                "concrete one that a power manager can reach"
            )
        if not machine.macs:
            raise exceptions.SidewaysError(f"{where}: has no network interface")
        other = by_bmc.setdefault(machine.bmc_address, machine.name)
        if other != machine.name:
            raise exceptions.SidewaysError(
                f"{where}: BMC address {machine.bmc_address} is that of machine "
                f"{other} too; each BMC needs an address of its own"
            )
        for mac in machine.macs:
            other = by_mac.setdefault(mac.lower(), machine.name)
            if other != machine.name:
                raise exceptions.SidewaysError(
                    f"{where}: MAC {mac} is that of machine {other} too"
                )


def seed(connection: sa.Connection, machines: Sequence[Machine]) -> Outcome:
    """Bring the rows of ``machines`` into nova_bm; the caller commits.

    Free rows follow their machine (a changed password, say); rows that hold an
    instance are left as they are and reported.

    :raises SidewaysError: machines that do not fit, a row that was deleted, or
        a MAC or BMC address that a row of another node has.
    """
    check(machines)
    nodes = {
        row.uuid: row
        for row in connection.execute(sa.select(schema.bm_nodes))
        if row.uuid
    }
    macs = collections.defaultdict(set)
    ids = {row.id: row.uuid for row in nodes.values()}
    for card in connection.execute(sa.select(schema.bm_interfaces)):
        macs[ids.get(card.bm_node_id)].add((card.address or "").lower())
    _refuse_conflicts(machines, nodes, macs)
    outcome = Outcome()
    for machine in machines:
        row = nodes.get(machine.uuid)
        wanted = {mac.lower() for mac in machine.macs}
        values = _node_values(machine)
        if row is None:
            outcome.added.append(machine.name)
            _insert(connection, machine, values)
            continue
        same = wanted == macs[machine.uuid]
        changed = {key: v for key, v in values.items() if row._mapping[key] != v}
        if same and not changed:
            outcome.unchanged.append(machine.name)
        elif row.instance_uuid:
            outcome.in_use.append(machine.name)
        else:
            outcome.updated.append(machine.name)
            _update(connection, row.id, changed, macs[machine.uuid], wanted)
    return outcome


def _node_values(machine: Machine) -> dict[str, object]:
    """The columns that follow the machine."""
    return {
        "cpus": machine.cpus,
        "memory_mb": machine.memory_mb,
        "local_gb": machine.disk_gb,
        "pm_address": machine.bmc_address,
        "pm_user": machine.bmc_user,
        "pm_password": machine.bmc_password,
        "service_host": machine.service_host,
    }


def _refuse_conflicts(
    machines: Sequence[Machine],
    nodes: dict[str, sa.Row],
    macs: dict[str | None, set[str]],
) -> None:
    """Refuse what a unique index, or the importer, would stumble over later."""
    mac_owner = {mac: uuid for uuid, owned in macs.items() for mac in owned}
    bmc_owner = {row.pm_address: row.uuid for row in nodes.values() if not row.deleted}
    for machine in machines:
        row = nodes.get(machine.uuid)
        if row is not None and row.deleted:
            raise exceptions.SidewaysError(
                f"machine {machine.name}: bm_nodes row {row.id} with its uuid "
                f"{machine.uuid} is deleted; remove that row first"
            )
        for mac in machine.macs:
            if mac_owner.get(mac.lower(), machine.uuid) != machine.uuid:
                raise exceptions.SidewaysError(
                    f"machine {machine.name}: MAC {mac} belongs to node "
                    f"{mac_owner[mac.lower()]} in bm_interfaces already"
                )
        if bmc_owner.get(machine.bmc_address, machine.uuid) != machine.uuid:
            raise exceptions.SidewaysError(
                f"machine {machine.name}: BMC address {machine.bmc_address} belongs "
                f"to node {bmc_owner[machine.bmc_address]} in bm_nodes already"
            )


def _now() -> datetime.datetime:
    """UTC to the second, as DATETIME columns hold it."""
    return datetime.datetime.now(datetime.UTC).replace(tzinfo=None, microsecond=0)


def _insert(
    connection: sa.Connection, machine: Machine, values: dict[str, object]
) -> None:
    """A row as nova-baremetal's API made it: deleted 0, never used."""
    result = connection.execute(
        schema.bm_nodes.insert().values(
            **values,
            uuid=machine.uuid,
            created_at=_now(),
            deleted=False,
            # Over the column's default: the ORM of 2014 named every column.
            preserve_ephemeral=None,
        )
    )
    assert result.inserted_primary_key is not None
    _add_interfaces(connection, result.inserted_primary_key[0], machine.macs)


def _add_interfaces(
    connection: sa.Connection, node_id: int, macs: Sequence[str]
) -> None:
    if macs:
        connection.execute(
            schema.bm_interfaces.insert(),
            [
                {
                    "bm_node_id": node_id,
                    "address": mac.lower(),
                    "created_at": _now(),
                    "deleted": False,
                }
                for mac in macs
            ],
        )


def _update(
    connection: sa.Connection,
    node_id: int,
    changed: dict[str, object],
    present: set[str],
    wanted: set[str],
) -> None:
    """Bring a free row and its interfaces to what the machine is."""
    node = schema.bm_nodes
    connection.execute(
        node.update().where(node.c.id == node_id).values(**changed, updated_at=_now())
    )
    interface = schema.bm_interfaces
    surplus = present - wanted
    if surplus:
        connection.execute(
            interface.delete().where(
                interface.c.bm_node_id == node_id,
                sa.func.lower(interface.c.address).in_(surplus),
            )
        )
    _add_interfaces(connection, node_id, sorted(wanted - present))
