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
import types
from typing import Any

import pytest

from ironic_sideways import exceptions
from ironic_sideways.trials import operations, power, workload


@pytest.mark.parametrize(
    ("reserved", "allocations", "held"),
    [(0, {}, []), (1, {"server": {}}, []), (1, {}, ["node"]), (0, {"s": {}}, ["node"])],
)
def test_a_node_is_reserved_whole_as_long_as_it_is_used(reserved, allocations, held):
    provider = {
        "uuid": "node",
        "inventories": {"VCPU": {"reserved": reserved}},
        "allocations": allocations,
    }

    assert operations.held_back([provider]) == held


def test_an_operation_that_fails_is_a_finding_and_the_others_go_on():
    def fails() -> str:
        raise OSError("no luck")

    found = operations.side_by_side(
        {"one": fails, "two": lambda: "done"}, {"three": lambda: {"detail": "x"}}
    )

    assert [(f["name"], f["ok"]) for f in found] == [
        ("one", False),
        ("two", True),
        ("three", True),
    ]
    assert found[0]["detail"] == "OSError: no luck"


PAIR = ("deploy after cleaning", "direct deploy")


@pytest.mark.parametrize(
    ("well", "again"),
    [
        ((True, True), []),
        ((False, True), ["again", "beside"]),
        ((False, False), ["again", "beside"]),
    ],
)
def test_two_deploys_of_which_one_failed_are_both_done_again(monkeypatch, well, again):
    """They must be seen side by side; the cleaning before them is done."""
    made = []

    def deploy(_survivors, _name, node):
        made.append("again")
        return {"detail": node}

    def deploy_beside(_survivors, _other):
        made.append("beside")
        return {"detail": "node-2"}

    ironic = types.SimpleNamespace(get_node=lambda node: node)
    survivors: Any = types.SimpleNamespace(
        ironic=types.SimpleNamespace(baremetal=ironic)
    )
    monkeypatch.setattr(operations.agent_deploys, "deploy", deploy)
    monkeypatch.setattr(operations, "deploy_beside", deploy_beside)
    cleaning = {"name": "cleaning", "ok": True, "clean": {"node": "node-1"}}
    done = [
        cleaning,
        *({"name": n, "ok": ok} for n, ok in zip(PAIR, well, strict=True)),
    ]

    found = operations.clean_and_deploy(survivors, done)

    assert sorted(made) == again
    assert [(f["name"], f["ok"]) for f in found] == [
        (name, True) for name in ("cleaning", *PAIR)
    ]


def test_the_bases_tftp_root_is_moved_away_once(tmp_path):
    root = tmp_path / "tftpboot"
    (root / "server").mkdir(parents=True)

    operations.retire_tftp_root(root)
    operations.retire_tftp_root(root)

    (retired,) = tmp_path.iterdir()
    assert retired.name.startswith("tftpboot-retired-")
    assert (retired / "server").is_dir()


MAC, ROOT = "52:54:00:00:00:01", "8d295fb6-bc13-496b-9ee2-ac49c9850df1"
DISKS = {"root": ROOT, "marker": "m1", "ephemeral": "m2"}
NET_BOOTED = {
    **{"uuid": "server-1", "name": "net", "mac": MAC},
    **{"boot": "network", "boot_id": "boot-1", **DISKS},
}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"root": None}, "boots from network: its heartbeats report root file system"),
        ({"root": "0" * 8}, f"carried .*{ROOT}.* and carry .*0{{8}}"),
        ({"marker": "m3"}, "carried .*'m1'.* and carry .*'m3'"),
        ({"ephemeral": None}, "carried .*'m2'.* and carry .*None"),
        ({}, ""),
    ],
)
def test_t10_a_net_booted_server_is_back_only_on_its_own_disks(
    tmp_path, monkeypatch, change, says
):
    record = tmp_path / "heartbeat.jsonl"
    beat = {"time": 1.0, "mac": MAC, "ip": "", "boot_id": "boot-2", "seq": 1}
    record.write_text(json.dumps({**beat, **DISKS, **change}) + "\n")
    monkeypatch.setattr(power, "hard_reboot", lambda *_: "net is back")
    work = workload.Workload(None, tmp_path / "workload.json", record)

    if says:
        with pytest.raises(exceptions.SidewaysError, match=says):
            power.same_reboot(work, NET_BOOTED)
    else:
        said = power.same_reboot(work, NET_BOOTED)
        assert said == f"net is back, root {ROOT}, marker m1, ephemeral m2"


