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

import concurrent.futures
import logging
import socket
import threading
import tracemalloc
import uuid
from collections.abc import Iterator
from typing import Any
from unittest import mock

import pytest
import webob
from oslo_config import cfg

from ironic_sideways.proxy import middleware, options
from ironic_sideways.tests.fake_ironic import FakeIronic, dumps
from ironic_sideways.tests.unit.proxy.conftest import (
    NODES,
    OTHER_PROJECT,
    PROJECT,
    Nova,
    assert_fault,
)


def test_only_what_ironic_needs_is_forwarded(
    nova_api: Nova, ironic: FakeIronic
) -> None:
    nova_api(
        NODES,
        Cookie="session=1",
        Authorization="Basic c2VjcmV0",
        **{"X-Roles": "admin", "X-Forwarded-For": "10.0.0.1", "X-Custom": "x"},
    )
    [request] = ironic.requests
    assert {name.lower() for name in request.headers} <= {
        "accept",
        "accept-encoding",
        "connection",
        "content-type",
        "content-length",
        "host",
        "user-agent",
        "x-auth-token",
        "x-openstack-ironic-api-version",
        "x-openstack-request-id",
    }
    assert request.headers["X-Auth-Token"] == "admin-token"


def test_a_cookie_of_one_answer_is_not_sent_with_the_next_request(
    nova_api: Nova, ironic: FakeIronic
) -> None:
    answer = webob.Response(json={"nodes": []})
    answer.set_cookie("user", "admin")
    ironic.answers.append(answer)
    nova_api(NODES, "admin-token")
    nova_api(NODES, "other-admin-token")
    assert "Cookie" not in ironic.requests[1].headers
    assert ironic.requests[1].headers["X-Auth-Token"] == "other-admin-token"


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (webob.Response(status=400), 503),
        (webob.Response(status=401), 401),
        (webob.Response(status=403), 403),
        (webob.Response(status=302, location="http://elsewhere.example/"), 503),
        (webob.Response(status=406), 503),
        (webob.Response(status=500, body=b"Traceback: secret"), 503),
        (webob.Response(status=502), 503),
        (webob.Response(status=503), 503),
        (webob.Response("<html>"), 503),
        (webob.Response(json=[]), 503),
        (webob.Response(json={}), 503),
        (webob.Response(json={"nodes": [{"no": "uuid"}]}), 503),
        (webob.Response(json={"nodes": [None]}), 503),
    ],
)
def test_ironics_answer_becomes_a_fault_and_never_a_500(
    nova_api: Nova, ironic: FakeIronic, answer: webob.Response, status: int
) -> None:
    ironic.answers.append(answer)
    response = nova_api(NODES)
    assert_fault(response, status)
    assert ("Retry-After" in response.headers) == (status == 503)
    assert "secret" not in dumps(response)


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    ("theirs", "ours"),
    [("77", "77"), ("Fri, 31 Dec 1999 23:59:59 GMT", "10"), ("9" * 99, "10")],
)
def test_ironics_own_retry_after_is_passed_on_where_it_is_seconds(
    nova_api: Nova, ironic: FakeIronic, status: int, theirs: str, ours: str
) -> None:
    headers = {"Retry-After": theirs}
    ironic.answers.append(webob.Response(status=status, headers=headers))
    response = nova_api(NODES)
    assert_fault(response, 503)
    assert response.headers["Retry-After"] == ours


def test_ironics_401_says_where_to_authenticate(
    nova_api: Nova, ironic: FakeIronic
) -> None:
    where = {"WWW-Authenticate": 'Keystone uri="http://keystone.example"'}
    ironic.answers.append(webob.Response(status=401, headers=where))
    response = nova_api(NODES)
    assert_fault(response, 401)
    assert response.headers["WWW-Authenticate"] == where["WWW-Authenticate"]


@pytest.mark.parametrize("page", [0, 1])
def test_a_list_whose_marker_is_gone_is_503_and_no_404(
    nova_api: Nova, ironic: FakeIronic, page: int
) -> None:
    first = {"nodes": [{"uuid": "a", "properties": {}}], "next": "more"}
    pages = [webob.Response(json=first), webob.Response(json={"ports": []})]
    ironic.answers.extend([*pages[: 2 * page], webob.Response(status=404)])
    assert_fault(nova_api(NODES), 503)


def test_a_node_that_goes_before_its_ports_are_asked_for_is_404(
    nova_api: Nova, ironic: FakeIronic
) -> None:
    node = {"uuid": "a", "properties": {}}
    ironic.answers.extend([webob.Response(json=node), webob.Response(status=404)])
    response = nova_api(f"{NODES}/{uuid.uuid4()}")
    assert_fault(response, 404)
    assert "could not be found" in response.text


