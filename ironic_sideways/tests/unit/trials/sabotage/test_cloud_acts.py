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

"""What the sabotages ask of services and change in files is done, and taken back."""

import json
import subprocess
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import pytest
import sqlalchemy as sa

from ironic_sideways import commands, exceptions, waits
from ironic_sideways.cloud import maintenance
from ironic_sideways.evidence import heartbeat
from ironic_sideways.lab import services
from ironic_sideways.lab.layout import Layout
from ironic_sideways.tests.unit.report.small_move import files, looks, small_cloud
from ironic_sideways.trials.sabotage import acts, cloud_acts, windows

OLD = types.SimpleNamespace(metadata={"role": "a"}, tags=["one"])
GENERATION = {"resource_provider_generation": 4}


class Api:
    """One that answers to a request with what it was told to."""

    def __init__(self, status: int = 200) -> None:
        self.status = status
        self.asked: list[tuple[str, str, Any]] = []
        self.json: Callable[[], Any] | None = None

    def request(self, path: str, method: str, **more: Any) -> Any:
        self.asked.append((method, path, more["json"]))
        return types.SimpleNamespace(
            **{"ok": self.status < 400, "status_code": self.status, "text": "no"},
            **{"content": b"{}" if self.json else b"", "json": self.json},
        )

    def get(self, path: str, **_: Any) -> Any:
        inventories = {"CUSTOM_X": {"total": 1, "allocation_ratio": 1.0}}
        document = {"inventories": inventories, **GENERATION}
        return types.SimpleNamespace(json=lambda: document)

    def get_server(self, uuid: str) -> Any:
        return OLD

    def get_port(self, uuid: str) -> Any:
        return types.SimpleNamespace(binding_host_id="node-stop")

    def services(self, **_: Any) -> Any:
        return [types.SimpleNamespace(id="service-1", state="down")]


def nobody() -> NoReturn:
    raise AssertionError("nobody is asked")


