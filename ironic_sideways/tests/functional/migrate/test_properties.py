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

"""Whatever nova_bm holds: no traceback, no partial load, verify agrees with run."""

from typing import Any

import hypothesis
import pytest
import sqlalchemy as sa
from hypothesis import strategies as st

from ironic_sideways.tests import rows, strategies
from ironic_sideways.tests.functional.conftest import Clouds

EMPTY: dict[str, list] = {"nodes": [], "ports": []}

decisions = st.sampled_from(
    [(), ("--null-deleted", "live"), ("--null-deleted", "skip")]
)


@pytest.mark.filterwarnings("ignore")
@hypothesis.settings(
    max_examples=30,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(hypothesis.HealthCheck),
)
@hypothesis.given(contents=strategies.contents, decision=decisions)
def test_any_contents_move_whole_or_not_at_all(
    clouds: Clouds,
    capsys: pytest.CaptureFixture[str],
    contents: tuple[list[dict[str, Any]], ...],
    decision: tuple[str, ...],
) -> None:
    clouds.sql(clouds.nova_bm, "DELETE FROM bm_interfaces", "DELETE FROM bm_nodes")
    for made in contents:
        for row in made:
            insert_if_allowed(clouds, row)
    ready = clouds.migrate("check", *decision)
    code = clouds.migrate("run", *decision)
    said = capsys.readouterr()
    assert code in (0, 1), said
    assert code == ready, said
    assert clouds.migrate("verify", *decision) == code, said
    if code == 0:
        assert clouds.migrate("run", *decision) == 0
        assert clouds.migrate("rollback") == 0
    assert clouds.ironic_rows() == EMPTY


def insert_if_allowed(clouds: Clouds, row: dict[str, Any]) -> None:
    """Insert what nova_bm's own unique indexes allow."""
    try:
        rows.insert(clouds.nova_bm, row)
    except (sa.exc.IntegrityError, sa.exc.DataError):
        hypothesis.event("a row that nova_bm itself refuses")
