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


"""FakeCloud with instances: Nova's paged list of them, for an administrator."""

import collections
import dataclasses
from typing import Any

import webob

from ironic_sideways.tests import fake_cloud


@dataclasses.dataclass
class FakeNova(fake_cloud.FakeCloud):
    """A WSGI application.

    :param page: Nova's max_limit.
    :param is_admin: whether its user may see every project's instances.
    :param hides: whether the policy hides the hosts.
    :param reads: what was read, and how often.
    """

    instances: list[dict[str, Any]] = dataclasses.field(default_factory=list)
    page: int = 1000
    is_admin: bool = True
    hides: bool = False
    reads: collections.Counter[str] = dataclasses.field(
        default_factory=collections.Counter
    )

    def add_instance(self, uuid: str, node: str, host: str, **changed: Any) -> None:
        """An active instance on ``node``."""
        self.instances.append(
            {
                "id": uuid,
                "name": uuid,
                "OS-EXT-SRV-ATTR:host": host,
                "OS-EXT-SRV-ATTR:hypervisor_hostname": node,
                "OS-EXT-STS:vm_state": "active",
                "OS-EXT-STS:task_state": None,
                "OS-EXT-STS:power_state": 1,
            }
            | changed
        )

    def _compute(self, request: webob.Request, path: str) -> webob.Response:
        self.reads[path] += 1
        if path == "servers/detail":
            return self._list(request)
        if path.startswith("servers/"):
            uuid = path.removeprefix("servers/")
            found = [one for one in self.instances if one["id"] == uuid]
            if not found:
                return webob.Response(status=404, json={})
            return webob.Response(json={"server": self._shown(found[0])})
        return super()._compute(request, path)

    def _list(self, request: webob.Request) -> webob.Response:
        """One page of what is not deleted softly, on the host that is asked for."""
        if not self.is_admin:
            words = {"forbidden": {"message": "Policy doesn't allow", "code": 403}}
            return webob.Response(status=403, json=words)
        assert request.params["all_tenants"] in ("True", "1")
        host = request.params["host"]
        found = [
            one
            for one in self.instances
            if one["OS-EXT-SRV-ATTR:host"] == host
            and one["OS-EXT-STS:vm_state"] != "soft-delete"
        ]
        names = [one["id"] for one in found]
        marker = request.params.get("marker")
        first = names.index(marker) + 1 if marker else 0
        size = min(self.page, int(request.params["limit"]))
        part = found[first : first + size]
        body: dict[str, Any] = {"servers": [self._shown(one) for one in part]}
        if first + size < len(found):
            query = f"all_tenants=True&host={host}&limit={size}&marker={part[-1]['id']}"
            href = f"{request.path_url}?{query}"
            body["servers_links"] = [{"rel": "next", "href": href}]
        return webob.Response(json=body)

    def _shown(self, one: dict[str, Any]) -> dict[str, Any]:
        hidden = "OS-EXT-SRV-ATTR:" if self.hides else "-"
        return {key: one[key] for key in one if not key.startswith(hidden)}
