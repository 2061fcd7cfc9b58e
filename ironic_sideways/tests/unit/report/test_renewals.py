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

"""Survivors' leases, held against the window's moments."""

import pytest

from ironic_sideways.report import renewals, window
from ironic_sideways.tests.unit.report.small_move import files, guests, small_cloud
from ironic_sideways.tests.unit.report.small_move.phases import BEGIN, OPERATED

NEVER = f"lease of {small_cloud.mac(1)}"
BROKEN = f"{NEVER} without a break"


def failed(directory) -> list[str]:
    return [check.name for check in renewals.check_leases(directory).failures]


def test_a_survivor_that_never_renewed_its_lease_is_a_failure(evidence):
    known = [guests.lease(BEGIN - 50, "add"), guests.lease(BEGIN + 10)]
    files.write_lines(evidence / "leases.jsonl", known)

    assert failed(evidence) == [NEVER]


def test_a_survivor_that_renewed_another_address_is_a_failure(evidence):
    other = {**guests.lease(BEGIN + 10), "ip": "172.30.0.201"}
    files.write_lines(evidence / "leases.jsonl", [other])

    assert failed(evidence) == [NEVER, BROKEN]


def test_a_lease_renewed_only_after_the_operations_is_no_survivors(evidence):
    late = guests.lease(OPERATED - 5), guests.lease(OPERATED + 5)
    first = {**guests.lease(BEGIN - 50, "add"), "expires": late[0]["expires"]}
    files.write_lines(evidence / "leases.jsonl", [first, *late])

    assert failed(evidence) == [NEVER]


@pytest.mark.parametrize(
    ("at", "says"),
    [
        ((-50, 10, 70), ""),
        ((-50, 70), ""),
        ((-50, 71), "it ran out at 00:17:50 UTC"),
        ((-50,), "it ran out at 00:17:50 UTC"),
        ((10, 70), "it had none when maintenance began"),
        ((-150, 10, 70), "it had none when maintenance began"),
    ],
)
def test_a_survivors_lease_is_renewed_before_it_runs_out(evidence, at, says):
    files.write_lines(
        evidence / "leases.jsonl", [guests.lease(BEGIN + moment) for moment in at]
    )
    found = renewals.held(evidence, window.bounds(evidence))

    assert [check.detail for check in found] == [says]
