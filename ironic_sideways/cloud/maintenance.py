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

"""The maintenance period: instances locked, the compute services disabled.

Between stop and start of nova-compute a member's delete would be a local one
(nova.compute.api.API._local_delete) and orphan the node: each instance is
locked by the admin, so that Nova answers 409. What was locked or disabled
before is left alone, and the end undoes exactly what the start did.
"""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from openstack.compute.v2.server import Server
from openstack.compute.v2.service import Service
from openstack.connection import Connection

from ironic_sideways import exceptions, whole_file
from ironic_sideways.cloud import undo_file
from ironic_sideways.nova_bm import database, states

REASON = "Maintenance: this cloud moves from nova-baremetal to Ironic"

#: The live rows: soft-deleted nodes are no concern of a maintenance period.
ROWS = sa.text(
    "SELECT id, uuid, instance_uuid, task_state, cpus, memory_mb, local_gb"
    " FROM bm_nodes WHERE service_host IN :hosts AND deleted = 0 ORDER BY id"
).bindparams(sa.bindparam("hosts", expanding=True))


@dataclasses.dataclass(frozen=True)
class Row:
    """What a bm_nodes row says of its node's use, and of its shape."""

    id: int
    uuid: str
    instance_uuid: str | None
    task_state: str | None
    cpus: int | None = None
    memory_mb: int | None = None
    local_gb: int | None = None


def read_rows(engine: sa.Engine, hosts: Sequence[str]) -> list[Row]:
    with database.connect(engine) as connection:
        found = connection.execute(ROWS, {"hosts": list(hosts)}).all()
    return [Row(*row) for row in found]


def instances(cloud: Connection, hosts: Sequence[str]) -> list[Server]:
    """Every project's instances on the compute hosts."""
    return [
        server
        for host in hosts
        for server in cloud.compute.servers(
            details=True, all_projects=True, compute_host=host
        )
    ]


def read(record: Path) -> dict[str, Any]:
    """The plan that ``write`` recorded.

    :raises EvidenceAbsent: there is none.
    :raises UsageError: it is not what a start wrote.
    """
    plan = whole_file.read_json(record)
    kinds: dict[str, type] = {
        "services": list,
        "lock": list,
        "locked_before": list,
        "rows": list,
    }
    kinds |= {"ending": bool, "ended": bool}
    if not isinstance(plan, dict) or not all(
        isinstance(plan.get(key), kind) for key, kind in kinds.items()
    ):
        raise exceptions.UsageError(
            f"{record}: expected the record of a maintenance's start, with "
            f"{', '.join(kinds)}: it is another file, or was edited"
        )
    return plan


def locked(record: Path) -> set[str]:
    """The instances that the maintenance holds: its own locks, and earlier ones."""
    plan = read(record)
    return {*plan["lock"], *plan["locked_before"]}


def write(record: Path, plan: dict[str, Any]) -> None:
    """Record ``plan``, which is evidence, too: it holds no secret."""
    record.parent.mkdir(parents=True, exist_ok=True)
    undo_file.write(record, plan, mode=None)


def hosts_of(plan: dict[str, Any]) -> list[str]:
    """The compute hosts that the record is about."""
    return [service["host"] for service in plan["services"]]


def disagreements(rows: list[Row], servers: list[Server]) -> list[str]:
    """Where nova_bm and Nova disagree, or an operation is in progress."""
    found = []
    nodes = {row.instance_uuid: row for row in rows if row.instance_uuid is not None}
    for row in rows:
        use = states.use(row.task_state, row.instance_uuid)
        if use not in ("free", "used"):
            found.append(
                f"bm_nodes row {row.id} (node {row.uuid}) is {use}: task_state "
                f"{row.task_state!r}, instance {row.instance_uuid}"
            )
    for server in servers:
        if server.task_state:
            found.append(f"instance {server.id} is in task state {server.task_state}")
        if server.vm_state == "error":
            found.append(f"instance {server.id} is in error")
        holder = nodes.pop(server.id, None)
        if holder is None or holder.uuid != server.hypervisor_hostname:
            found.append(
                f"instance {server.id} is on node {server.hypervisor_hostname} for "
                f"Nova, and on {holder.uuid if holder else 'none'} in nova_bm"
            )
    for uuid, left in nodes.items():
        found.append(f"bm_nodes row {left.id} holds instance {uuid}, unknown to Nova")
    return found


def refuse(found: list[str], when: str) -> None:
    """:raises SidewaysError: when anything was found."""
    if found:
        raise exceptions.SidewaysError(
            f"{when}: {'; '.join(found)}: finish or repair these first"
        )


