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

"""Allocations of a Placement that is real are converted, or refused with the reason."""

import uuid
from pathlib import Path

import pytest

from ironic_sideways import exceptions
from ironic_sideways.cloud import allocations, placement
from ironic_sideways.tests.functional.cloud.conversions import (
    CLASS,
    convert,
    plan,
    refusal,
    restore,
)
from ironic_sideways.tests.placement_service import (
    STANDARD,
    Service,
)


def test_a_node_in_use_and_its_instance_become_one_unit_of_the_class(
    placement_service: Service, conversion: allocations.Conversion
) -> None:
    node = placement_service.add_node(instance=True)
    [instance] = placement_service.held(node)
    assert convert(conversion, node) == {node: allocations.CONVERTED}
    assert placement_service.inventory(node) == placement.node_inventory(CLASS)
    assert placement_service.held(node) == {instance: {CLASS: 1}}


def test_the_instance_stays_its_owners(
    placement_service: Service, conversion: allocations.Conversion
) -> None:
    node = placement_service.add_node(instance=True)
    [instance] = placement_service.held(node)
    convert(conversion, node)
    after = placement_service.adapter.get(f"/allocations/{instance}").json()
    assert (after["project_id"], after["user_id"]) == ("9" * 32, "8" * 32)


def test_a_free_node_is_converted_too(
    placement_service: Service, conversion: allocations.Conversion
) -> None:
    node = placement_service.add_node()
    convert(conversion, node)
    assert placement_service.inventory(node) == placement.node_inventory(CLASS)
    assert placement_service.held(node) == {}


def test_a_second_run_changes_nothing(
    placement_service: Service, conversion: allocations.Conversion, undo_file: Path
) -> None:
    nodes = [placement_service.add_node(instance=used) for used in (True, False)]
    convert(conversion, *nodes)
    recorded = undo_file.read_bytes()
    generations = [conversion.placement.provider(node) for node in nodes]
    assert set(convert(conversion, *nodes).values()) == {allocations.ALREADY}
    assert [conversion.placement.provider(node) for node in nodes] == generations
    assert undo_file.read_bytes() == recorded


def test_a_node_of_another_class_already_is_refused(
    placement_service: Service, conversion: allocations.Conversion
) -> None:
    node = placement_service.add_node()
    convert(conversion, node)
    told = refusal(conversion, node, class_name="CUSTOM_OTHER")
    assert told == (
        f"node {node}: its inventory has CUSTOM_BAREMETAL, expected only the standard"
    )


def test_traits_and_aggregates_stay(
    placement_service: Service,
    api: placement.Placement,
    conversion: allocations.Conversion,
    undo_file: Path,
) -> None:
    node = placement_service.add_node(instance=True)
    aggregate = str(uuid.uuid4())
    placement_service.label(node, "CUSTOM_RACK_7", aggregate)
    for act in (lambda: convert(conversion, node), lambda: restore(api, undo_file)):
        act()
        assert placement_service.labels(node) == (["CUSTOM_RACK_7"], [aggregate])
    # The service is one for all tests: others may have labelled nodes of theirs.
    assert api.custom_traits()[node] == ["CUSTOM_RACK_7"]


class Counting(placement.Placement):
    """Counts the calls."""

    calls = 0

    def _request(self, *arguments, **named):
        self.calls += 1
        return super()._request(*arguments, **named)


@pytest.mark.parametrize(("used", "calls"), [(True, 6), (False, 5)])
def test_a_node_costs_few_calls(
    placement_service: Service, undo_file: Path, used: bool, calls: int
) -> None:
    api = Counting(placement_service.adapter)
    some = [placement_service.add_node(instance=used) for _ in range(3)]
    more = [placement_service.add_node(instance=used) for _ in range(5)]
    convert(allocations.Conversion(api, {}, undo_file), *some)
    first, api.calls = api.calls, 0
    convert(allocations.Conversion(api, {}, undo_file), *more)
    assert api.calls - first == calls * (len(more) - len(some))


def test_progress_is_told_of_each_step(
    placement_service: Service, conversion: allocations.Conversion
) -> None:
    nodes = [placement_service.add_node() for _ in range(2)]
    told: list[int] = []
    conversion.progress = told.append
    convert(conversion, *nodes)
    assert told == [1, 2, 3, 4, 5, 6]
    assert conversion.steps(run=True) == 6


