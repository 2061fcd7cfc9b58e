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

import re
from pathlib import Path

import pytest

from ironic_sideways.lab import programs
from ironic_sideways.lab.layout import Layout


@pytest.fixture
def found(tmp_path: Path) -> dict[str, programs.Program]:
    return {one.name: one for one in programs.all_programs(Layout(tmp_path, 3))}


def test_every_service_has_a_program_and_no_place_is_left_open(found, tmp_path) -> None:
    assert list(found) == [row.name for row in Layout(tmp_path).services]
    for one in found.values():
        told = f"{one.command_line} {one.environment_line}"
        assert not re.search(r"{[a-z]", told), one.name


def test_an_api_listens_on_its_labs_port_and_stops_with_its_children(found) -> None:
    keystone = found["keystone"]

    port = Layout(Path("/lab"), 3).port("keystone")
    assert f"--http-socket=127.0.0.1:{port}" in keystone.command
    assert "keystone.wsgi.api:application" in keystone.command
    assert keystone.signal_group
    assert not found["nova-scheduler"].signal_group


def test_a_command_and_an_environment_are_as_supervisor_parses_them() -> None:
    one = programs.Program("x", ("run", "a b"), {"TZ": "UTC", "PATH": "/bin"})

    assert one.command_line == "run 'a b'"
    assert one.environment_line == 'TZ="UTC",PATH="/bin"'


def test_the_hardware_alone_has_no_api_and_tells_its_owners_neutron(tmp_path) -> None:
    found = programs.hardware(Layout(tmp_path), "stack")

    names = [one.name for one in found]
    assert {"libvirtd", "vbmcd", "dnsmasq", "prober"} <= set(names)
    assert not {"keystone", "mariadb"} & set(names)
    assert any("stack" in one.command_line for one in found)
