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

import pytest

from ironic_sideways import exceptions
from ironic_sideways.report import agreement, tempest
from ironic_sideways.tests.unit.report.small_move import files


def failed(directory):
    return list(tempest.check_tempest(directory).failures)


def change(directory, place, mutate):
    files.edit(directory / place, mutate)


def fail_first(document):
    document["tests"][0].update(outcome="failed", reason="409")
    document["counts"].update(passed=197, failed=1)


def test_whole_evidence_has_no_fault(evidence):
    finding = tempest.check_tempest(evidence)

    assert finding.ok
    assert finding.figure.startswith("198 passed, 0 failed, 0 skipped, 1 excluded; ")


def test_a_failed_test_is_told_with_what_it_did_before_the_move(evidence):
    change(evidence, tempest.AFTER, fail_first)

    (check,) = failed(evidence)

    assert check.name == "t0"
    assert check.detail == "failed: 409 (it passed before the move)"
    # No other subject is red for it.
    assert agreement.check_agreement(evidence).ok


def test_a_test_that_failed_before_the_move_is_a_fault_as_well(evidence):
    change(evidence, tempest.BEFORE, fail_first)

    assert [check.name for check in failed(evidence)] == ["t0 before the move"]


def test_the_base_may_be_left_out_of_a_run_of_the_selection_alone(evidence):
    (evidence / tempest.BEFORE).unlink()

    assert tempest.check_tempest(evidence).ok

    whole = {"list": "all", "floor": tempest.FLOORS["all"]}
    change(evidence, tempest.AFTER, lambda document: document.update(whole))
    with pytest.raises(exceptions.SidewaysError, match="absent"):
        tempest.check_tempest(evidence)


def test_a_skipped_test_is_a_fault(evidence):
    def skip(document):
        document["tests"][0].update(outcome="skipped", reason="no image")
        document["counts"].update(passed=197, skipped=1)

    change(evidence, tempest.AFTER, skip)

    assert [check.detail for check in failed(evidence)] == [
        "skipped: no image (it passed before the move)",
        "197 ran, expected at least 198",
    ]


def fewer(document):
    del document["tests"][197]
    document["counts"]["passed"] -= 1


def test_fewer_tests_than_the_floor_are_not_enough(evidence):
    change(evidence, tempest.AFTER, fewer)

    assert [check.detail for check in failed(evidence)] == [
        "197 ran, expected at least 198"
    ]


def test_a_floor_that_the_evidence_tells_is_not_believed(evidence):
    change(evidence, tempest.AFTER, fewer)
    change(evidence, tempest.AFTER, lambda document: document.update(floor=197))

    assert [check.name for check in failed(evidence)] == ["enough tests ran", "floor"]


def test_a_list_that_is_none_is_a_fault(evidence):
    for place, told in ((tempest.AFTER, "mine"), (tempest.BEFORE, "selection")):
        change(evidence, place, lambda d, told=told: d.update(list=told, floor=198))

    assert [check.name for check in failed(evidence)] == [
        "list of tests before the move",
        *("list of tests", "enough tests ran", "floor"),
    ]


@pytest.mark.parametrize("key", ["reason", "source"])
def test_an_exclusion_says_why_and_where(evidence, key):
    change(evidence, tempest.AFTER, lambda d: d["tests"][-1].update({key: ""}))

    (check,) = failed(evidence)

    assert check.name == "each exclusion has reason and source"
    assert "t198" in check.detail


def test_counts_that_its_tests_contradict_are_a_fault(evidence):
    change(evidence, tempest.AFTER, lambda d: d["counts"].update(passed=199))

    assert [check.name for check in failed(evidence)] == ["counts agree"]
