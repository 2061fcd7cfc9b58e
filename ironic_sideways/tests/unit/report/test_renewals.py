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

from ironic_sideways.report import renewals
from ironic_sideways.tests.unit.report import whole
from ironic_sideways.tests.unit.report.whole import BEGIN, OPERATED


def failed(directory) -> list[str]:
    return [check.name for check in renewals.check_leases(directory).failures]


def test_a_survivor_that_never_renewed_its_lease_is_a_failure(evidence):
    whole.write_lines(evidence / "leases.jsonl", [whole.lease(BEGIN - 50, "add")])

    assert failed(evidence) == [f"lease of {whole.mac(1)}"]


def test_a_survivor_that_renewed_another_address_is_a_failure(evidence):
    other = {**whole.lease(BEGIN + 10), "ip": "172.30.0.201"}
    whole.write_lines(evidence / "leases.jsonl", [other])

    assert failed(evidence) == [f"lease of {whole.mac(1)}"]


def test_a_lease_renewed_only_after_the_operations_is_no_survivors(evidence):
    late = whole.lease(OPERATED + 5)
    whole.write_lines(evidence / "leases.jsonl", [whole.lease(BEGIN - 50, "add"), late])

    assert failed(evidence) == [f"lease of {whole.mac(1)}"]
