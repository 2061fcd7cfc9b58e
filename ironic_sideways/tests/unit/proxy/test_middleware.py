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

import urllib.parse
import uuid
from pathlib import Path

import hypothesis
import nova.policy
import pytest
from hypothesis import strategies
from oslo_config import cfg
from oslo_policy import policy

from ironic_sideways.proxy import options
from ironic_sideways.tests.fake_ironic import FakeIronic
from ironic_sideways.tests.strategies import settings
from ironic_sideways.tests.unit.proxy.conftest import (
    NODES,
    OTHER_PROJECT,
    PROJECT,
    Nova,
    assert_fault,
)

PREFIXES = ["/v2.1", f"/v2.1/{PROJECT}", f"/v2/{PROJECT}", "/v2"]
#: No node of Ironic's; fixed, because two processes collect the tests.
NOBODY = "00000000-0000-4000-8000-000000000000"


@pytest.mark.parametrize("page_size", [1, 2, 3, 100])
@pytest.mark.parametrize("max_limit", [2, 1000])
def test_all_pages_are_read_with_one_call_a_page(
    nova_api: Nova,
    ironic: FakeIronic,
    settings: cfg.ConfigOpts,
    page_size: int,
    max_limit: int,
) -> None:
    settings.set_override("page_size", page_size, group=options.GROUP)
    ironic.max_limit = max_limit
    macs = [f"52:54:00:00:00:{index:02x}" for index in range(5)]
    for mac in macs:
        ironic.add_node(PROJECT, (mac,))
    nodes = nova_api(NODES).json["nodes"]
    assert [node["id"] for node in nodes] == [node["uuid"] for node in ironic.nodes]
    assert [[i["address"] for i in node["interfaces"]] for node in nodes] == [
        [mac] for mac in macs
    ]
    pages = 5 // min(page_size, max_limit) + 1
    assert len(ironic.requests) == 2 * pages


@pytest.mark.parametrize(
    ("token", "sees"),
    [
        ("admin-token", {"mine"}),
        ("other-admin-token", {"theirs"}),
    ],
)
def test_who_sees_what_is_ironics_to_say(
    nova_api: Nova, ironic: FakeIronic, token: str, sees: set[str]
) -> None:
    names = {
        ironic.add_node(PROJECT)["uuid"]: "mine",
        ironic.add_node(OTHER_PROJECT)["uuid"]: "theirs",
        ironic.add_node(None)["uuid"]: "nobody's",
    }
    response = nova_api(NODES, token)
    assert {names[node["id"]] for node in response.json["nodes"]} == sees


def test_system_scope_is_refused_as_novas_rule_is_for_projects(
    nova_api: Nova, ironic: FakeIronic
) -> None:
    """oslo.policy enforces scope always since the option enforce_scope is gone."""
    assert_fault(nova_api(NODES, "system-token"), 403)
    assert ironic.requests == []


