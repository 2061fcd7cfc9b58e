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

"""What a refused rebuild must have left as it was (T1)."""

import copy
import json
import types
from typing import Any

import pytest

from ironic_sideways import exceptions
from ironic_sideways.trials import net_booted, workload

MAC = "52:54:00:00:00:01"
SERVER = {"uuid": "server-1", "name": "net", "mac": MAC, "port": "port-1"}
FAULT = "Failed to provision instance server-1: Rebuild refused, the server runs on"
NODE: dict[str, Any] = {
    "id": "node-1",
    "provision_state": "active",
    "power_state": "power on",
    "last_error": None,
    "instance_info": {"kernel": "k", "ramdisk_kernel_arguments": "root=UUID=1"},
    "driver_info": {"ipmi_force_boot_device": True, "ipmi_address": "192.0.2.1"},
    "driver_internal_info": {},
}
PORT = {"mac_address": MAC, "status": "ACTIVE", "device_id": "s", "fixed_ips": []}


class Cloud:
    """Nova, Ironic and Neutron before and after a rebuild that is refused."""

    def __init__(self, record, after: dict[str, Any], status: str, fault: str) -> None:
        self.record, self.asked = record, 0
        self.reset: list[tuple[str, str]] = []
        self.loses = False
        self.back: list[tuple[str, Any]] = []
        self.after, self.status, self.said = after, status, fault
        self.compute = self.network = self.image = self
        self.work = types.SimpleNamespace(cloud=self, heartbeat=record)
        self.admin = self

    def node(self, _uuid: str) -> Any:
        return types.SimpleNamespace(**(self.after if self.asked else NODE))

    def get_port(self, _name: str) -> Any:
        return types.SimpleNamespace(**PORT)

    def find_image(self, name: str, _ignore: bool) -> Any:
        return types.SimpleNamespace(id=f"id of {name}")

    def post(self, path: str, json: Any, microversion: str) -> Any:
        assert json["rebuild"]["imageRef"] == f"id of {workload.OTHER_IMAGE}"
        self.asked += 1
        self.beat(2)
        return types.SimpleNamespace(raise_for_status=lambda: None)

    def beat(self, seq: int) -> None:
        beat = {"time": float(seq), "mac": MAC, "ip": "", "boot_id": "b", "seq": seq}
        with self.record.open("a") as file:
            file.write(json.dumps(beat) + "\n")

    def get_server(self, _uuid: str) -> Any:
        status = "ACTIVE" if self.reset else self.status
        fault = {"message": self.said}
        return types.SimpleNamespace(status=status, task_state=None, fault=fault)

    def allocation(self, _uuid: str) -> Any:
        lost = self.loses and self.asked and not self.back
        return {} if lost else {"node-1": {"CUSTOM_X": 1}}

    def put_back(self, uuid: str, held: Any) -> None:
        self.back.append((uuid, held))

    def reset_server_state(self, uuid: str, state: str) -> None:
        self.reset.append((uuid, state))


def changed(column: str | None = None, key: str = "", value: Any = None) -> Any:
    node = copy.deepcopy(NODE)
    if column:
        node[column][key] = value
    return node


def refuse(
    tmp_path, monkeypatch, after, status="ERROR", fault=FAULT, loses=False
) -> Cloud:
    record = tmp_path / "heartbeat.jsonl"
    cloud: Any = Cloud(record, after, status, fault)
    cloud.loses = loses
    cloud.beat(1)
    monkeypatch.setattr(net_booted.beats, "wait_for_more", lambda *_: None)
    found = net_booted.refused_rebuild(cloud, SERVER)
    said = found["detail"]
    assert said.startswith("net beats on under boot id b; Failed to provision")
    assert bool(found["lost"]) is loses
    return cloud


def test_t1_a_refusal_that_leaves_all_as_it_was_is_cleared(tmp_path, monkeypatch):
    cloud = refuse(tmp_path, monkeypatch, changed())
    assert cloud.reset == [("server-1", "active")]


def test_t1_an_allocation_that_novas_own_manager_loses_is_put_back(
    tmp_path, monkeypatch
):
    cloud = refuse(tmp_path, monkeypatch, changed(), loses=True)
    assert cloud.back == [("server-1", {"node-1": {"CUSTOM_X": 1}})]


@pytest.mark.parametrize(
    ("after", "status", "fault", "says"),
    [
        (changed(), "ACTIVE", "", "expected ERROR and a fault"),
        (changed(), "ERROR", "No valid host", "expected ERROR and a fault"),
        (changed("instance_info", "kernel", "x"), "ERROR", FAULT, "settings: "),
        (changed("driver_info", "ipmi_force_boot_device", 0), "ERROR", FAULT, "sett"),
        (
            changed("instance_info", "image_source", "i"),
            "ERROR",
            FAULT,
            "instance_info: ",
        ),
        ({**NODE, "power_state": "power off"}, "ERROR", FAULT, "power: power on beca"),
    ],
)
def test_t1_a_refusal_that_changed_something_is_a_failure(
    tmp_path, monkeypatch, after, status, fault, says
):
    with pytest.raises(exceptions.SidewaysError, match=says):
        refuse(tmp_path, monkeypatch, after, status, fault)


def test_t1_a_node_with_settings_left_is_named():
    with pytest.raises(exceptions.SidewaysError, match=r"node-1: expected no net-boot"):
        net_booted.require_none(types.SimpleNamespace(**NODE))
    free = {**NODE, **dict.fromkeys(net_booted.COLUMNS)}
    net_booted.require_none(types.SimpleNamespace(**free))
