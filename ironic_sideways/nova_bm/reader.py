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

"""Read nova_bm as a stream of nodes with their interfaces, in constant memory.

SELECT is all the right that is needed. One read-only transaction gives one
consistent view of both tables, however long the reading takes.
"""

import contextlib
import dataclasses
import datetime
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa

from ironic_sideways import exceptions
from ironic_sideways.nova_bm import database, schema

#: Nodes read at a time; some 2 MB of rows.
BATCH = 1000


@dataclasses.dataclass(frozen=True, slots=True)
class Interface:
    """A bm_interfaces row. ``deleted`` NULL stays None: Nova never saw such rows."""

    id: int
    bm_node_id: int | None
    deleted: bool | None
    address: str | None
    datapath_id: str | None
    port_no: int | None
    vif_uuid: str | None
    created_at: datetime.datetime | None
    updated_at: datetime.datetime | None


@dataclasses.dataclass(frozen=True, slots=True)
class Node:
    """A bm_nodes row with the interfaces that name it, whatever their state."""

    id: int
    uuid: str | None
    deleted: bool | None
    cpus: int | None
    memory_mb: int | None
    local_gb: int | None
    pm_address: str | None
    pm_user: str | None
    pm_password: str | None = dataclasses.field(repr=False)
    service_host: str | None
    instance_uuid: str | None
    instance_name: str | None
    task_state: str | None
    terminal_port: int | None
    image_path: str | None
    pxe_config_path: str | None
    root_mb: int | None
    swap_mb: int | None
    ephemeral_mb: int | None
    preserve_ephemeral: bool | None
    created_at: datetime.datetime | None
    updated_at: datetime.datetime | None
    interfaces: tuple[Interface, ...] = ()


NODE_FIELDS = [
    field.name for field in dataclasses.fields(Node) if field.name != "interfaces"
]
INTERFACE_FIELDS = [field.name for field in dataclasses.fields(Interface)]


@contextlib.contextmanager
def snapshot(engine: sa.Engine) -> Iterator[sa.Connection]:
    """A connection that sees one moment of a nova_bm database and cannot write.

    :raises SidewaysError: unreachable, not readable, or not nova_bm at version 10.
    """
    with database.connect(engine) as connection:
        found = schema.inspect(connection)
        connection.rollback()
        if found.kind is not schema.Kind.CURRENT:
            raise exceptions.SidewaysError(
                f"database {database.redacted(engine.url)}: expected nova_bm at "
                f"version {schema.VERSION}: {found.reason}"
            )
        connection.exec_driver_sql(
            "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY"
        )
        yield connection


def read(connection: sa.Connection, batch: int = BATCH) -> Iterator[list[Node]]:
    """The nodes in the order of their row ids, at most ``batch`` at a time.

    Every row is given, deleted ones too: what to do with it is not decided here.
    """
    table, last = schema.bm_nodes, None
    columns = [table.c[name] for name in NODE_FIELDS]
    while True:
        query = sa.select(*columns).order_by(table.c.id).limit(batch)
        if last is not None:
            query = query.where(table.c.id > last)
        rows = connection.execute(query).all()
        if not rows:
            return
        last = rows[-1].id
        cards = _interfaces_of(connection, rows[0].id, last)
        yield [Node(*(*_clean(row), tuple(cards.get(row.id, ())))) for row in rows]


def count(connection: sa.Connection) -> int:
    """How many bm_nodes rows ``read`` gives."""
    query = sa.select(sa.func.count()).select_from(schema.bm_nodes)
    return connection.execute(query).scalar_one()


def orphans(connection: sa.Connection) -> Iterator[Interface]:
    """The interfaces whose bm_node_id names no bm_nodes row at all."""
    card, node = schema.bm_interfaces, schema.bm_nodes
    query = (
        sa.select(*(card.c[name] for name in INTERFACE_FIELDS))
        .outerjoin(node, node.c.id == card.c.bm_node_id)
        .where(node.c.id.is_(None))
        .order_by(card.c.id)
    )
    for row in connection.execute(query):
        yield Interface(*_clean(row))


def _interfaces_of(
    connection: sa.Connection, first: int, last: int
) -> dict[int, list[Interface]]:
    """The interfaces of the nodes from row id ``first`` to ``last``."""
    card = schema.bm_interfaces
    query = (
        sa.select(*(card.c[name] for name in INTERFACE_FIELDS))
        .where(card.c.bm_node_id.between(first, last))
        .order_by(card.c.bm_node_id, card.c.id)
    )
    cards: dict[int, list[Interface]] = {}
    for row in connection.execute(query):
        one = Interface(*_clean(row))
        cards.setdefault(row.bm_node_id, []).append(one)
    return cards


def _clean(row: sa.Row) -> tuple[Any, ...]:
    """The row, whose last columns are times, with None for a zero date.

    No DATETIME of Python's can hold one; the driver hands it over as text.
    """
    *values, created_at, updated_at = row
    return (
        *values,
        created_at if isinstance(created_at, datetime.datetime) else None,
        updated_at if isinstance(updated_at, datetime.datetime) else None,
    )
