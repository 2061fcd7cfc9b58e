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

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from ironic_sideways import exceptions
from ironic_sideways.nova_bm import rows_file, schema, seed

MAC = "52:54:00:00:00:0A"
MACHINE = seed.Machine(
    *("one", "uuid-1", 1, 256, 2, (MAC,)),
    *("127.0.0.9", 623, "admin", "secret", "host-2"),
)


def insert(table: sa.Table, **values: object) -> str:
    """A row as a dump has it: every column, in the order of the table."""
    words = [
        repr(values[c.name]) if c.name in values else "NULL" for c in table.columns
    ]
    return f"INSERT INTO `{table.name}` VALUES ({', '.join(words)});\n"  # noqa: S608


NODE = {"id": 1, "uuid": "uuid-1", "deleted": 0, "instance_uuid": "server-1"}
ROWS = "".join(
    (
        "-- a dump\nSET NAMES utf8;\n",
        "INSERT INTO `migrate_version` VALUES ('nova_bm', 'x', 10);\n",
        insert(schema.bm_nodes, **NODE, image_path="/tftp/server-1/kernel"),
        insert(schema.bm_nodes, id=2, uuid="uuid-2", deleted=0),
        insert(schema.bm_interfaces, id=1, bm_node_id=1, vif_uuid="port-1"),
        insert(schema.bm_interfaces, id=2, bm_node_id=2),
    )
)


@pytest.fixture
def connection() -> Iterator[sa.Connection]:
    engine = sa.create_engine("sqlite://")
    schema.metadata.create_all(engine)
    with engine.connect() as connection:
        yield connection


def load(connection: sa.Connection, directory: Path, text: str) -> None:
    file = directory / "rows.sql"
    file.write_text(text)
    rows_file.load(connection, file)


def rows(connection: sa.Connection, table: sa.Table) -> list[dict[str, object]]:
    return [dict(row._mapping) for row in connection.execute(sa.select(table))]


def test_each_live_row_gets_its_machine_and_the_others_go(connection, tmp_path) -> None:
    load(connection, tmp_path, ROWS)

    removed = rows_file.put_in_place(
        connection,
        [MACHINE],
        {"server-1": "server-2", "port-1": "port-2", "/tftp": "/srv/"},
    )

    assert removed == ["uuid-2"]
    (node,), (card,) = (
        rows(connection, table) for table in (schema.bm_nodes, schema.bm_interfaces)
    )
    assert node["pm_address"] == MACHINE.bmc_address
    assert (node["pm_user"], node["pm_password"]) == ("admin", "secret")
    assert (node["service_host"], node["instance_uuid"]) == ("host-2", "server-2")
    assert node["image_path"] == "/srv/server-2/kernel"
    assert (card["address"], card["vif_uuid"]) == ("52:54:00:00:00:0a", "port-2")


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"uuid": "uuid-9"}, "no live row of the file has its uuid uuid-9"),
        ({"macs": ("52:54:00:00:00:0a", "52:54:00:00:00:0b")}, "has 2 NICs"),
    ],
)
def test_a_machine_that_no_row_fits_is_refused(
    connection, tmp_path, changed, why
) -> None:
    load(connection, tmp_path, ROWS)

    with pytest.raises(exceptions.SidewaysError, match=why):
        rows_file.put_in_place(
            connection, [dataclasses.replace(MACHINE, **changed)], {}
        )


@pytest.mark.parametrize("other", ["DROP TABLE bm_nodes", "INSERT INTO users VALUES"])
def test_a_file_with_other_statements_is_refused(connection, tmp_path, other) -> None:
    with pytest.raises(exceptions.SidewaysError, match=f"found {other[:10]}"):
        load(connection, tmp_path, f"{other} (1);\n")


def test_rows_come_into_an_empty_database_alone(connection, tmp_path) -> None:
    load(connection, tmp_path, ROWS)

    with pytest.raises(exceptions.SidewaysError, match="found 2 in bm_nodes"):
        load(connection, tmp_path, ROWS)
