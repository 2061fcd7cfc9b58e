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

"""An operation or an answer that proves nothing is a failure, and named."""

import json
from typing import Any

import pytest

from ironic_sideways.report import operations
from ironic_sideways.tests.unit.report.small_move import files, guests, small_cloud


def failed(finding) -> list[str]:
    return [check.name for check in finding.failures]


def test_an_operation_that_failed_is_a_failure(evidence):
    files.edit(evidence / "operations.json", lambda d: d[2].update(ok=False))

    assert failed(operations.check_operations(evidence)) == ["start"]


@pytest.mark.parametrize(
    ("number", "change", "says"),
    [
        (1, {"allocation": {}}, "it holds {}, expected"),
        (2, {"allocation": {"node-run": {"VCPU": 1}}}, "expected"),
        (3, {"embedded": None}, "no evidence of its flavor"),
        (3, {"embedded": {"resources:CUSTOM_X": "1"}}, "is a new one"),
        (3, {"instance": "another"}, "was on no node before"),
        (4, {"allocation": {"node-run": {"CUSTOM_X": 1}}}, "expected {}"),
    ],
)
def test_an_operation_that_proves_nothing_of_the_old_flavor_fails(
    evidence, number, change, says
):
    files.edit(evidence / "operations.json", lambda d: d[number].update(change))

    (check,) = operations.check_operations(evidence).failures
    assert check.name.startswith("old flavor, ")
    assert says in check.detail


def test_an_operation_that_was_never_done_is_named(evidence):
    files.edit(evidence / "operations.json", lambda d: d.pop())

    (check,) = operations.check_operations(evidence).failures

    assert (check.name, check.detail) == ("net-booted reboot", "was never done")


def test_the_plain_fake_driver_leaves_only_a_new_server_to_boot(evidence):
    fake = {"base_driver": "fake", "servers": []}
    files.edit(evidence / "before.json", lambda d: d.update(fake))
    files.edit(evidence / "operations.json", lambda d: d.__delitem__(slice(1, None)))

    assert operations.check_operations(evidence).ok


def test_an_answer_of_the_bare_metal_api_that_is_wrong_is_a_failure(evidence):
    files.edit(evidence / "proxy.json", lambda d: d[3].update(ok=False))

    assert len(failed(operations.check_proxy(evidence))) == 1


@pytest.mark.parametrize("name", sorted(operations.PROXY))
def test_what_the_bare_metal_api_was_never_asked_is_named(evidence, name):
    def without(rows):
        rows[:] = [row for row in rows if row["name"] != name]

    files.edit(evidence / "proxy.json", without)

    (check,) = operations.check_proxy(evidence).failures

    assert (check.name, check.detail) == (name, "was never asked")


def test_a_net_booted_survivor_must_beat_again_from_its_own_root(evidence):
    path = evidence / "heartbeat.jsonl"
    rows = [json.loads(line) for line in path.read_text().splitlines()]

    rebooted = [boot for boot, begin in guests.BOOTS.items() if begin < 30.0]

    def changed(*boots, **values):
        files.write_lines(
            path, [{**r, **values} if r["boot_id"] in boots else r for r in rows]
        )
        return failed(operations.check_operations(evidence))

    other = [f"same machine, {small_cloud.mac(1)}"]
    both = ["net-booted again", "ephemeral disk kept"]
    assert changed("boot-2", root=small_cloud.ROOT) == []
    # Its ramdisk runs, without the instance's disk.
    assert changed(*rebooted, root=None) == [*other, *both]
    # No machine was net-booted before.
    assert changed("boot-1", root=None) == [*other, *both]
    # T10: its disks were written anew.
    assert changed(*rebooted, marker="another") == [*other, *both]
    assert changed(*rebooted, ephemeral="another") == [*other, *both]
    # Once is enough.
    assert changed("boot-2", marker="another") == other
    files.write_lines(path, [row for row in rows if row["boot_id"] not in rebooted])
    few = [
        name for name in failed(operations.check_operations(evidence)) if name in both
    ]
    assert few == both


