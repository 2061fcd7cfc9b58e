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

"""A snapshot of some compute hosts holds what is theirs, and nothing else."""

import json
import types
from types import SimpleNamespace
from typing import Any

import pytest

from ironic_sideways.cloud import maintenance
from ironic_sideways.evidence import compare, snapshot, tenants

WHOLE = {
    "taken_at": 1.0,
    "base_driver": "nova_bm",
    "servers": [{"uuid": "a", "host": "one"}, {"uuid": "b", "host": "two"}],
    "providers": [{"uuid": "node-1"}, {"uuid": "node-2"}],
    "machines": [{"uuid": "node-1"}, {"uuid": "node-2"}],
    "services": [{"host": "one"}, {"host": "two"}],
}


def test_one_hosts_servers_and_nodes_are_kept_with_all_services() -> None:
    assert snapshot.of_hosts(WHOLE, ["two"], ["node-2"]) == {
        **WHOLE,
        "servers": [{"uuid": "b", "host": "two"}],
        "providers": [{"uuid": "node-2"}],
        "machines": [{"uuid": "node-2"}],
    }


def test_s2_what_users_of_other_hosts_do_is_no_concern() -> None:
    """Virtual servers are made and deleted, with their ports, images and key pairs."""
    port, other = {"id": "port-a"}, {"id": "port-b"}
    theirs = {"image": "image-b", "ports": [other]}
    whole = {
        **{"taken_at": 1.0, "base_driver": "nova_bm", "services": []},
        "servers": [
            {"uuid": "a", "host": "one", "image": "image-a", "ports": [port]},
            {"uuid": "b", "host": "two", **theirs},
        ],
        "providers": [
            {"uuid": "node-1", "allocations": {"a": {}}},
            {"uuid": "two's", "allocations": {"b": {}}},
        ],
        "around": {
            "access": {"f": {}},
            "specs": {"f": {"baremetal:deploy_kernel_id": "kernel"}},
            "images": dict.fromkeys(("image-a", "image-b", "kernel"), "active"),
            "fingerprints": {"a": "digest:1", "b": "digest:2"},
            "security groups": {"port-a": [], "port-b": [], "port-c": []},
            "consumers": {"a": [], "b": []},
            "hypervisors": {"node-1": "node-1", "two's": "two"},
            "server groups": {"a": [], "b": []},
            "actions": {"a": [], "b": []},
            "vifs": {"port-a": {}, "port-b": {}},
            "aggregates": {"one": [], "two": []},
            "placement": {"node-1": {}, "two's": {}},
            "nova_bm": {"bm_nodes": 1},
        },
    }

    found = snapshot.of_hosts(whole, ["one"], ["node-1"])

    assert "b" not in {one["uuid"] for one in found["servers"]}
    assert {kind: set(told) for kind, told in found["around"].items()} == {
        **{"access": {"f"}, "specs": {"f"}, "images": {"image-a", "kernel"}},
        **{"fingerprints": {"a"}, "security groups": {"port-a"}, "consumers": {"a"}},
        **{"hypervisors": {"node-1"}, "placement": {"node-1"}},
        **{"server groups": {"a"}, "aggregates": {"one"}},
        **{"actions": {"a"}, "vifs": {"port-a"}},
    }
    assert [one for one in compare.each_around(found, found) if not one.ok] == []


def test_what_was_not_looked_at_stays_absent() -> None:
    assert "ironic_nodes" not in snapshot.of_hosts(WHOLE, ["one"], ["node-1"])


def server(**values: object) -> types.SimpleNamespace:
    """As openstacksdk has it, with a secret in all that a tenant may write."""
    fields = (
        *("project_id", "user_id", "status", "vm_state", "task_state", "power_state"),
        *("compute_host", "hypervisor_hostname", "image", "created_at", "is_locked"),
        *("launched_at", "availability_zone", "has_config_drive"),
    )
    known = {
        **dict.fromkeys(fields),
        **{"id": "u", "name": "n", "metadata": {"horse": "horse"}, "tags": ["horse"]},
        **dict.fromkeys(
            ("key_name", "description", "user_data", "locked_reason", "hostname"),
            "horse",
        ),
        **{"access_ipv4": "horse", "access_ipv6": ""},
        "flavor": types.SimpleNamespace(original_name="f"),
    }
    return types.SimpleNamespace(**known | values)