SERVERS = [
    {"name": name, "status": "ACTIVE", "boot": boot, "crossed": True, "ephemeral": e}
    for name, boot, e in (
        ("disk", "disk", None),
        ("ephemeral", "network", "m"),
        ("crossed", "network", None),
    )
] + [{"name": "stopped", "status": "SHUTOFF", "boot": "network"}]


def test_t3_each_operation_has_its_survivor(tmp_path):
    found = operations.roles(tmp_path / "workload.json", SERVERS)

    assert [s["name"] for s in found] == ["crossed", "ephemeral", "disk", "stopped"]


@pytest.mark.parametrize("name", ["disk", "ephemeral", "crossed", "stopped"])
def test_t3_a_workload_that_lacks_one_is_named(tmp_path, name):
    left = [server for server in SERVERS if server["name"] != name]

    with pytest.raises(exceptions.SidewaysError, match=f"{name}.*, found none"):
        operations.roles(tmp_path / "workload.json", left)


class Bench:
    """Ironic and the administrator's cloud around one node that takes a server."""

    def __init__(self) -> None:
        self.deploy_interface, self.id = "direct", "node-1"
        self.done: list[tuple[str, str, str]] = []
        self.instance_info = self.driver_info = self.driver_internal_info = None
        self.ironic = self.baremetal = self.admin = self
        self.work = types.SimpleNamespace(heartbeat="")

    def get_node(self, _node: str) -> Any:
        return self

    def update_node(self, _node: str, deploy_interface: str) -> None:
        self.deploy_interface = deploy_interface


def redeployed(monkeypatch, root: str | None, left: Any = None) -> Any:
    bench: Any = Bench()
    stream = types.SimpleNamespace(root=root)

    def boot(_cloud, name, flavor, node):
        bench.done.append((name, node, bench.deploy_interface))
        bench.driver_info = left
        return {"mac": MAC}

    for module, name, value in (
        (operations.beats, "boot_ids", lambda _: {}),
        (operations.beats, "wait_for_boot", lambda *_: "boot-9"),
        (operations.beats, "newest", lambda *_: stream),
        (workload, "delete_servers", lambda *_: 0),
        (workload, "ensure_keypair", lambda _: None),
        (workload, "boot", boot),
        (operations.agent_deploys, "wait_until_offered", lambda *_: None),
        (operations.agent_deploys, "wait_until_available", lambda *_: None),
    ):
        monkeypatch.setattr(module, name, value)
    return bench, lambda: operations.redeploy(bench, "node-1")


def test_t1_the_node_of_a_deleted_survivor_takes_a_new_server(monkeypatch):
    bench, act = redeployed(monkeypatch, None)

    found = act()

    assert bench.done == [("sideways-redeployed", "node-1", "ramdisk")]
    assert bench.deploy_interface == "direct"
    assert (found["node"], found["boot"]["boot_id"]) == ("node-1", "boot-9")


@pytest.mark.parametrize(
    ("root", "left", "says"),
    [
        (ROOT, None, f"root file system {ROOT}, which was a deleted server's"),
        (None, {"ipmi_force_boot_device": True}, "expected no net-boot settings"),
    ],
)
def test_t1_what_is_left_of_the_deleted_survivor_is_named(
    monkeypatch, root, left, says
):
    _bench, act = redeployed(monkeypatch, root, left)

    with pytest.raises(exceptions.SidewaysError, match=says):
        act()


def test_t1_the_node_of_a_survivor_is_known_once_it_is_deleted():
    done = [{"name": "delete", "ok": True, "node": "node-7"}]
    survivors: Any = types.SimpleNamespace(
        node=lambda uuid: types.SimpleNamespace(id=f"node of {uuid}")
    )

    assert operations.held(survivors, {"uuid": "u"}, done) == "node-7"
    assert operations.held(survivors, {"uuid": "u"}, []) == "node of u"
