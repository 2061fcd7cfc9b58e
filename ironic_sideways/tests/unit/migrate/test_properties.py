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

"""Whatever passes the check is mapped as declared; nothing raises."""

from typing import Any

import hypothesis
import pytest
from hypothesis import strategies as st

from ironic_sideways.migrate import classify, mapping
from ironic_sideways.tests import samples, strategies

POLICIES = [
    classify.Policy(boot_from_disk=True, null_deleted=choice)
    for choice in (None, "live", "skip")
]


@pytest.mark.filterwarnings("ignore")
@strategies.settings(ci=100, soak=5000)
@hypothesis.given(found=strategies.node(1), policy=st.sampled_from(POLICIES))
def test_any_row_is_skipped_refused_or_mapped_as_declared(
    found: list[dict[str, Any]], policy: classify.Policy
) -> None:
    node = samples.source(*found)
    verdict = classify.classify(node, samples.OPTIONS, policy)
    hypothesis.event(verdict.outcome)
    if verdict.outcome is classify.Outcome.MIGRATE:
        assert not verdict.reasons
        mapped = mapping.map_node(
            node, verdict.interfaces, samples.OPTIONS, samples.STAMP
        )
        assert samples.differences(node, mapped, verdict.interfaces) == []
    else:
        assert verdict.reasons
