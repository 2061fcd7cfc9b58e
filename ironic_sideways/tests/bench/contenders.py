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

"""What ``run``'s load is compared with; each in a process of its own.

``bare`` inserts rows that are finished beforehand, which is the least that any
loader must do with this driver. ``orm2014`` has the shape of the tool of 2014:
every row of both databases an object, one commit for nodes and one for ports.
Each prints the seconds that it took.
"""

import argparse
import contextlib
import itertools
import time
import uuid
from collections.abc import Iterator
from typing import Any

import pymysql
import sqlalchemy as sa
from ironic.db.sqlalchemy import models
from sqlalchemy import orm
from sqlalchemy.engine import URL

from ironic_sideways.nova_bm import database, reader, schema
from ironic_sideways.tests.bench import contents


@contextlib.contextmanager
def connect(url: URL) -> Iterator[pymysql.Connection]:
    """The driver itself, as strict as the tool's own connections."""
    with contextlib.closing(
        pymysql.connect(
            host=url.host,
            port=url.port or 3306,
            user=url.username,
            password=str(url.password),
            database=url.database,
            charset="utf8mb4",
            sql_mode=database.SQL_MODE,
        )
    ) as connection:
        yield connection


def bare(finished: URL, ironic: URL) -> float:
    """Multi-row INSERTs of ``finished``'s rows in the tool's batches, one commit."""
    with connect(finished) as source, source.cursor() as cursor:
        nodes, insert_nodes = _prepare(cursor, "nodes")
        ports, insert_ports = _prepare(cursor, "ports")
    with connect(ironic) as target, target.cursor() as cursor:
        started = time.perf_counter()
        for begin in range(0, len(nodes), reader.BATCH):
            end = begin + reader.BATCH
            cursor.executemany(insert_nodes, nodes[begin:end])
            of_these = slice(
                begin * contents.PORTS_PER_NODE, end * contents.PORTS_PER_NODE
            )
            cursor.executemany(insert_ports, ports[of_these])
        target.commit()
        return time.perf_counter() - started


def _prepare(cursor: Any, table: str) -> tuple[list[tuple], str]:
    """The finished rows, and the INSERT of those columns that hold anything."""
    cursor.execute(f"SELECT * FROM {table} ORDER BY id")  # noqa: S608
    names = [column[0] for column in cursor.description]
    rows = cursor.fetchall()
    filled = [any(value is not None for value in column) for column in zip(*rows)]  # noqa: B905
    columns = ", ".join(itertools.compress(names, filled))
    places = ", ".join(["%s"] * sum(filled))
    return (
        [tuple(itertools.compress(row, filled)) for row in rows],
        f"INSERT INTO {table} ({columns}) VALUES ({places})",  # noqa: S608
    )


class BareMetalNode:
    """A bm_nodes row."""


class BareMetalInterface:
    """A bm_interfaces row."""


def orm2014(nova_bm: URL, ironic: URL) -> float:
    """All nodes as objects, a commit, all ports as objects, a commit.

    After ``ironic/migrate_nova/migrate_db.py`` of Ironic 2014.2, which also
    mapped less: no provenance, no interface columns, no VIF. It copied the source's
    primary keys, and so even its SQLAlchemy (0.9) gathered the objects of a commit
    into one ``executemany`` (``orm/persistence.py``: ``has_all_pks``), as today's
    does: an INSERT a row would be another tool's shape.
    """
    registry = orm.registry()
    registry.map_imperatively(BareMetalNode, schema.bm_nodes)
    registry.map_imperatively(BareMetalInterface, schema.bm_interfaces)
    source = orm.Session(sa.create_engine(nova_bm))
    target = orm.Session(sa.create_engine(ironic))
    started = time.perf_counter()
    for kind, convert in ((BareMetalNode, _node2014), (BareMetalInterface, _port2014)):
        rows = source.scalars(sa.select(kind)).all()
        target.add_all([convert(row) for row in rows])
        target.commit()
    return time.perf_counter() - started


def _node2014(row: Any) -> models.Node:
    return models.Node(
        id=row.id,
        uuid=row.uuid,
        version="1.0",
        instance_uuid=row.instance_uuid,
        created_at=row.created_at,
        updated_at=row.updated_at,
        provision_state="active" if row.instance_uuid else None,
        power_state="power on" if row.task_state == "active" else "power off",
        maintenance=False,
        console_enabled=False,
        driver="pxe_ipmitool",
        driver_info={
            "ipmi_address": row.pm_address,
            "ipmi_username": row.pm_user,
            "ipmi_password": row.pm_password,
        },
        properties={
            "cpus": row.cpus,
            "memory_mb": row.memory_mb,
            "local_gb": row.local_gb,
            "cpu_arch": "x86_64",
        },
        instance_info={"root_mb": row.root_mb, "swap_mb": row.swap_mb},
        extra={},
    )


def _port2014(row: Any) -> models.Port:
    return models.Port(
        id=row.id,
        uuid=str(uuid.uuid4()),
        version="1.0",
        address=row.address.lower(),
        node_id=row.bm_node_id,
        created_at=row.created_at,
        updated_at=row.updated_at,
        extra={"vif_uuid": row.vif_uuid} if row.vif_uuid else {},
    )


def main() -> None:
    """``CONTENDER SOURCE TARGET``, the databases as ``@FILE``."""
    parser = argparse.ArgumentParser()
    parser.add_argument("contender", choices=("bare", "orm2014"))
    parser.add_argument("source")
    parser.add_argument("target")
    parsed = parser.parse_args()
    contender = {"bare": bare, "orm2014": orm2014}[parsed.contender]
    source = database.resolve_url(parsed.source, "SOURCE")
    print(contender(source, database.resolve_url(parsed.target, "TARGET")))


if __name__ == "__main__":
    main()