def test_t10_each_net_booted_survivor_must_beat_again_and_one_has_an_ephemeral_disk(
    evidence,
):
    path = evidence / "heartbeat.jsonl"
    rows = [json.loads(line) for line in path.read_text().splitlines()]

    def changed(mac, **values):
        files.write_lines(
            path, [{**r, **values} if r["mac"] == mac else r for r in rows]
        )
        return failed(operations.check_operations(evidence))

    # The stopped one was net-booted too, and is not heard again.
    assert changed(small_cloud.mac(2), root=small_cloud.ROOT) == ["net-booted again"]
    assert changed(small_cloud.mac(1), ephemeral=None) == ["ephemeral disk kept"]


def test_a_free_machine_that_was_net_booted_once_need_not_be_heard_again(evidence):
    """Its last boot was of an instance that was deleted before the move."""
    free = small_cloud.mac(3)
    beats = [
        {**row, "root": small_cloud.ROOT} for row in guests.beats([0, 1], 3, "boot-0")
    ]
    path = evidence / "heartbeat.jsonl"
    known = [json.loads(line) for line in path.read_text().splitlines()]
    files.write_lines(path, [*beats, *known])

    def booted(document):
        (machine,) = (m for m in document["machines"] if m["mac"] == free)
        machine.update(boot_id="boot-0", last_seq=1)

    files.edit(evidence / "before.json", booted)

    assert failed(operations.check_operations(evidence)) == []


def test_t1_a_soft_reboot_is_none_where_the_bmc_was_told_something_else(evidence):
    def hardened(document):
        soft = next(c for c in document["commands"] if c["command"] == "soft")
        soft["command"] = "off"

    files.edit(evidence / "bmc.json", hardened)

    assert failed(operations.check_operations(evidence)) == ["softly rebooted"]


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"node": "node-free"}, "redeployed where one was deleted"),
        (
            {"boot": {"mac": small_cloud.mac(1), "boot_id": "boot-2"}},
            "a system of its own",
        ),
        (
            {"boot": {"mac": small_cloud.mac(1), "boot_id": "none"}},
            "a system of its own",
        ),
        ({"boot": {}}, "a system of its own"),
    ],
)
def test_t1_what_is_deployed_where_one_was_deleted_boots_its_own(
    evidence, change, name
):
    def told(found):
        (one,) = (o for o in found if o["name"] == "redeploy")
        one.update(change)

    files.edit(evidence / "operations.json", told)

    assert name in failed(operations.check_operations(evidence))


@pytest.mark.parametrize(
    ("manager", "names"),
    [
        (small_cloud.MANAGER, ["allocation, refused rebuild"]),
        ("nova.compute.manager.ComputeManager", []),
    ],
)
def test_t1_an_allocation_is_lost_by_novas_own_manager_alone(evidence, manager, names):
    held = {"node-run": {small_cloud.CLASS: 1}}
    files.edit(evidence / "operations.json", lambda d: d[5].update(lost=held))
    files.edit(evidence / "resources.json", lambda d: d["told"].update(manager=manager))

    assert failed(operations.check_operations(evidence)) == names


def test_t1_a_deletion_is_of_the_instances_own_node(evidence):
    files.edit(evidence / "operations.json", lambda d: d[4].update(node="node-free"))

    assert "node of the deleted" in failed(operations.check_operations(evidence))


def test_t2_a_port_has_its_mac_in_neutron_and_in_ironic_after_each_operation(evidence):
    other = small_cloud.macs(1)[0]
    moved = {"neutron": other, "ironic": other}
    for changed in (moved, {"neutron": small_cloud.mac(1), "ironic": None}):

        def change(found: Any, to: Any = changed) -> None:
            found[3]["macs"] = to

        files.edit(evidence / "operations.json", change)
        (check,) = operations.check_operations(evidence).failures
        assert check.name == "port's MAC, rebuild"


def test_t2_what_is_rebuilt_had_a_crossed_vif(evidence):
    """On the first NIC nothing would show that the VIF was put right."""

    def straight(document):
        for machine in document["machines"]:
            machine["macs"].reverse()

    files.edit(evidence / "before.json", straight)

    assert failed(operations.check_operations(evidence)) == [
        "rebuilt with a crossed VIF"
    ]
