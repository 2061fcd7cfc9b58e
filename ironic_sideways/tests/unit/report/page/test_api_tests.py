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

"""Tempest's tests: what failed first, and what the move changed."""

import pytest

from ironic_sideways.report.page import api_tests
from ironic_sideways.tests.unit.report.small_move import files


def test_failed_tests_come_first_and_all_are_there(good):
    files.edit(
        good / "tempest" / "results.json",
        lambda d: d["tests"][5].update(outcome="failed", reason="it broke"),
    )

    found = api_tests.results(good)

    assert found.tests[0].outcome == "failed"
    assert len(found.tests) == 217
    assert found.counts == {"failed": 1, "excluded": 11, "passed": 205}


def test_what_the_move_changed_is_told(good):
    files.edit(
        good / "tempest" / "results.json",
        lambda d: d["tests"][5].update(outcome="failed"),
    )

    found = api_tests.results(good)

    assert found.changed == 1
    assert (found.tests[0].before, found.tests[0].outcome) == ("passed", "failed")


def test_without_the_base_nothing_is_said_of_it(good):
    (good / "tempest-base" / "results.json").unlink()

    found = api_tests.results(good)

    assert not found.base
    assert found.changed == 0


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "tempest.api.compute.flavors.test_flavors.V2.test_list[id-1,smoke]",
            ("compute.flavors.test_flavors.V2", "test_list"),
        ),
        (
            "setUpClass (tempest.api.compute.servers.test_x.X)",
            ("compute.servers.test_x.X", "setUpClass"),
        ),
    ],
)
def test_a_test_is_told_by_its_class_and_name(name, expected):
    assert api_tests.split(name) == expected
