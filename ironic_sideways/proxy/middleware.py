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

"""The WSGI filter: which requests are the proxy's, and what they get.

Its place in the pipeline is after ``keystonecontext``, directly before the
application, so that ``environ["nova.context"]`` is set, the caller is known,
and the wrapper of the old /v2 has taken its microversion headers away.
"""

import itertools
import json
import re
import uuid
from typing import Any

import microversion_parse
import webob
import webob.dec
from oslo_log import log as logging

from ironic_sideways.proxy import faults, ironic, shape

LOG = logging.getLogger(__name__)

#: Nova's routes below /v2 and /v2.1: ``nova.api.openstack.ProjectMapper``.
PATH = re.compile(
    r"^/+(?:(?P<project>[0-9a-f-]+)/+)?os-baremetal-nodes"
    r"(?:/+(?P<id>[^/]+))?(?P<more>/.*)?$",
    re.DOTALL,
)

#: ``os_compute_api`` rules of nova.policies.baremetal_nodes.
POLICY = "os_compute_api:os-baremetal-nodes:"

#: Nova answers these calls up to 2.35 (MAX_PROXY_API_SUPPORT_VERSION); the
#: rest is left to Nova (404 from 2.36 on, 400 or 406 for an invalid one).
DEFAULT_VERSION = "2.1"
SERVED_VERSION = re.compile(r"2\.([1-9]|[12][0-9]|3[0-5])")
VERSION_HEADERS = ("OpenStack-API-Version", "X-OpenStack-Nova-API-Version")


class BaremetalProxy:
    """Answers ``os-baremetal-nodes``; passes every other request on."""

    def __init__(self, application: Any, client: ironic.Client) -> None:
        self.application = application
        self.client = client

    @webob.dec.wsgify
    def __call__(self, request: webob.Request) -> Any:
        """Answer the request, or hand it to the application."""
        path = PATH.match(request.environ.get("PATH_INFO", ""))
        if path is None:
            return self.application
        version = microversion_parse.get_version(
            request.headers, "compute", legacy_headers=[VERSION_HEADERS[1]]
        )
        if not SERVED_VERSION.fullmatch(version or DEFAULT_VERSION):
            return self.application
        try:
            response = _json(self._answer(request, path))
        except faults.ProxyError as fault:
            response = fault.response()
        except Exception:
            LOG.exception("The bare-metal proxy failed on %r", path[0])
            response = self.client.unavailable().response()
        return _versioned(response, version or DEFAULT_VERSION)

    def _answer(self, request: webob.Request, path: re.Match[str]) -> list[bytes]:
        """The body for a GET; a fault for all else, in Nova's order of checks."""
        context = request.environ.get("nova.context")
        if context is None or not context.auth_token:
            raise faults.UnauthorizedError()
        if request.method != "GET" or (path["more"] or "/").strip("/"):
            raise faults.NotFoundError()
        if path["project"] not in (None, context.project_id):
            raise faults.BadRequestError(
                f"Malformed request URL: URL's project_id '{path['project']}' doesn't "
                f"match Context's project_id '{context.project_id}'"
            )
        action = "list" if path["id"] is None else "show"
        if not context.can(POLICY + action, target={}, fatal=False):
            raise faults.ForbiddenError(
                f"Policy doesn't allow {POLICY}{action} to be performed."
            )
        caller = ironic.Caller(
            token=context.auth_token,
            token_info=request.environ.get("keystone.token_info"),
            request_id=context.global_id,
        )
        if path["id"] is None:
            return self._list(caller)
        return self._show(caller, _node_uuid(path["id"]))

    def _list(self, caller: ironic.Caller) -> list[bytes]:
        """The body in pieces, one a page: of Ironic's pages none is kept.

        It is sent when it is whole. A part of a list that was sent cannot
        become a 503 any more.
        """
        try:
            pages = self.client.nodes(caller)
            first = next(pages)
            addresses = self._addresses(caller) if first else {}
            pieces = [b'{"nodes": [']
            for page in itertools.chain([first], pages):
                nodes = [
                    shape.summary(node, addresses.pop(node["uuid"], ()))
                    for node in page
                ]
                if nodes and len(pieces) > 1:
                    pieces.append(b", ")
                pieces.append(json.dumps(nodes)[1:-1].encode())
        except faults.NotFoundError:
            # There is always a list; a page's marker may be gone.
            raise self.client.unavailable() from None
        return [*pieces, b"]}"]

    def _addresses(self, caller: ironic.Caller) -> dict[str, list[str]]:
        """The MAC addresses of each node's ports."""
        found: dict[str, list[str]] = {}
        for page in self.client.ports(caller):
            for port in page:
                found.setdefault(port["node_uuid"], []).append(port["address"])
        return found

    def _show(self, caller: ironic.Caller, node_uuid: str) -> list[bytes]:
        try:
            node = self.client.node(caller, node_uuid)
            addresses = [
                port["address"]
                for page in self.client.ports(caller, node_uuid)
                for port in page
            ]
        except faults.NotFoundError:
            raise faults.NotFoundError(
                f"Node {node_uuid} could not be found."
            ) from None
        return [json.dumps({"node": shape.detail(node, addresses)}).encode()]


def _versioned(response: webob.Response, version: str) -> webob.Response:
    """The headers by which Nova names the microversion that it answered in."""
    response.headers[VERSION_HEADERS[0]] = f"compute {version}"
    response.headers[VERSION_HEADERS[1]] = version
    for header in VERSION_HEADERS:
        response.headers.add("Vary", header)
    return response


def _json(pieces: list[bytes]) -> webob.Response:
    return webob.Response(
        content_type="application/json",
        charset="UTF-8",
        app_iter=pieces,
        content_length=sum(map(len, pieces)),
    )


def _node_uuid(text: str) -> str:
    """``text`` as a UUID in its usual form, so that nothing else is forwarded."""
    try:
        node_uuid = str(uuid.UUID(text))
    except ValueError:
        node_uuid = ""
    if node_uuid != text.lower():
        raise faults.BadRequestError("Malformed node id: a node's id is its UUID.")
    return node_uuid
