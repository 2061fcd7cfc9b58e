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

"""Reading nova_bm: in batches, of one moment, and without writing."""

import pytest
import sqlalchemy as sa

from ironic_sideways import exceptions
from ironic_sideways.nova_bm import database, reader
from ironic_sideways.tests import rows
from ironic_sideways.tests.functional.conftest import Clouds


@pytest.fixture
def five(clouds: Clouds) -> Clouds:
    """Five nodes with gaps between their ids, one of them without interface."""
    for number in (1, 2, 5, 8, 9):
        rows.insert(clouds.nova_bm, rows.free_node(number))
        if number != 5:
            rows.insert(clouds.nova_bm, rows.interface(number, card=1))
            rows.insert(clouds.nova_bm, rows.interface(number, card=0))
    return clouds


@pytest.mark.parametrize("size", [1, 2, 5, 100])
def test_every_node_is_read_once_whatever_the_batch(five: Clouds, size: int) -> None:
    with reader.snapshot(database.engine(five.nova_bm)) as connection:
        batches = list(reader.read(connection, size))
    assert all(len(batch) <= size for batch in batches)
    assert [
        (node.id, [card.id for card in node.interfaces])
        for batch in batches
        for node in batch
    ] == [(1, [10, 11]), (2, [20, 21]), (5, []), (8, [80, 81]), (9, [90, 91])]


def test_what_is_written_meanwhile_is_not_seen(five: Clouds) -> None:
    with reader.snapshot(database.engine(five.nova_bm)) as connection:
        batches = reader.read(connection, 2)
        first = next(batches)
        five.sql(
            five.nova_bm,
            "UPDATE bm_nodes SET task_state = 'building'",
            "DELETE FROM bm_interfaces",
        )
        read = [*first, *(node for batch in batches for node in batch)]
    assert {node.task_state for node in read} == {"deleted"}
    assert sum(len(node.interfaces) for node in read) == 8


def test_a_snapshot_cannot_write(five: Clouds) -> None:
    with (
        pytest.raises(exceptions.SidewaysError, match="READ ONLY transaction"),
        reader.snapshot(database.engine(five.nova_bm)) as connection,
    ):
        connection.execute(sa.text("DELETE FROM bm_nodes"))


def test_a_zero_date_is_no_date(five: Clouds) -> None:
    five.sql(
        five.nova_bm,
        "SET sql_mode = ''",
        "UPDATE bm_nodes SET created_at = '0000-00-00', updated_at = '2014-02-30'",
    )
    with reader.snapshot(database.engine(five.nova_bm)) as connection:
        node = next(reader.read(connection))[0]
    assert node.created_at is node.updated_at is None
    assert five.migrate("run") == 0
    assert five.migrate("verify") == 0


def test_interfaces_of_no_node_are_found(five: Clouds) -> None:
    five.sql(five.nova_bm, "DELETE FROM bm_nodes WHERE id = 8")
    with reader.snapshot(database.engine(five.nova_bm)) as connection:
        assert [card.id for card in reader.orphans(connection)] == [80, 81]
