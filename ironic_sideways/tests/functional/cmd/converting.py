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

"""nova-bm-convert-allocations, called upon a cloud whose Placement is real."""

import json
from pathlib import Path
from typing import Any

import webob
import webob.dec

from ironic_sideways.cmd import convert_allocations
from ironic_sideways.tests import fake_cloud, http_server
from ironic_sideways.tests.placement_service import (
    Service,
)

HOST = "compute-1"


def run(*arguments: object) -> int:
    words = ["--os-cloud", fake_cloud.CLOUD, *map(str, arguments)]
    return convert_allocations.main(words)


def convert(undo_file: Path, *arguments: object) -> int:
    options = ("--resource-class", "baremetal", "--undo-file", undo_file)
    return run(*options, *arguments)


def record(directory: Path, instances: dict[str, str | None]) -> Path:
    """migration.json of nodes with these instances."""
    file = directory / "migration.json"
    rows = [
        {"uuid": node, "instance_uuid": instance, "outcome": "migrate"}
        for node, instance in instances.items()
    ]
    file.write_text(json.dumps({"rows": rows}))
    return file


def provider(service: Service, node: str) -> dict[str, Any]:
    """The node's provider, generation included."""
    return dict(service.adapter.get(f"/resource_providers/{node}").json())


def plain_admin(service: Service) -> Any:
    """Placement as an account without the role service is answered."""

    @webob.dec.wsgify
    def without_role(request: webob.Request) -> Any:
        request.headers["X-Roles"] = "admin"
        return service.application

    return http_server.serve(without_role)
