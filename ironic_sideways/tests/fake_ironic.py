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

"""The two collections of Ironic's API that the proxy reads, for its tests.

It pages, filters fields, keeps each owner's nodes apart and notes what it was
asked, as Ironic does; ``answers`` puts a fault in the way.
"""

import dataclasses
import json
import uuid
from typing import Any

import webob
import webob.dec


@dataclasses.dataclass
class FakeIronic:
    """A WSGI application; ``tokens`` maps a token to its project or to None.

    None stands for system scope, which sees the nodes of all owners.
    """

    tokens: dict[str, str | None]
    nodes: list[dict[str, Any]] = dataclasses.field(default_factory=list)
    ports: list[dict[str, Any]] = dataclasses.field(default_factory=list)
    requests: list[webob.Request] = dataclasses.field(default_factory=list)
    answers: list[webob.Response] = dataclasses.field(default_factory=list)
    max_limit: int = 1000

    def add_node(
        self, owner: str | None, macs: tuple[str, ...] = (), **values: Any
    ) -> dict[str, Any]:
        """A node of ``owner`` with a port for each of ``macs``."""
        node = {
            "uuid": str(uuid.uuid4()),
            "owner": owner,
            "instance_uuid": None,
            "provision_state": "available",
            "properties": {"cpus": 4, "memory_mb": "8192", "local_gb": 100},
            "driver_info": {"ipmi_password": "******"},
            **values,
        }
        self.nodes.append(node)
        for mac in macs:
            port = {"uuid": str(uuid.uuid4()), "address": mac, "pxe_enabled": True}
            self.ports.append(port | {"node_uuid": node["uuid"], "owner": owner})
        return node

    @webob.dec.wsgify
    def __call__(self, request: webob.Request) -> webob.Response:
        """Answer one request."""
        self.requests.append(request)
        if self.answers:
            return self.answers.pop(0)
        token = request.headers.get("X-Auth-Token", "")
        if token not in self.tokens:
            return webob.Response(status=401)
        kind, _, name = request.path_info.removeprefix("/v1/").partition("/")
        project = self.tokens[token]
        items = [
            item
            for item in getattr(self, kind)
            if project is None or item["owner"] == project
        ]
        if name:
            items = [item for item in items if item["uuid"] == name]
            if not items:
                return webob.Response(status=404)
            return webob.Response(json=self._fields(request, items[0]))
        if "node" in request.params:
            node = request.params["node"]
            items = [item for item in items if item["node_uuid"] == node]
        return webob.Response(json=self._page(request, kind, items))

    def _page(
        self, request: webob.Request, kind: str, items: list[dict[str, Any]]
    ) -> dict[str, Any]:
        limit = min(int(request.params["limit"]), self.max_limit)
        if "marker" in request.params:
            uuids = [item["uuid"] for item in items]
            items = items[uuids.index(request.params["marker"]) + 1 :]
        page = {kind: [self._fields(request, item) for item in items[:limit]]}
        if len(page[kind]) == limit:
            page["next"] = "http://unreachable.example/v1/" + kind  # type: ignore[assignment]
        return page

    @staticmethod
    def _fields(request: webob.Request, item: dict[str, Any]) -> dict[str, Any]:
        return {name: item[name] for name in request.params["fields"].split(",")}


def token_info(token: str, project: str | None, ironic_url: str) -> dict[str, Any]:
    """The body of a token as keystonemiddleware puts it into the environ."""
    endpoint = {"interface": "public", "region": "RegionOne", "url": ironic_url}
    return {
        "token": {
            "audit_ids": [token],
            "expires_at": "2038-01-18T00:00:00.000000Z",
            "user": {"id": "u" * 32, "name": "someone", "domain": {"id": "default"}},
            **({"project": {"id": project}} if project else {"system": {"all": True}}),
            "catalog": [
                {"type": "baremetal", "name": "ironic", "endpoints": [endpoint]},
            ],
        }
    }


def dumps(response: webob.Response) -> str:
    """A response's body and headers in one text, to look for what may not be there."""
    return json.dumps([response.text, dict(response.headers)])
