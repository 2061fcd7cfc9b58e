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

"""What a member tries in the window, on a cloud that refuses it, or does not."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ironic_sideways import exceptions
from ironic_sideways.cloud import maintenance_probe
from ironic_sideways.report import maintenance as judged

LOCKED = (409, '{"conflictingRequest": {"message": "Instance server-1 is locked"}}')
BY_NOVA = (403, '{"forbidden": {"message": "Policy doesn\'t allow it"}}')
BY_NEUTRON = (403, '{"NeutronError": {"message": "rule:x is disallowed by policy"}}')
LET = (200, "{}")


class Cloud:
    """A cloud of which a member owns ``server-1`` and its port, and what they asked.

    :param let: calls that it does not refuse: method and what the body names first.
    """

    def __init__(self, *let: str, answer: tuple[int, str] = LET) -> None:
        self.let = set(let)
        self.answer = answer
        self.asked: list[str] = []
        self.compute = SimpleNamespace(servers=self._servers, request=self._nova)
        self.network = SimpleNamespace(ports=self._ports, request=self._neutron)

    def _servers(self) -> list[Any]:
        return [SimpleNamespace(id=f"server-{n}", name=f"name-{n}") for n in (1, 2)]

    def _ports(self, device_id: str) -> list[Any]:
        return [
            SimpleNamespace(
                id=f"port-of-{device_id}",
                network_id="network",
                mac_address="52:54:00:00:00:01",
                device_id=device_id,
                device_owner="compute:nova",
                fixed_ips=[{"ip_address": "192.0.2.1"}],
                allowed_address_pairs=[],
                binding_vnic_type="normal",
            )
        ]

    def _request(self, path: str, method: str, json: Any, refusal: Any) -> Any:
        first = next(iter(json), "") if json else ""
        if first == "port":
            first = next(iter(json["port"]))
        self.asked.append(f"{method} {path} {first}".strip())
        status, text = self.answer if self.asked[-1] in self.let else refusal
        return SimpleNamespace(status_code=status, text=text)

    def _nova(self, path, method, *, json, raise_exc, microversion):
        assert not raise_exc
        # Nova has shares from 2.97 on, and 404 before.
        assert microversion == ("2.97" if "/shares" in path else "2.26")
        by_lock = (method == "DELETE" and path.count("/") == 2) or "reboot" in (
            json or ""
        )
        return self._request(path, method, json, LOCKED if by_lock else BY_NOVA)

    def _neutron(self, path, method, *, json, raise_exc):
        assert not raise_exc
        return self._request(path, method, json, BY_NEUTRON)


@pytest.fixture
def record(tmp_path: Path) -> Path:
    path = tmp_path / "maintenance.json"
    path.write_text('{"lock": ["server-1"]}')
    return path


def everything(cloud: Cloud, record: Path) -> int:
    return maintenance_probe.everything(cloud, {"server-1"}, record)


def test_s2_all_that_is_refused_is_recorded_for_the_verdict(record: Path) -> None:
    cloud = Cloud()

    assert everything(cloud, record) == len(cloud.asked)

    kept = json.loads(record.read_text())
    assert kept["lock"] == ["server-1"]
    assert set(kept["refused"]) == set(judged.REFUSED)
    # The other one is not held: it would really be deleted.
    assert not [asked for asked in cloud.asked if "server-2" in asked]


OWN, PORT = "/servers/server-1", "/ports/port-of-server-1"
CALLS = [
    f"PUT {OWN} server",
    *(
        f"POST {OWN}/action {act}"
        for act in ("unlock", "createImage", "createBackup", "reboot")
    ),
    f"DELETE {OWN}",
    f"PUT {OWN}/tags/ironic-sideways-probe",
    f"DELETE {OWN}/tags",
    f"POST {OWN}/shares share",
    f"DELETE {OWN}/shares/{maintenance_probe.NO_SHARE}",
    *(
        f"PUT {PORT} {key}"
        for key in (
            *("mac_address", "device_id", "device_owner", "fixed_ips"),
            *("allowed_address_pairs", "binding:vnic_type"),
        )
    ),
    "POST /ports network_id",
    f"DELETE {PORT}",
]


@pytest.mark.parametrize("call", CALLS)
def test_s2_each_call_that_is_let_through_is_named(record: Path, call: str) -> None:
    cloud = Cloud(call)
    method, path, *_ = call.split()

    with pytest.raises(exceptions.SidewaysError, match="let through") as named:
        everything(cloud, record)

    assert f"({method} {path})" in str(named.value)
    assert cloud.asked[-1] == call
    assert "refused" not in json.loads(record.read_text())


def test_s2_what_changes_nothing_is_tried_first(record: Path) -> None:
    cloud = Cloud()
    everything(cloud, record)
    assert cloud.asked[:2] == [f"PUT {OWN} server", f"PUT {PORT} device_id"]


@pytest.mark.parametrize(
    ("call", "answer"),
    [
        (f"POST {OWN}/action reboot", (409, "is in task state deleting")),
        (f"POST {OWN}/action createImage", (403, "Quota exceeded")),
        (f"PUT {PORT} device_id", (404, "The resource could not be found")),
    ],
)
def test_a_refusal_for_another_reason_proves_nothing(
    record: Path, call: str, answer: tuple[int, str]
) -> None:
    with pytest.raises(exceptions.SidewaysError, match="another reason") as named:
        everything(Cloud(call, answer=answer), record)
    assert f"found {answer[0]}" in str(named.value)


def test_a_member_without_an_instance_proves_nothing(record: Path) -> None:
    with pytest.raises(exceptions.SidewaysError, match="no instance with a port"):
        maintenance_probe.everything(Cloud(), set(), record)


HARMLESS = [f"PUT {OWN} server", f"PUT {PORT} device_id"]


def await_policy(cloud: Cloud, record: Path | None, **how: bool) -> int:
    return maintenance_probe.await_policy(cloud, 0.1, record, **how)


def test_s2_before_the_locks_both_services_must_refuse(record: Path) -> None:
    cloud = Cloud()
    assert await_policy(cloud, None) == 2
    assert cloud.asked == HARMLESS

    for call, service in zip(HARMLESS, ("compute", "network"), strict=True):
        with pytest.raises(exceptions.WaitExpired, match=f"{service}: .* let through"):
            await_policy(Cloud(call), None)


def test_s2_after_the_end_both_services_must_let(record: Path) -> None:
    assert await_policy(Cloud(*HARMLESS), record, permitted=True) == 2
    kept = json.loads(record.read_text())
    assert set(kept["permitted"]) == set(judged.PERMITTED)

    for call, left in zip(HARMLESS, ("port device_id", "rename"), strict=True):
        with pytest.raises(exceptions.WaitExpired, match=f"gone from .*{left}: .*403"):
            await_policy(Cloud(call), None, permitted=True)