def compute_service(cloud: Connection, host: str) -> Service:
    for service in cloud.compute.services(binary="nova-compute"):
        if service.host == host:
            return service
    raise exceptions.SidewaysError(
        f"compute host {host}: Nova has no nova-compute of that name; "
        "see `openstack compute service list`"
    )


def start(
    cloud: Connection, engine: sa.Engine | None, hosts: Sequence[str], record: Path
) -> int:
    """Begin the maintenance of ``hosts``; how many instances are locked now.

    What is to be undone is recorded before it is done, so that an interrupted
    start can be ended. A second start goes on with the first one's record,
    unless that maintenance has ended.

    :param engine: nova_bm, or None for a base whose nodes hold no instance.
    :raises SidewaysError: something is in flight, or nova_bm and Nova differ.
    :raises FollowUpNeeded: it failed after the record was written.
    """
    rows = read_rows(engine, hosts) if engine else []
    servers = instances(cloud, hosts)
    refuse(disagreements(rows, servers), "maintenance cannot start")
    plan: dict[str, Any] = {"ended": True}
    if record.exists():
        plan = read(record)
    if plan["ended"]:
        services = [compute_service(cloud, host) for host in hosts]
        plan = {
            "services": [
                {
                    "host": service.host,
                    "status": service.status,
                    "disabled_reason": service.disabled_reason,
                }
                for service in services
            ],
            "lock": sorted(s.id for s in servers if not s.is_locked),
            "locked_before": sorted(s.id for s in servers if s.is_locked),
            "rows": [dataclasses.asdict(row) for row in rows],
            "ending": False,
            "ended": False,
        }
        write(record, plan)
    return hold(cloud, engine, plan, record)


def enabled(plan: dict[str, Any]) -> list[str]:
    """The compute hosts whose service was enabled before."""
    return [one["host"] for one in plan["services"] if one["status"] == "enabled"]


@exceptions.after_change(
    True, "give the same command again, or `ironic-sideways maintenance end`"
)
def hold(
    cloud: Connection, engine: sa.Engine | None, plan: dict[str, Any], record: Path
) -> int:
    """Disable and lock what ``plan`` names; a second time changes nothing.

    :raises FollowUpNeeded: what is not held, or not as ``plan`` has it.
    """
    for host in enabled(plan):
        service = compute_service(cloud, host)
        cloud.compute.disable_service(service, disabled_reason=REASON)
    for uuid in plan["lock"]:
        cloud.compute.lock_server(uuid, locked_reason=REASON)
    write(record, {**plan, "ending": False})
    check(cloud, engine, record)
    return len(plan["lock"])


def resume(cloud: Connection, engine: sa.Engine | None, record: Path) -> int:
    """Take an end back, whole or cut short; how many instances are locked again.

    :raises SidewaysError: an instance or a row is not as the start recorded it:
        its owner used it, and the base does not know.
    :raises FollowUpNeeded: it failed later than that.
    """
    check(cloud, engine, record)
    plan = read(record)
    return hold(cloud, engine, {**plan, "ended": False}, record)


def check(cloud: Connection, engine: sa.Engine | None, record: Path) -> int:
    """Compare rows and instances with each other and with the start's record.

    :raises SidewaysError: something changed in the window, or is in flight.
    """
    plan = read(record)
    rows = read_rows(engine, hosts_of(plan)) if engine else []
    servers = instances(cloud, hosts_of(plan))
    found = disagreements(rows, servers)
    recorded = {row["id"]: row for row in plan["rows"]}
    for row in rows:
        was = recorded.pop(row.id, None)
        if was != dataclasses.asdict(row):
            found.append(f"bm_nodes row {row.id} was {was}, is {row}")
    found += [f"bm_nodes row {row_id} is gone" for row_id in recorded]
    for uuid in locked(record) ^ {server.id for server in servers}:
        found.append(f"instance {uuid} came or went")
    # An end that was cut short has unlocked some, and must be able to go on.
    if not plan["ending"]:
        found += [f"instance {s.id} is not locked" for s in servers if not s.is_locked]
    refuse(found, "maintenance is broken")
    return len(servers)


def end(cloud: Connection, record: Path) -> int:
    """Undo exactly what ``start`` did; how many instances were unlocked.

    Nothing to do without a record, as a start that refused leaves none.

    :raises FollowUpNeeded: it failed after the record had been told.
    """
    if not record.exists():
        return 0
    plan = read(record)
    known = {server.id for server in instances(cloud, hosts_of(plan))}
    write(record, {**plan, "ending": True})
    with exceptions.after_change(True, "give the same command again to go on"):
        for uuid in known.intersection(plan["lock"]):
            cloud.compute.unlock_server(uuid)
        for host in enabled(plan):
            cloud.compute.enable_service(compute_service(cloud, host))
        write(record, {**plan, "ending": True, "ended": True})
    return len(known.intersection(plan["lock"]))
