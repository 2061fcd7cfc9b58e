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

"""Write the planned rows into Ironic's database, all or none.

Multi-row inserts with the columns and types of Ironic's own models: one
transaction, no object per row, some 1000 nodes at a time. SQLAlchemy knows the
types; values are made the driver's a column at a time, and what all rows have alike
stands in the statement.
"""

import dataclasses
import itertools
from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa
from oslo_db.sqlalchemy import types

from ironic_sideways import exceptions
from ironic_sideways.migrate import classify, mapping, plan, target
from ironic_sideways.nova_bm import database

#: Columns that came with a later Ironic than the oldest one supported (2026.1),
#: and what is lost without them: nothing that is not in instance_info or extra.
OPTIONAL_COLUMNS = frozenset(
    {"instance_name", "available_for_dynamic_portgroup", "disable_power_off"}
)
#: Rows of one INSERT; at most some 500 KB, far below any max_allowed_packet.
STATEMENT = 200


@dataclasses.dataclass
class Written:
    """Rows inserted."""

    nodes: int = 0
    ports: int = 0


class Loader:
    """Inserts batches into one open transaction; the caller commits.

    :param pin: Ironic's pin_release_version.
    """

    def __init__(
        self, connection: sa.Connection, plan_: plan.Plan, pin: str | None = None
    ) -> None:
        self._connection = connection
        self._plan = plan_
        self._node_version = target.object_version("Node", pin)
        self._port_version = target.object_version("Port", pin)
        self.written = Written()

    def write(self, verdicts: Iterable[classify.Verdict]) -> None:
        """Insert the rows of the verdicts that are to migrate.

        :raises SidewaysError: the database refuses; the transaction is lost.
        """
        mapped = [
            mapping.map_node(
                verdict.source,
                verdict.interfaces,
                self._plan.options,
                self._plan.stamp,
            )
            for verdict in verdicts
            if verdict.outcome is classify.Outcome.MIGRATE
        ]
        if not mapped:
            return
        try:
            self._insert(mapped)
        except sa.exc.DBAPIError as error:
            raise exceptions.SidewaysError(
                f"database {database.redacted(self._connection.engine.url)}: refused "
                f"rows, nothing was written: {database.driver_text(error)}"
            ) from error

    def _insert(self, mapped: Sequence[mapping.Target]) -> None:
        nodes = [{**one.node, "version": self._node_version} for one in mapped]
        self._execute(target.nodes, nodes)
        table = target.nodes
        ids = {
            row.uuid: row.id
            for row in self._connection.execute(
                sa.select(table.c.uuid, table.c.id).where(
                    table.c.uuid.in_([node["uuid"] for node in nodes])
                )
            )
        }
        ports = [
            {**port, "version": self._port_version, "node_id": ids[one.node["uuid"]]}
            for one in mapped
            for port in one.ports
        ]
        if ports:
            self._execute(target.ports, ports)
        self.written.nodes += len(nodes)
        self.written.ports += len(ports)

    def _execute(self, table: sa.Table, rows: list[dict[str, Any]]) -> None:
        rows = fit(table, rows)
        dialect = self._connection.dialect
        names, places, columns = [], [], []
        parameter = str(sa.bindparam("value").compile(dialect=dialect))
        for column in table.columns:
            values = _values(column, rows)
            if not any(value is not None for value in values):
                continue
            names.append(dialect.identifier_preparer.format_column(column))
            if _alike(values):
                places.append(_literal(column, values[0], dialect))
            else:
                places.append(parameter)
                columns.append(_bound(column, values, dialect))
        into = f"INSERT INTO {table.name} ({', '.join(names)}) VALUES "  # noqa: S608
        place = f"({', '.join(places)})"
        parameters = list(zip(*columns, strict=True)) if columns else [()] * len(rows)
        for begin in range(0, len(rows), STATEMENT):
            part = parameters[begin : begin + STATEMENT]
            self._connection.exec_driver_sql(
                into + ", ".join([place] * len(part)),
                tuple(itertools.chain.from_iterable(part)),
            )


def _values(column: sa.Column, rows: list[dict[str, Any]]) -> list[Any]:
    """The values of one column; its default in Ironic's model where no row has it."""
    if column.name in rows[0]:
        return [row[column.name] for row in rows]
    default = column.default
    value = default.arg if isinstance(default, sa.ColumnDefault) else None
    return [None if callable(value) else value] * len(rows)


def _alike(values: list[Any]) -> bool:
    """Whether the statement may say the value once for all rows.

    It says nothing of what a JSON column holds: that may be a BMC's password, and
    errors and logs show statements, unlike parameters.
    """
    secret = isinstance(values[0], dict) and values[0]
    return not secret and values.count(values[0]) == len(values)


def _literal(column: sa.Column, value: Any, dialect: sa.Dialect) -> str:
    """The value that all rows have in this column, as SQL: quoted once for all."""
    text = sa.literal(value, column.type).compile(
        dialect=dialect, compile_kwargs={"literal_binds": True}
    )
    return str(text)


def _bound(column: sa.Column, values: list[Any], dialect: sa.Dialect) -> list[Any]:
    """The values of one column as the driver takes them."""
    bind = column.type.dialect_impl(dialect).bind_processor(dialect)
    bound = values if bind is None else [bind(value) for value in values]
    if isinstance(column.type, types.JsonEncodedDict):
        # PyMySQL quotes bytes at once and text a character at a time, the larger
        # part of the load's whole time. Ironic's JSON is ASCII.
        return [text.encode("ascii") for text in bound]
    return bound


def fit(table: sa.Table, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """``rows`` without the optional columns that ``table`` lacks.

    :raises SidewaysError: the installed Ironic lacks a column that matters.
    """
    absent = rows[0].keys() - table.columns.keys()
    if not absent:
        return rows
    vital = sorted(absent - OPTIONAL_COLUMNS)
    if vital:
        raise exceptions.SidewaysError(
            f"Ironic's table {table.name} has no column {', '.join(vital)}: this "
            "release of Ironic is not supported"
        )
    return [
        {name: value for name, value in row.items() if name not in absent}
        for row in rows
    ]


def commit(connection: sa.Connection, run_id: str) -> None:
    """Commit; a connection lost in this moment leaves the outcome unknown.

    :raises FollowUpNeeded: the server did not answer the COMMIT.
    """
    try:
        connection.commit()
    except (sa.exc.DBAPIError, KeyboardInterrupt) as error:
        raise exceptions.FollowUpNeeded(
            f"run {run_id}: the server did not confirm the COMMIT "
            f"({database.driver_text(error)}): either everything was committed or "
            "nothing was; give the same command again, it finds out and completes the "
            "work"
        ) from error
