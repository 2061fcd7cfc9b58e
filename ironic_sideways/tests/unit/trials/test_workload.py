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


from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ironic_sideways.evidence import beats, documents
from ironic_sideways.trials import local_boot, workload


def test_free_nodes_boot_from_the_network_and_no_other_is_touched():
    """The agent would not fit the smallest of them, nor its image their disks."""
    free = [
        SimpleNamespace(id="survivors", deploy_interface="direct"),
        SimpleNamespace(id="new", deploy_interface="ramdisk"),
    ]
    asked, changed = [], []

    def nodes(**query):
        asked.append(query["provision_state"])
        return iter(free)

    def update_node(node, **changes):
        changed.append((node.id, changes))

    ironic = SimpleNamespace(
        baremetal=SimpleNamespace(nodes=nodes, update_node=update_node)
    )

    assert workload.boot_from_the_network(ironic) == 2
    assert asked == ["available"]
    assert changed == [("survivors", {"deploy_interface": "ramdisk"})]


class Cloud:
    """A member's cloud whose servers are what they are told to be."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.status: dict[str, str] = {}
        self.compute = self

    def stop_server(self, uuid: str) -> None:
        self.calls.append(f"stop {uuid}")
        self.status[uuid] = "SHUTOFF"

    def start_server(self, uuid: str) -> None:
        self.calls.append(f"start {uuid}")
        self.status[uuid] = "ACTIVE"

    def lock_server(self, uuid: str, locked_reason: str) -> None:
        self.calls.append(f"lock {uuid}")

    def get_server(self, uuid: str) -> SimpleNamespace:
        status = self.status[uuid]
        return SimpleNamespace(
            status=status, task_state=None, hypervisor_hostname=f"node-{uuid}"
        )


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> workload.Workload:
    made = workload.Workload(Cloud(), tmp_path / "workload.json", tmp_path / "beats")
    monkeypatch.setattr(beats, "boot_ids", lambda path: {"mac-0": "boot-0"})
    monkeypatch.setattr(beats, "disks_of", lambda path, server: {})
    return made


def test_servers_beyond_four_are_plain_and_run(
    work: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flavors = {}

    def boot(cloud: Cloud, name: str, flavor: str) -> dict[str, Any]:
        number = name.rpartition("-")[2]
        flavors[name] = flavor
        cloud.status[number] = "ACTIVE"
        return {"uuid": number, "name": name, "mac": f"mac-{number}"}

    monkeypatch.setattr(workload, "destroy", lambda cloud: 0)
    monkeypatch.setattr(workload, "ensure_keypair", lambda cloud: None)
    monkeypatch.setattr(workload, "boot", boot)
    monkeypatch.setattr(beats, "wait_for_boot", lambda *place: "boot")
    monkeypatch.setattr(local_boot.Base, "boot_from_disk", lambda *place: None)
    machines = [{"macs": [f"mac-{n}" if n else "other"]} for n in range(7)]
    documents.write(tmp_path / "machines.json", machines)
    base = local_boot.Base("", tmp_path, tmp_path)
    admin: Any = work.cloud
    made = workload.create(work, admin, base, tmp_path / "machines.json", 7)

    assert [flavors[f"{workload.PREFIX}-{n}"] for n in range(7)] == [
        *[workload.OTHER_FLAVOR] * 3,
        workload.EPHEMERAL_FLAVOR,
        *[workload.FLAVOR] * 3,
    ]
    assert [s["boot"] for s in made].count("disk") == 1
    assert [s["status"] for s in made[3:]] == ["ACTIVE"] * 4
    assert work.recorded() == made


def test_the_server_that_boots_from_its_disk_is_switched(
    work: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[Any] = []
    monkeypatch.setattr(beats, "wait_for_boot", lambda *place: waited.append(place))
    servers = [
        {"uuid": "net", "boot": "network", "mac": "mac-1"},
        {"uuid": "disk", "boot": "disk", "mac": "mac-0"},
    ]
    documents.write(work.record, {"servers": servers})
    workload.switch(work)

    assert work.cloud.calls == ["stop disk", "start disk"]
    assert [place[1:3] for place in waited] == [("mac-0", "boot-0")]


class Nova:
    """Takes a server's request, and finds what it names."""

    def __init__(self) -> None:
        self.asked: list[tuple[dict[str, Any], str]] = []
        self.compute = self.image = self

    def find_image(self, name: str, _ignore: bool) -> SimpleNamespace:
        return SimpleNamespace(id=f"id of {name}")

    find_flavor = find_image

    def post(self, path: str, json: dict[str, Any], microversion: str) -> Any:
        assert path == "/servers"
        self.asked.append((json["server"], microversion))
        return SimpleNamespace(
            status_code=202, json=lambda: {"server": {"id": "server-1"}}
        )

    def get_server(self, uuid: str) -> str:
        return uuid


def test_a_node_is_named_as_novas_requests_name_it_whatever_the_sdk():
    """openstacksdk 4.10 sends OS-EXT-SRV-ATTR:hypervisor_hostname, which gets a 400."""
    cloud: Any = Nova()

    made = workload.request(
        cloud, "again", "guest", "baremetal", "none", hypervisor_hostname="node-1"
    )

    assert made == "server-1"
    ((asked, version),) = cloud.asked
    assert asked["hypervisor_hostname"] == "node-1"
    assert asked["imageRef"] == "id of guest" and asked["networks"] == "none"
    assert version == "2.74"
