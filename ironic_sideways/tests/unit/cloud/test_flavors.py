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

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import openstack.exceptions
import pytest

from ironic_sideways import exceptions
from ironic_sideways.cloud import flavors, in_turn

OLD = {flavors.KERNEL_KEY: "old-kernel", flavors.RAMDISK_KEY: "old-ramdisk"}
WANTED = flavors.wanted_specs("new-kernel", "new-ramdisk", "CUSTOM_BAREMETAL")


def wanted(flavor: flavors.Flavor) -> dict[str, str]:
    return WANTED


def flavor(name: str, **specs: str) -> flavors.Flavor:
    return flavors.Flavor(f"id-{name}", name, dict(specs))


BARE_METAL = flavor("baremetal", cpu_arch="x86_64", **OLD)
VIRTUAL = flavor("m1.small")


def updated(before: flavors.Flavor) -> flavors.Flavor:
    [change] = flavors.plan([before], wanted)
    return flavors.Flavor(before.id, before.name, before.specs | change.set)


def test_a_flavor_gets_images_class_and_zeroed_resources() -> None:
    assert updated(BARE_METAL).specs == {
        "cpu_arch": "x86_64",
        "baremetal:deploy_kernel_id": "new-kernel",
        "baremetal:deploy_ramdisk_id": "new-ramdisk",
        "resources:CUSTOM_BAREMETAL": "1",
        "resources:VCPU": "0",
        "resources:MEMORY_MB": "0",
        "resources:DISK_GB": "0",
    }


def test_a_flavor_that_has_all_is_left_alone() -> None:
    assert not any(flavors.plan([updated(BARE_METAL)], wanted))


def test_a_flavor_of_another_class_is_refused() -> None:
    gold = flavor("gold", **{"resources:CUSTOM_GOLD": "1"})
    with pytest.raises(exceptions.SidewaysError, match="resources:CUSTOM_GOLD already"):
        flavors.plan([BARE_METAL, gold], wanted)


def recorded(file: Path, *present: flavors.Flavor) -> list[flavors.Flavor]:
    changes = flavors.plan(present, wanted)
    flavors.record(file, changes)
    return [
        flavors.Flavor(
            change.flavor.id, change.flavor.name, change.flavor.specs | change.set
        )
        for change in changes
    ]


def undone(file: Path, *present: flavors.Flavor) -> list[dict[str, str]]:
    return [
        {
            key: value
            for key, value in (change.flavor.specs | change.set).items()
            if key not in change.delete
        }
        for change in flavors.plan_undo(file, present)
    ]


def test_undo_leads_back_to_the_old_extra_specs(tmp_path: Path) -> None:
    file = tmp_path / "flavors.json"
    after = recorded(file, BARE_METAL, VIRTUAL)
    assert undone(file, *after) == [BARE_METAL.specs, VIRTUAL.specs]


def test_undo_after_two_runs_leads_back_to_before_the_first(tmp_path: Path) -> None:
    file = tmp_path / "flavors.json"
    [after] = recorded(file, BARE_METAL)
    [again] = recorded(file, after)
    assert undone(file, again) == [BARE_METAL.specs]


def test_a_run_after_an_undo_records_what_is_so_then(tmp_path: Path) -> None:
    file = tmp_path / "flavors.json"
    recorded(file, BARE_METAL)
    changed = flavor("baremetal", **OLD | {flavors.KERNEL_KEY: "third-kernel"})
    [after] = recorded(file, changed)
    assert undone(file, after) == [changed.specs]


def test_undo_keeps_what_others_added(tmp_path: Path) -> None:
    file = tmp_path / "flavors.json"
    [after] = recorded(file, BARE_METAL)
    after.specs["trait:CUSTOM_X"] = "required"
    assert undone(file, after) == [BARE_METAL.specs | {"trait:CUSTOM_X": "required"}]


def test_undo_twice_changes_nothing(tmp_path: Path) -> None:
    file = tmp_path / "flavors.json"
    recorded(file, BARE_METAL)
    assert not any(flavors.plan_undo(file, [BARE_METAL]))


def test_undo_refuses_a_key_that_somebody_changed(tmp_path: Path) -> None:
    file = tmp_path / "flavors.json"
    [after] = recorded(file, BARE_METAL)
    after.specs[flavors.KERNEL_KEY] = "a-third"
    with pytest.raises(exceptions.SidewaysError, match="is a-third now, expected new"):
        flavors.plan_undo(file, [after])


@pytest.mark.parametrize(
    "content",
    ["{}", '{"flavors": 3}', '{"flavors": {"id-baremetal": {"name": "baremetal"}}}'],
)
def test_a_damaged_undo_file_is_told_in_one_line(tmp_path: Path, content: str) -> None:
    file = tmp_path / "flavors.json"
    file.write_text(json.dumps({"tool": flavors.TOOL, **json.loads(content)}))
    with pytest.raises(exceptions.UsageError, match=r"damaged: .*nothing was changed"):
        flavors.plan_undo(file, [BARE_METAL])


def test_undo_refuses_a_flavor_that_is_gone(tmp_path: Path) -> None:
    file = tmp_path / "flavors.json"
    recorded(file, BARE_METAL)
    with pytest.raises(exceptions.SidewaysError, match="no longer exists in Nova"):
        flavors.plan_undo(file, [VIRTUAL])


def fail_on(name: str) -> Callable[[flavors.Change], None]:
    def make(change: flavors.Change) -> None:
        if change.flavor.name == name:
            raise openstack.exceptions.HttpException("Nova is\ntired", http_status=409)

    return make


def test_a_refusal_of_the_first_flavor_has_changed_nothing() -> None:
    changes = flavors.plan([BARE_METAL, VIRTUAL], wanted)
    with pytest.raises(exceptions.SidewaysError) as caught:
        in_turn.apply(changes, fail_on("baremetal"), "flavors", "again")
    assert caught.value.exit_code == 1


def test_a_failure_in_the_middle_names_the_follow_up() -> None:
    changes = flavors.plan([BARE_METAL, VIRTUAL], wanted)
    with pytest.raises(exceptions.FollowUpNeeded) as caught:
        in_turn.apply(changes, fail_on("m1.small"), "flavors", "run it again")
    assert str(caught.value) == (
        "flavor m1.small: Nova is tired; 1 of 2 flavors changed; run it again"
    )


def test_flavors_come_by_name_whatever_ids_nova_gave_them() -> None:
    """Nova lists them by id, and an id is random."""
    listed = [
        SimpleNamespace(
            **{"id": uuid, "name": name, "extra_specs": {}, "swap": ""},
            **dict.fromkeys(("vcpus", "ram", "disk", "ephemeral"), 1),
        )
        for uuid, name in (("1", "baremetal-deploy"), ("2", "baremetal"))
    ]
    compute = SimpleNamespace(flavors=lambda **_: listed)
    nova = flavors.Nova(SimpleNamespace(compute=compute))
    assert [one.name for one in nova.flavors()] == ["baremetal", "baremetal-deploy"]
