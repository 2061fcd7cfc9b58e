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

"""Ironic asked with the token of the user who asks Nova.

One connection pool serves all requests, and nothing else is shared: no
credentials of our own, no cookie, no .netrc, no redirect that would carry a
token to another host.
"""

import contextlib
import json
import re
import time
from collections.abc import Iterator, Mapping
from http import cookiejar
from typing import Any

import requests
import urllib3
from keystoneauth1 import access, loading
from keystoneauth1 import exceptions as ks_exceptions
from oslo_config import cfg
from oslo_log import log as logging

from ironic_sideways.proxy import faults, options, shape
from ironic_sideways.proxy.until import Adapter, until

LOG = logging.getLogger(__name__)

#: Statuses of Ironic that say something about the user and their request. 400 is
#: none: what Ironic is asked is written here.
FAULTS = {
    401: faults.UnauthorizedError,
    403: faults.ForbiddenError,
    404: faults.NotFoundError,
}

#: Connections kept open to Ironic at most; nova-api's threads are fewer.
CONNECTIONS = 100

SECONDS = re.compile(r"[0-9]{1,5}")

#: Bytes read at once.
CHUNK = 64 * 1024

#: Bytes of one body for each node or port that it may have, and of any at least. What
#: JSON makes of some bodies is twenty times as large, and is made at one go.
OF_ONE, LEAST = 8 * 1024, 1024 * 1024


class Caller:
    """Who asks: the token, where Ironic is for it, and the request's id.

    And what the answer has cost until now: since when, pages and bytes of Ironic's.
    """

    def __init__(
        self,
        token: str,
        token_info: Mapping[str, Any] | None,
        request_id: str | None = None,
    ) -> None:
        self.token = token
        self.token_info = token_info
        self.request_id = request_id
        #: Ironic's address for this caller, once it has been looked up.
        self.endpoint: str | None = None
        self.begin = time.monotonic()
        self.pages = self.bytes = 0


