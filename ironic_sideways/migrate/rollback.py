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

"""Remove what a run wrote, if Ironic has not changed it since."""

import dataclasses
from collections.abc import Iterator, Mapping, Set
from typing import Any

import sqlalchemy as sa
from ironic.db.sqlalchemy import models

from ironic_sideways import exceptions
from ironic_sideways.migrate import provenance, target

BATCH = 1000
#: Rows named in a refusal; all are counted.
SHOWN = 20


@dataclasses.dataclass(frozen=True)
class Part:
    """Which of this tool's nodes are meant; by default all, of one run.

    :param service_hosts: those of these base compute hosts, of whatever run.
    """

    run_id: str | None = None
    service_hosts: Set[str] = frozenset()

    @property
    def named(self) -> bool:
        """Whether something was said of it."""
        return bool(self.run_id or self.service_hosts)

    def has(self, own: Mapping[str, Any]) -> bool:
        """Whether a row with this provenance belongs to it."""
        return self.run_id in (None, own["run_id"]) and (
            not self.service_hosts or own.get("service_host") in self.service_hosts
        )

    def __str__(self) -> str:
        hosts = f"compute host {', '.join(sorted(self.service_hosts))}"
        run = [f"run {self.run_id}"] if self.run_id else []
        return " of ".join([*run, *([hosts] if self.service_hosts else [])])


@dataclasses.dataclass(frozen=True)
class Removed:
    """Rows deleted."""

    run_ids: tuple[str, ...]
    nodes: int
    ports: int


def rollback(
    ironic: sa.Connection, part: Part, *, taken_over: bool, commit: bool
) -> Removed:
    """Delete the nodes and ports of one run or of compute hosts, all or none.

    :param taken_over: accept what a conductor wrote at take-over and power
        synchronisation, and nothing else.
    :param commit: False only looks.
    :raises SidewaysError: rows were changed, rows of others hang on them, or
        several runs wrote and none is named.
    """
    nodes = ports = 0
    runs: set[str] = set()
    changed: list[str] = []
    count = 0
    for batch in _our_nodes(ironic, part, lock=commit):
        runs |= {provenance.of(row)["run_id"] for row in batch}  # type: ignore[index]
        faults, owned = _examine(ironic, batch, taken_over, lock=commit)
        count += len(faults)
        changed += faults[: SHOWN - len(changed)]
        nodes += len(batch)
        ports += owned
    if not part.named and len(runs) > 1:
        raise exceptions.SidewaysError(
            f"{len(runs)} runs wrote to this database: {', '.join(sorted(runs))}; name "
            "one with --run-id, or compute hosts with --service-host"
        )
    if changed:
        more = f" and {count - len(changed)} more" if count > len(changed) else ""
        raise exceptions.SidewaysError(
            "Ironic has changed rows since they were written, nothing was removed: "
            + "; ".join(changed)
            + more
        )
    if commit:
        for batch in _our_nodes(ironic, part):
            _delete(ironic, [row["id"] for row in batch])
    return Removed(tuple(sorted(runs)), nodes, ports)


def _our_nodes(
    ironic: sa.Connection, part: Part, *, lock: bool = False
) -> Iterator[list[dict]]:
    """Ironic's nodes that carry our provenance and belong to ``part``, by id.

    :param lock: keep a conductor from changing or reserving one of them until
        the transaction ends, and give them as they are now.
    """
    table, last = target.nodes, 0
    wanted = part.run_id or provenance.KEY
    while True:
        rows = (
            ironic.execute(
                sa.select(table)
                .where(
                    table.c.id > last,
                    # A first sieve in the server; the exact question is below.
                    sa.type_coerce(table.c.extra, sa.Text).contains(
                        wanted, autoescape=True
                    ),
                )
                .order_by(table.c.id)
                .limit(BATCH)
            )
            .mappings()
            .all()
        )
        if not rows:
            return
        last = rows[-1]["id"]
        batch = [dict(row) for row in rows]
        ours = [row for row in batch if (own := provenance.of(row)) and part.has(own)]
        if ours and lock:
            # By their ids: a lock taken while searching would stop other nodes too.
            query = sa.select(table).where(table.c.id.in_([row["id"] for row in ours]))
            found = ironic.execute(query.order_by(table.c.id).with_for_update())
            ours = [dict(row) for row in found.mappings()]
        if ours:
            yield ours


def _examine(
    ironic: sa.Connection, batch: list[dict], taken_over: bool, *, lock: bool
) -> tuple[list[str], int]:
    """What was changed in these nodes and around them, and their ports' number."""
    by_id = {row["id"]: row for row in batch}
    faults = [
        f"node {row['uuid']} ({', '.join(found)})"
        for row in batch
        if (found := provenance.changes(row, taken_over=taken_over))
    ]
    ports: dict[int, int] = {}
    table = target.ports
    query = sa.select(table).where(table.c.node_id.in_(by_id))
    if lock:
        query = query.with_for_update()
    for port in map(dict, ironic.execute(query).mappings()):
        node = by_id[port["node_id"]]
        own = provenance.of(port)
        if own is None or own["run_id"] != provenance.of(node)["run_id"]:  # type: ignore[index]
            faults.append(f"node {node['uuid']} (port {port['uuid']} was added)")
        elif found := provenance.changes(port, taken_over=False):
            faults.append(f"port {port['uuid']} ({', '.join(found)})")
        ports[port["node_id"]] = ports.get(port["node_id"], 0) + 1
    for row in batch:
        written = provenance.of(row)["ports"]  # type: ignore[index]
        if ports.get(row["id"], 0) < written:
            faults.append(f"node {row['uuid']} (a port was removed)")
    faults += _dependents(ironic, by_id)
    return faults, sum(ports.values())


def _dependents(ironic: sa.Connection, by_id: dict[int, dict]) -> list[str]:
    """Rows of other tables that hang on these nodes."""
    faults = []
    for table in models.Base.metadata.tables.values():
        if table is target.ports or not _references_nodes(table):
            continue
        column = table.c.node_id
        for (node_id,) in ironic.execute(
            sa.select(column).where(column.in_(by_id)).distinct()
        ):
            faults.append(f"node {by_id[node_id]['uuid']} (has {table.name})")
    return faults


def _references_nodes(table: sa.Table) -> bool:
    return any(key.column.table is target.nodes for key in table.foreign_keys)


def _delete(ironic: sa.Connection, ids: list[int]) -> None:
    ports, nodes = target.ports, target.nodes
    ironic.execute(ports.delete().where(ports.c.node_id.in_(ids)))
    ironic.execute(nodes.delete().where(nodes.c.id.in_(ids)))
