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

"""The schema as MariaDB holds it is that of Nova 2014.2 at version 10."""

from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import URL

from ironic_sideways import exceptions
from ironic_sideways.nova_bm import database, schema

#: Column order after Nova's ten migrations.
COLUMNS = {
    "bm_nodes": "created_at updated_at deleted_at deleted id cpus memory_mb local_gb "
    "pm_address pm_user pm_password service_host instance_uuid task_state "
    "terminal_port image_path pxe_config_path deploy_key root_mb swap_mb uuid "
    "instance_name ephemeral_mb preserve_ephemeral",
    "bm_interfaces": "created_at updated_at deleted_at deleted id bm_node_id address "
    "datapath_id port_no vif_uuid",
    "migrate_version": "repository_id repository_path version",
}
#: (name, unique, columns) of every index.
INDEXES = {
    "bm_nodes": {
        ("deploy_key_idx", False, "deploy_key"),
        ("idx_bm_nodes_hmcld", False, "service_host memory_mb cpus local_gb deleted"),
        ("idx_bm_nodes_instance_uuid_deleted", False, "instance_uuid deleted"),
        ("idx_bm_nodes_service_host_deleted", False, "service_host deleted"),
        ("uuid_ux", True, "uuid"),
    },
    "bm_interfaces": {
        ("address", True, "address"),
        ("idx_bm_interfaces_bm_node_id_deleted", False, "bm_node_id deleted"),
        ("vif_uuid", True, "vif_uuid"),
    },
}


@pytest.fixture
def connection(empty_url: URL) -> Iterator[sa.Connection]:
    """A connection to an empty database."""
    with database.engine(empty_url).connect() as connection:
        yield connection


def test_columns_and_indexes_are_those_of_version_10(connection: sa.Connection) -> None:
    schema.create(connection)
    inspector = sa.inspect(connection)
    for table, columns in COLUMNS.items():
        found = inspector.get_columns(table)
        assert " ".join(column["name"] for column in found) == columns
        assert [c["name"] for c in found if not c["nullable"]] in (
            ["id"],
            ["repository_id"],
        )
        assert inspector.get_foreign_keys(table) == []
    for table, indexes in INDEXES.items():
        assert {
            (index["name"], index["unique"], " ".join(map(str, index["column_names"])))
            for index in inspector.get_indexes(table)
        } == indexes


def test_only_preserve_ephemeral_has_a_default(connection: sa.Connection) -> None:
    schema.create(connection)
    connection.execute(sa.text("INSERT INTO bm_nodes (uuid) VALUES (NULL)"))
    row = connection.execute(sa.text("SELECT * FROM bm_nodes")).mappings().one()
    assert {name for name, value in row.items() if value is not None} == {
        "id",
        "preserve_ephemeral",
    }


def test_an_empty_database_is_told_from_nova_bm_and_from_others(
    connection: sa.Connection,
) -> None:
    assert schema.inspect(connection).kind is schema.Kind.EMPTY
    assert schema.ensure(connection) is True
    assert schema.ensure(connection) is False
    connection.execute(sa.text("ALTER TABLE bm_nodes DROP COLUMN preserve_ephemeral"))
    found = schema.inspect(connection)
    assert found.kind is schema.Kind.OTHER
    assert "bm_nodes has no column preserve_ephemeral" in found.reason


def test_foreign_tables_beside_nova_bm_forbid_writing_only(
    connection: sa.Connection,
) -> None:
    schema.create(connection)
    connection.execute(sa.text("CREATE TABLE mine (id INT)"))
    assert schema.inspect(connection).kind is schema.Kind.CURRENT
    with pytest.raises(exceptions.SidewaysError, match="mine"):
        schema.ensure(connection)