def taken(*found: types.SimpleNamespace) -> list[dict[str, object]]:
    cloud = types.SimpleNamespace(
        compute=types.SimpleNamespace(servers=lambda **_: found),
        network=types.SimpleNamespace(ports=lambda **_: []),
    )
    return snapshot.servers(cloud, tenants.Digests(b"k"))


def test_s3_what_a_tenant_wrote_is_kept_as_a_digest() -> None:
    (found,) = taken(server())
    assert "horse" not in str(found)
    (again,) = taken(server())
    assert again == found


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("metadata", {"horse": "cow"}),
        ("tags", ["cow"]),
        ("description", None),
        ("user_data", "cow"),
        ("key_name", "cow"),
        ("hostname", "cow"),
    ],
)
def test_s3_a_change_of_it_is_seen(field: str, value: object) -> None:
    before, after = (
        {"servers": taken(server())},
        {"servers": taken(server(**{field: value}))},
    )
    (check,) = compare.each_server(before, after)
    assert not check.ok
    assert check.detail.startswith(f"{field}: ")
    assert "cow" not in check.detail


def test_s3_an_address_that_its_owner_told_is_seen_to_change() -> None:
    found = [taken(server()), taken(server(access_ipv6="cow"))]
    (check,) = compare.each_server(*({"servers": one} for one in found))
    assert check.detail.startswith("access_ips: ") and "cow" not in check.detail


def test_the_reason_of_our_own_lock_is_told() -> None:
    (found,) = taken(server(locked_reason=maintenance.REASON))
    assert found["locked_reason"] == maintenance.REASON


def test_t2_a_machines_mac_is_that_of_the_nic_that_was_heard_last(
    tmp_path, monkeypatch
) -> None:
    """It has two, and either may have the instance's address."""
    macs = [f"52:54:0{nic}:00:00:01" for nic in (0, 1)]
    beat = {"ip": "172.30.0.10", "boot_id": "b", "seq": 1}
    beats = [{**beat, "mac": mac, "time": t} for t, mac in enumerate(macs, start=1)]
    record = tmp_path / "heartbeat.jsonl"
    record.write_text("".join(f"{json.dumps(one)}\n" for one in beats))
    silent = [mac.replace("01", "02") for mac in macs]
    known = [
        {"uuid": "u1", "name": "n", "macs": macs},
        {"uuid": "u2", "name": "n", "macs": silent},
    ]
    (tmp_path / "machines.json").write_text(json.dumps(known))
    bmc = SimpleNamespace(bmc=SimpleNamespace(address="127.0.0.1"))
    monkeypatch.setattr(
        "ironic_sideways.hardware.bmc.credentials", lambda _path: {"n": bmc}
    )
    monkeypatch.setattr("ironic_sideways.ipmi.power_status", lambda _bmc: "on")
    where = snapshot.Machines(tmp_path / "machines.json", tmp_path, record)

    found = snapshot.machines(where)

    assert [one["mac"] for one in found] == [macs[1], silent[0]]
    assert [one["macs"] for one in found] == [macs, silent]


def node(state: str) -> dict[str, Any]:
    return {**dict.fromkeys(snapshot.LASTING), "provision_state": state}


@pytest.mark.parametrize(
    ("states", "timeout", "seen"),
    [
        (["deleting", "clean wait", "available", "active"], 30, "available"),
        (["deleting"] * 9, 0, "deleting"),
    ],
)
def test_the_last_look_waits_until_no_node_is_on_its_way(
    monkeypatch, states, timeout, seen
):
    looks = iter(states)
    monkeypatch.setattr(snapshot, "ironic_nodes", lambda cloud: [node(next(looks))])
    monkeypatch.setattr("tenacity.nap.time.sleep", lambda seconds: None)

    found = snapshot.last_look(object(), timeout)

    assert [one["provision_state"] for one in found["nodes"]] == [seen]
