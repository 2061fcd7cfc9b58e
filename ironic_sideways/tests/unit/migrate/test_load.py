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

"""Rows as Ironic's models take them, inserted a column at a time."""

import datetime
from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from ironic_sideways.migrate import load, target

WHEN = datetime.datetime(2014, 3, 1, 10)


@pytest.fixture
def connection() -> Iterator[sa.Connection]:
    """A database with Ironic's ports table and nothing else."""
    engine = sa.create_engine("sqlite://", paramstyle="qmark")
    with engine.connect() as made:
        target.ports.create(made)
        yield made


def insert(connection: sa.Connection, *rows: dict) -> list[dict]:
    loader = load.Loader.__new__(load.Loader)
    loader._connection = connection
    loader._execute(target.ports, list(rows))
    found = connection.execute(sa.select(target.ports).order_by(target.ports.c.id))
    return [dict(row) for row in found.mappings()]


def port(number: int, **changed: object) -> dict:
    return {
        "uuid": f"port-{number}",
        "address": f"52:54:00:00:00:0{number}",
        "extra": {"name": f"Käfig {number}"},
        "internal_info": {},
        "name": None,
        "created_at": WHEN,
        "available_for_dynamic_portgroup": True,
    } | changed


def test_each_row_is_read_back_as_it_was_given(connection: sa.Connection) -> None:
    rows = [port(1), port(2, internal_info={"vif": "x"}, extra={}), port(3, name="n")]
    found = insert(connection, *rows)
    for row, there in zip(rows, found, strict=True):
        assert row == {name: there[name] for name in row}


def test_a_column_that_no_row_has_gets_the_default_of_ironics_model(
    connection: sa.Connection,
) -> None:
    (found,) = insert(connection, port(1))
    assert (found["pxe_enabled"], found["is_smartnic"]) == (True, False)


def test_no_secret_of_a_single_row_is_in_the_statement(
    connection: sa.Connection,
) -> None:
    """Errors and logs show statements; parameters they hide."""
    statements = []
    sa.event.listen(
        connection,
        "before_cursor_execute",
        lambda *arguments: statements.append(arguments[2]),
    )
    insert(connection, port(1, extra={"ipmi_password": "s3cret"}))
    assert any("INSERT INTO ports" in one for one in statements)
    assert not any("s3cret" in one for one in statements)


@pytest.mark.parametrize("text", ["100 %", "%s", "it's", "back\\slash", "?", ":name"])
def test_what_all_rows_have_alike_is_quoted(
    connection: sa.Connection, text: str
) -> None:
    rows = [port(number, name=None, physical_network=text) for number in (1, 2)]
    found = insert(connection, *rows)
    assert [row["physical_network"] for row in found] == [text, text]