class Client:
    """Reads nodes and ports of the Ironic that ``[baremetal_proxy]`` names."""

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        self.settings = conf[options.GROUP]
        pool = requests.Session()
        pool.trust_env = False
        pool.cookies.set_policy(cookiejar.DefaultCookiePolicy(allowed_domains=[]))
        for scheme in ("http://", "https://"):
            pool.mount(scheme, Adapter(pool_maxsize=CONNECTIONS))
        self.session = loading.load_session_from_conf_options(
            conf, options.GROUP, session=pool
        )

    def nodes(self, caller: Caller) -> Iterator[list[dict[str, Any]]]:
        """All nodes that the caller may see, a page at a time, at least one page."""
        return self._pages(caller, "nodes", {"fields": ",".join(shape.NODE_FIELDS)})

    def ports(
        self, caller: Caller, node_uuid: str | None = None
    ) -> Iterator[list[dict[str, Any]]]:
        """All ports that the caller may see, or those of one node, in pages."""
        query = {"fields": ",".join(("uuid", *shape.PORT_FIELDS))}
        if node_uuid is not None:
            query["node"] = node_uuid
        return self._pages(caller, "ports", query)

    def node(self, caller: Caller, uuid: str) -> dict[str, Any]:
        """The node ``uuid``; raises faults.NotFoundError where there is none."""
        query = {"fields": ",".join(shape.NODE_FIELDS)}
        return self._get(caller, f"nodes/{uuid}", query)

    def _pages(
        self, caller: Caller, kind: str, query: dict[str, str]
    ) -> Iterator[list[dict[str, Any]]]:
        """A collection page by page; Ironic's ``next`` says if more follow.

        Only its presence is used: the address in it is Ironic's own idea of
        where it is, which need not be reachable from here.
        """
        query = query | {"limit": str(self.settings.page_size)}
        seen_marker = None
        while True:
            page = self._get(caller, kind, query)
            items = page.get(kind)
            if not isinstance(items, list):
                raise self._unusable(kind, f"no list of {kind} in it")
            if len(items) > self.settings.page_size:
                raise self._unusable(kind, f"{len(items)} {kind} in one page")
            marker = items[-1].get("uuid") if items and page.get("next") else None
            yield items
            if not items or not page.get("next"):
                return
            if not marker or marker == seen_marker:
                raise self._unusable(kind, f"paging does not advance beyond {marker}")
            seen_marker = query["marker"] = marker

    def _get(self, caller: Caller, path: str, query: dict[str, str]) -> dict[str, Any]:
        caller.pages += 1
        if caller.pages > self.settings.max_pages:
            raise self._unusable(path, f"more than {self.settings.max_pages} pages")
        try:
            url = f"{self._endpoint(caller)}/v1/{path}"
            with until(caller.begin + self.settings.deadline):
                try:
                    response = self._send(caller, url, query)
                except ks_exceptions.ConnectTimeout:
                    raise
                except ks_exceptions.ConnectFailure:
                    # A connection kept open may be one that Ironic has just closed.
                    response = self._send(caller, url, query)
                with contextlib.closing(response):
                    return self._body(caller, path, response)
        except (
            ks_exceptions.ClientException,
            urllib3.exceptions.HTTPError,
            OSError,
        ) as error:
            reason = str(error).replace(caller.token, "***")
            LOG.warning("Ironic could not be asked for %s: %s", path, reason)
            raise self.unavailable() from None

    def _send(
        self, caller: Caller, url: str, query: dict[str, str]
    ) -> requests.Response:
        """One request with what Ironic needs, and nothing else of the user's."""
        left = caller.begin + self.settings.deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError(f"no answer within {self.settings.deadline} s")
        headers = {
            "Accept": "application/json",
            # A small body may unpack to any length.
            "Accept-Encoding": "identity",
            "X-Auth-Token": caller.token,
            "X-OpenStack-Ironic-API-Version": self.settings.api_microversion,
        }
        if caller.request_id:
            headers["X-OpenStack-Request-Id"] = caller.request_id
        return self.session.get(
            url,
            params=query,
            headers=headers,
            authenticated=False,
            redirect=False,
            raise_exc=False,
            log=False,
            stream=True,
            timeout=min(left, self.settings.timeout or left),
            user_agent="nova-baremetal-proxy",
        )

    def _body(
        self, caller: Caller, path: str, response: requests.Response
    ) -> dict[str, Any]:
        """The JSON object of a 200; every other answer as a fault."""
        if response.status_code in FAULTS:
            kept = {
                name: response.headers[name]
                for name in ("WWW-Authenticate",)
                if name in response.headers
            }
            raise FAULTS[response.status_code](headers=kept)
        if response.status_code != requests.codes.ok:
            LOG.warning("Ironic answered %s with %s", path, response.status_code)
            raise self.unavailable(response.headers.get("Retry-After"))
        text = bytearray()
        most = max(LEAST, OF_ONE * self.settings.page_size)
        while chunk := response.raw.read(CHUNK, decode_content=False):
            text += chunk
            caller.bytes += len(chunk)
            if caller.bytes > self.settings.max_bytes:
                raise self._unusable(path, f"more than {self.settings.max_bytes} bytes")
            if len(text) > most:
                raise self._unusable(path, f"more than {most} bytes in one page")
        try:
            body = json.loads(text)
        # Of nested brackets, and of numbers of too many digits.
        except (ValueError, RecursionError):
            raise self._unusable(path, "not JSON") from None
        if not isinstance(body, dict):
            raise self._unusable(path, "not a JSON object")
        return body

    def _endpoint(self, caller: Caller) -> str:
        """Ironic's address, looked up once a request: a catalogue is long."""
        if caller.endpoint is None:
            caller.endpoint = self._look_up(caller)
        return caller.endpoint

    def _look_up(self, caller: Caller) -> str:
        """Ironic's address without its version.

        From ``endpoint_override``, else from the service catalogue of the
        caller's own token.
        """
        url = self.settings.endpoint_override
        if url is None:
            body = dict(caller.token_info or {"token": {}})
            catalog = access.create(body=body, auth_token=caller.token)
            if not catalog.has_service_catalog():
                raise ks_exceptions.EmptyCatalog("the token has no service catalogue")
            url = catalog.service_catalog.url_for(
                service_type=self.settings.service_type,
                service_name=self.settings.service_name,
                interface=self.settings.valid_interfaces,
                region_name=self.settings.region_name,
            )
        return url.rstrip("/").removesuffix("/v1")

    def _unusable(self, path: str, reason: str) -> faults.UnavailableError:
        LOG.warning("Ironic's answer to %s cannot be used: %s", path, reason)
        return self.unavailable()

    def unavailable(self, retry_after: str | None = None) -> faults.UnavailableError:
        """A 503 with Ironic's own ``Retry-After`` in seconds, or the setting's."""
        if retry_after is None or not SECONDS.fullmatch(retry_after):
            retry_after = str(self.settings.retry_after)
        return faults.UnavailableError(headers={"Retry-After": retry_after})
