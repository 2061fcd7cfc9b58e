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

from typing import Any

import pytest

from ironic_sideways.migrate import choices, classify, mapping, sound_options
from ironic_sideways.tests import rows, samples

PROJECT = "8e2d51e41f0c4a3c9d5e0b1d7a2c9c10"
SOUND = choices.Options(resource_class="baremetal", owner=PROJECT, node_arch="x86_64")


ADDRESSES = [
    "10.0.0.9", "bmc-2.example.org", "bmc_2", "fd00::1", "::1", "::ffff:10.0.0.1",
    "node1-ilo.", "9node",
]  # fmt: skip
#: What ipmitool's -H would take for something else, or never resolve.
NO_ADDRESSES = [
    "10.0.0.9 ", " 10.0.0.9", "a b", "10.0.0.9:623", "bmc:623", "[fd00::1]",
    "https://10.0.0.9", "-H", "10.0.0", "10.0.0.300", "010.0.0.9", "fd00::1::2",
    "10.0.0.9/24", "10.0.0.9\n", "bm\u0441", "",
]  # fmt: skip


@pytest.mark.parametrize("address", ADDRESSES)
def test_a_bmc_has_a_name_or_an_ip_address(address: str) -> None:
    assert sound_options.is_address(address)
    assert verdict(pm_address=address).outcome is classify.Outcome.MIGRATE


@pytest.mark.parametrize("address", NO_ADDRESSES)
def test_d7_what_is_no_address_is_refused(address: str) -> None:
    assert not sound_options.is_address(address)
    found = verdict(pm_address=address)
    assert found.outcome is classify.Outcome.REFUSE
    assert len(found.reasons[0].splitlines()) == 1
    assert "iBoot" not in found.reasons[0] or ":" in address


@pytest.mark.parametrize("address", ["10.0.0.5:9100,2", "10.0.0.5,2", "pdu:9100"])
def test_d7_an_iboots_address_is_named(address: str) -> None:
    (reason,) = verdict(pm_address=address).reasons
    assert f"pm_address {address!r} is neither" in reason
    assert "(an iBoot's address:port,relay?)" in reason
    assert "--bmc-map" in reason


@pytest.mark.parametrize("port", [0, -1, 65536, 800000])
def test_d7_a_terminal_port_that_is_none_is_kept_in_extra_alone(port: int) -> None:
    node = samples.source(rows.free_node(1, terminal_port=port))
    found = classify.classify(node, SOUND, classify.Policy())
    assert found.outcome is classify.Outcome.MIGRATE
    assert f"terminal_port {port} is not a port from 1 to 65535" in found.notes[0]
    mapped = mapping.map_node(node, (), SOUND, samples.STAMP)
    assert "ipmi_terminal_port" not in mapped.node["driver_info"]
    assert mapped.node["extra"]["nova_bm"]["terminal_port"] == port
    assert samples.differences(node, mapped, options=SOUND) == []


@pytest.mark.parametrize("port", [1, 65535])
def test_a_terminal_port_that_is_one_moves(port: int) -> None:
    node = samples.source(rows.free_node(1, terminal_port=port))
    mapped = mapping.map_node(node, (), SOUND, samples.STAMP)
    assert mapped.node["driver_info"]["ipmi_terminal_port"] == port
    assert "terminal_port" not in mapped.node["extra"]["nova_bm"]
    assert samples.differences(node, mapped, options=SOUND) == []


def verdict(**changed: Any) -> classify.Verdict:
    node = samples.source(rows.free_node(1, **changed))
    return classify.classify(node, SOUND, classify.Policy())
