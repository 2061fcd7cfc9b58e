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

from ironic_sideways import exceptions, placement


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("baremetal", "CUSTOM_BAREMETAL"),
        ("baremetal-deploy", "CUSTOM_BAREMETAL_DEPLOY"),
        ("Gold 2.1", "CUSTOM_GOLD_2_1"),
    ],
)
def test_a_class_is_named_as_ironic_driver_names_it(name: str, expected: str) -> None:
    assert placement.resource_class(name) == expected


@pytest.mark.parametrize("name", ["", "  ", "CUSTOM_BAREMETAL", "custom_x", "x" * 81])
def test_a_name_that_would_become_another_class_is_refused(name: str) -> None:
    with pytest.raises(exceptions.UsageError, match="expected the name in Ironic"):
        placement.resource_class(name)


def test_the_inventory_is_what_ironic_driver_reports() -> None:
    assert placement.node_inventory("CUSTOM_X") == {
        "CUSTOM_X": {
            "total": 1,
            "reserved": 0,
            "min_unit": 1,
            "max_unit": 1,
            "step_size": 1,
            "allocation_ratio": 1.0,
        }
    }
