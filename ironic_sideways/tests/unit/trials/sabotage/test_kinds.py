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

"""What a person reads of a sabotage's check."""

import pytest

from ironic_sideways.trials.sabotage import acts, kinds


@pytest.mark.parametrize(
    ("kind", "more", "said"),
    [
        (kinds.Sabotage, {}, "take-over: row of ..."),
        (kinds.of_instance, {}, "survival: instance ..."),
        (kinds.as_moved, {}, "survival: ironic node ... as moved"),
        (kinds.at_the_end, {"check": r"logs/a\.log"}, "survival: logs/a.log"),
        (kinds.in_compute, {}, "resources: resources of ..."),
        (kinds.in_maintenance, {"check": "x"}, "maintenance: x"),
    ],
)
def test_a_check_is_told_without_its_pattern(kind, more, said) -> None:
    assert kind("name", "text", acts.add_port, says="x", **more).named_by == said
