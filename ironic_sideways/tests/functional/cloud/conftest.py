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

import pytest

from ironic_sideways.cloud import allocations, placement
from ironic_sideways.tests.placement_service import (
    Service,
    placement_service,
)

__all__ = ["placement_service"]


@pytest.fixture
def api(placement_service: Service) -> placement.Placement:
    return placement.Placement(placement_service.adapter)


@pytest.fixture
def undo_file(tmp_path: Path) -> Path:
    return tmp_path / "allocations.json"


@pytest.fixture
def conversion(api: placement.Placement, undo_file: Path) -> allocations.Conversion:
    return allocations.Conversion(api, {}, undo_file)
