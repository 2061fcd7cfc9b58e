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

import logging
import socket

import pytest
import webob
from oslo_config import cfg

from ironic_sideways.proxy import options
from ironic_sideways.tests.fake_ironic import FakeIronic, dumps
from ironic_sideways.tests.unit.proxy.conftest import NODES, Nova, assert_fault


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


def test_ironics_own_retry_after_is_passed_on(
    nova_api: Nova, ironic: FakeIronic
) -> None:
    ironic.answers.append(webob.Response(status=503, headers={"Retry-After": "77"}))
    assert nova_api(NODES).headers["Retry-After"] == "77"


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
