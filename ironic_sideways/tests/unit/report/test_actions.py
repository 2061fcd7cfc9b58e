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

"""What the maintenance may have done to an instance, however often it was tried."""

from typing import Any

import pytest

from ironic_sideways.report import actions
from ironic_sideways.tests.unit.report import told_twice

BEGIN, END = 1796105000.0, 1796105100.0
TRIES = {
    "begin-maintenance": [(BEGIN, BEGIN + 3), (BEGIN + 10, BEGIN + 13)],
    "end-maintenance": [(END, END + 3)],
}
CREATED = (-900, "create")
LOCKED, UNLOCKED = (1, "lock"), (101, "unlock")


def told(*rows: tuple[float, str]) -> list[dict[str, str]]:
    return [told_twice.action(BEGIN + at, name, "admin") for at, name in rows]


def wrong(*looks: list[tuple[float, str]], held: bool = True) -> list[str]:
    """What is wrong with what each look after the first has beside the creation."""
    names = ("before.json", "after.json", "ended.json")
    found: dict[str, Any] = {
        name: told(CREATED, *rows)
        for name, rows in zip(names, ([], *looks), strict=False)
    }
    return list(actions.faults(found, held, TRIES))


@pytest.mark.parametrize(
    "looks",
    [
        ([LOCKED], [LOCKED, UNLOCKED]),
        # A run that was cut off.
        ([LOCKED],),
        # The phase was resumed.
        ([LOCKED, (11, "lock")], [LOCKED, (11, "lock"), UNLOCKED]),
        # Nova tells whole seconds.
        ([(-0.9, "lock")],),
    ],
)
def test_what_the_maintenance_does_is_right(looks):
    assert wrong(*looks) == []


def test_what_its_owner_had_locked_is_let_alone():
    assert wrong([], [], held=False) == []
    assert wrong([LOCKED], held=False)


@pytest.mark.parametrize(
    ("looks", "says"),
    [
        (([],), "after.json: [], expected lock last"),
        (([LOCKED], [LOCKED]), "ended.json: ['lock'], expected unlock last"),
        (([LOCKED, (50, "unlock"), (51, "lock")],), "not by the maintenance"),
        (([LOCKED, (2, "reboot"), (3, "lock")],), "not by the maintenance"),
        (([LOCKED], [UNLOCKED]), "ended.json: [{"),
        (([LOCKED], [LOCKED, UNLOCKED, (190, "unlock")]), "not by the maintenance"),
    ],
)
def test_all_else_is_named(looks, says):
    assert any(says in one for one in wrong(*looks))


def test_who_else_locked_it_is_named():
    found = {"before.json": told(CREATED), "after.json": told(CREATED, LOCKED, LOCKED)}
    found["after.json"][-1]["user_id"] = "another"

    (fault,) = actions.faults(found, True, TRIES)

    assert fault.startswith("after.json: by several users: ")
