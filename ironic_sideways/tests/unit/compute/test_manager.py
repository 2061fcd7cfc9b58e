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
from types import SimpleNamespace
from typing import Any

import pytest
from keystoneauth1 import exceptions as ks_exceptions
from nova import exception, objects
from nova.compute import task_states, vm_states
from nova.compute import utils as compute_utils
from nova.context import RequestContext
from nova.objects.instance import Instance

from ironic_sideways.compute.manager import REBUILD, ClusteredComputeManager
from ironic_sideways.tests.unit.compute.conftest import HOST, STOCK, make_instance
from ironic_sideways.tests.unit.compute.fakes import Calls, raiser

Deleting = Callable[..., tuple[list, list]]


@pytest.mark.parametrize(
    "state",
    [
        {"vm_state": vm_states.BUILDING, "task_state": task_states.SPAWNING},
        {"vm_state": vm_states.ACTIVE, "task_state": task_states.REBOOT_STARTED_HARD},
        {"vm_state": vm_states.ACTIVE, "task_state": task_states.DELETING},
    ],
)
def test_a_start_leaves_a_siblings_work_alone(
    manager: ClusteredComputeManager, admin: RequestContext, state: dict[str, str]
) -> None:
    instance = make_instance("node")
    instance.update({"host": HOST, **state})
    instance.obj_reset_changes(recursive=True)
    manager._init_instance(admin, instance)
    assert instance.obj_what_changed() == set()
    assert instance.task_state == state["task_state"]


def test_a_start_does_not_look_for_builds_to_fail(
    manager: ClusteredComputeManager, admin: RequestContext
) -> None:
    manager._error_out_instances_whose_build_was_interrupted(admin, set(), ["node"])


def test_the_stock_manager_does_look(
    manager: ClusteredComputeManager, admin: RequestContext
) -> None:
    """The client above answers nobody: so the test before this one can fail."""
    with pytest.raises(Exception, match="SimpleNamespace"):
        STOCK._error_out_instances_whose_build_was_interrupted(
            manager, admin, set(), ["node"]
        )


def test_each_refresh_forgets_what_placement_said(
    manager: ClusteredComputeManager, admin: RequestContext, refreshes: Calls
) -> None:
    manager.reportclient._association_refresh_time["node"] = {"inventories": 1}
    manager._update_available_resource_for_node(admin, "node", startup=True)
    assert "node" not in manager.reportclient._association_refresh_time
    assert refreshes == [("refresh", "node")]


def test_a_deleted_instances_node_is_reported_at_once(
    manager: ClusteredComputeManager,
    admin: RequestContext,
    monkeypatch: pytest.MonkeyPatch,
    refreshes: Calls,
) -> None:
    monkeypatch.setattr(STOCK, "terminate_instance", refreshes.note("terminate"))
    manager.driver.node_cache = {"node": "stale", "other": "kept"}
    instance = make_instance("node")
    instance.vm_state = vm_states.ACTIVE
    manager.terminate_instance(admin, instance, [])
    assert refreshes == [("terminate", instance, []), ("refresh", "node")]
    assert manager.driver.node_cache == {"other": "kept"}


def test_an_instance_without_a_node_has_none_to_report(
    manager: ClusteredComputeManager,
    admin: RequestContext,
    monkeypatch: pytest.MonkeyPatch,
    refreshes: Calls,
) -> None:
    monkeypatch.setattr(STOCK, "terminate_instance", refreshes.note("terminate"))
    instance = make_instance("node")
    instance.node = None
    instance.vm_state = vm_states.ERROR
    manager.terminate_instance(admin, instance, [])
    assert refreshes == [("terminate", instance, [])]


@pytest.mark.parametrize(("known", "refreshed"), [({}, 1), ({"node": object()}, 0)])
def test_a_node_that_only_a_sibling_has_seen_is_looked_at_before_a_build(
    manager: ClusteredComputeManager,
    admin: RequestContext,
    monkeypatch: pytest.MonkeyPatch,
    refreshes: Calls,
    known: dict[str, object],
    refreshed: int,
) -> None:
    monkeypatch.setattr(STOCK, "_build_and_run_instance", refreshes.note("build"))
    manager.rt.compute_nodes.update(known)
    arguments: list[Any] = ["instance", {}, [], None, [], [], [], "node", {}, {}]
    manager._build_and_run_instance(admin, *arguments, request_spec=None)
    build = ("build", *arguments)
    assert refreshes == [("refresh", "node")] * refreshed + [build]


