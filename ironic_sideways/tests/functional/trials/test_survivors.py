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

"""A lost allocation is put back in a real Placement, on a node that is reserved."""

import types
import uuid
from typing import Any

import pytest

from ironic_sideways import exceptions
from ironic_sideways.tests.placement_service import (
    Service,
    placement_service,  # noqa: F401
)
from ironic_sideways.trials import survivors

CLASS = "CUSTOM_BAREMETAL"
SERVER = types.SimpleNamespace(
    id=str(uuid.uuid4()), name="web", project_id="project", user_id="user"
)


def operator(service: Service) -> survivors.Survivors:
    compute = types.SimpleNamespace(get_server=lambda _uuid: SERVER)
    admin: Any = types.SimpleNamespace(compute=compute, placement=service.adapter)
    nothing: Any = None
    return survivors.Survivors(nothing, admin, nothing)


def test_t1_a_lost_allocation_is_put_back_though_its_node_is_reserved(
    placement_service: Service,  # noqa: F811
) -> None:
    service, resources = placement_service, {CLASS: 1}
    service.adapter.put(f"/resource_classes/{CLASS}")
    node = service.add_node(resources)
    service.set_inventory(node, resources, reserved=True)

    operator(service).put_back(SERVER.id, {node: resources})

    assert service.held(node) == {SERVER.id: resources}


def test_t1_what_placement_refuses_is_told(
    placement_service: Service,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    service, resources = placement_service, {CLASS: 1}
    service.adapter.put(f"/resource_classes/{CLASS}")
    node = service.add_node(resources)
    service.add_instance(node, resources)
    monkeypatch.setattr(survivors, "PUT_TIMEOUT", 0.1)

    with pytest.raises(exceptions.WaitExpired, match="exceed the capacity"):
        operator(service).put_back(str(uuid.uuid4()), {node: resources})
