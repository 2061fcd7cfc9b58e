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

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import webob
import webob.dec

from ironic_sideways.tests import fake_cloud, http_server
from ironic_sideways.tests.placement_service import (
    Service,
    placement_service,
)

__all__ = ["placement_service"]


@pytest.fixture
def cloud(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, placement_service: Service
) -> Iterator[fake_cloud.FakeCloud]:
    """A cloud whose Placement is real, and whose user has the role service."""
    fake = fake_cloud.FakeCloud()

    @webob.dec.wsgify
    def with_role(request: webob.Request) -> Any:
        request.headers["X-Roles"] = "admin,service"
        return placement_service.application

    with http_server.serve(fake) as url, http_server.serve(with_role) as placement_url:
        file = fake_cloud.clouds_yaml(tmp_path, url, placement_url)
        monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", str(file))
        yield fake


@pytest.fixture
def undo_file(tmp_path: Path) -> Path:
    return tmp_path / "allocations.json"
