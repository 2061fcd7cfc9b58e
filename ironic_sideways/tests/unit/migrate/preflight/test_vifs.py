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

"""Neutron tells the MAC address of each VIF's port, in few requests."""

from pathlib import Path

import pytest
import sqlalchemy as sa

from ironic_sideways import exceptions
from ironic_sideways.cmd import connections
from ironic_sideways.migrate.preflight import vifs
from ironic_sideways.nova_bm import schema
from ironic_sideways.tests import fake_cloud, http_server, rows


@pytest.fixture
def source() -> sa.Connection:
    """nova_bm with the VIFs of 250 instances, and one of a free node."""
    engine = sa.create_engine("sqlite://")
    with engine.connect() as connection:
        schema.create(connection)
        for number in range(1, 252):
            used = rows.instance_uuid(number) if number < 251 else None
            connection.execute(
                schema.bm_nodes.insert().values(id=number, instance_uuid=used)
            )
            connection.execute(
                schema.bm_interfaces.insert().values(
                    bm_node_id=number,
                    address=rows.mac(number),
                    vif_uuid=rows.vif_uuid(number),
                )
            )
        yield connection


def test_t2_neutron_is_asked_for_the_ports_of_instances_alone(
    source: sa.Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = fake_cloud.FakeCloud()
    for number in range(2, 260):
        port = fake.ports[fake.add_port(rows.vif_uuid(number), "d")]
        port["mac_address"] = rows.mac(number, card=1).upper()
    with fake_cloud.served(fake, tmp_path, monkeypatch):
        told = vifs.Vifs(connections.connect(fake_cloud.CLOUD), "fake")
        told.begin(source)
    assert told == {
        rows.vif_uuid(number): rows.mac(number, card=1) for number in range(2, 251)
    }


def test_a_neutron_that_does_not_answer_is_one_line(
    source: sa.Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with http_server.serve(fake_cloud.FakeCloud()) as url:
        path = fake_cloud.clouds_yaml(tmp_path, url.replace("/network", "/nowhere"))
        path.write_text(path.read_text().replace("/network/v2.0", "/nowhere/v2.0"))
        monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", str(path))
        told = vifs.Vifs(connections.connect(fake_cloud.CLOUD), "fake")
        with pytest.raises(exceptions.SidewaysError) as caught:
            told.begin(source)
    assert str(caught.value).startswith("Neutron of cloud fake cannot be asked: ")
    assert len(str(caught.value).splitlines()) == 1