def test_without_scope_a_system_admin_sees_all_nodes(
    nova_api: Nova, ironic: FakeIronic, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What ``enforce_scope = false`` meant, where a release has it."""
    monkeypatch.setattr(policy.Enforcer, "_enforce_scope", lambda *_, **__: True)
    owners = (PROJECT, OTHER_PROJECT, None)
    nodes = {ironic.add_node(owner)["uuid"] for owner in owners}
    response = nova_api(NODES, "system-token")
    assert {node["id"] for node in response.json["nodes"]} == nodes


@pytest.mark.parametrize("token", ["member-token", "reader-token"])
@pytest.mark.parametrize("path", [NODES, f"{NODES}/{NOBODY}"])
def test_policy_refuses_who_is_no_admin_before_ironic_is_asked(
    nova_api: Nova, ironic: FakeIronic, token: str, path: str
) -> None:
    response = nova_api(path, token)
    assert_fault(response, 403)
    assert "os_compute_api:os-baremetal-nodes" in response.text
    assert ironic.requests == []


def test_an_override_in_the_policy_file_is_honoured(
    nova_api: Nova, ironic: FakeIronic, settings: cfg.ConfigOpts, tmp_path: Path
) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text('"os_compute_api:os-baremetal-nodes:list": "role:reader"\n')
    settings.set_override("policy_file", str(policy), group="oslo_policy")
    nova.policy.reset()
    ironic.add_node(PROJECT)
    assert len(nova_api(NODES, "reader-token").json["nodes"]) == 1
    node = f"{NODES}/{ironic.nodes[0]['uuid']}"
    assert_fault(nova_api(node, "reader-token"), 403)


def test_no_token_is_401(nova_api: Nova, ironic: FakeIronic) -> None:
    assert nova_api(NODES, None).status_int == 401
    assert ironic.requests == []


def test_a_token_that_ironic_no_longer_accepts_is_401(
    nova_api: Nova, ironic: FakeIronic
) -> None:
    assert_fault(nova_api(NODES, "revoked-token"), 401)


@pytest.mark.parametrize("prefix", PREFIXES)
@pytest.mark.parametrize("token", ["admin-token", "member-token", "reader-token"])
@pytest.mark.parametrize(
    ("method", "rest"),
    [
        ("POST", ""),
        ("DELETE", "/{id}"),
        ("POST", "/{id}/action"),
        ("PUT", "/{id}"),
        ("PATCH", "/{id}"),
        ("HEAD", ""),
        ("GET", "/{id}/action"),
        ("GET", "/{id}/interfaces"),
    ],
)
def test_every_other_call_is_404_for_whoever_is_authenticated(
    nova_api: Nova,
    ironic: FakeIronic,
    prefix: str,
    token: str,
    method: str,
    rest: str,
) -> None:
    node = ironic.add_node(PROJECT)
    path = f"{prefix}/os-baremetal-nodes{rest.format(id=node['uuid'])}"
    response = nova_api(path, token, method)
    assert response.status_int == 404
    if method != "HEAD":
        assert_fault(response, 404)
    assert ironic.requests == []


@pytest.mark.parametrize("version", ["2.36", "2.90", "2.999", "latest", "3.1", "two"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_from_2_36_on_the_answer_is_novas(
    nova_api: Nova, version: str, method: str
) -> None:
    response = nova_api(NODES, method=method, version=version)
    assert response.text == f"nova: {method} /os-baremetal-nodes"


@pytest.mark.parametrize(
    "header",
    [
        *("compute", "compute ", " ", ",", "compute 2.1 2.2", "compute 2.1, compute"),
        *("identity 3.0", "compute latest", "compute 2.35\x00", "compute ²", "é 2.1"),
    ],
)
def test_a_strange_version_header_is_no_500(
    nova_api: Nova, ironic: FakeIronic, header: str
) -> None:
    response = nova_api(NODES, **{"OpenStack-API-Version": header})
    assert response.status_int == 200
    assert response.text in ('{"nodes": []}', "nova: GET /os-baremetal-nodes")


@pytest.mark.parametrize("version", ["2.1", "2.9", "2.10", "2.29", "2.30", "2.35"])
def test_up_to_2_35_the_answer_names_the_version(
    nova_api: Nova, ironic: FakeIronic, version: str
) -> None:
    response = nova_api(NODES, version=version)
    assert response.json == {"nodes": []}
    assert response.headers["X-OpenStack-Nova-API-Version"] == version
    assert response.headers["OpenStack-API-Version"] == f"compute {version}"


def test_the_legacy_api_knows_no_microversion(
    nova_api: Nova, ironic: FakeIronic
) -> None:
    response = nova_api(f"/v2/{PROJECT}/os-baremetal-nodes", version="2.90")
    assert response.json == {"nodes": []}
    assert "X-OpenStack-Nova-API-Version" not in response.headers


def test_another_projects_path_is_400(nova_api: Nova, ironic: FakeIronic) -> None:
    response = nova_api(f"/v2.1/{OTHER_PROJECT}/os-baremetal-nodes")
    assert_fault(response, 400)
    assert ironic.requests == []


def test_an_unknown_node_is_404(nova_api: Nova, ironic: FakeIronic) -> None:
    missing = str(uuid.uuid4())
    response = nova_api(f"{NODES}/{missing}")
    assert_fault(response, 404)
    assert missing in response.text


def test_a_node_of_another_project_is_404(nova_api: Nova, ironic: FakeIronic) -> None:
    node = ironic.add_node(OTHER_PROJECT)
    assert_fault(nova_api(f"{NODES}/{node['uuid']}"), 404)


@pytest.mark.parametrize(
    "text",
    [
        "1",
        "node-1",
        "..",
        "%2e%2e",
        "%252e%252e%252fv1%252fconductors",
        "{uuid}%0d%0aX-Auth-Token:%20stolen",
        "{uuid}%3ffields=driver_info",
        "{uuid}%23",
        "{uuid}%00",
        "%7b{uuid}%7d",
        "urn:uuid:{uuid}",
        "%ff%fe",
        "{uuid}.json",
    ],
)
def test_an_id_that_is_no_uuid_is_400_and_never_forwarded(
    nova_api: Nova, ironic: FakeIronic, text: str
) -> None:
    node = ironic.add_node(PROJECT)
    response = nova_api(f"{NODES}/{text.replace('{uuid}', node['uuid'])}")
    assert_fault(response, 400)
    assert ironic.requests == []


@settings(ci=20, soak=1000)
@hypothesis.given(strategies.text(min_size=1, max_size=60))
def test_no_text_at_all_goes_from_the_path_to_ironic(
    nova_api: Nova, ironic: FakeIronic, text: str
) -> None:
    quoted = urllib.parse.quote(text, safe="", errors="surrogatepass")
    response = nova_api(f"{NODES}/{quoted}")
    # "/" alone is the list; a slash in it is another path.
    if text.strip("/"):
        assert response.status_int in (400, 404)
        assert ironic.requests == []


@pytest.mark.parametrize(
    "text", ["..%2f..%2fconductors", "%2e%2e/servers", "a/../../b"]
)
def test_a_traversal_ends_at_the_proxy(
    nova_api: Nova, ironic: FakeIronic, text: str
) -> None:
    assert_fault(nova_api(f"{NODES}/{text}"), 404)
    assert ironic.requests == []


def test_other_requests_go_to_nova_untouched(nova_api: Nova) -> None:
    for path in ("/servers", f"/{PROJECT}/servers", "/os-baremetal-nodesx", "/x"):
        assert nova_api(f"/v2.1{path}").text == f"nova: GET {path}"
