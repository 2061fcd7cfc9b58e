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


"""nova_bm's rows are compared with what Nova's API says, in few requests."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from ironic_sideways import exceptions
from ironic_sideways.cmd import connections
from ironic_sideways.migrate import classify
from ironic_sideways.migrate.preflight import instances
from ironic_sideways.nova_bm import schema
from ironic_sideways.tests import fake_cloud, fake_nova, rows, samples

HOST = "compute-1"


@pytest.fixture
def nova(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[fake_nova.FakeNova]:
    """A Nova that agrees on the used node 1 and the free node 2."""
    fake = fake_nova.FakeNova()
    with fake_cloud.served(fake, tmp_path, monkeypatch):
        for number in (1, 2):
            fake.add_hypervisor(rows.node_uuid(number), HOST)
        fake.add_instance(rows.instance_uuid(1), rows.node_uuid(1), HOST)
        yield fake


def verdict(row: dict[str, Any]) -> classify.Verdict:
    return classify.Verdict(samples.source(row), classify.Outcome.MIGRATE)


def ask(*asked: classify.Verdict) -> list[str]:
    """Let Nova judge the rows; what it says of no row."""
    engine = sa.create_engine("sqlite://")
    with engine.connect() as source:
        schema.bm_nodes.create(source)
        for one in asked:
            source.execute(
                schema.bm_nodes.insert().values(
                    service_host=one.source.service_host, deleted=False
                )
            )
        nova = instances.Instances(connections.connect(fake_cloud.CLOUD), "fake")
        nova.begin(source)
        nova.judge(list(asked))
        return nova.end()


def test_rows_on_which_nova_agrees_pass(nova: fake_nova.FakeNova) -> None:
    both = [verdict(rows.used_node(1)), verdict(rows.free_node(2))]
    assert ask(*both) == []
    assert [(one.outcome, one.notes) for one in both] == [("migrate", [])] * 2


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"OS-EXT-SRV-ATTR:host": "compute-9"}, "is on compute-9 for Nova"),
        ({"OS-EXT-SRV-ATTR:hypervisor_hostname": "n"}, "is on node n for Nova"),
        ({"OS-EXT-STS:vm_state": "error"}, "is error for Nova, expected active or"),
        ({"OS-EXT-STS:vm_state": "soft-delete"}, "is soft-delete for Nova"),
        ({"OS-EXT-STS:task_state": "rebuilding"}, "Nova is working on it (rebuilding)"),
        (
            {"os-extended-volumes:volumes_attached": [{"id": "v1"}, {"id": "v2"}]},
            "has volume v1, v2 attached, by way of its base compute host",
        ),
        ({"id": "another"}, f"Nova has no instance {rows.instance_uuid(1)}"),
    ],
)
def test_a_row_on_which_nova_disagrees_is_refused(
    nova: fake_nova.FakeNova, change: dict[str, Any], words: str
) -> None:
    nova.instances[0] |= change
    row = verdict(rows.used_node(1))
    ask(row)
    assert row.outcome is classify.Outcome.REFUSE
    assert words in "; ".join(row.reasons)


def test_t8_the_driver_of_after_the_move_can_detach_no_volume() -> None:
    """Why an attached one is refused: a test that fails where Nova has learnt it."""
    from nova.virt import driver as base
    from nova.virt.ironic import driver

    assert driver.IronicDriver.detach_volume is base.ComputeDriver.detach_volume


def test_t9_a_free_node_on_which_nova_has_an_instance_is_refused(
    nova: fake_nova.FakeNova,
) -> None:
    failed = {"OS-EXT-STS:vm_state": "error"}
    nova.add_instance("i", rows.node_uuid(2), HOST, **failed)
    row = verdict(rows.free_node(2))
    ask(row)
    assert row.outcome is classify.Outcome.REFUSE
    assert row.reasons == [
        "Nova has instance i (error) on this node, and nova_bm none: nova-baremetal "
        "frees the row when a rebuild fails; delete the instance, its disk saved if "
        "need be"
    ]


def test_d1_a_compute_node_elsewhere_or_of_another_uuid_is_refused(
    nova: fake_nova.FakeNova,
) -> None:
    nova.hypervisors[0]["service"]["host"] = "compute-9"
    nova.hypervisors[1]["id"] = "0f000000-0000-4000-8000-000000000009"
    used, free = verdict(rows.used_node(1)), verdict(rows.free_node(2))
    unknown = verdict(rows.free_node(3))
    ask(used, free, unknown)
    assert used.reasons == [
        "service_host is compute-1, and Nova has the compute node on compute-9"
    ]
    (reason,) = free.reasons
    assert "has uuid 0f000000-0000-4000-8000-000000000009, expected the no" in reason
    assert "compute_nodes of Nova's cell and resource_providers of Place" in reason
    assert unknown.notes == ["Nova has no compute node of this name"]
    assert unknown.outcome is classify.Outcome.MIGRATE


def test_an_instance_that_no_row_names_is_a_warning(nova: fake_nova.FakeNova) -> None:
    nova.add_instance("i", "n", HOST)
    nova.add_instance("j", "n", "compute-without-rows")
    (line,) = ask(verdict(rows.used_node(1)))
    assert line.startswith("instance i is on compute-1 for Nova (node n, active)")


def test_an_active_instance_without_power_is_a_note(nova: fake_nova.FakeNova) -> None:
    nova.instances[0]["OS-EXT-STS:power_state"] = 4
    row = verdict(rows.used_node(1))
    ask(row)
    assert row.outcome is classify.Outcome.MIGRATE
    assert "is active for Nova, though not switched on" in row.notes[0]


def test_many_instances_cost_a_request_a_page(nova: fake_nova.FakeNova) -> None:
    nova.page = 100
    nova.instances.clear()
    many = []
    for number in range(1, 251):
        nova.add_hypervisor(rows.node_uuid(number), HOST)
        nova.add_instance(rows.instance_uuid(number), rows.node_uuid(number), HOST)
        many.append(verdict(rows.used_node(number)))
    assert ask(*many) == []
    assert {one.outcome for one in many} == {classify.Outcome.MIGRATE}
    # The SDK asks once more after the last page.
    assert nova.reads["servers/detail"] in (3, 4)
    assert sum(nova.reads.values()) <= 6


def test_lost_instances_are_not_asked_for_without_end(
    nova: fake_nova.FakeNova, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(instances, "LOOKUPS", 3)
    nova.instances.clear()
    many = [verdict(rows.used_node(number)) for number in range(1, 11)]
    ask(*many)
    assert all("Nova has no instance" in one.reasons[0] for one in many)
    assert sum(count for path, count in nova.reads.items() if "servers/1" in path) == 3


def test_a_user_without_rights_is_one_clear_line(nova: fake_nova.FakeNova) -> None:
    nova.is_admin = False
    with pytest.raises(exceptions.SidewaysError) as caught:
        ask(verdict(rows.used_node(1)))
    assert str(caught.value).startswith("Nova of cloud fake cannot be asked: ")
    assert "403" in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_a_nova_that_hides_the_hosts_is_refused(nova: fake_nova.FakeNova) -> None:
    nova.hides = True
    with pytest.raises(exceptions.SidewaysError, match="administrator's rights"):
        ask(verdict(rows.used_node(1)))
