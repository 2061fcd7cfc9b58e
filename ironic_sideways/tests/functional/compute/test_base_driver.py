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

"""The base driver opens a real nova_bm, and no node is claimed twice in it."""

import concurrent.futures
import threading
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from nova import conf, exception
from nova.virt import node as local_node
from oslo_config import cfg
from sqlalchemy.engine import URL

from ironic_sideways.compute import launcher
from ironic_sideways.nova_bm import database, schema

launcher.extend_driver_path()

# Only now is there a nova.virt.baremetal.
from nova.virt.baremetal import BareMetalDriver  # noqa: E402

HOST = "isw3"
RACERS = 8


@pytest.fixture
def nova_conf(
    url_file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[cfg.ConfigOpts]:
    """A nova-compute whose nova_bm is the empty database."""
    monkeypatch.setattr(local_node, "LOCAL_NODE_UUID", None)
    conf.CONF([], project="nova", default_config_files=[], default_config_dirs=[])
    conf.CONF.set_override("state_path", str(tmp_path))
    conf.CONF.set_override("sql_connection", url_file, "baremetal")
    yield conf.CONF
    conf.CONF.clear_override("state_path")
    conf.CONF.clear_override("sql_connection", "baremetal")


@pytest.fixture
def start(nova_conf: cfg.ConfigOpts) -> Callable[[], BareMetalDriver]:
    """Start the driver."""

    def started() -> BareMetalDriver:
        driver = BareMetalDriver(None)
        driver.init_host(HOST)
        return driver

    return started


@pytest.fixture
def nodes(empty_url: URL) -> list[str]:
    """nova_bm with two free nodes of the host."""
    uuids = [str(uuid.uuid4()) for _ in range(2)]
    with database.engine(empty_url).begin() as connection:
        schema.create(connection)
        connection.execute(
            sa.insert(schema.bm_nodes),
            [{"uuid": u, "service_host": HOST, "deleted": False} for u in uuids],
        )
    return uuids


def test_the_driver_finds_its_nodes(
    start: Callable[[], BareMetalDriver], nodes: list[str]
) -> None:
    assert start().get_available_nodes() == nodes


def test_an_empty_database_stops_the_start(
    start: Callable[[], BareMetalDriver],
) -> None:
    with pytest.raises(exception.InvalidConfiguration, match="it holds no tables"):
        start()


def test_of_many_claims_at_once_one_wins(
    start: Callable[[], BareMetalDriver], nodes: list[str]
) -> None:
    rows = start().rows
    together = threading.Barrier(RACERS)

    def claim(number: int) -> bool:
        together.wait(timeout=30)
        return bool(rows.claim(nodes[0], f"instance-{number}", "web"))

    with concurrent.futures.ThreadPoolExecutor(RACERS) as pool:
        won = [
            number for number, won in enumerate(pool.map(claim, range(RACERS))) if won
        ]
    assert len(won) == 1
    assert rows.node(nodes[0]).instance_uuid == f"instance-{won[0]}"
    assert rows.node(nodes[1]).free
