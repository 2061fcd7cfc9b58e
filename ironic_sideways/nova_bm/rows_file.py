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

"""Bring rows that a nova-baremetal wrote, as an SQL file has them, into nova_bm.

What another place must have of its own is put in the place of what the file says: each
row's BMC and MAC addresses, by the machine with the row's uuid; the compute host; the
uuids of instances and VIFs, and directories.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import sqlalchemy as sa

from ironic_sideways import exceptions
from ironic_sideways.nova_bm import schema, seed

_INSERT = re.compile(r"INSERT INTO `?(bm_nodes|bm_interfaces)`? VALUES\b")
#: What a dump has besides; the schema's version is written with the schema.
_LEFT_OUT = re.compile(r"SET NAMES |INSERT INTO `?migrate_version`? ")
#: Columns in which a uuid or a directory may be another.
_NODE_COLUMNS = ("instance_uuid", "image_path", "pxe_config_path")


def load(connection: sa.Connection, path: Path) -> None:
    """Insert the file's rows into an empty nova_bm; the caller commits.

    :raises SidewaysError: there are rows, or the file has other statements.
    """
    count = sa.select(sa.func.count()).select_from(schema.bm_nodes)
    if found := connection.execute(count).scalar_one():
        raise exceptions.SidewaysError(
            f"{path}: expected a nova_bm without rows to bring them into, found "
            f"{found} in bm_nodes"
        )
    for statement in _statements(path):
        connection.exec_driver_sql(statement.replace("%", "%%"))


def _statements(path: Path) -> Iterator[str]:
    """The INSERTs of the file."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise exceptions.SidewaysError(f"{path}: {exceptions.line(error)}") from error
    for part in re.split(r";\s*\n", re.sub(r"(?m)^--.*\n", "", text)):
        statement = part.strip().removesuffix(";")
        if _INSERT.match(statement):
            yield statement
        elif statement and not _LEFT_OUT.match(statement):
            found = " ".join(statement.split(maxsplit=3)[:3])
            raise exceptions.SidewaysError(
                f"{path}: found {found}, expected only INSERTs into bm_nodes and "
                "bm_interfaces"
            )


def put_in_place(
    connection: sa.Connection,
    machines: Sequence[seed.Machine],
    others: Mapping[str, str],
) -> list[str]:
    """Give each live row its machine; remove those that have none.

    :param others: uuid of an instance or a VIF, or directory -> what is in its place.
    :returns: the uuids of the rows that were removed.
    :raises SidewaysError: a machine without row, or with another number of NICs.
    """
    seed.check(machines)
    node, card = schema.bm_nodes, schema.bm_interfaces
    left = {machine.uuid: machine for machine in machines}
    removed = []
    live = sa.select(node).where(node.c.deleted.is_(False)).order_by(node.c.id)
    for row in connection.execute(live).all():
        cards = connection.execute(
            sa.select(card).where(card.c.bm_node_id == row.id).order_by(card.c.id)
        ).all()
        machine = left.pop(row.uuid, None)
        if machine is None:
            removed.append(row.uuid)
            connection.execute(card.delete().where(card.c.bm_node_id == row.id))
            connection.execute(node.delete().where(node.c.id == row.id))
            continue
        if len(cards) != len(machine.macs):
            raise exceptions.SidewaysError(
                f"machine {machine.name}: has {len(machine.macs)} NICs, and bm_nodes "
                f"row {row.id} with its uuid {len(cards)}"
            )
        values = {
            "pm_address": machine.bmc_address,
            "pm_user": machine.bmc_user,
            "pm_password": machine.bmc_password,
            "service_host": machine.service_host,
            **{name: _other(row._mapping[name], others) for name in _NODE_COLUMNS},
        }
        connection.execute(node.update().where(node.c.id == row.id).values(**values))
        for one, mac in zip(cards, machine.macs, strict=True):
            connection.execute(
                card.update()
                .where(card.c.id == one.id)
                .values(address=mac.lower(), vif_uuid=_other(one.vif_uuid, others))
            )
    if left:
        uuid, machine = next(iter(left.items()))
        raise exceptions.SidewaysError(
            f"machine {machine.name}: no live row of the file has its uuid {uuid}"
        )
    return removed


def _other(value: str | None, others: Mapping[str, str]) -> str | None:
    """The value, or path, with what is in the place of its parts."""
    for old, new in others.items():
        if value == old or (value and value.startswith(f"{old.rstrip('/')}/")):
            value = new.rstrip("/") + value[len(old.rstrip("/")) :]
        elif value:
            value = value.replace(f"/{old}/", f"/{new}/")
    return value
