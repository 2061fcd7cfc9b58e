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

"""What a sabotage wrote is taken back, last first, by a later process too."""

import json
from typing import NoReturn

import pytest
import sqlalchemy as sa

from ironic_sideways import exceptions
from ironic_sideways.lab.layout import Layout
from ironic_sideways.trials.sabotage.changes import Changes


def nobody() -> NoReturn:
    raise AssertionError("nobody is asked")


NODES = (
    {"id": 1, "uuid": "used-on", "name": "a", "instance_uuid": "s1", "driver": "ipmi"},
    {"id": 2, "uuid": "used-off", "name": "b", "instance_uuid": "s2", "driver": "ipmi"},
    {"id": 3, "uuid": "free", "name": "c", "instance_uuid": None, "driver": "ipmi"},
)


@pytest.fixture
def changes(tmp_path):
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'ironic.db'}")
    with engine.begin() as connection:
        for statement in (
            "CREATE TABLE nodes (id INTEGER PRIMARY KEY, uuid TEXT, name TEXT, "
            "instance_uuid TEXT, driver TEXT)",
            "CREATE TABLE ports"
            " (id INTEGER, node_id INTEGER, address TEXT, internal_info TEXT)",
            "INSERT INTO ports VALUES (1, 1, '52:54:00:00:00:01', '{}')",
        ):
            connection.execute(sa.text(statement))
        columns = ", ".join(f":{name}" for name in NODES[0])
        insert = f"INSERT INTO nodes VALUES ({columns})"  # noqa: S608
        connection.execute(sa.text(insert), NODES)
    (tmp_path / "evidence").mkdir()
    powers = {"used-on": "on", "used-off": "off", "free": "on"}
    machines = [{"uuid": uuid, "power": power} for uuid, power in powers.items()]
    before = json.dumps({"machines": machines})
    (tmp_path / "evidence" / "before.json").write_text(before)
    return Changes(lambda name: engine, Layout(tmp_path), nobody)


def nodes(changes):
    return changes.select("SELECT * FROM nodes ORDER BY id")


def test_nodes_are_chosen_by_their_instance_and_by_how_their_machine_was(changes):
    assert [node["uuid"] for node in changes.used(running=True)] == ["used-on"]
    assert [node["uuid"] for node in changes.used(running=False)] == ["used-off"]
    assert [node["uuid"] for node in changes.free()] == ["free"]


def test_a_row_that_was_changed_twice_is_again_as_it_was_first(changes):
    (node,) = changes.free()
    changes.set("nodes", node, driver="one", name="other")
    changes.set("nodes", {**node, "driver": "one"}, driver="two")
    assert nodes(changes)[2]["driver"] == "two"

    assert Changes(changes.engine, changes.layout, nobody).mend() == 2

    assert tuple(nodes(changes)) == NODES
    assert not changes.file.exists()


def test_a_copied_node_has_its_own_uuid_and_goes_again(changes):
    uuid = changes.copy("nodes", changes.free()[0], name=None)
    copy = nodes(changes)[3]
    assert (copy["uuid"], copy["name"], copy["driver"]) == (uuid, None, "ipmi")

    assert changes.mend() == 1

    assert tuple(nodes(changes)) == NODES
    assert changes.mend() == 0


def test_a_secret_is_told_to_a_log_and_nowhere_kept(changes, tmp_path):
    log = tmp_path / "api.log"
    log.write_text("before\n")

    changes.tell(log, "\u00fc uses ", "p\u00e4ssword", ".")

    assert log.read_text() == "before\n\u00fc uses p\u00e4ssword.\n"
    assert "ssword" not in changes.file.read_text()
    changes.mend()
    assert log.read_text() == f"before\n\u00fc uses {'*' * 9}.\n"


def test_a_node_without_a_port_is_named(changes):
    used, other, _ = nodes(changes)

    assert changes.port(used)["address"] == "52:54:00:00:00:01"
    with pytest.raises(exceptions.SidewaysError, match="used-off has no port"):
        changes.port(other)
