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

"""A delete of what a worker builds: it waits, and neither side spoils the other."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import oslo_messaging
import pytest
from nova import exception, objects
from nova.compute import task_states, vm_states
from nova.context import RequestContext
from nova.objects.instance import Instance
from oslo_config import cfg

from ironic_sideways.compute import manager as compute_manager
from ironic_sideways.compute.manager import ClusteredComputeManager
from ironic_sideways.tests.unit.compute.conftest import HOST, STOCK, make_instance
from ironic_sideways.tests.unit.compute.fakes import Calls, raiser
from ironic_sideways.trials.workers import rounds


class Seen(SimpleNamespace):
    """An instance as the database has it; ``task_state`` there may be a new one."""

    def __init__(self, calls: list, **fields: object) -> None:
        super().__init__(**fields)
        self._calls, self._before = calls, self.task_state

    def save(self, expected_task_state: list[str | None]) -> None:
        assert expected_task_state == [self._before]
        self._calls.append(("save", self.vm_state, self.task_state))


@pytest.fixture
def being_built(monkeypatch: pytest.MonkeyPatch, refreshes: Calls) -> Callable:
    """An instance in BUILDING, and what the database says of it look by look."""
    monkeypatch.setattr(STOCK, "terminate_instance", refreshes.note("terminate"))
    monkeypatch.setattr(compute_manager, "BUILDER_SPACING", 0.01)

    def prepare(*looks: dict[str, object] | Exception) -> Instance:
        instance = make_instance("node")
        instance.vm_state = vm_states.BUILDING
        coming = iter(looks)

        def look(_context: object, uuid: str) -> SimpleNamespace:
            assert uuid == instance.uuid
            refreshes.append("look")
            found = next(coming)
            if isinstance(found, Exception):
                raise found
            return Seen(refreshes, **found)

        monkeypatch.setattr(objects.Instance, "get_by_uuid", look)
        return instance

    return prepare


STILL = {
    "vm_state": vm_states.BUILDING,
    "host": HOST,
    "task_state": task_states.DELETING,
}


@pytest.mark.parametrize(
    "end",
    [
        {**STILL, "vm_state": vm_states.ERROR, "host": None},
        {**STILL, "host": None},
        {**STILL, "vm_state": vm_states.ACTIVE},
        exception.InstanceNotFound(instance_id="gone"),
    ],
)
def test_a_delete_waits_until_the_siblings_build_has_ended(
    manager: ClusteredComputeManager,
    admin: RequestContext,
    refreshes: Calls,
    being_built: Callable,
    end: dict[str, object] | Exception,
    caplog: pytest.LogCaptureFixture,
) -> None:
    instance = being_built(STILL, messaging_timeout(), end)
    with caplog.at_level("INFO"):
        manager.terminate_instance(admin, instance, [])
    # By which the rounds know who deletes.
    assert rounds.DELETE_IN_BUILD in caplog.text
    assert refreshes == [
        *["look"] * 3,
        ("terminate", instance, []),
        ("refresh", "node"),
    ]


def messaging_timeout() -> Exception:
    """What a conductor's restart makes of a look."""
    return oslo_messaging.MessagingTimeout()


@pytest.mark.parametrize("was", [task_states.SPAWNING, None])
def test_a_builder_that_wrote_over_the_delete_is_told_again(
    manager: ClusteredComputeManager,
    admin: RequestContext,
    refreshes: Calls,
    being_built: Callable,
    was: str | None,
) -> None:
    ended = {**STILL, "vm_state": vm_states.ERROR}
    instance = being_built({**STILL, "task_state": was}, ended)
    manager.terminate_instance(admin, instance, [])
    assert refreshes[:3] == [
        "look",
        ("save", vm_states.BUILDING, task_states.DELETING),
        "look",
    ]


@pytest.mark.parametrize(
    ("found", "raised"),
    [
        (STILL, exception.BuildAbortException),
        (exception.InstanceNotFound(instance_id="x"), exception.BuildAbortException),
        ({**STILL, "task_state": None}, exception.RescheduledException),
    ],
)
def test_a_build_that_a_delete_aborts_is_not_scheduled_again(
    manager: ClusteredComputeManager,
    admin: RequestContext,
    monkeypatch: pytest.MonkeyPatch,
    being_built: Callable,
    found: dict[str, object] | Exception,
    raised: type[Exception],
) -> None:
    instance = being_built(found)
    rescheduled = exception.RescheduledException(instance_uuid="x", reason="aborted")
    monkeypatch.setattr(STOCK, "_build_and_run_instance", raiser(rescheduled))
    manager.rt.compute_nodes["node"] = object()
    arguments: list[Any] = [instance, {}, [], None, [], [], [], "node", {}, {}]
    with pytest.raises(raised):
        manager._build_and_run_instance(admin, *arguments)


@pytest.mark.parametrize(
    ("result", "found", "saved"),
    [
        ("failed", STILL, [("save", vm_states.ERROR, task_states.DELETING)]),
        ("failed", {**STILL, "host": None}, []),
        ("failed", {**STILL, "task_state": None}, []),
        ("failed", exception.InstanceNotFound(instance_id="gone"), []),
        ("active", STILL, []),
    ],
)
def test_a_build_that_ended_by_a_delete_does_not_look_like_one(
    manager: ClusteredComputeManager,
    admin: RequestContext,
    monkeypatch: pytest.MonkeyPatch,
    refreshes: Calls,
    being_built: Callable,
    result: str,
    found: dict[str, object] | Exception,
    saved: list,
) -> None:
    instance = being_built(found)
    build = refreshes.note("build", result)
    monkeypatch.setattr(STOCK, "_do_build_and_run_instance", build)
    assert manager._do_build_and_run_instance(admin, instance, "image") == result
    assert [call for call in refreshes if call[0] == "save"] == saved


def test_a_delete_waits_no_longer_than_a_live_builder_takes(
    manager: ClusteredComputeManager,
    nova_conf: cfg.ConfigOpts,
    admin: RequestContext,
    refreshes: Calls,
    being_built: Callable,
    caplog: pytest.LogCaptureFixture,
) -> None:
    nova_conf.set_override("interrupted_operation_age", 1, "clustered_compute")
    instance = being_built(*[STILL] * 1000)
    manager.terminate_instance(admin, instance, [])
    assert refreshes[-2:] == [("terminate", instance, []), ("refresh", "node")]
    assert rounds.WAITED_IN_VAIN in caplog.text
