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

"""Documents judged anew, node by node."""

import pytest

from ironic_sideways.evidence import resources
from ironic_sideways.report import checks
from ironic_sideways.tests.unit.report.small_move import files


def failed(finding) -> list[str]:
    return [check.name for check in finding.failures]


def test_an_allocation_left_on_vcpu_is_a_failure(evidence):
    files.edit(
        evidence / "resources.json",
        lambda d: d["nodes"][0].update(allocations={"server-run": {"VCPU": 1}}),
    )

    assert failed(checks.check_resources(evidence)) == ["resources of node-run"]


@pytest.mark.parametrize(
    ("name", "old", "told"),
    [
        ("driver", "baremetal.BareMetalDriver", "driver"),
        ("manager", "nova.compute.manager.ComputeManager", "compute manager"),
    ],
)
def test_j10_a_nova_compute_left_on_the_old_driver_or_manager_is_a_failure(
    evidence, name, old, told
):
    files.edit(evidence / "resources.json", lambda d: d["loaded"].update({name: old}))

    assert failed(checks.check_resources(evidence)) == [told]


def test_the_stock_manager_is_right_when_the_run_was_told_so(evidence):
    stock = {"driver": resources.DRIVER, "manager": "nova.compute.ComputeManager"}
    files.edit(
        evidence / "resources.json", lambda d: d.update(loaded=stock, told=stock)
    )

    finding = checks.check_resources(evidence)

    assert finding.ok
    assert finding.figure.endswith(", ComputeManager")


@pytest.mark.parametrize("change", [{"verified": 0}, {"different": 1}, {"written": 2}])
def test_a_migration_whose_counts_disagree_is_a_failure(evidence, change):
    files.edit(evidence / "migration.json", lambda d: d["counts"].update(change))

    assert failed(checks.check_migration(evidence)) == ["counts agree"]


def test_a_migration_that_was_resumed_and_found_its_own_rows_is_whole(evidence):
    counts = {"planned": 0, "written": 0, "present": 3}
    files.edit(evidence / "migration.json", lambda d: d["counts"].update(counts))

    assert checks.check_migration(evidence).ok


def test_a_migration_that_failed_is_a_failure(evidence):
    files.edit(evidence / "migration.json", lambda d: d.update(result="failed"))

    assert failed(checks.check_migration(evidence)) == ["result"]


def test_snapshots_without_machines_prove_no_survival(evidence):
    files.edit(evidence / "after.json", lambda d: d.pop("ironic_nodes"))

    assert failed(checks.check_survival(evidence)) == ["ironic_nodes"]
