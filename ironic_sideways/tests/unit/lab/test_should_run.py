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

"""What was stopped on purpose stays stopped."""

from ironic_sideways.lab import should_run
from ironic_sideways.lab.layout import Layout


def test_a_new_lab_wants_the_base_alone(layout: Layout) -> None:
    assert should_run.load(layout) == should_run.base(layout)


def test_a_stopped_service_is_not_wanted_until_it_is_started(layout: Layout) -> None:
    layout.directory.mkdir()
    should_run.change(layout, "nova-compute", runs=False)
    stopped = should_run.load(layout)
    should_run.change(layout, "nova-compute", runs=True)

    assert "nova-compute" not in stopped
    assert should_run.load(layout) == should_run.base(layout)


def test_ironic_is_wanted_once_it_was_started(layout: Layout) -> None:
    layout.directory.mkdir()
    should_run.change(layout, "ironic-api", runs=True)

    assert should_run.load(layout) == [*should_run.base(layout), "ironic-api"]