def test_a_connection_that_ironic_has_closed_is_opened_anew(
    settings: cfg.ConfigOpts, request: pytest.FixtureRequest
) -> None:
    """An HTTP/1.1 server may close an idle connection whenever it likes."""
    body = b'{"nodes": []}'
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    seen: list[bytes] = []

    def serve(listener: socket.socket) -> None:
        for _ in range(2):
            connection, _address = listener.accept()
            with connection:
                while data := connection.recv(65536):
                    seen.append(data)
                    if len(seen) == 2:
                        break
                    connection.sendall(answer)

    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        settings.set_override("endpoint_override", url, group=options.GROUP)
        threading.Thread(target=serve, args=(listener,), daemon=True).start()
        nova_api = request.getfixturevalue("nova_api")
        answers = [nova_api(NODES).status_int for _ in range(2)]
    assert answers == [200, 200]
    assert len(seen) == 3


def test_many_users_at_once_each_get_their_own(
    nova_api: Nova, ironic: FakeIronic
) -> None:
    owners = {"admin-token": PROJECT, "other-admin-token": OTHER_PROJECT}
    own = {
        token: {ironic.add_node(project)["uuid"] for _ in range(3)}
        for token, project in owners.items()
    }
    asked = [*owners] * 40
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda token: nova_api(NODES, token), asked))
    for token, answer in zip(asked, answers, strict=True):
        assert {node["id"] for node in answer.json["nodes"]} == own[token]


def listing(count: int, page_size: int = 100) -> tuple[int, int]:
    """Peak memory of a list of ``count`` nodes, and its length, in bytes."""
    uuids = [str(uuid.uuid4()) for _ in range(count)]

    def pages(kind: str) -> Iterator[list[dict[str, Any]]]:
        for start in range(0, count, page_size):
            yield [
                {
                    "uuid": f"{name}",
                    "node_uuid": f"{name}",
                    "address": f"52:54:00:00:00:{name[:2]}",
                    "provision_state": "available",
                    "properties": {"cpus": 8, "memory_mb": "16384", "local_gb": 99},
                }
                for name in uuids[start : start + page_size]
            ]

    client = mock.Mock(nodes=lambda _: pages("nodes"), ports=lambda _: pages("ports"))
    proxy = middleware.BaremetalProxy(None, client)
    tracemalloc.start()
    pieces = proxy._list(mock.Mock())
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak, sum(map(len, pieces))


def test_a_list_needs_little_memory_beyond_the_response() -> None:
    """Of a page's 1.2 kB a node none is kept; addresses wait, and become answer."""
    small, large = listing(500), listing(4000)
    growth = (large[0] - small[0]) / (large[1] - small[1])
    assert growth < 1.5


def test_paging_that_stands_still_ends(nova_api: Nova, ironic: FakeIronic) -> None:
    node = {"uuid": "same", "properties": {"cpus": 1}}
    page = {"nodes": [node], "next": "again"}
    ironic.answers.extend(webob.Response(json=page) for _ in range(5))
    assert_fault(nova_api(NODES), 503)
    assert len(ironic.requests) == 2


def test_an_ironic_that_does_not_answer_in_time_is_503(
    settings: cfg.ConfigOpts, request: pytest.FixtureRequest
) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        settings.set_override("endpoint_override", url, group=options.GROUP)
        settings.set_override("timeout", 1, group=options.GROUP)
        response = request.getfixturevalue("nova_api")(NODES)
    assert_fault(response, 503)


def test_an_ironic_that_cannot_be_reached_is_503(
    nova_api: Nova, settings: cfg.ConfigOpts
) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
        settings.set_override("endpoint_override", url, group=options.GROUP)
        response = nova_api(NODES)
    assert_fault(response, 503)
    assert response.headers["Retry-After"] == "10"


def test_a_catalogue_without_ironic_is_503(
    nova_api: Nova, settings: cfg.ConfigOpts
) -> None:
    settings.set_override("region_name", "Nowhere", group=options.GROUP)
    assert_fault(nova_api(NODES), 503)


def test_no_token_is_ever_logged(
    nova_api: Nova, ironic: FakeIronic, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    nova_api(NODES)
    ironic.answers.append(webob.Response(status=500))
    nova_api(NODES)
    proxied = [r for r in caplog.records if not r.name.startswith("nova")]
    assert proxied
    assert not [r for r in proxied if "admin-token" in r.getMessage()]
