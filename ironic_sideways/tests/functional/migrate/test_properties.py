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

from ironic_sideways.nova_bm import states
from ironic_sideways.tests import rows
from ironic_sideways.tests.functional.conftest import Clouds

EMPTY: dict[str, list] = {"nodes": [], "ports": []}

#: What a latin1 VARCHAR can hold, odd characters included.
odd_text = st.text(
    st.characters(codec="latin1", categories=("L", "N", "P", "S", "Zs")), max_size=36
)
numbers = st.none() | st.integers(-(2**31), 2**31 - 1)
times = st.none() | st.datetimes().map(lambda t: t.strftime("%Y-%m-%d %H:%M:%S"))
task_states = st.sampled_from(
    [*states.FREE, *states.IN_FLIGHT, *states.FAILED, states.ACTIVE]
)
macs = st.text("0123456789abcdefABCDEF", min_size=12, max_size=12).map(
    lambda digits: ":".join(digits[i : i + 2] for i in range(0, 12, 2))
)
deleted = st.sampled_from([0, 0, 0, 1, None])


def mostly(sound: Any, other: st.SearchStrategy) -> st.SearchStrategy:
    """``sound`` nine times in ten."""
    return st.integers(0, 9).flatmap(lambda n: other if n == 0 else st.just(sound))


@st.composite
def node(draw: st.DrawFn, number: int) -> list[dict[str, Any]]:
    """A bm_nodes row with its bm_interfaces rows, sound but for a few columns."""
    base = rows.used_node if draw(st.booleans()) else rows.free_node
    row = base(number)
    odd: dict[str, st.SearchStrategy] = {
        "uuid": st.none() | odd_text,
        "deleted": deleted,
        "cpus": numbers,
        "memory_mb": numbers,
        "local_gb": numbers,
        "root_mb": numbers,
        "swap_mb": numbers,
        "ephemeral_mb": numbers,
        "terminal_port": numbers,
        "preserve_ephemeral": st.sampled_from([None, 0, 1]),
        "pm_address": st.none() | odd_text | st.just("10.0.0.1"),
        "pm_user": st.none() | odd_text,
        "pm_password": st.none() | odd_text,
        "service_host": st.none() | odd_text,
        "instance_uuid": st.none() | odd_text | st.just(rows.instance_uuid(1)),
        "instance_name": st.none() | odd_text,
        "image_path": st.none() | odd_text,
        "task_state": task_states | odd_text,
        "created_at": times,
        "updated_at": times,
    }
    for column in draw(st.lists(st.sampled_from(sorted(odd)), max_size=3)):
        row[column] = draw(odd[column])
    made = [row]
    for card in range(draw(st.integers(0, 2))):
        made.append(
            rows.interface(
                number,
                card,
                address=draw(
                    mostly(rows.mac(number, card), st.none() | odd_text | macs)
                ),
                vif_uuid=draw(
                    st.none() | mostly(rows.vif_uuid(number * 10 + card), odd_text)
                ),
                deleted=draw(mostly(0, deleted)),
                datapath_id=draw(st.none() | odd_text),
                port_no=draw(numbers),
                created_at=draw(times),
            )
        )
    return made


contents = st.integers(0, 4).flatmap(
    lambda count: st.tuples(*(node(number) for number in range(1, count + 1)))
)
decisions = st.sampled_from(
    [(), ("--null-deleted", "live"), ("--null-deleted", "skip")]
)


@pytest.mark.filterwarnings("ignore")
@hypothesis.settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(hypothesis.HealthCheck),
)
@hypothesis.given(contents=contents, decision=decisions)
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
