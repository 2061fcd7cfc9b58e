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

"""Many nodes in Ironic's own tables."""

import sqlalchemy as sa
from ironic.db.sqlalchemy import models

from ironic_sideways.trials.proxy import many_nodes


def test_nodes_are_added_to_those_that_are_there_each_with_ports_of_its_own(
    tmp_path,
) -> None:
    url = f"sqlite:///{tmp_path / 'ironic.db'}"
    engine = sa.create_engine(url)
    tables = [model.__table__ for model in (models.Node, models.Port)]
    models.Base.metadata.create_all(engine, tables=tables)

    many_nodes.add(url, 1, 255, "project")
    last = many_nodes.add(url, 256, 300, "project")

    with engine.connect() as connection:
        nodes = connection.execute(sa.select(models.Node.__table__)).all()
        ports = connection.execute(sa.select(models.Port.__table__)).all()
    assert [node.id for node in nodes] == list(range(1, 301))
    assert nodes[-1].uuid == last
    assert {(node.owner, node.provision_state) for node in nodes} == {
        ("project", "available")
    }
    assert len({port.address for port in ports}) == 300 * many_nodes.PORTS_PER_NODE
