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

import datetime
from collections.abc import Callable

import pytest
import sqlalchemy as sa
from nova.virt.baremetal.rows import Rows

from ironic_sideways import exceptions
from ironic_sideways.nova_bm import schema


@pytest.mark.parametrize(
    "state", [None, "deleted", "deploy failed", "deploy complete", "error"]
)
def test_t4_a_node_without_instance_can_be_claimed_once(
    host_rows: Rows,
    add_node: Callable[..., str],
    row: Callable[[str], sa.Row],
    state: str | None,
) -> None:
    uuid = add_node(task_state=state, preserve_ephemeral=True)
    assert host_rows.claim(uuid, "first", "web")
    assert not host_rows.claim(uuid, "second", "db")
    found = row(uuid)
    assert (found.instance_uuid, found.instance_name) == ("first", "web")
    assert found.task_state == "building"
    assert not found.preserve_ephemeral


@pytest.mark.parametrize(
    "columns",
    [
        {"task_state": "deleted", "instance_uuid": "i"},
        {"service_host": "another"},
        {"deleted": True},
    ],
)
def test_no_other_node_can_be_claimed(
    host_rows: Rows,
    add_node: Callable[..., str],
    row: Callable[[str], sa.Row],
    columns: dict[str, object],
) -> None:
    uuid = add_node(**columns)
    before = row(uuid)
    assert not host_rows.claim(uuid, "instance", "web")
    assert row(uuid) == before


def test_a_write_is_dated(
    host_rows: Rows, add_node: Callable[..., str], row: Callable[[str], sa.Row]
) -> None:
    uuid = add_node()
    host_rows.claim(uuid, "instance", "web")
    age = (
        datetime.datetime.now(datetime.UTC).replace(tzinfo=None) - row(uuid).updated_at
    )
    assert abs(age) < datetime.timedelta(minutes=1)


def test_only_the_nics_that_novas_api_saw_count(
    host_rows: Rows, add_node: Callable[..., str], engine: sa.Engine
) -> None:
    node = host_rows.node(add_node())
    with engine.begin() as connection:
        for address, deleted in [("a", None), (None, False), ("b", True)]:
            connection.execute(
                sa.insert(schema.bm_interfaces).values(
                    bm_node_id=node.id, address=address, deleted=deleted
                )
            )
    assert [nic.address for nic in host_rows.interfaces(node)] == ["52:54:00:03:00:00"]


@pytest.mark.parametrize("column", ["pm_address", "pm_user", "pm_password"])
def test_a_bmc_needs_address_user_and_password(
    host_rows: Rows, add_node: Callable[..., str], column: str
) -> None:
    uuid = add_node(**{column: None})
    with pytest.raises(exceptions.SidewaysError, match=f"{uuid}.*at least one is NULL"):
        assert host_rows.node(uuid).bmc


def test_t5_a_bmc_may_have_an_empty_password(
    host_rows: Rows, add_node: Callable[..., str]
) -> None:
    assert host_rows.node(add_node(pm_password="")).bmc.password == ""


def test_a_node_shows_no_password(
    host_rows: Rows, add_node: Callable[..., str]
) -> None:
    node = host_rows.node(add_node())
    assert node.pm_password == "hidden"
    assert "hidden" not in repr(node)
