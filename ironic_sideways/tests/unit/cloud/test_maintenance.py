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

import inspect
from types import SimpleNamespace

import pytest
from openstack.compute.v2 import _proxy

from ironic_sideways import exceptions
from ironic_sideways.cloud import maintenance
from ironic_sideways.evidence import documents
from ironic_sideways.nova_bm import database

USED = maintenance.Row(1, "node-1", "server-1", "active")
FREE = maintenance.Row(2, "node-2", None, "deleted")


def server(**changes):
    values = {
        "id": "server-1",
        "host": "compute",
        "task_state": None,
        "vm_state": "active",
        "hypervisor_hostname": "node-1",
        "is_locked": True,
    }
    return SimpleNamespace(**{**values, **changes})


def test_rows_and_instances_that_agree_leave_nothing_to_say():
    assert maintenance.disagreements([USED, FREE], [server()]) == []


@pytest.mark.parametrize(
    ("rows", "servers", "says"),
    [
        (
            [maintenance.Row(3, "node-3", "server-3", "building")],
            [],
            "bm_nodes row 3 (node node-3) is in flight",
        ),
        ([USED], [server(task_state="deleting")], "is in task state deleting"),
        ([USED], [server(vm_state="error")], "instance server-1 is in error"),
        ([USED], [server(hypervisor_hostname="node-9")], "on node node-9 for Nova"),
        ([FREE], [server()], "and on none in nova_bm"),
        ([USED], [], "bm_nodes row 1 holds instance server-1, unknown to Nova"),
    ],
)
def test_each_disagreement_names_the_row_or_the_instance(rows, servers, says):
    assert any(says in text for text in maintenance.disagreements(rows, servers))


class Cloud:
    """The calls that maintenance makes, kept as a list."""

    def __init__(self, *servers):
        self.found = list(servers)
        self.calls = []
        self.fails_on = None
        self.service = SimpleNamespace(
            host="compute", status="enabled", disabled_reason=None
        )
        self.others = []
        self.compute = self

    def servers(self, *, compute_host, **filters):
        return [s for s in self.found if s.host == compute_host]

    def services(self, **filters):
        return [self.service, *self.others]

    def disable_service(self, service, host=None, binary=None, disabled_reason=None):
        self.calls.append("disable")

    def enable_service(self, service):
        self.calls.append("enable")

    def lock_server(self, uuid, locked_reason=None):
        self.calls.append(f"lock {uuid}")
        next(s for s in self.found if s.id == uuid).is_locked = True

    def unlock_server(self, uuid):
        if uuid == self.fails_on:
            raise OSError(uuid)
        self.calls.append(f"unlock {uuid}")
        next(s for s in self.found if s.id == uuid).is_locked = False


@pytest.fixture
def rows(monkeypatch):
    found: list[maintenance.Row] = []
    monkeypatch.setattr(maintenance, "read_rows", lambda engine, host: found)
    return found


def test_the_end_undoes_exactly_what_the_start_did(tmp_path, rows):
    rows += [USED, maintenance.Row(2, "node-2", "server-2", "active")]
    cloud = Cloud(
        server(is_locked=False),
        server(id="server-2", hypervisor_hostname="node-2", is_locked=True),
    )
    record = tmp_path / "maintenance.json"

    maintenance.start(cloud, object(), ["compute"], record)
    maintenance.end(cloud, record)

    assert cloud.calls == ["disable", "lock server-1", "unlock server-1", "enable"]


def test_a_service_that_was_disabled_before_stays_disabled(tmp_path, rows):
    cloud = Cloud()
    cloud.service.status = "disabled"

    maintenance.start(cloud, object(), ["compute"], tmp_path / "record")
    maintenance.end(cloud, tmp_path / "record")

    assert cloud.calls == []


def test_two_hosts_of_one_maintenance_are_each_put_back(tmp_path, rows):
    rows += [USED, maintenance.Row(2, "node-2", "server-2", "active")]
    cloud = Cloud(
        server(is_locked=False),
        server(
            id="server-2", host="other", hypervisor_hostname="node-2", is_locked=False
        ),
    )
    cloud.others = [
        SimpleNamespace(host="other", status="disabled", disabled_reason="")
    ]
    record = tmp_path / "record"

    maintenance.start(cloud, object(), ["compute", "other"], record)
    locked = maintenance.locked(record)
    maintenance.end(cloud, record)

    assert locked == {"server-1", "server-2"}
    assert cloud.calls[:3] == ["disable", "lock server-1", "lock server-2"]
    assert sorted(cloud.calls[3:-1]) == ["unlock server-1", "unlock server-2"]
    assert cloud.calls[-1] == "enable"


def test_an_instance_of_another_host_is_left_alone(tmp_path, rows):
    rows.append(USED)
    cloud = Cloud(server(is_locked=False), server(id="server-2", host="other"))

    maintenance.start(cloud, object(), ["compute"], tmp_path / "record")

    assert cloud.calls == ["disable", "lock server-1"]
    assert maintenance.locked(tmp_path / "record") == {"server-1"}


def test_a_start_that_refuses_changes_nothing(tmp_path, rows):
    cloud = Cloud(server(task_state="rebuilding"))

    with pytest.raises(exceptions.SidewaysError, match="maintenance cannot start"):
        maintenance.start(cloud, object(), ["compute"], tmp_path / "record")

    assert cloud.calls == []
    assert not (tmp_path / "record").exists()