@pytest.fixture
def stopped(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The services that were stopped, and those started again."""
    done: list[str] = []
    for what in ("stop", "start"):
        told = lambda layout, names, what=what: done.extend(  # noqa: E731
            f"{what} {name}" for name in names
        )
        monkeypatch.setattr(services, what, told)
    return done


@pytest.fixture
def scene(tmp_path: Path) -> acts.Scene:
    """A lab whose window has moved all, with an Ironic of four free nodes."""
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'all.db'}")
    with engine.begin() as connection:
        for statement in (
            "CREATE TABLE nodes (id INTEGER, uuid TEXT, instance_uuid TEXT)",
            "CREATE TABLE services (id INTEGER PRIMARY KEY, uuid TEXT, host TEXT, "
            "`binary` TEXT, topic TEXT, deleted INTEGER)",
            "INSERT INTO services VALUES "
            "(1, 's', 'isw0', 'nova-compute', 'compute', 0)",
        ):
            connection.execute(sa.text(statement))
        nodes = [{"id": number, "uuid": f"free-{number}"} for number in range(4)]
        insert = "INSERT INTO nodes VALUES (:id, :uuid, NULL)"
        connection.execute(sa.text(insert), nodes)
    (tmp_path / "evidence").mkdir()
    (tmp_path / "logs").mkdir()
    servers = [
        {**server, "uuid": f"server-{number}", "status": status}
        for number, status in enumerate(("ACTIVE", "ACTIVE", "ACTIVE", "SHUTOFF"))
        for server in looks.servers(False)[:1]
    ]
    before = {**looks.snapshot(1, {"VCPU": 1}, False, 1), "servers": servers}
    files.write(tmp_path / "evidence" / "before.json", before)
    api = Api()
    cloud = types.SimpleNamespace(compute=api, network=api, placement=api)
    return acts.Scene(lambda name: engine, Layout(tmp_path), nobody, lambda: cloud)


@pytest.mark.parametrize(
    ("name", "asked", "back"),
    [
        (
            "server-error",
            ("POST", "/servers/server-0/action", {"os-resetState": {"state": "error"}}),
            {"os-resetState": {"state": "active"}},
        ),
        (
            "metadata",
            ("PUT", "/servers/server-1/metadata", {"metadata": {}}),
            {"metadata": {"role": "a"}},
        ),
        (
            "tags",
            ("PUT", "/servers/server-2/tags", {"tags": ["of-another"]}),
            {"tags": ["one"]},
        ),
        (
            "unlocked",
            ("POST", "/servers/server-1/action", {"unlock": None}),
            {"lock": {"locked_reason": maintenance.REASON}},
        ),
        (
            "service-enabled",
            ("PUT", "/os-services/service-1", {"status": "enabled"}),
            {"status": "disabled", "disabled_reason": maintenance.REASON},
        ),
        (
            "binding",
            ("PUT", "/ports/port-1", {"port": {"binding:host_id": "elsewhere"}}),
            {"port": {"binding:host_id": "node-stop"}},
        ),
        (
            "ratio",
            (
                "PUT",
                "/resource_providers/free-3/inventories/CUSTOM_X",
                {"total": 1, "allocation_ratio": 2.0, **GENERATION},
            ),
            {"total": 1, "allocation_ratio": 1.0, "resource_provider_generation": 5},
        ),
    ],
)
def test_what_an_api_was_asked_is_asked_back(
    scene: acts.Scene,
    stopped: list[str],
    name: str,
    asked: tuple[str, str, Any],
    back: Any,
) -> None:
    broken = windows.find(name).act(scene)

    assert scene.changes.mend() == 1
    assert scene.cloud().compute.asked == [asked, (*asked[:2], back)]
    assert broken.things and stopped == (["stop nova-compute"] * (name == "ratio"))


def test_what_an_api_refuses_is_told(scene: acts.Scene) -> None:
    scene.cloud().compute.status = 403
    with pytest.raises(exceptions.SidewaysError, match=r"PUT .*tags: 403 no"):
        windows.find("tags").act(scene)


def test_a_log_that_was_cut_has_all_again(scene: acts.Scene) -> None:
    log = scene.layout.log("neutron")
    log.write_text("before\n")
    with log.open("a") as service:
        assert cloud_acts.cut_log(scene).things == ("neutron.log",)
        assert log.read_text() == ""
        service.write("in the window\n")
        service.flush()
        scene.changes.mend()
        service.write("after\n")
    assert log.read_text() == "before\nin the window\nafter\n"


def test_a_log_that_was_removed_has_all_again(scene: acts.Scene) -> None:
    log = scene.layout.log("ironic-api")
    log.write_text("before\n")
    with log.open("a") as service:
        assert cloud_acts.lose_log(scene).things == ("ironic-api.log",)
        assert not log.exists()
        service.write("in the window\n")
    scene.changes.mend()
    assert log.read_text() == "before\nin the window\n"


def test_migration_json_of_an_earlier_round_is_laid_down(scene: acts.Scene) -> None:
    path = scene.evidence / "migration.json"
    files.write(path, {"run_id": "run-2"})
    with pytest.raises(exceptions.SidewaysError, match="go there and back once before"):
        cloud_acts.lay_old_migration(scene)
    old = scene.evidence / "rollbacks" / "sabotaged-vif" / "migration.json"
    files.write(old, {"run_id": "run-1"})

    assert cloud_acts.lay_old_migration(scene).things == ("run-1",)

    assert json.loads(path.read_text()) == {"run_id": "run-1"}
    scene.changes.mend()
    assert json.loads(path.read_text()) == {"run_id": "run-2"}


def test_the_base_is_told_as_another_until_it_is_mended(scene: acts.Scene) -> None:
    path = scene.evidence / "before.json"
    text = path.read_text()
    cloud_acts.tell_fake(scene)
    assert json.loads(path.read_text())["base_driver"] == "fake"
    scene.changes.mend()
    assert path.read_text() == text


def test_services_that_were_stopped_run_again(
    scene: acts.Scene, stopped: list[str]
) -> None:
    assert cloud_acts.stop_dhcp(scene).things == (small_cloud.mac(1),) * 3
    cloud_acts.stop_scheduler(scene)
    scene.changes.mend()
    assert stopped == [
        *("stop dnsmasq", "stop nova-scheduler"),
        *("start nova-scheduler", "start dnsmasq"),
    ]


def test_a_service_that_stays_up_is_no_sabotage(
    scene: acts.Scene, stopped: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    up = [types.SimpleNamespace(state="up")]
    monkeypatch.setattr(Api, "services", lambda self, **_: up)
    monkeypatch.setattr(cloud_acts, "DOWN_TIMEOUT", 0)
    with pytest.raises(exceptions.WaitExpired, match="nova-scheduler to be down"):
        cloud_acts.stop_scheduler(scene)


def test_a_service_of_another_host_is_recorded_and_goes(scene: acts.Scene) -> None:
    query = "SELECT host, `binary` FROM services ORDER BY id"
    assert cloud_acts.leave_service(scene).things == ("isw0-left",)
    assert scene.changes.select(query) == [
        {"host": host, "binary": "nova-compute"} for host in ("isw0", "isw0-left")
    ]
    scene.changes.mend()
    assert len(scene.changes.select(query)) == 1


def test_a_machine_is_silent_and_heard_again(
    scene: acts.Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    ordered: list[str] = []

    def run(words: list[str], timeout: float) -> Any:
        ordered.append(" ".join(words))
        told = f"vnet7 bridge isw0 virtio {small_cloud.mac(1)}\n"
        return subprocess.CompletedProcess(words, 0, told, "")

    credentials = {"machine-1": types.SimpleNamespace(libvirt_uri="test:///")}
    monkeypatch.setattr(cloud_acts.bmc, "credentials", lambda path: credentials)
    monkeypatch.setattr(commands, "run", run)
    silences = iter((1.0, 9.0, 10.0, 0.5))
    clock = types.SimpleNamespace(time=lambda: 100.0)
    monkeypatch.setattr(cloud_acts, "time", clock)
    monkeypatch.setattr(
        heartbeat,
        "newest",
        lambda path: {
            small_cloud.mac(1): types.SimpleNamespace(last_time=100.0 - next(silences))
        },
    )
    at_once = lambda look, done, what, timeout: waits.wait_for(  # noqa: E731
        look, done, what, timeout, interval=0
    )
    monkeypatch.setattr(cloud_acts, "waits", types.SimpleNamespace(wait_for=at_once))

    assert cloud_acts.mute(scene).things == ("machine-1",)

    assert ordered == [
        "virsh --connect test:/// domiflist machine-1",
        "ip link set dev vnet7 down",
        "ip link set dev vnet7 up",
    ]


def test_a_network_that_cannot_be_switched_is_named() -> None:
    with pytest.raises(exceptions.SidewaysError, match="no-such-tap: not down: "):
        cloud_acts.link("no-such-tap", "down")


def test_what_placement_was_told_of_a_misspelt_class_is_renamed_and_the_class_gone(
    scene,
):
    api = scene.cloud().placement
    told = {"inventories": {"CUSTOM_X": {"total": 1}}, **GENERATION}
    api.json = lambda: json.loads(json.dumps(told))
    scene.changes.will_rename("node-free", "CUSTOM_X", "CUSTOM_Y")

    assert scene.changes.mend() == 1
    path = "/resource_providers/node-free/inventories"
    right = {"inventories": {"CUSTOM_Y": {"total": 1}}, **GENERATION}
    assert api.asked == [
        ("GET", path, None),
        ("PUT", path, right),
        ("DELETE", "/resource_classes/CUSTOM_X", None),
    ]
