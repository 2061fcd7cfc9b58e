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

"""Deploys by the agent: which node, whose beats, whose answer."""

import json
import socket
import types

import pytest

from ironic_sideways import exceptions
from ironic_sideways.evidence import node_watch, snapshot
from ironic_sideways.trials import agent_deploys, workload
from ironic_sideways.trials.survivors import Survivors

MAC, ADDRESS = "52:54:00:00:00:01", "127.0.0.1"
SERVER = {"uuid": "s-1", "name": "new", "mac": MAC, "fixed_ips": [ADDRESS]}


def node(name: str, memory: int, instance: str | None = None, interface="ramdisk"):
    return types.SimpleNamespace(
        id=name,
        properties={"memory_mb": str(memory)},
        instance_id=instance,
        deploy_interface=interface,
    )


class Ironic:
    """Ironic's API as far as a free node is chosen by it."""

    def __init__(self, *nodes) -> None:
        self.listed = nodes
        self.changed: list[tuple[str, dict[str, str]]] = []
        self.baremetal = self

    def nodes(self, **_query):
        return iter(self.listed)

    def update_node(self, found, **changes):
        self.changed.append((found.id, changes))
        found.__dict__.update(changes)
        return found


def test_the_free_node_that_the_agent_fits_is_made_to_deploy_by_it():
    ironic = Ironic(
        *(node("small", 256), node("used", 1024, "i")),
        *(node("wanted", 1024), node("free", 1024)),
    )

    assert agent_deploys.free_node(ironic, "wanted").id == "free"
    assert ironic.changed == [("free", {"deploy_interface": "direct"})]


def test_a_node_that_deploys_by_the_agent_already_is_left_as_it_is():
    ironic = Ironic(node("free", 2048, interface="direct"))

    assert agent_deploys.free_node(ironic, "wanted").id == "free"
    assert ironic.changed == []


def test_without_a_node_that_the_agent_fits_there_is_none(monkeypatch):
    monkeypatch.setattr(agent_deploys, "FREE_TIMEOUT", 0.01)

    with pytest.raises(exceptions.WaitExpired, match="free node with 1024 MiB"):
        agent_deploys.free_node(Ironic(node("small", 256)), "wanted")


def provider(name: str, reserved: int) -> dict:
    inventory = {"total": 1, "reserved": reserved}
    return {"uuid": name, "inventories": {"CUSTOM_BAREMETAL": inventory}}


def test_a_node_that_ironic_has_freed_is_waited_for_until_nova_knows(monkeypatch):
    looks = [[provider("it", 1), provider("other", 1)], [provider("it", 0)]]
    monkeypatch.setattr(snapshot, "providers", lambda _cloud: looks.pop(0))

    agent_deploys.wait_until_offered(None, "it")

    assert looks == []


def test_a_node_that_nova_never_reports_is_named(monkeypatch):
    monkeypatch.setattr(agent_deploys, "REPORT_TIMEOUT", 0.01)
    monkeypatch.setattr(snapshot, "providers", lambda _cloud: [provider("it", 1)])

    with pytest.raises(exceptions.WaitExpired, match="node it as free"):
        agent_deploys.wait_until_offered(None, "it")


def test_who_is_there_refuses_a_connection_and_who_listens_takes_it(monkeypatch):
    with socket.create_server((ADDRESS, 0)) as server:
        monkeypatch.setattr(agent_deploys, "CLOSED_PORT", server.getsockname()[1])
        assert agent_deploys.answer(ADDRESS) == "connected"

    assert agent_deploys.answer(ADDRESS) == "refused"


@pytest.fixture
def survivors(tmp_path):
    work = workload.Workload(
        types.SimpleNamespace(), tmp_path / "w", tmp_path / "beats"
    )

    def beat(**more):
        row = {"time": 9.0, "mac": MAC, "ip": ADDRESS, "boot_id": "boot-2", "seq": 1}
        work.heartbeat.write_text(json.dumps({**row, **more}) + "\n")

    found = Survivors(work, work.cloud, work.cloud)
    return types.SimpleNamespace(beat=beat, all=found)


def test_a_deploy_is_told_by_the_guests_own_beats(survivors, monkeypatch):
    monkeypatch.setattr(agent_deploys, "answer", lambda address: "refused")
    survivors.beat(image="marked")
    watch = node_watch.Watch(5.0, "node-1", "direct")

    found = agent_deploys.finish(survivors.all, SERVER, "boot-1", watch)

    assert found["detail"] == (
        "new runs image marked under boot id boot-2 on node node-1, written by direct, "
        "and answers on 127.0.0.1"
    )
    assert found["deploy"]["beating"] == 4.0
    assert found["deploy"]["fixed_ip"] == ADDRESS


@pytest.mark.parametrize(
    ("more", "says"),
    [({}, "mark None"), ({"image": "marked", "ip": "10.0.0.9"}, "found 10.0.0.9")],
)
def test_beats_of_another_image_or_address_are_no_deploy(survivors, more, says):
    survivors.beat(**more)

    with pytest.raises(exceptions.SidewaysError, match=says):
        agent_deploys.finish(survivors.all, SERVER, None, node_watch.Watch(5.0))