@pytest.mark.parametrize(
    "error",
    [
        exception.PlacementAPIConnectFailure(),
        exception.ResourceProviderUpdateConflict(uuid="u", generation=1, error="e"),
        ks_exceptions.ConnectFailure(),
        ks_exceptions.ServiceUnavailable(),
    ],
)
def test_a_start_survives_what_passes(
    manager: ClusteredComputeManager,
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
    caplog: pytest.LogCaptureFixture,
) -> None:
    service = objects.Service(id=1, host=HOST)
    monkeypatch.setattr(manager, "update_available_resource", raiser(error))
    with caplog.at_level("INFO"):
        manager.pre_start_hook(service)
    assert manager.service_ref is service
    assert manager.rt.service_ref is service
    assert (
        f"ClusteredComputeManager started: host {HOST}, driver "
        "nova.virt.baremetal.driver.BareMetalDriver, 0 nodes"
    ) in caplog.text


@pytest.mark.parametrize(
    "error",
    [
        exception.InvalidConfiguration("a wrong name"),
        # What the resource tracker makes of Placement's InventoryInUse.
        exception.PlacementPciException(error="inventory in use"),
        ks_exceptions.EndpointNotFound(),
        ks_exceptions.Unauthorized(),
    ],
)
def test_a_start_fails_on_what_does_not_pass(
    manager: ClusteredComputeManager, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    monkeypatch.setattr(manager, "update_available_resource", raiser(error))
    with pytest.raises(type(error)):
        manager.pre_start_hook(objects.Service(id=1, host=HOST))


@pytest.fixture
def deleting(
    manager: ClusteredComputeManager, monkeypatch: pytest.MonkeyPatch
) -> Deleting:
    """Instances in ``deleting`` by their age in seconds; what is terminated."""
    terminated = []
    monkeypatch.setattr(
        STOCK, "terminate_instance", lambda _self, _c, i, _bdms: terminated.append(i)
    )
    monkeypatch.setattr(manager, "_update_available_resource_for_node", lambda *_: None)
    monkeypatch.setattr(
        objects.BlockDeviceMappingList, "get_by_instance_uuid", lambda *_, **__: []
    )

    def prepare(*ages: float) -> tuple[list, list]:
        now = datetime.datetime.now(datetime.UTC)
        instances = []
        for age in ages:
            instance = make_instance("node")
            instance.created_at = now - datetime.timedelta(days=1)
            instance.updated_at = now - datetime.timedelta(seconds=age)
            instance.vm_state = vm_states.ACTIVE
            instances.append(instance)

        def found(_context: object, filters: dict, **_named: object) -> list:
            assert filters["host"] == HOST
            assert filters["task_state"] == ["deleting"]
            return instances

        monkeypatch.setattr(objects.InstanceList, "get_by_filters", found)
        return instances, terminated

    return prepare


def test_an_old_delete_is_run_again_and_a_young_one_left_to_its_worker(
    manager: ClusteredComputeManager, admin: RequestContext, deleting: Deleting
) -> None:
    instances, terminated = deleting(401, 5)
    manager._resume_interrupted_deletes(admin)
    assert terminated == [instances[0]]


def test_a_delete_in_a_build_is_run_again_once_nobody_waits_for_the_builder(
    manager: ClusteredComputeManager, admin: RequestContext, deleting: Deleting
) -> None:
    instances, terminated = deleting(401, 801)
    for instance in instances:
        instance.vm_state = vm_states.BUILDING
    # Not the wait: its thread is that of all periodic tasks.
    manager._resume_interrupted_deletes(admin)
    assert terminated == [instances[1]]


def test_a_delete_that_fails_again_does_not_keep_the_next_one_waiting(
    manager: ClusteredComputeManager,
    admin: RequestContext,
    deleting: Deleting,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    instances, terminated = deleting(500, 600)

    def fail_first(
        _self: object, _context: object, instance: Instance, _bdms: object
    ) -> None:
        terminated.append(instance)
        if instance is instances[0]:
            raise exception.InstancePowerOffFailure(reason="no answer")

    monkeypatch.setattr(STOCK, "terminate_instance", fail_first)
    manager._resume_interrupted_deletes(admin)
    assert terminated == instances


def test_interrupted_deletes_are_looked_for_periodically(
    manager: ClusteredComputeManager,
) -> None:
    names = [name for name, _task in manager._periodic_tasks]
    assert "_resume_interrupted_deletes" in names
    assert "_release_interrupted_power_actions" in names
    assert "_sync_power_states" in names


class Ironic:
    """A node's target_power_state, as the driver's connection has it."""

    def __init__(self, target: str | None) -> None:
        self.target = target
        self.ironic_connection = self

    def get_node(self, node: str) -> SimpleNamespace:
        assert node == "node"
        return SimpleNamespace(target_power_state=self.target)

    def get_info(self, instance: Instance, use_cache: bool) -> SimpleNamespace:
        assert not use_cache
        return SimpleNamespace(state=1)


@pytest.mark.parametrize(
    ("age", "target", "left"),
    [
        (401, None, None),
        (5, None, "reboot_started_hard"),
        (401, "rebooting", "reboot_started_hard"),
    ],
)
def test_an_interrupted_reboot_can_be_repeated_once_ironic_is_done(
    manager: ClusteredComputeManager,
    admin: RequestContext,
    monkeypatch: pytest.MonkeyPatch,
    age: int,
    target: str | None,
    left: str | None,
) -> None:
    instance = make_instance("node")
    instance.task_state = task_states.REBOOT_STARTED_HARD
    now = datetime.datetime.now(datetime.UTC)
    instance.updated_at = now - datetime.timedelta(seconds=age)
    saved: list[object] = []
    monkeypatch.setattr(
        type(instance), "save", lambda _self, **named: saved.append(named)
    )

    def found(_context: object, filters: dict, **_named: object) -> list[Instance]:
        return [instance] if instance.task_state in filters["task_state"] else []

    monkeypatch.setattr(objects.InstanceList, "get_by_filters", found)
    monkeypatch.setattr(manager, "driver", Ironic(target))

    manager._release_interrupted_power_actions(admin)

    assert instance.task_state == left
    assert saved == (
        [] if left else [{"expected_task_state": [task_states.REBOOT_STARTED_HARD]}]
    )


@pytest.mark.parametrize(("volume_backed", "asked"), [(False, False), (True, True)])
@pytest.mark.parametrize("by_name", [False, True])
def test_a_rebuild_asks_for_a_new_boot_volume_only_where_there_is_one(
    manager: ClusteredComputeManager,
    admin: RequestContext,
    monkeypatch: pytest.MonkeyPatch,
    volume_backed: bool,
    asked: bool,
    by_name: bool,
) -> None:
    seen: dict[str, object] = {}

    def stock(self: object, *arguments: object, **named: object) -> None:
        call = REBUILD.bind(self, *arguments, **named)
        seen.update(call.arguments)

    monkeypatch.setattr(STOCK, "rebuild_instance", stock)
    monkeypatch.setattr(
        compute_utils, "is_volume_backed_instance", lambda *_: volume_backed
    )
    names = list(REBUILD.parameters)[3:]
    values = {name: f"the {name}" for name in names} | {"reimage_boot_volume": True}
    instance = make_instance("node")
    if by_name:
        manager.rebuild_instance(admin, instance, **values)
    else:
        manager.rebuild_instance(admin, instance, *values.values())
    assert seen.pop("reimage_boot_volume") is asked
    assert {name: seen[name] for name in names if name in seen} == {
        name: value for name, value in values.items() if name != "reimage_boot_volume"
    }


@pytest.mark.parametrize(
    ("host", "node", "kind", "deleted"),
    [
        (HOST, "node", "destination", False),
        ("another", "node", "destination", True),
        (HOST, "other", "destination", True),
        (HOST, "node", "source", True),
    ],
)
def test_t1_a_rebuild_that_fails_in_place_keeps_the_instances_allocation(
    manager: ClusteredComputeManager,
    monkeypatch: pytest.MonkeyPatch,
    admin: RequestContext,
    host: str,
    node: str,
    kind: str,
    deleted: bool,
) -> None:
    """Nova deletes it, as if the instance had come from elsewhere."""
    seen: list[object] = []

    def remove(*words: object) -> bool:
        seen.append(words)
        return True

    monkeypatch.setattr(
        manager.rt.reportclient,
        "remove_provider_tree_from_instance_allocation",
        remove,
    )
    manager.rt.compute_nodes["node"] = SimpleNamespace(uuid="node")
    instance = make_instance(node)
    instance.host = host
    manager.rt.delete_allocation_for_evacuated_instance(
        admin, instance, "node", node_type=kind
    )
    assert bool(seen) is deleted
