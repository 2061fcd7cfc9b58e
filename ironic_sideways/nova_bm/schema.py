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

"""The nova_bm schema at version 10, as Nova 2014.2 left it.

Tables, column order, indexes and the sqlalchemy-migrate row are those that
Nova's ten migrations of ``nova/virt/baremetal/db/sqlalchemy/migrate_repo``
produce on MySQL. There are no foreign keys and nothing but the ids is NOT NULL.
"""

import dataclasses
import enum

import sqlalchemy as sa

from ironic_sideways import exceptions

VERSION = 10
REPOSITORY_ID = "nova_bm"
#: What Nova's own ``nova-baremetal-manage db sync`` recorded, shortened.
REPOSITORY_PATH = "nova/virt/baremetal/db/sqlalchemy/migrate_repo"

metadata = sa.MetaData()


def _soft_delete_columns() -> list[sa.Column]:
    return [
        sa.Column("created_at", sa.DateTime),
        sa.Column("updated_at", sa.DateTime),
        sa.Column("deleted_at", sa.DateTime),
        sa.Column("deleted", sa.Boolean),
    ]


bm_nodes = sa.Table(
    "bm_nodes",
    metadata,
    *_soft_delete_columns(),
    sa.Column("id", sa.Integer, primary_key=True, nullable=False),
    sa.Column("cpus", sa.Integer),
    sa.Column("memory_mb", sa.Integer),
    sa.Column("local_gb", sa.Integer),
    sa.Column("pm_address", sa.String(255)),
    sa.Column("pm_user", sa.String(255)),
    sa.Column("pm_password", sa.String(255)),
    sa.Column("service_host", sa.String(255)),
    sa.Column("instance_uuid", sa.String(36)),
    sa.Column("task_state", sa.String(255)),
    sa.Column("terminal_port", sa.Integer),
    sa.Column("image_path", sa.String(255)),
    sa.Column("pxe_config_path", sa.String(255)),
    sa.Column("deploy_key", sa.String(255)),
    sa.Column("root_mb", sa.Integer),
    sa.Column("swap_mb", sa.Integer),
    sa.Column("uuid", sa.String(36)),
    sa.Column("instance_name", sa.String(255)),
    sa.Column("ephemeral_mb", sa.Integer),
    sa.Column("preserve_ephemeral", sa.Boolean, server_default=sa.false()),
    sa.Index("idx_bm_nodes_service_host_deleted", "service_host", "deleted"),
    sa.Index("idx_bm_nodes_instance_uuid_deleted", "instance_uuid", "deleted"),
    sa.Index(
        "idx_bm_nodes_hmcld",
        "service_host",
        "memory_mb",
        "cpus",
        "local_gb",
        "deleted",
    ),
    sa.Index("deploy_key_idx", "deploy_key"),
    sa.Index("uuid_ux", "uuid", unique=True),
    mysql_engine="InnoDB",
)

# The unnamed unique constraints take the column's name on MySQL, as in 2014.
bm_interfaces = sa.Table(
    "bm_interfaces",
    metadata,
    *_soft_delete_columns(),
    sa.Column("id", sa.Integer, primary_key=True, nullable=False),
    sa.Column("bm_node_id", sa.Integer),
    sa.Column("address", sa.String(255), unique=True),
    sa.Column("datapath_id", sa.String(255)),
    sa.Column("port_no", sa.Integer),
    sa.Column("vif_uuid", sa.String(36), unique=True),
    sa.Index("idx_bm_interfaces_bm_node_id_deleted", "bm_node_id", "deleted"),
    mysql_engine="InnoDB",
)

migrate_version = sa.Table(
    "migrate_version",
    metadata,
    sa.Column("repository_id", sa.String(250), primary_key=True),
    sa.Column("repository_path", sa.Text),
    sa.Column("version", sa.Integer),
    mysql_engine="InnoDB",
)


class Kind(enum.Enum):
    """What a database holds, seen from this schema."""

    EMPTY = "empty"
    CURRENT = "nova_bm at version 10"
    OTHER = "something else"


@dataclasses.dataclass(frozen=True)
class Inspection:
    """What ``inspect`` found.

    :param kind: the database as a whole.
    :param reason: one clause that says why it is not CURRENT; else ''.
    :param foreign: tables that version 10 does not have, sorted.
    """

    kind: Kind
    reason: str
    foreign: tuple[str, ...] = ()


def inspect(connection: sa.Connection) -> Inspection:
    """Say whether the database is empty, nova_bm at version 10, or neither.

    Foreign tables beside a whole nova_bm do not change the kind: a reader
    need not mind them, a writer should.
    """
    inspector = sa.inspect(connection)
    present = set(inspector.get_table_names())
    if not present:
        return Inspection(Kind.EMPTY, "it holds no tables")
    foreign = tuple(sorted(present - set(metadata.tables)))
    missing = sorted(set(metadata.tables) - present)
    if missing:
        return Inspection(
            Kind.OTHER,
            f"tables missing: {', '.join(missing)}; "
            f"tables that are not nova_bm's: {', '.join(foreign) or 'none'}",
            foreign,
        )
    version = connection.execute(
        sa.select(migrate_version.c.version).where(
            migrate_version.c.repository_id == REPOSITORY_ID
        )
    ).scalar()
    if version != VERSION:
        return Inspection(
            Kind.OTHER, f"migrate_version says {version}, expected {VERSION}", foreign
        )
    for table in (bm_nodes, bm_interfaces):
        found = {column["name"] for column in inspector.get_columns(table.name)}
        lacking = sorted(set(table.columns.keys()) - found)
        if lacking:
            return Inspection(
                Kind.OTHER,
                f"{table.name} has no column {', '.join(lacking)}",
                foreign,
            )
    return Inspection(Kind.CURRENT, "", foreign)


def create(connection: sa.Connection) -> None:
    """Create the schema in an empty database and record version 10.

    :raises SidewaysError: when the database holds anything already.
    """
    found = inspect(connection)
    if found.kind is not Kind.EMPTY:
        raise exceptions.SidewaysError(
            f"database {connection.engine.url.database}: expected an empty one to "
            f"create nova_bm in, found {found.reason or found.kind.value}"
        )
    metadata.create_all(connection)
    connection.execute(
        migrate_version.insert().values(
            repository_id=REPOSITORY_ID,
            repository_path=REPOSITORY_PATH,
            version=VERSION,
        )
    )


def ensure(connection: sa.Connection) -> bool:
    """Create the schema unless it stands; True when it was created.

    :raises SidewaysError: when the database holds foreign tables or nova_bm at
        another version.
    """
    found = inspect(connection)
    if found.kind is Kind.EMPTY:
        create(connection)
        return True
    name = connection.engine.url.database
    if found.kind is Kind.OTHER:
        raise exceptions.SidewaysError(
            f"database {name}: expected nova_bm at version {VERSION} or an empty "
            f"database, found other contents ({found.reason}); "
            "name another database"
        )
    if found.foreign:
        raise exceptions.SidewaysError(
            f"database {name}: holds tables that are not nova_bm's "
            f"({', '.join(found.foreign)}); give nova_bm a database of its own"
        )
    return False
