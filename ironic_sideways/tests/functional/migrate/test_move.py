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

"""The move as a whole, between real databases."""

import json

import pytest

from ironic_sideways.tests import rows
from ironic_sideways.tests.functional.conftest import Clouds


@pytest.fixture
def filled(clouds: Clouds) -> Clouds:
    """Two used nodes, one free node, one deleted row."""
    rows.insert(
        clouds.nova_bm,
        rows.used_node(1),
        rows.plugged(1),
        rows.interface(1, card=1),
        rows.used_node(2, preserve_ephemeral=1, terminal_port=8002),
        rows.plugged(2),
        rows.free_node(3),
        rows.interface(3),
        rows.free_node(4, deleted=1, deleted_at=rows.UPDATED),
    )
    return clouds


def test_run_moves_live_nodes_and_verify_agrees(filled: Clouds) -> None:
    assert filled.migrate("check") == 0
    assert filled.migrate("run", "--output", str(filled.directory / "m.json")) == 0
    assert filled.migrate("verify") == 0
    found = filled.ironic_rows()
    assert [
        (row["uuid"], row["instance_uuid"], row["provision_state"], row["power_state"])
        for row in found["nodes"]
    ] == [
        (rows.node_uuid(1), rows.instance_uuid(1), "active", None),
        (rows.node_uuid(2), rows.instance_uuid(2), "active", None),
        (rows.node_uuid(3), None, "available", None),
    ]
    assert [row["address"] for row in found["ports"]] == [
        rows.mac(1),
        rows.mac(1, 1),
        rows.mac(2),
        rows.mac(3),
    ]
    record = json.loads((filled.directory / "m.json").read_text())
    assert record["result"] == "done"
    assert record["counts"]["written"] == record["counts"]["verified"] == 3
    assert "s3cret" not in (filled.directory / "m.json").read_text()
