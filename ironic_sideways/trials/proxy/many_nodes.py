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

"""A database of Ironic with as many nodes as are wanted, and no conductor.

It is separate from the lab's own, so that neither a power sync nor nova-compute
sees nodes without machines.
"""

import uuid
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa

from ironic_sideways import commands, exceptions
from ironic_sideways.lab import databases
from ironic_sideways.lab.layout import Layout
from ironic_sideways.lab.programs import BINARIES
from ironic_sideways.trials.proxy import private

NAME = "ironic_proxy_bench"

PORTS_PER_NODE = 2


@contextmanager
def database(layout: Layout) -> Iterator[str]:
    """An Ironic database without nodes; returns its URL, drops it at the end."""
    with databases.connect(layout) as root, root.cursor() as cursor:
        cursor.execute(f"DROP DATABASE IF EXISTS `{NAME}`")
        cursor.execute(f"CREATE DATABASE `{NAME}` CHARACTER SET utf8mb3")
        cursor.execute(f"GRANT ALL ON `{NAME}`.* TO 'ironic'@'127.0.0.1'")
    url = databases.url(layout, "ironic").replace("/ironic?", f"/{NAME}?")
    try:
        _create_schema(layout, url)
        yield url
    finally:
        with databases.connect(layout) as root, root.cursor() as cursor:
            cursor.execute(f"DROP DATABASE `{NAME}`")


def _create_schema(layout: Layout, url: str) -> None:
    settings = {"database": {"connection": url}}
    config = private.copy_of(layout, "ironic/ironic.conf", NAME, settings)
    done = commands.run(
        [BINARIES / "ironic-dbsync", "--config-file", config, "create_schema"], 300
    )
    if done.returncode:
        raise exceptions.SidewaysError(f"ironic-dbsync: {done.stderr[-2000:]}")


def add(url: str, first: int, last: int, owner: str) -> str:
    """Add the nodes ``first`` to ``last``, each with its ports.

    :returns: the uuid of the last one.
    """
    with warnings.catch_warnings():
        # eventlet warns at import that it is deprecated.
        warnings.simplefilter("ignore")
        from ironic.db.sqlalchemy import models
        from ironic.objects import node as node_object
        from ironic.objects import port as port_object

    nodes: list[dict[str, Any]] = []
    ports: list[dict[str, Any]] = []
    for number in range(first, last + 1):
        name = str(uuid.uuid4())
        properties = {"cpus": 8, "memory_mb": "16384", "local_gb": 200}
        nodes.append(
            {
                "id": number,
                "uuid": name,
                "owner": owner,
                "driver": "ipmi",
                "provision_state": "available",
                "version": node_object.Node.VERSION,
                "properties": {**properties, "cpu_arch": "x86_64"},
                "driver_info": {"ipmi_address": "127.0.0.1", "ipmi_password": "x"},
            }
        )
        for index in range(PORTS_PER_NODE):
            mac = f"52:54:{index:02x}:{number >> 16:02x}:{number >> 8 & 255:02x}"
            ports.append(
                {
                    "uuid": str(uuid.uuid4()),
                    "address": f"{mac}:{number & 255:02x}",
                    "node_id": number,
                    "version": port_object.Port.VERSION,
                }
            )
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        connection.execute(sa.insert(models.Node), nodes)
        connection.execute(sa.insert(models.Port), ports)
    engine.dispose()
    return name
