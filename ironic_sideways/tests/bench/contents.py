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

"""A nova_bm of any size, made by the server itself in seconds."""

from ironic_sideways.nova_bm import database, schema
from ironic_sideways.tests.functional import mariadb

PORTS_PER_NODE = 2


def fill(server: mariadb.Server, name: str, nodes: int, *, used_every: int = 2) -> None:
    """Create database ``name``: nova_bm with ``nodes`` nodes of two ports each.

    :param used_every: 2: every second node has an instance; 1: each has one.
    """
    server.execute(f"CREATE DATABASE {name}")
    with database.engine(server.url(name)).begin() as connection:
        schema.create(connection)
    used = f"seq % {used_every} = 0"
    server.execute(
        f"""
        INSERT INTO bm_nodes (
            id, uuid, created_at, updated_at, deleted, cpus, memory_mb, local_gb,
            pm_address, pm_user, pm_password, service_host, task_state,
            instance_uuid, instance_name, image_path, root_mb, swap_mb,
            ephemeral_mb, preserve_ephemeral)
        SELECT
            seq, {_uuid("0d")}, '2014-03-01 10:00:00', '2014-09-01 11:12:13', 0,
            16, 65536, 500,
            CONCAT_WS('.', 10, seq DIV 65536, seq DIV 256 % 256, seq % 256),
            'admin', CONCAT('s3cret-', seq), CONCAT('compute-', seq DIV 1000),
            IF({used}, 'active', 'deleted'), IF({used}, {_uuid("15")}, NULL),
            IF({used}, CONCAT('server-', seq), NULL),
            IF({used}, CONCAT('/var/lib/nova/instances/', seq, '/disk'), NULL),
            IF({used}, 10240, 0), IF({used}, 1, 0), 0, 0
        FROM seq_1_to_{nodes}
        """,  # noqa: S608
        *(
            f"""
            INSERT INTO bm_interfaces (
                id, bm_node_id, created_at, updated_at, deleted, address, vif_uuid)
            SELECT
                seq * 2 + {card}, seq, '2014-03-01 10:00:00', '2014-09-01 11:12:13',
                0, {_mac(card)}, IF({used} AND {card} = 0, {_uuid("f1")}, NULL)
            FROM seq_1_to_{nodes}
            """  # noqa: S608
            for card in range(PORTS_PER_NODE)
        ),
        database=name,
    )


def _uuid(prefix: str) -> str:
    return f"CONCAT('{prefix}000000-0000-4000-8000-', LPAD(LOWER(HEX(seq)), 12, '0'))"


def _mac(card: int) -> str:
    octets = ", ".join(
        f"LPAD(HEX(seq DIV {256**place} % 256), 2, '0')" for place in (2, 1, 0)
    )
    return f"CONCAT_WS(':', '52', '54', '{card:02d}', {octets})"
