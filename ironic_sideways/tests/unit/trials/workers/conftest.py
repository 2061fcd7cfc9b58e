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

"""Rounds on a cloud where nothing is."""

from types import SimpleNamespace
from typing import Any

import pytest

from ironic_sideways.trials.workers import consistency
from ironic_sideways.trials.workers.trial import Trial

SETTLED: dict[str, Any] = {
    "nodes": [{"uuid": "lost", "instance_uuid": "gone", "provision_state": "active"}],
    "providers": [],
    "hypervisors": [],
    "servers": [],
}


class Cloud:
    """Records what is asked of it; holds no server."""

    def __init__(self) -> None:
        self.asked: list[tuple] = []
        self.compute = SimpleNamespace(servers=lambda **_: [])
        self.network = SimpleNamespace(ports=lambda **_: [])
        self.current_project_id = "demo"
        self.baremetal = self

    def set_node_provision_state(self, node: str, state: str, **_named: object) -> None:
        self.asked.append((node, state))


@pytest.fixture
def trial(monkeypatch: pytest.MonkeyPatch) -> Trial:
    cloud: Any = Cloud()
    workers: Any = SimpleNamespace(start=lambda: None)
    work: Any = SimpleNamespace(cloud=cloud)
    made = Trial(workers, cloud, cloud, work)
    monkeypatch.setattr(Trial, "_bystanders", lambda _self: {})
    monkeypatch.setattr(Trial, "_untouched", lambda _self, found: found)
    monkeypatch.setattr(consistency, "look", lambda *_: SETTLED)
    monkeypatch.setattr(consistency, "settle", lambda *_: SETTLED)
    return made
