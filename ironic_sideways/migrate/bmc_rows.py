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

"""Which rows of nova_bm the operator's BMC map speaks of, and what they share."""

import itertools
from collections.abc import Iterable, Iterator, Mapping

import sqlalchemy as sa

from ironic_sideways import exceptions
from ironic_sideways.migrate import choices
from ironic_sideways.nova_bm import schema

#: Values of one IN.
CHUNK = 1000


def rows_of(
    connection: sa.Connection,
    bmcs: Mapping[str, choices.Bmc],
    live: sa.ColumnElement[bool],
) -> dict[int, choices.Bmc]:
    """bm_nodes row id -> its BMC.

    :param live: a condition on bm_nodes.
    :raises UsageError: no live row has that uuid or MAC, or two lines are of one row.
    """
    if not bmcs:
        return {}
    keys = dict(_keys(connection, bmcs, live))
    found: dict[int, choices.Bmc] = {}
    for key, bmc in bmcs.items():
        row = keys.get(key)
        if row is None:
            raise exceptions.UsageError(
                f"{bmc.where}: nova_bm has no live node {key}; expected the uuid of a "
                "node or the MAC of one of its interfaces"
            )
        if row in found:
            raise exceptions.UsageError(
                f"{bmc.where}: {key} is of bm_nodes row {row}, as what "
                f"{found[row].where} names"
            )
        found[row] = bmc
    return found


def _keys(
    connection: sa.Connection, keys: Iterable[str], live: sa.ColumnElement[bool]
) -> Iterator[tuple[str, int]]:
    """Each uuid or MAC that a live node has, with the node's row id."""
    node, card = schema.bm_nodes, schema.bm_interfaces
    for chunk in batches(keys):
        uuid, address = sa.func.lower(node.c.uuid), sa.func.lower(card.c.address)
        for query in (
            sa.select(uuid, node.c.id).where(uuid.in_(chunk), live),
            sa.select(address, node.c.id)
            .join(node, node.c.id == card.c.bm_node_id)
            .where(address.in_(chunk), live, card.c.deleted.is_not(True)),
        ):
            yield from (tuple(row) for row in connection.execute(query))


def still_shared(
    rows: Iterable[sa.Row], mapped: Mapping[int, choices.Bmc]
) -> Iterator[tuple[str, list[int]]]:
    """The addresses that several rows still have when the map has taken its own.

    :param rows: of ``value`` and ``id``, sorted by value.
    """
    for value, group in itertools.groupby(rows, lambda row: row.value):
        left = [row.id for row in group if row.id not in mapped]
        if len(left) > 1:
            yield value, left


def collisions(
    connection: sa.Connection,
    mapped: Mapping[int, choices.Bmc],
    live: sa.ColumnElement[bool],
) -> Iterator[tuple[str, list[int]]]:
    """The mapped BMCs that other rows have as theirs, at the port of all rows.

    That no two lines of the map name the same BMC was seen when it was read.
    """
    node = schema.bm_nodes
    usual = {
        bmc.address.lower(): row
        for row, bmc in mapped.items()
        if bmc.port == choices.IPMI_PORT
    }
    for chunk in batches(usual):
        address = sa.func.lower(node.c.pm_address)
        query = sa.select(address, node.c.id).where(address.in_(chunk), live)
        for value, row in connection.execute(query):
            if row not in mapped:
                yield value, sorted((usual[value], row))


def batches(values: Iterable[str], size: int = CHUNK) -> Iterator[list[str]]:
    """``values``, so many at a time."""
    left = iter(values)
    while chunk := list(itertools.islice(left, size)):
        yield chunk
