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

"""The lab's bridge on a real kernel."""

import dataclasses
import os
import subprocess
from collections.abc import Iterator
from ipaddress import ip_network
from pathlib import Path

import pytest

from ironic_sideways import exceptions
from ironic_sideways.lab import bridge
from ironic_sideways.lab.layout import MAX_LIGHT_NUMBER, Layout

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="a bridge needs root")

NUMBER = 96


@pytest.fixture
def layout(tmp_path: Path) -> Iterator[Layout]:
    layout = Layout(tmp_path / "lab", NUMBER)
    yield layout
    subprocess.run(["ip", "link", "delete", layout.bridge], check=False)


def test_the_bridge_of_a_killed_lab_is_taken_over(
    layout: Layout, tmp_path: Path
) -> None:
    bridge.create(Layout(tmp_path / "killed", NUMBER))

    bridge.create(layout)

    assert bridge.of_lab(layout) == [layout.bridge]


def test_a_light_labs_guests_have_a_device_on_its_bridge(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "lab", MAX_LIGHT_NUMBER, light=True)
    try:
        bridge.create(layout)
        bridge.create(layout)
        port = bridge.find(f"{layout.bridge}-port")

        assert port is not None
        assert port["master"] == layout.bridge
        assert bridge.find(layout.guests) is not None
    finally:
        bridge.remove(layout)

    assert bridge.of_lab(layout) == []
    assert bridge.find(layout.guests) is None


def test_the_bridge_of_a_lab_that_lives_stays_its(
    layout: Layout, tmp_path: Path
) -> None:
    other = Layout(tmp_path / "alive", NUMBER)
    bridge.create(other)
    with subprocess.Popen(
        ["sleep", "60"],
        env={
            "IRONIC_SIDEWAYS_LAB": str(other.directory),
            "SUPERVISOR_PROCESS_NAME": "nova-api",
        },
    ) as service:
        with pytest.raises(exceptions.SidewaysError, match="another owner"):
            bridge.create(layout)
        service.kill()

    assert bridge.of_lab(other) == [other.bridge]


def test_addresses_and_routes_of_the_host_are_found_by_their_device(
    layout: Layout,
) -> None:
    other = dataclasses.replace(layout, prefix="10.213")
    bridge.create(other)
    via = f"10.214.0.0/16 via {other.network[2]}"
    subprocess.run(["ip", "route", "add", *via.split()], check=True)

    found = bridge.taken_networks()

    for network in (other.network, other.network6, ip_network("10.214.0.0/16")):
        assert (other.bridge, network) in found
    assert not [one for one in found if one[1].prefixlen == 0]