def test_a_consumer_that_is_no_instance_is_refused(
    placement_service: Service, conversion: allocations.Conversion, undo_file: Path
) -> None:
    node = placement_service.add_node(instance=True)
    conversion.strangers = lambda found: dict.fromkeys(found, "is an orphan")
    assert refusal(conversion, node) == f"node {node}: is an orphan"
    assert set(placement_service.inventory(node)) == set(STANDARD)


def test_a_node_without_provider_is_refused_or_left_out_as_asked(
    conversion: allocations.Conversion,
) -> None:
    node = str(uuid.uuid4())
    assert f"node {node}: Placement has no provider" in refusal(conversion, node)
    conversion.missing_ok = True
    assert convert(conversion, node) == {node: allocations.MISSING}


def test_one_refused_node_keeps_all_others_as_they_are(
    placement_service: Service, conversion: allocations.Conversion, undo_file: Path
) -> None:
    good = placement_service.add_node(instance=True)
    strange = placement_service.add_node({**STANDARD, "VGPU": 1})
    told = refusal(conversion, good, strange)
    assert told == (
        f"node {strange}: its inventory has VGPU, expected only the standard"
    )
    assert set(placement_service.inventory(good)) == set(STANDARD)
    assert not undo_file.exists()


def test_two_consumers_on_a_node_are_refused(
    placement_service: Service, conversion: allocations.Conversion
) -> None:
    node = placement_service.add_node({**STANDARD, "VCPU": 2})
    for _ in range(2):
        placement_service.add_instance(node, {"VCPU": 1})
    assert "2 consumers hold it" in refusal(conversion, node)


def test_an_instance_that_holds_two_nodes_is_refused(
    placement_service: Service, conversion: allocations.Conversion
) -> None:
    first, second = placement_service.add_node(), placement_service.add_node()
    placement_service.hold(str(uuid.uuid4()), {first: STANDARD, second: STANDARD})
    assert f"holds resources of provider {second} too" in refusal(conversion, first)


class Rival(placement.Placement):
    """Somebody writes to the provider just before each of the first reshapes."""

    def __init__(self, service: Service, times: int) -> None:
        super().__init__(service.adapter)
        self.service, self.times = service, times

    def reshape(self, provider, inventories, allocations) -> None:
        if self.times:
            self.times -= 1
            self.service.set_inventory(provider.uuid, STANDARD)
        super().reshape(provider, inventories, allocations)


def test_a_concurrent_write_is_met_by_reading_again(
    placement_service: Service, undo_file: Path
) -> None:
    node = placement_service.add_node(instance=True)
    rival = Rival(placement_service, times=2)
    convert(allocations.Conversion(rival, {}, undo_file), node)
    assert rival.times == 0
    assert set(placement_service.inventory(node)) == {CLASS}


def test_endless_concurrent_writes_end_the_run_with_the_reason(
    placement_service: Service, undo_file: Path
) -> None:
    node = placement_service.add_node()
    rival = Rival(placement_service, times=1000)
    with pytest.raises(placement.GenerationConflict, match="generation conflict"):
        convert(allocations.Conversion(rival, {}, undo_file), node)
    assert rival.times == 1000 - placement.ATTEMPTS


def test_an_account_without_the_role_service_is_told_so(
    placement_service: Service, undo_file: Path
) -> None:
    node = placement_service.add_node()
    admin = placement.Placement(placement_service.user("admin"))
    with pytest.raises(exceptions.SidewaysError, match="roles admin and service"):
        convert(allocations.Conversion(admin, {}, undo_file), node)
    assert set(placement_service.inventory(node)) == set(STANDARD)


def test_a_failure_in_the_middle_names_the_follow_up(
    placement_service: Service, conversion: allocations.Conversion, undo_file: Path
) -> None:
    first, second = placement_service.add_node(), placement_service.add_node()
    outcomes = plan(conversion, first, second)
    placement_service.set_inventory(second, {"VGPU": 1})
    with pytest.raises(exceptions.FollowUpNeeded) as caught:
        conversion.run(outcomes)
    assert str(caught.value) == (
        f"1 of 2 nodes done, then {second}: node {second}: its inventory has "
        f"VGPU, expected only the standard; run it again, or --undo {undo_file}"
    )


def test_a_conversion_that_somebody_overwrites_is_noticed(
    placement_service: Service, conversion: allocations.Conversion
) -> None:
    node = placement_service.add_node()
    convert(conversion, node)
    outcomes = plan(conversion, node)
    placement_service.set_inventory(node, STANDARD)
    with pytest.raises(exceptions.FollowUpNeeded, match="is nova-compute running"):
        conversion.run(outcomes)
