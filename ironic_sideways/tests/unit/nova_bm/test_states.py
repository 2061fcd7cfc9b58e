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

"""What task_state and instance_uuid say together."""

import pytest

from ironic_sideways.nova_bm import states


@pytest.mark.parametrize(
    ("task_state", "instance", "use"),
    [
        (None, None, "free"),
        ("deleted", None, "free"),
        ("deleted", "", "free"),
        ("active", "i", "used"),
        ("deploying", "i", "in flight"),
        ("deploy complete", None, "in flight"),
        ("deploy failed", "i", "failed"),
        ("error", None, "failed"),
        ("deleted", "i", "inconsistent"),
        (None, "i", "inconsistent"),
        ("active", None, "inconsistent"),
        ("rebooting", "i", "inconsistent"),
    ],
)
def test_only_a_node_at_rest_is_free_or_used(task_state, instance, use) -> None:
    assert states.use(task_state, instance) == use
