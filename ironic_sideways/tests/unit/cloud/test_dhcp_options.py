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

"""Which DHCP options are the base's and which Ironic's, and the way back."""

import json
from pathlib import Path

import pytest

from ironic_sideways import exceptions
from ironic_sideways.cloud import dhcp_options

PORT = dhcp_options.Port("a", "instance", {"tftp-server": "192.0.2.1"})
BARE = dhcp_options.Port("a", "instance", {})


@pytest.mark.parametrize(
    ("name", "bases", "ironics"),
    [
        ("bootfile-name", True, False),
        ("67", False, True),
        ("!175", False, True),
        ("tag:!ipxe,67", False, True),
        ("ntp-server", False, False),
        ("option67", False, False),
    ],
)
def test_an_option_is_known_by_its_name(name: str, bases: bool, ironics: bool) -> None:
    found = dhcp_options.is_bases(name), dhcp_options.is_ironics(name)
    assert found == (bases, ironics)


def test_all_that_a_port_has_is_removed_and_one_without_stays() -> None:
    first, second = dhcp_options.plan([PORT, BARE])
    assert first.options == {"tftp-server": None}
    assert not second


def test_a_second_run_keeps_what_the_first_one_recorded(tmp_path: Path) -> None:
    path = tmp_path / "undo.json"
    dhcp_options.record(path, dhcp_options.plan([PORT]))
    first = json.loads(path.read_text())
    dhcp_options.record(path, dhcp_options.plan([BARE]))

    assert json.loads(path.read_text()) == first
    (change,) = dhcp_options.plan_undo(dhcp_options.recorded(path), [BARE])
    assert change.options == PORT.options


def test_the_way_back_needs_nothing_that_is_there_and_refuses_what_was_set_since() -> (
    None
):
    old = {"a": {"old": {"tftp-server": "192.0.2.1"}}}
    (change,) = dhcp_options.plan_undo(old, [PORT])
    assert not change
    other = dhcp_options.Port("a", "instance", {"tftp-server": "192.0.2.2"})
    with pytest.raises(exceptions.SidewaysError, match=r"192\.0\.2\.2 now, expected"):
        dhcp_options.plan_undo(old, [other])
