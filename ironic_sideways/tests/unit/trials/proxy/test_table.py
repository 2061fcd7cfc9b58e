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

import json
import time

import pytest
import webob
import webob.dec

from ironic_sideways.report import operations
from ironic_sideways.tests import http_server
from ironic_sideways.trials.proxy.table import Nova, Table, is_fault

TITLED = {"itemNotFound": {"code": 404, "message": "gone"}}


def test_a_row_tells_what_came_and_what_was_expected() -> None:
    table, begin = Table(["run-1"]), time.time()
    table.expect("one", 1, 1)
    table.expect("two", 1, 2)
    moments = [row.pop("time") for row in table.rows]
    assert [row.pop("moved_by") for row in table.rows] == 2 * [["run-1"]]
    assert begin <= moments[0] <= moments[1] <= time.time()
    assert table.rows[0] == {"name": "one", "ok": True, "detail": "1"}
    assert table.failed == [{"name": "two", "ok": False, "detail": "1, expected 2"}]


@pytest.mark.parametrize(
    ("body", "status", "expected"),
    [
        (TITLED, 404, True),
        (TITLED, 400, False),
        ({"a": {"code": 404, "message": ""}}, 404, False),
        ({"a": {"code": 404, "message": "x"}, "b": {}}, 404, False),
        ({}, 404, False),
        ([], 404, False),
        ("text", 404, False),
    ],
)
def test_a_fault_is_novas_or_it_is_none(
    body: object, status: int, expected: bool
) -> None:
    answer = webob.Response(status=status, body=json.dumps(body).encode())
    with http_server.serve(answer) as url:
        nova = Nova(url)
        assert is_fault(nova.ask("token")) is expected
        assert nova.status("token") == (status if expected else -1)


def test_a_path_goes_out_as_it_is_written() -> None:
    seen = []

    @webob.dec.wsgify
    def application(request: webob.Request) -> str:
        seen.append(request.environ["PATH_INFO"])
        return ""

    with http_server.serve(application) as url:
        Nova(url).ask(None, "/v2.1/os-baremetal-nodes/%2e%2e%2fconductors%00%ff")
    assert seen == ["/v2.1/os-baremetal-nodes/../conductors\x00\xff"]


def test_what_the_verdict_wants_is_what_the_check_asks() -> None:
    """A name that is spelt otherwise there would keep every run red."""
    import inspect

    from ironic_sideways.trials.proxy import (
        callers,
        nova_proxy,
        old_clients,
        visibility,
    )

    source = "".join(
        map(inspect.getsource, (nova_proxy, old_clients, visibility, callers))
    )
    made_up = ("is refused by Nova's policy", "token is 401", "writes are 404 for")
    for name in operations.PROXY:
        known = any(part in name for part in made_up) or "no token in" in name
        assert name in source or known, name
