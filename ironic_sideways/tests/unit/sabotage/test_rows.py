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

"""Sabotaged rows of Ironic's own schema: seen as evidence, named, and taken back."""

import contextlib
import json

import pytest
import sqlalchemy as sa
from ironic.db.sqlalchemy import models

from ironic_sideways.evidence import takeover
from ironic_sideways.report import checks
from ironic_sideways.sabotage import table
from ironic_sideways.tests.unit.report import whole

#: Node: number, instance, status, power; more than the smallest move has.
NODES = {
    "node-a": (1, "server-a", "ACTIVE", "on"),
    "node-b": (2, "server-b", "ACTIVE", "on"),
    "node-c": (3, "server-c", "ACTIVE", "on"),
    "node-d": (4, "server-d", "SHUTOFF", "off"),
    "node-e": (5, None, None, "off"),
    "node-f": (6, None, None, "off"),
}


@pytest.fixture
def scene(tmp_path, monkeypatch):
    """What a good migration and take-over leave, in Ironic's tables."""
    monkeypatch.setattr(whole, "NODES", NODES)
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'ironic.db'}")
    tables = [t.__table__ for t in (models.Conductor, models.Node, models.Port)]
    models.Base.metadata.create_all(engine, tables=tables)
    before = whole.snapshot(1, {"VCPU": 1}, False, 1)
    for machine in before["machines"]:
        machine["bmc"] = f"127.0.0.{machine['name'][-1]}"
    (tmp_path / "evidence").mkdir()
    whole.write(tmp_path / "evidence" / "before.json", before)
    with engine.begin() as connection:
        connection.execute(
            sa.insert(models.Conductor.__table__),
            {"id": 1, "hostname": "host", "online": True, "drivers": ["ipmi"]},
        )
        for uuid, (number, server, _status, power) in NODES.items():
            connection.execute(
                sa.insert(models.Node.__table__),
                {
                    **{"id": number, "uuid": uuid, "instance_uuid": server},
                    "provision_state": "active" if server else "available",
                    "power_state": f"power {power}",
                    "maintenance": False,
                    "driver": "ipmi",
                    "driver_info": {"ipmi_address": f"127.0.0.{number}"},
                    "extra": {takeover.PROVENANCE: {"run_id": "run"}},
                    "conductor_affinity": 1 if server else None,
                },
            )
            vif = {"tenant_vif_port_id": f"port-{number}"} if server else {}
            connection.execute(
                sa.insert(models.Port.__table__),
                {
                    **{"uuid": f"ironic-{number}", "node_id": number},
                    **{"address": whole.mac(number), "internal_info": vif},
                },
            )
    return table.Scene(engine, tmp_path)


def failed(scene: table.Scene) -> list[tuple[str, str]]:
    """The take-over's failed checks on what is in the tables now, and why."""
    found: dict = {"forbidden": []}
    with contextlib.suppress(takeover.exceptions.WaitExpired):
        takeover.observe(scene.engine, list(NODES), 0, record=found.update)
    whole.write(scene.evidence / "takeover.json", found)
    failures = checks.check_takeover(scene.evidence).failures
    return [(check.name, check.detail) for check in failures]


def dump(scene: table.Scene) -> str:
    with scene.engine.connect() as connection:
        rows = [
            [dict(row) for row in connection.execute(sa.text(query)).mappings()]
            for query in ("SELECT * FROM nodes", "SELECT * FROM ports")
        ]
    return json.dumps(rows, default=str)


def test_what_was_not_broken_is_not_named(scene):
    assert failed(scene) == []


@pytest.mark.parametrize(
    ("name", "checks_failed"),
    [
        ("bmc-addresses", {"row of node-a", "row of node-e"}),
        ("macs", {"row of node-b", "row of node-f"}),
        ("vif", {"row of node-c"}),
        ("deleted-row", {"no node besides"}),
        ("power-off", {"take-over of node-c"}),
    ],
)
def test_a_sabotage_is_named_and_can_be_taken_back(scene, name, checks_failed):
    sabotage = table.find(name)
    whole_before = dump(scene)

    assert sabotage.act(scene)

    found = failed(scene)
    assert {check for check, _ in found} == checks_failed
    if sabotage.subject == "take-over":
        assert all(table.re.search(sabotage.says, why) for _, why in found)
    assert scene.rows.mend() > 0
    assert dump(scene) == whole_before
    assert failed(scene) == []


def test_a_driver_that_nobody_serves_is_written_and_taken_back(scene):
    whole_before = dump(scene)

    table.find("unserved-driver").act(scene)

    assert takeover.read_nodes(scene.engine)["node-d"]["driver"] == "fake-hardware"
    scene.rows.mend()
    assert dump(scene) == whole_before
