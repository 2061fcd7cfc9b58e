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

"""A node in the shape that old clients parse."""

import uuid

import pytest
from jsonschema import validate
from tempest.lib.api_schema.response.compute.v2_1 import baremetal_nodes as schema

from ironic_sideways.proxy import shape
from ironic_sideways.tests.fake_ironic import FakeIronic
from ironic_sideways.tests.unit.proxy.conftest import (
    NODES,
    PROJECT,
    Nova,
)

PREFIXES = ["/v2.1", f"/v2.1/{PROJECT}", f"/v2/{PROJECT}", "/v2"]


def interface(address: str) -> dict[str, str | None]:
    return {"id": None, "datapath_id": None, "port_no": None, "address": address}


def test_t7_a_script_that_counts_the_tables_columns_finds_the_mac() -> None:
    """TripleO's filter-bootps: awk's column 8 of baremetal-interface-list."""
    node = shape.summary({"uuid": "a"}, ["52:54:00:00:00:01"])
    [card] = node["interfaces"]
    # novaclient 7 prints "-" for a null, and nothing for a key that is not there.
    cells = [
        "-" if card.get(key, "") is None else card.get(key, "")
        for key in ("id", "datapath_id", "port_no", "address")
    ]
    assert f"| {' | '.join(cells)} |".split()[7] == "52:54:00:00:00:01"


@pytest.mark.parametrize("prefix", PREFIXES)
def test_the_list_has_the_shape_that_old_clients_parse(
    nova_api: Nova, ironic: FakeIronic, prefix: str
) -> None:
    node = ironic.add_node(PROJECT, ("52:54:00:00:00:01", "52:54:00:00:00:02"))
    response = nova_api(f"{prefix}/os-baremetal-nodes")
    assert response.status_int == 200
    assert response.json == {
        "nodes": [
            {
                "id": node["uuid"],
                "interfaces": [
                    interface("52:54:00:00:00:01"),
                    interface("52:54:00:00:00:02"),
                ],
                "host": "IRONIC MANAGED",
                "task_state": "available",
                "cpus": 4,
                "memory_mb": "8192",
                "disk_gb": 100,
            }
        ]
    }
    validate(response.json, schema.list_baremetal_nodes["response_body"])


@pytest.mark.parametrize("prefix", PREFIXES)
def test_show_adds_the_instance(
    nova_api: Nova, ironic: FakeIronic, prefix: str
) -> None:
    instance = str(uuid.uuid4())
    node = ironic.add_node(
        PROJECT,
        ("52:54:00:00:00:01",),
        instance_uuid=instance,
        provision_state="active",
    )
    ironic.add_node(PROJECT, ("52:54:00:00:00:99",))
    response = nova_api(f"{prefix}/os-baremetal-nodes/{node['uuid']}")
    assert response.json["node"]["instance_uuid"] == instance
    assert response.json["node"]["task_state"] == "active"
    assert response.json["node"]["interfaces"] == [interface("52:54:00:00:00:01")]
    validate(response.json, schema.get_baremetal_node["response_body"])


@pytest.mark.parametrize("properties", [{}, None, {"cpus": None, "memory_mb": ""}])
def test_missing_properties_are_zero(
    nova_api: Nova, ironic: FakeIronic, properties: dict[str, object] | None
) -> None:
    ironic.add_node(PROJECT, properties=properties)
    [node] = nova_api(NODES).json["nodes"]
    assert (node["cpus"], node["memory_mb"], node["disk_gb"]) == ("0", "0", "0")
