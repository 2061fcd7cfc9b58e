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

import datetime
import types

import pytest

from ironic_sideways.evidence import takeover

TAKEN = {
    "provision_state": "active",
    "power_state": "power on",
    "maintenance": False,
    "last_error": None,
    "online": True,
    "reservation": None,
}


def test_an_active_node_with_an_online_conductor_is_taken_over():
    assert takeover.missing(TAKEN) == ""


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"online": None}, "no online conductor manages it"),
        ({"online": False}, "no online conductor manages it"),
        ({"power_state": None}, "power state not adopted yet"),
        ({"maintenance": True}, "is in maintenance"),
        ({"last_error": "no kernel"}, "last_error: no kernel"),
        (
            {"reservation": "conductor-1", "power_state": None},
            "is reserved by conductor-1",
        ),
    ],
)
def test_what_an_active_node_lacks_is_told(change, says):
    assert takeover.missing({**TAKEN, **change}) == says


def test_a_free_node_needs_no_conductor_of_its_own():
    free = {**TAKEN, "provision_state": "available", "online": None}

    assert takeover.missing(free) == ""


def test_a_node_without_a_row_is_told():
    assert takeover.missing(None) == "has no row"


#: Of the host's local time, as the log has it.
NOON = datetime.datetime(2026, 11, 26, 12).astimezone()


def test_a_conductor_that_switches_a_machine_is_quoted_by_line(tmp_path):
    log = tmp_path / "ironic-conductor.log"
    log.write_text(
        "INFO all is well\n"
        "WARNING node n1 does not match expected state 'power off'. "
        "Changing hardware state to 'power off'.\n"
    )

    (line,) = takeover.forbidden_lines(log, NOON)

    assert line.startswith("ironic-conductor.log:2: WARNING node n1")


def test_what_a_conductor_did_in_an_earlier_try_counts_no_more(tmp_path):
    log = tmp_path / "ironic-conductor.log"
    text = "1 WARNING ironic.conductor Changing hardware state to 'power off'.\n"
    log.write_text(
        f"2026-11-26 11:59:59.999 {text}"
        f"with a second line, Changing hardware state\n"
        f"2026-11-26 12:00:00.001 {text}"
    )

    (line,) = takeover.forbidden_lines(log, NOON)

    assert line.startswith("ironic-conductor.log:3: 2026-11-26 12:00:00.001")


def test_nodes_tell_which_runs_moved_them():
    told = [{"nova_bm": {"run_id": run}} for run in ("two", "one", "two")]
    nodes = [types.SimpleNamespace(extra=extra) for extra in ({}, *told)]
    asked = types.SimpleNamespace(nodes=lambda details: nodes if details else [])
    ironic = types.SimpleNamespace(baremetal=asked)

    assert takeover.moved_by(ironic) == ["one", "two"]
