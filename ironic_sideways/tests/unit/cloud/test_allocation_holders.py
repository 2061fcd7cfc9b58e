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

"""Who holds an allocation, and what its holder is told to do."""

from types import SimpleNamespace
from typing import Any

import openstack.exceptions

from ironic_sideways.cloud import allocation_holders

MOVE = {
    **{"uuid": "m-1", "instance_uuid": "i-1"},
    **{"migration_type": "resize", "status": "finished"},
}


class Compute:
    """Nova with one listed instance, one softly deleted, and one move."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def servers(self, _details: bool, all_projects: bool) -> list[SimpleNamespace]:
        assert all_projects
        return [SimpleNamespace(id="listed")]

    def get_server(self, uuid: str) -> None:
        if uuid != "deleted softly":
            raise openstack.exceptions.NotFoundException

    def get(self, path: str, microversion: str) -> Any:
        assert microversion == "2.59"
        self.asked.append(path)
        return SimpleNamespace(json=lambda: {"migrations": [MOVE]})


def test_instances_are_no_strangers_softly_deleted_ones_neither() -> None:
    compute = Compute()

    assert allocation_holders.strangers(compute, ["listed", "deleted softly"]) == {}
    assert compute.asked == []


def test_a_move_and_a_left_over_are_each_told_apart() -> None:
    found = allocation_holders.strangers(Compute(), ["listed", "m-1", "lost"])

    assert list(found) == ["m-1", "lost"]
    assert "migration m-1 of instance i-1 (resize, finished)" in found["m-1"]
    assert "allocation delete lost" in found["lost"]
