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

"""A row of ours is known again, and so is what was changed of it since."""

import datetime
from typing import Any

import pytest

from ironic_sideways.migrate import provenance

WRITTEN = datetime.datetime(2026, 11, 29, 10)


def sealed() -> dict[str, Any]:
    row: dict[str, Any] = {
        **{"id": 1, "uuid": "node-1", "name": None, "updated_at": WRITTEN},
        "driver_info": {"ipmi_address": "127.0.0.1", "ipmi_password": "secret"},
        "properties": {"cpus": 4},
        "extra": {"nova_bm": {"run_id": "run-1"}, "theirs": 1},
        "reservation": None,
        "power_state": None,
    }
    provenance.seal(row)
    return row


def test_a_row_as_it_was_written_is_ours_and_unchanged() -> None:
    row = sealed()

    own = provenance.of(row)
    assert own is not None and own["run_id"] == "run-1"
    assert provenance.changes(row, taken_over=False) == []
    assert not provenance.is_changed(row)


@pytest.mark.parametrize("extra", [None, {}, {"nova_bm": "x"}, {"nova_bm": {}}])
def test_a_row_of_others_is_not_ours(extra) -> None:
    assert provenance.of({"extra": extra}) is None
    assert provenance.is_changed({"extra": extra})


@pytest.mark.parametrize(
    ("changed", "found"),
    [
        ({"name": "other"}, ["content"]),
        ({"properties": {"cpus": 8}}, ["content"]),
        ({"driver_info": {"ipmi_address": "127.0.0.2"}}, ["content"]),
        ({"reservation": "host"}, ["content", "reservation"]),
        ({"id": 7}, []),
    ],
)
def test_what_somebody_changed_is_named(changed, found) -> None:
    assert provenance.changes(sealed() | changed, taken_over=True) == found


@pytest.mark.parametrize(
    ("changed", "found"),
    [
        ({"power_state": "power on"}, ["power_state"]),
        ({"properties": {"cpus": 4, "vendor": "x"}}, []),
        ({"updated_at": WRITTEN + datetime.timedelta(1)}, ["updated_at"]),
    ],
)
def test_what_a_take_over_writes_is_no_change_once_there_was_one(
    changed, found
) -> None:
    row = sealed() | changed

    assert provenance.changes(row, taken_over=True) == []
    assert provenance.changes(row, taken_over=False) == found


def test_no_password_goes_into_the_digest() -> None:
    row = sealed()
    other = {"ipmi_address": "127.0.0.1", "ipmi_password": "guessed"}

    assert provenance.digest(row) == provenance.digest(row | {"driver_info": other})
