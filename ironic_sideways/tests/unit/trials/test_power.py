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

"""A machine switched through Nova: which reboot was asked for, and a refused rescue."""

import types
from typing import Any

import pytest

from ironic_sideways import exceptions
from ironic_sideways.trials import power, workload

SERVER = {"uuid": "server-1", "name": "net", "mac": "m", "boot_id": "boot-1"}
REFUSED = f"Instance server-1 {power.NO_RESCUE}: Failed to set provision state for ba"


class Nova:
    """Says what became of a server that was to be rescued."""

    def __init__(self, status: str, fault: str) -> None:
        self.status, self.said = status, fault
        self.asked: list[str] = []

    def rescue_server(self, uuid: str) -> None:
        self.asked.append(f"rescue {uuid}")

    def reboot_server(self, uuid: str, kind: str) -> None:
        self.asked.append(f"{kind} {uuid}")

    def get_server(self, _uuid: str) -> Any:
        fault = {"message": self.said}
        return types.SimpleNamespace(status=self.status, task_state=None, fault=fault)


def asked(monkeypatch, status="ERROR", fault=REFUSED) -> Any:
    """Nova, and a machine that boots whenever it is told to."""
    numbers = iter(range(2, 9))
    monkeypatch.setattr(power.beats, "newest", lambda *_: None)
    monkeypatch.setattr(
        power.beats, "wait_for_boot", lambda *_: f"boot-{next(numbers)}"
    )
    monkeypatch.setattr(power.beats, "disks_of", lambda *_: {})
    monkeypatch.setattr(power.workload, "wait_for_status", lambda *_: None)
    cloud: Any = types.SimpleNamespace(compute=Nova(status, fault))
    return workload.Workload(cloud, None, None)  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", ["SOFT", "HARD"])
def test_t1_reboots_twice_in_a_row_are_of_the_kind_that_is_asked_for(monkeypatch, kind):
    work = asked(monkeypatch)

    said = power.same_reboots(work, kind, SERVER)

    assert work.cloud.compute.asked == [f"{kind} server-1"] * 2
    assert "boot id boot-2; net is back under boot id boot-3; booted" in said


def test_t1_a_rescue_that_is_refused_ends_in_a_hard_reboot(monkeypatch):
    work = asked(monkeypatch)

    said = power.refused_rescue(work, SERVER)

    assert work.cloud.compute.asked == ["rescue server-1", "HARD server-1"]
    assert said.endswith(f"before: {REFUSED}")


@pytest.mark.parametrize(
    ("status", "fault"), [("RESCUE", ""), ("ERROR", "No valid host"), ("ACTIVE", "")]
)
def test_t1_another_end_of_a_rescue_is_a_failure(monkeypatch, status, fault):
    with pytest.raises(exceptions.SidewaysError, match="expected ERROR and a fault"):
        power.refused_rescue(asked(monkeypatch, status, fault), SERVER)
