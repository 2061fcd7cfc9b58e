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

"""A survivor is looked at before and after what is done to it."""

from types import SimpleNamespace
from typing import Any

import pytest

from ironic_sideways import exceptions
from ironic_sideways.trials import survivors

MAC, OTHER = "52:54:01:00:00:01", "52:54:00:00:00:01"
SERVER = {"uuid": "server-1", "name": "web", "port": "port-1", "mac": MAC}
OLD = {"cpu_arch": "x86_64"}
ITS_NODE = {"node-1": {"CUSTOM_BAREMETAL": 1}}


class Api:
    """Nova's and Placement's: one embedded flavor, and an allocation at a time."""

    def __init__(self, specs: dict[str, str], *held: dict[str, Any]) -> None:
        self.specs = specs
        self.coming = list(held)

    def get(self, path: str, microversion: str) -> SimpleNamespace:
        if path == "/servers/server-1" and microversion == "2.47":
            body: Any = {"server": {"flavor": {"extra_specs": self.specs}}}
        else:
            assert path == "/allocations/server-1"
            held = self.coming.pop(0)
            body = {"allocations": {n: {"resources": r} for n, r in held.items()}}
        return SimpleNamespace(json=lambda: body)


def of(api: Api, neutron: str = MAC, ironic_has: str = MAC) -> survivors.Survivors:
    """:param neutron: the MAC that the port has now; ``ironic_has``: its NIC's."""
    node = SimpleNamespace(id="node-1", resource_class="baremetal")
    network = SimpleNamespace(get_port=lambda _id: SimpleNamespace(mac_address=neutron))
    work: Any = SimpleNamespace(cloud=SimpleNamespace(compute=api, network=network))
    admin: Any = SimpleNamespace(placement=api)
    ports = [
        SimpleNamespace(
            address=mac,
            internal_info={"tenant_vif_port_id": "port-1"} if mac == ironic_has else {},
        )
        for mac in (OTHER, MAC)
    ]
    ironic: Any = SimpleNamespace(
        baremetal=SimpleNamespace(
            nodes=lambda **_: iter([node]), ports=lambda **_: iter(ports)
        )
    )
    return survivors.Survivors(work, admin, ironic)


def test_what_was_done_is_told_with_flavor_and_allocation() -> None:
    found = of(Api(OLD, ITS_NODE)).operate(SERVER, lambda _server: "rebooted")

    assert found == {
        "detail": "rebooted",
        "instance": "server-1",
        "embedded": OLD,
        "allocation": ITS_NODE,
        "macs": {"neutron": MAC, "ironic": MAC},
    }


@pytest.mark.parametrize(
    ("neutron", "ironic"), [(OTHER, OTHER), (MAC, OTHER), (MAC, "none")]
)
def test_t2_a_survivors_port_keeps_its_mac_which_is_its_nics(
    neutron: str, ironic: str
) -> None:
    """Ironic writes its port's address to Neutron's when it binds it."""
    with pytest.raises(exceptions.SidewaysError, match=f"its port with MAC {MAC}"):
        of(Api(OLD, ITS_NODE), neutron, ironic).operate(SERVER, lambda _s: "rebuilt")


def test_more_than_a_line_is_kept_as_it_was_told() -> None:
    said = {"detail": "rebuilt", "deploy": {"node": "node-1"}}

    found = of(Api(OLD, ITS_NODE)).operate(SERVER, lambda _server: said)

    assert found["deploy"] == {"node": "node-1"}


def test_a_flavor_of_after_the_move_proves_nothing_and_nothing_is_done() -> None:
    new = {**OLD, "resources:CUSTOM_BAREMETAL": "1"}

    with pytest.raises(exceptions.SidewaysError, match="found resources:CUSTOM_BARE"):
        of(Api(new)).operate(SERVER, lambda _server: pytest.fail("it was done"))


@pytest.mark.parametrize("held", [{}, {"node-1": {"VCPU": 1}}])
def test_a_survivor_must_hold_exactly_its_node(held: dict[str, Any]) -> None:
    with pytest.raises(exceptions.SidewaysError, match="expected the allocation"):
        of(Api(OLD, held)).operate(SERVER, lambda _server: "rebooted")


def test_of_a_deleted_one_the_allocation_is_waited_for_until_it_is_gone() -> None:
    found = of(Api(OLD, ITS_NODE, {})).operate(
        SERVER, lambda _server: "deleted", gone=True
    )

    assert found["allocation"] == {}
