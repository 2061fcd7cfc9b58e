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

"""What a conversion of allocations keeps for its undo, and what that restores."""

import json
import stat
from pathlib import Path

import pytest

from ironic_sideways import exceptions
from ironic_sideways.cloud import allocations, placement
from ironic_sideways.tests.functional.cloud.conversions import (
    CLASS,
    Lines,
    convert,
    restore,
)
from ironic_sideways.tests.placement_service import (
    STANDARD,
    Service,
)


def test_undo_restores_inventory_reservation_allocation_and_class_list(
    placement_service: Service, api: placement.Placement, undo_file: Path
) -> None:
    nodes = [placement_service.add_node(instance=used) for used in (True, False)]
    before = [
        (placement_service.inventory(n), placement_service.held(n)) for n in nodes
    ]
    classes = placement_service.classes()
    new = allocations.Conversion(api, {}, undo_file)
    convert(new, *nodes, class_name="CUSTOM_ONLY_HERE")
    assert placement_service.classes() == classes | {"CUSTOM_ONLY_HERE"}
    restore(api, undo_file)
    after = [(placement_service.inventory(n), placement_service.held(n)) for n in nodes]
    assert after == before
    assert placement_service.classes() == classes
    assert set(restore(api, undo_file).values()) == {allocations.AS_BEFORE}


def test_after_an_undo_the_conversion_can_be_made_after_all(
    placement_service: Service,
    api: placement.Placement,
    conversion: allocations.Conversion,
    undo_file: Path,
) -> None:
    node = placement_service.add_node(instance=True)
    convert(conversion, node)
    restore(api, undo_file)
    assert convert(conversion, node) == {node: allocations.CONVERTED}


def test_undo_works_after_ironic_driver_has_reserved_the_node(
    placement_service: Service,
    api: placement.Placement,
    conversion: allocations.Conversion,
    undo_file: Path,
) -> None:
    node = placement_service.add_node(instance=True)
    before = placement_service.inventory(node)
    convert(conversion, node)
    placement_service.set_inventory(node, {CLASS: 1}, reserved=True)
    restore(api, undo_file)
    assert placement_service.inventory(node) == before


def test_undo_refuses_a_node_whose_instance_is_gone(
    placement_service: Service,
    api: placement.Placement,
    conversion: allocations.Conversion,
    undo_file: Path,
) -> None:
    node = placement_service.add_node(instance=True)
    [instance] = placement_service.held(node)
    convert(conversion, node)
    placement_service.release(instance)
    told = Lines()
    with pytest.raises(exceptions.SidewaysError, match="1 of 1 nodes refused"):
        allocations.Restoration(api, undo_file).plan(told)
    assert told == [f"node {node}: its instance was {instance} and is now none"]


def test_the_undo_file_is_readable_by_its_owner_alone(
    placement_service: Service, conversion: allocations.Conversion, undo_file: Path
) -> None:
    convert(conversion, placement_service.add_node())
    assert stat.S_IMODE(undo_file.stat().st_mode) == 0o600


def test_a_resumed_run_keeps_what_was_so_before_the_first(
    placement_service: Service, conversion: allocations.Conversion, undo_file: Path
) -> None:
    first, second = (placement_service.add_node(instance=True) for _ in range(2))
    convert(conversion, first)
    convert(conversion, first, second)
    recorded = json.loads(undo_file.read_text())["nodes"]
    assert set(recorded) == {first, second}
    assert set(recorded[first]["inventories"]) == set(STANDARD)


def test_each_node_becomes_its_own_class_and_the_undo_file_knows_all(
    placement_service: Service, api: placement.Placement, undo_file: Path
) -> None:
    nodes = [placement_service.add_node(instance=used) for used in (True, False, True)]
    before = [placement_service.inventory(node) for node in nodes]
    known = placement_service.classes()
    names = [CLASS, "CUSTOM_SHAPE_ONE", "CUSTOM_SHAPE_TWO"]
    conversion = allocations.Conversion(
        api, dict(zip(nodes, names, strict=True)), undo_file
    )
    conversion.run(conversion.plan(Lines()))
    for node, name in zip(nodes, names, strict=True):
        assert placement_service.inventory(node) == placement.node_inventory(name)
    assert [*placement_service.held(nodes[2]).values()] == [{"CUSTOM_SHAPE_TWO": 1}]
    recorded = json.loads(undo_file.read_text())
    assert [recorded["nodes"][node]["resource_class"] for node in nodes] == names
    restore(api, undo_file)
    assert [placement_service.inventory(node) for node in nodes] == before
    assert placement_service.classes() - {CLASS} == known - {CLASS}


def test_after_an_undo_the_same_file_serves_another_class(
    placement_service: Service,
    api: placement.Placement,
    conversion: allocations.Conversion,
    undo_file: Path,
) -> None:
    node = placement_service.add_node(instance=True)
    before = placement_service.inventory(node)
    convert(conversion, node)
    restore(api, undo_file)
    convert(conversion, node, class_name="CUSTOM_OTHER")
    assert set(placement_service.inventory(node)) == {"CUSTOM_OTHER"}
    restore(api, undo_file)
    assert placement_service.inventory(node) == before


def test_an_undo_that_somebody_overwrites_is_noticed(
    placement_service: Service,
    api: placement.Placement,
    conversion: allocations.Conversion,
    undo_file: Path,
) -> None:
    node = placement_service.add_node()
    convert(conversion, node)
    restoration = allocations.Restoration(api, undo_file)
    restore(api, undo_file)
    outcomes = restoration.plan(Lines())
    placement_service.set_inventory(node, {CLASS: 1})
    with pytest.raises(exceptions.FollowUpNeeded, match=r"not as .* after the undo"):
        restoration.run(outcomes)


@pytest.mark.parametrize("content", [{}, {"new_classes": [], "nodes": {"a": {}}}])
def test_a_damaged_undo_file_is_told_in_one_line(
    api: placement.Placement, undo_file: Path, content: dict[str, object]
) -> None:
    undo_file.write_text(json.dumps({"tool": allocations.TOOL, **content}))
    with pytest.raises(exceptions.UsageError, match="damaged"):
        allocations.Restoration(api, undo_file)


def test_another_tools_file_is_no_undo_file(
    api: placement.Placement, undo_file: Path
) -> None:
    undo_file.write_text('{"tool": "something else"}')
    with pytest.raises(exceptions.UsageError, match="not an undo file of nova-bm-"):
        allocations.Restoration(api, undo_file)
