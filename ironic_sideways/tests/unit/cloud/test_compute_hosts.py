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

"""Whose a node is, and whether its nova-compute is up, in Nova's own words."""

from types import SimpleNamespace
from typing import Any

import pytest

from ironic_sideways import exceptions
from ironic_sideways.cloud import compute_hosts


def hypervisor(number: int, state: str, host: str) -> SimpleNamespace:
    return SimpleNamespace(
        id=f"uuid-{number}",
        name=f"node-{number}",
        state=state,
        service_details={"host": host},
    )


NODES = (hypervisor(1, "up", "one"), hypervisor(2, "down", "two"))


def compute(*found: SimpleNamespace) -> Any:
    return SimpleNamespace(hypervisors=lambda **_: iter(found or NODES))


def test_the_nodes_of_a_host_are_its_own() -> None:
    assert compute_hosts.nodes_of(compute(), ["two"]) == ["uuid-2"]
    with pytest.raises(
        exceptions.SidewaysError, match=r"compute host three: .*no node"
    ):
        compute_hosts.nodes_of(compute(), ["one", "three"])


def test_only_a_compute_that_is_up_and_has_one_of_the_nodes_is_in_the_way() -> None:
    compute_hosts.check(compute(), ["uuid-2", "unknown"], 0)

    with pytest.raises(exceptions.SidewaysError, match="on one is up") as e:
        compute_hosts.check(compute(), ["uuid-1", "uuid-2"], 0)
    assert "nothing was changed" in str(e.value)


def test_a_node_whose_host_nova_does_not_tell_is_named_itself() -> None:
    assert compute_hosts.whose(compute(), ["node-1", "lost"]) == (
        "nova-compute on (node lost), one"
    )