@pytest.mark.parametrize(
    ("row", "says"),
    [
        (maintenance.Row(1, "node-1", "server-1", "error"), "is failed"),
        (maintenance.Row(1, "node-1", None, "deleted"), "bm_nodes row 1 was"),
    ],
)
def test_a_row_that_changes_in_the_window_breaks_it(tmp_path, rows, row, says):
    rows.append(USED)
    cloud = Cloud(server())
    maintenance.start(cloud, object(), ["compute"], tmp_path / "record")
    rows[:] = [row]

    with pytest.raises(exceptions.SidewaysError, match=says):
        maintenance.check(cloud, object(), tmp_path / "record")


def test_an_instance_that_somebody_unlocked_breaks_the_window(tmp_path, rows):
    rows.append(USED)
    cloud = Cloud(server())
    maintenance.start(cloud, object(), ["compute"], tmp_path / "record")
    cloud.found[0].is_locked = False

    with pytest.raises(exceptions.SidewaysError, match="server-1 is not locked"):
        maintenance.check(cloud, object(), tmp_path / "record")


def test_an_interrupted_start_is_gone_on_with_by_its_record(tmp_path, rows):
    rows.append(USED)
    record = tmp_path / "record"
    cloud = Cloud(server(is_locked=False))
    maintenance.start(cloud, object(), ["compute"], record)
    first = documents.read(record)

    maintenance.start(cloud, object(), ["compute"], record)

    assert documents.read(record) == first
    assert documents.read(record)["lock"] == ["server-1"]


def test_an_end_that_was_cut_short_can_be_checked_and_gone_on_with(tmp_path, rows):
    rows += [USED, maintenance.Row(2, "node-2", "server-2", "active")]
    cloud = Cloud(
        server(is_locked=False),
        server(id="server-2", hypervisor_hostname="node-2", is_locked=False),
    )
    record = tmp_path / "record"
    maintenance.start(cloud, object(), ["compute"], record)
    cloud.fails_on = "server-2"
    with pytest.raises(exceptions.FollowUpNeeded, match="server-2; give"):
        maintenance.end(cloud, record)
    cloud.fails_on = None

    assert documents.read(record)["ending"]
    maintenance.check(cloud, object(), record)
    maintenance.end(cloud, record)

    assert [s.is_locked for s in cloud.found] == [False, False]
    assert documents.read(record)["ended"]


def test_after_its_end_a_maintenance_can_start_anew_with_what_is_so_then(
    tmp_path, rows
):
    rows.append(USED)
    cloud = Cloud(server(is_locked=False))
    record = tmp_path / "record"
    maintenance.start(cloud, object(), ["compute"], record)
    maintenance.end(cloud, record)
    rows.append(maintenance.Row(2, "node-2", "server-2", "active"))
    cloud.found.append(
        server(id="server-2", hypervisor_hostname="node-2", is_locked=False)
    )

    maintenance.start(cloud, object(), ["compute"], record)

    assert documents.read(record)["lock"] == ["server-1", "server-2"]


@pytest.mark.parametrize(
    "name", ["disable_service", "enable_service", "lock_server", "unlock_server"]
)
def test_the_cloud_of_these_tests_takes_what_the_real_one_takes(name):
    ours = inspect.signature(getattr(Cloud, name)).parameters
    theirs = inspect.signature(getattr(_proxy.Proxy, name)).parameters

    assert len(ours) <= len(theirs)
    assert list(ours)[2:] == list(theirs)[2 : len(ours)]


def test_an_end_that_was_cut_short_can_be_taken_back(tmp_path, rows):
    rows += [USED, maintenance.Row(2, "node-2", "server-2", "active")]
    cloud = Cloud(
        server(is_locked=False),
        server(id="server-2", hypervisor_hostname="node-2", is_locked=False),
    )
    record = tmp_path / "record"
    maintenance.start(cloud, object(), ["compute"], record)
    cloud.fails_on = "server-2"
    with pytest.raises(exceptions.FollowUpNeeded, match="server-2; give"):
        maintenance.end(cloud, record)
    cloud.fails_on = None

    maintenance.resume(cloud, object(), record)

    assert [s.is_locked for s in cloud.found] == [True, True]
    assert not documents.read(record)["ending"]
    maintenance.end(cloud, record)
    assert [s.is_locked for s in cloud.found] == [False, False]


def test_an_end_cannot_be_taken_back_once_an_owner_has_deleted_his_instance(
    tmp_path, rows
):
    rows.append(USED)
    cloud = Cloud(server(is_locked=False))
    record = tmp_path / "record"
    maintenance.start(cloud, object(), ["compute"], record)
    maintenance.end(cloud, record)
    cloud.found.clear()
    calls = list(cloud.calls)

    with pytest.raises(exceptions.SidewaysError, match="server-1, unknown to Nova"):
        maintenance.resume(cloud, object(), record)

    assert cloud.calls == calls


@pytest.mark.parametrize(
    "content",
    [b"{}", b"[]", b"null", b'{"ended": 1}', b'{"services": 3, "lock": null}', b"\xff"],
)
def test_n5_a_broken_record_is_one_line(tmp_path, content):
    (tmp_path / "record").write_bytes(content)

    for act in (
        lambda record: maintenance.check(Cloud(), None, record),
        lambda record: maintenance.end(Cloud(), record),
        lambda record: maintenance.start(Cloud(), None, [], record),
        lambda record: maintenance.resume(Cloud(), None, record),
        maintenance.locked,
    ):
        with pytest.raises(exceptions.SidewaysError, match="record") as raised:
            act(tmp_path / "record")
        assert "\n" not in str(raised.value)


def test_n5_an_unreachable_database_is_one_line(tmp_path):
    url = database.resolve_url("mysql://u:s3cret@127.0.0.1:1/nova_bm", "-b")

    with pytest.raises(exceptions.SidewaysError, match="cannot connect") as raised:
        maintenance.start(Cloud(), database.engine(url), ["c"], tmp_path / "record")
    assert "s3cret" not in str(raised.value)
