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

"""nova_bm rows for tests: sound ones, to be spoiled one column at a time."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import URL

from ironic_sideways.nova_bm import database, schema

CREATED = "2014-03-01 10:00:00"
UPDATED = "2014-09-01 11:12:13"


def node_uuid(number: int) -> str:
    """The uuid of node ``number``."""
    return f"0d000000-0000-4000-8000-{number:012x}"


def instance_uuid(number: int) -> str:
    """The uuid of the instance on node ``number``."""
    return f"15000000-0000-4000-8000-{number:012x}"


def vif_uuid(number: int) -> str:
    """The uuid of the Neutron port of node ``number``."""
    return f"f1000000-0000-4000-8000-{number:012x}"


def mac(number: int, card: int = 0) -> str:
    """The MAC address of a card of node ``number``."""
    return f"52:54:00:{card:02x}:{number // 256:02x}:{number % 256:02x}"


def free_node(number: int, **changed: Any) -> dict[str, Any]:
    """A bm_nodes row of a node that was used once and is free."""
    return {
        "id": number,
        "uuid": node_uuid(number),
        "created_at": CREATED,
        "updated_at": UPDATED,
        "deleted": 0,
        "cpus": 4,
        "memory_mb": 8192,
        "local_gb": 100,
        "pm_address": f"10.0.{number // 256}.{number % 256}",
        "pm_user": "admin",
        "pm_password": f"s3cret-{number}",
        "service_host": "compute-1",
        "task_state": "deleted",
        "root_mb": 0,
        "swap_mb": 0,
        "ephemeral_mb": 20480,
        "preserve_ephemeral": 0,
    } | changed


def used_node(number: int, **changed: Any) -> dict[str, Any]:
    """A bm_nodes row of a node with an instance."""
    return (
        free_node(
            number,
            instance_uuid=instance_uuid(number),
            instance_name=f"server-{number}",
            task_state="active",
            root_mb=10240,
            swap_mb=1,
            image_path=f"/var/lib/nova/instances/server-{number}/disk",
        )
        | changed
    )


def interface(number: int, card: int = 0, **changed: Any) -> dict[str, Any]:
    """A bm_interfaces row of node ``number``."""
    return {
        "id": number * 10 + card,
        "bm_node_id": number,
        "created_at": CREATED,
        "updated_at": UPDATED,
        "deleted": 0,
        "address": mac(number, card).upper(),
    } | changed


def plugged(number: int, **changed: Any) -> dict[str, Any]:
    """A bm_interfaces row with the VIF of the instance on node ``number``."""
    return interface(number, vif_uuid=vif_uuid(number)) | changed


def insert(url: URL, *rows: dict[str, Any]) -> None:
    """Write rows; those with a ``bm_node_id`` are interfaces."""
    engine = database.engine(url)
    with engine.begin() as connection:
        for row in rows:
            table = schema.bm_interfaces if "bm_node_id" in row else schema.bm_nodes
            names = ", ".join(row)
            values = ", ".join(f":{name}" for name in row)
            connection.execute(
                sa.text(f"INSERT INTO {table.name} ({names}) VALUES ({values})"),  # noqa: S608
                row,
            )
