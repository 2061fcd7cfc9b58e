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

import pytest

from ironic_sideways import operations


@pytest.mark.parametrize(
    ("reserved", "allocations", "held"),
    [(0, {}, []), (1, {"server": {}}, []), (1, {}, ["node"]), (0, {"s": {}}, ["node"])],
)
def test_a_node_is_reserved_whole_as_long_as_it_is_used(reserved, allocations, held):
    provider = {
        "uuid": "node",
        "inventories": {"VCPU": {"reserved": reserved}},
        "allocations": allocations,
    }

    assert operations.held_back([provider]) == held


def test_an_operation_that_fails_is_a_finding_and_the_others_go_on():
    def fails() -> str:
        raise OSError("no luck")

    found = operations.side_by_side(
        {"one": fails, "two": lambda: "done"}, {"three": lambda: {"detail": "x"}}
    )

    assert [(f["name"], f["ok"]) for f in found] == [
        ("one", False),
        ("two", True),
        ("three", True),
    ]
    assert found[0]["detail"] == "OSError: no luck"
