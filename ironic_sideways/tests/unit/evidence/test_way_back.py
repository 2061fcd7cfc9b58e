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

import copy
from typing import Any

import pytest

from ironic_sideways.evidence import way_back
from ironic_sideways.evidence.heartbeat import Beat
from ironic_sideways.hardware.vbmc_log import PowerCommand

CREATED = {"at": "2014-10-16T09:30:00", "action": "create", "user_id": "owner"}
LOCK = {"at": "2026-12-01T09:00:00", "action": "lock", "user_id": "admin"}
UNLOCK = {**LOCK, "action": "unlock"}
MAC = "52:54:00:00:00:01"


@pytest.fixture
def before() -> dict[str, Any]:
    return {
        "taken_at": 1000.0,
        "base_driver": "nova_bm",
        "servers": [
            {
                "uuid": "server-1",
                "node": "node-1",
                "locked": False,
                "locked_reason": None,
            }
        ],
        "providers": [{"uuid": "node-1", "inventories": {"VCPU": {"reserved": 1}}}],
        "services": [{"id": "service-1", "binary": "nova-compute", "state": "up"}],
        "around": {
            "specs": {"flavor-1": {"baremetal:deploy_kernel_id": "old"}},
            "nova_bm": {"bm_nodes": 4711},
            "actions": {"server-1": [CREATED]},
        },
        "hypervisors": {"node-1": {"type": "baremetal"}},
        "ports": {"port-1": {"dhcp_options": ["bootfile-name=pxelinux.0 (IPv4)"]}},
        "files": {"nova.conf": {"DEFAULT/compute_driver": "abc"}},
        "tftp": {"/tftpboot/server-1/config": "abc"},
        "resource_classes": [],
        "ironic": dict(way_back.NO_IRONIC),
        "machines": [
            {
                "uuid": "node-1",
                "name": "isw0-node-0",
                "mac": MAC,
                "power": "on",
                "boot_id": "boot-1",
                "last_seq": 10,
            }
        ],
    }


@pytest.fixture
def after(before: dict[str, Any]) -> dict[str, Any]:
    later = copy.deepcopy(before)
    later["taken_at"] = 1100.0
    later["machines"][0]["last_seq"] = 20
    return later


def wrong(before, after, beats=(), commands=()) -> dict[str, str]:
    checks = way_back.compared(before, after, beats, commands)
    return {check.name: check.detail for check in checks if not check.ok}


def test_a_base_that_is_as_it_was_leaves_nothing_to_say(before, after):
    assert wrong(before, after) == {}


@pytest.mark.parametrize(
    ("place", "value", "what", "says"),
    [
        (("servers", 0, "locked"), True, "servers", "locked: False became True"),
        (("servers", 0, "locked_reason"), "m", "servers", "None became 'm'"),
        (("services", 0, "state"), "down", "services", "state: 'up' became 'down'"),
        (
            ("around", "specs", "flavor-1"),
            {},
            "specs",
            "deploy_kernel_id: 'old' became None",
        ),
        (("hypervisors", "node-1", "type"), "ironic", "hypervisors", "became 'ironic'"),
        (("ports", "port-1", "dhcp_options"), [], "ports", "pxelinux.0"),
        (
            ("around", "nova_bm", "bm_nodes"),
            4712,
            "nova_bm",
            "bm_nodes: 4711 became 4712",
        ),
        (("files", "nova.conf"), {}, "files", "DEFAULT/compute_driver"),
        (("tftp", "/tftpboot/server-1/config"), "d", "tftp", "'abc' became 'd'"),
        (("resource_classes",), ["CUSTOM_X"], "resource classes", "CUSTOM_X"),
        (("ironic", "nodes"), 8, "ironic", "nodes: 0 became 8"),
        (("ironic", "api"), True, "ironic", "api: False became True"),
        (("machines", 0, "boot_id"), "boot-2", "machines", "'boot-1' became 'boot-2'"),
        (("machines", 0, "last_seq"), 10, "machines", "no heartbeat since"),
    ],
)
def test_each_thing_that_is_not_as_it_was_is_named(
    before, after, place, value, what, says
):
    inner: Any = after
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = value

    found = wrong(before, after)

    assert list(found) == [what]
    assert says in found[what]


def test_a_provider_that_is_gone_and_a_new_one_are_named(before, after):
    after["providers"][0]["uuid"] = "node-2"

    found = wrong(before, after)["providers"]

    assert "node-1: gone" in found
    assert "node-2: was not there before" in found


def test_a_power_command_between_the_two_looks_is_named(before, after):
    commands = [PowerCommand(at, "isw0-node-0", "off") for at in (999, 1050, 1101)]

    assert wrong(before, after, commands=commands) == {
        "power commands": "power off at isw0-node-0"
    }


def test_a_lost_heartbeat_counts(before, after):
    beats = [Beat(1000 + seq, MAC, "10.0.0.1", "boot-1", seq) for seq in (1, 3)]

    assert wrong(before, after, beats=beats) == {"heartbeats": "1 lost"}


def test_the_class_that_ironic_driver_made_may_stay_on_a_plain_fake_base(before, after):
    before["base_driver"] = "fake"
    after["resource_classes"] = ["CUSTOM_BAREMETAL"]

    assert wrong(before, after) == {}


@pytest.mark.parametrize(
    ("new", "says"),
    [
        ([], None),
        ([LOCK, UNLOCK], None),
        ([LOCK, UNLOCK, LOCK, UNLOCK], None),
        ([LOCK], "expected locks that were taken off"),
        ([{**LOCK, "action": "reboot"}, UNLOCK], "'reboot'"),
        ([LOCK, {**UNLOCK, "user_id": "owner"}], "by several users"),
    ],
)
def test_an_instance_was_locked_and_unlocked_and_nothing_else(before, after, new, says):
    after["around"]["actions"]["server-1"] += new

    found = wrong(before, after)

    assert list(found) == (["actions"] if says else [])
    assert not says or says in found["actions"]


def test_what_its_owner_had_locked_was_left_alone(before, after):
    before["servers"][0]["locked"] = after["servers"][0]["locked"] = True
    after["around"]["actions"]["server-1"] += [LOCK, UNLOCK]

    assert list(wrong(before, after)) == ["actions"]


def test_an_action_that_nova_no_longer_tells_is_named(before, after):
    after["around"]["actions"]["server-1"] = []

    assert list(wrong(before, after)) == ["actions"]
