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

"""What is expected of the proxy is read from Ironic, and a node's owner put back."""

from types import SimpleNamespace
from typing import Any

import pytest

from ironic_sideways.trials.proxy import visibility


class Ironic:
    """One node with two ports, and the owner that it was given last."""

    def __init__(self, owner: str | None) -> None:
        self.owner = owner
        self.patches: list[dict[str, Any]] = []
        self.baremetal = self

    def get_node(self, _name: str) -> SimpleNamespace:
        properties = {"cpus": 4, "memory_mb": "512", "local_gb": 2}
        about = {"id": "node", "provision_state": "available"}
        return SimpleNamespace(owner=self.owner, properties=properties, **about)

    def nodes(self, details: bool) -> list[SimpleNamespace]:
        return [self.get_node("node")]

    def ports(self, details: bool) -> list[SimpleNamespace]:
        return [
            SimpleNamespace(node_id=node, address=f"52:54:00:00:00:0{number}")
            for node, number in (("node", 2), ("other", 3), ("node", 1))
        ]

    def patch_node(self, _name: str, patch: list[dict[str, Any]]) -> None:
        self.patches += patch
        self.owner = patch[0].get("value")


def test_a_node_is_expected_as_ironic_has_it() -> None:
    found = visibility.in_ironic(Ironic("project"))

    unknown = {"id": None, "datapath_id": None, "port_no": None}
    interfaces = [{**unknown, "address": f"52:54:00:00:00:0{n}"} for n in (1, 2)]
    node = {
        **{"id": "node", "interfaces": interfaces, "host": "IRONIC MANAGED"},
        **{"task_state": "available", "cpus": 4, "memory_mb": "512", "disk_gb": 2},
    }
    assert found == {"node": ("project", node)}
    swapped = node | {"interfaces": interfaces[::-1]}
    assert visibility.by_id([swapped]) == {"node": node}


@pytest.mark.parametrize("before", ["project", None])
@pytest.mark.parametrize("other", ["another", None])
def test_a_nodes_owner_is_put_back_after_a_failure_too(before, other) -> None:
    ironic: Any = Ironic(before)

    with pytest.raises(LookupError), visibility.owned_by(ironic, "node", other):
        assert ironic.owner == other
        raise LookupError

    assert ironic.owner == before
    assert [patch["op"] for patch in ironic.patches] == [
        "add" if owner else "remove" for owner in (other, before)
    ]
