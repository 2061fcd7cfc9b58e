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

import contextlib
from typing import Any

import hypothesis
import pytest
import sqlalchemy as sa
from hypothesis import strategies as st

from ironic_sideways.nova_bm import database
from ironic_sideways.tests import strategies
from ironic_sideways.tests.functional.conftest import Clouds
from ironic_sideways.tests.functional.migrate.test_rollback import OTHERS

#: Each with what it decides, so that no example is refused for want of it.
decisions = st.sampled_from(
    [
        (),
        ("--null-deleted", "live"),
        ("--null-deleted", "skip", "--instances-boot-from-disk"),
        ("--null-deleted", "live", "--resource-class-by-shape"),
        ("--free-state", "manageable", "--service-host", "compute-1"),
    ]
)


@pytest.mark.filterwarnings("ignore")
@strategies.settings(ci=25, soak=1000)
@hypothesis.given(contents=strategies.contents, decision=decisions)
def test_any_contents_move_whole_or_not_at_all(
    clouds: Clouds,
    capsys: pytest.CaptureFixture[str],
    contents: tuple[list[dict[str, Any]], ...],
    decision: tuple[str, ...],
) -> None:
    refill(clouds, [row for made in contents for row in made])
    before = clouds.ironic_rows()
    ready = clouds.migrate("check", *decision)
    code = clouds.migrate("run", *decision)
    said = capsys.readouterr()
    hypothesis.event(f"exit code {code}")
    assert code in (0, 1), said
    assert code == ready, said
    assert clouds.migrate("verify", *decision) == code, said
    if code == 0:
        written = clouds.ironic_rows()
        assert clouds.migrate("run", *decision) == 0
        assert clouds.ironic_rows() == written
        assert clouds.migrate("rollback") == 0
    assert clouds.ironic_rows() == before


def refill(clouds: Clouds, made: list[dict[str, Any]]) -> None:
    """Empty both; what nova_bm's unique indexes allow goes in, zero dates too."""
    clouds.sql(clouds.nova_bm, "DELETE FROM bm_interfaces", "DELETE FROM bm_nodes")
    clouds.sql(clouds.ironic, "DELETE FROM ports", "DELETE FROM nodes", *OTHERS)
    with database.engine(clouds.nova_bm).begin() as connection:
        connection.exec_driver_sql("SET SESSION sql_mode = 'STRICT_ALL_TABLES'")
        for row in made:
            table = "bm_interfaces" if "bm_node_id" in row else "bm_nodes"
            names, values = ", ".join(row), ", ".join(f":{name}" for name in row)
            statement = f"INSERT INTO {table} ({names}) VALUES ({values})"  # noqa: S608
            with contextlib.suppress(sa.exc.IntegrityError):
                connection.execute(sa.text(statement), row)
