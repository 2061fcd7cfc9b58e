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

"""What a caller is told when there is no answer, in Nova's error format.

The titles and the body are those of ``nova.api.openstack.wsgi.Fault``.
"""

import json
from collections.abc import Mapping

import webob

TITLES = {
    400: "badRequest",
    401: "unauthorized",
    403: "forbidden",
    404: "itemNotFound",
    503: "serviceUnavailable",
}


class ProxyError(Exception):
    """A request that is answered with ``status``, ``message`` and ``headers``."""

    status = 503
    message = "The bare metal service is not available. Please try again later."

    def __init__(
        self, message: str = "", headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message or self.message)
        self.headers = dict(headers or {})

    def response(self) -> webob.Response:
        """The HTTP response: ``{title: {"code": status, "message": text}}``."""
        body = {TITLES[self.status]: {"code": self.status, "message": str(self)}}
        response = webob.Response(
            status=self.status,
            content_type="application/json",
            charset="UTF-8",
            body=json.dumps(body).encode(),
        )
        response.headers.update(self.headers)
        return response


class BadRequestError(ProxyError):
    """The request itself is wrong."""

    status = 400
    message = "The bare metal service refused the request as malformed."


class UnauthorizedError(ProxyError):
    """No token, or one that Ironic does not accept (any more)."""

    status = 401
    message = "The request you have made requires authentication."


class ForbiddenError(ProxyError):
    """Nova's policy or Ironic's refuses this user."""

    status = 403
    message = "The bare metal service does not allow this request."


class NotFoundError(ProxyError):
    """No such node, or a call that is not proxied."""

    status = 404
    message = "The resource could not be found."


class UnavailableError(ProxyError):
    """Ironic cannot be reached, or its answer cannot be used."""
