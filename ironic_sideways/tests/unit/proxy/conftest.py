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

"""A nova-api whose pipeline is real up to the application, before a fake Ironic."""

import dataclasses
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import paste.deploy
import pytest
import webob
import webob.dec
from oslo_config import cfg
from oslo_policy import policy

from ironic_sideways.proxy import install, options
from ironic_sideways.tests import fake_ironic, http_server

PROJECT = "a" * 32
OTHER_PROJECT = "b" * 32

#: Token -> roles and project; None is system scope.
USERS = {
    "admin-token": ("admin,member,reader", PROJECT),
    "other-admin-token": ("admin,member,reader", OTHER_PROJECT),
    "system-token": ("admin,member,reader", None),
    "member-token": ("member,reader", PROJECT),
    "reader-token": ("reader", PROJECT),
    "revoked-token": ("admin,member,reader", PROJECT),
}

ADMIN = "admin-token"

NODES = "/v2.1/os-baremetal-nodes"

#: nova.api.openstack.wsgi.Fault's titles.
TITLES = {
    400: "badRequest",
    401: "unauthorized",
    403: "forbidden",
    404: "itemNotFound",
    503: "serviceUnavailable",
}

PASTE = """
    [composite:osapi_compute]
    use = call:nova.api.openstack.urlmap:urlmap_factory
    /v2/+: v2
    /v2.1/+: v21

    [composite:v21]
    use = call:nova.api.auth:pipeline_factory_v21
    keystone = faultwrap authtoken keystonecontext nova

    [composite:v2]
    use = call:nova.api.auth:pipeline_factory_v21
    keystone = faultwrap authtoken keystonecontext legacy_v2_compatible nova

    [filter:faultwrap]
    paste.filter_factory = nova.api.openstack:FaultWrapper.factory

    [filter:authtoken]
    paste.filter_factory = ironic_sideways.tests.unit.proxy.conftest:authtoken_factory

    [filter:keystonecontext]
    paste.filter_factory = nova.api.auth:NovaKeystoneContext.factory

    [filter:legacy_v2_compatible]
    paste.filter_factory = nova.api.openstack:LegacyV2CompatibleWrapper.factory

    [app:nova]
    paste.app_factory = ironic_sideways.tests.unit.proxy.conftest:nova_factory
"""

_ironic_url = ""


def authtoken_factory(_global_conf: Any, **_: Any) -> Callable[[Any], Any]:
    """What keystonemiddleware does, with USERS for a keystone."""

    def wrap(application: Any) -> Any:
        @webob.dec.wsgify
        def authtoken(request: webob.Request) -> Any:
            token = request.headers.get("X-Auth-Token", "")
            if token not in USERS:
                return webob.Response(status=401)
            roles, project = USERS[token]
            request.headers["X-Identity-Status"] = "Confirmed"
            request.headers["X-User-Id"] = "u" * 32
            request.headers["X-Roles"] = roles
            if project:
                request.headers["X-Project-Id"] = project
            else:
                request.headers["OpenStack-System-Scope"] = "all"
            request.environ["keystone.token_info"] = fake_ironic.token_info(
                token, project, _ironic_url
            )
            return application

        return authtoken

    return wrap


def nova_factory(_global_conf: Any, **_: Any) -> Any:
    """The application behind the proxy, which says what reached it."""

    @webob.dec.wsgify
    def nova(request: webob.Request) -> webob.Response:
        return webob.Response(f"nova: {request.method} {request.path_info}")

    return nova


@dataclasses.dataclass
class Nova:
    """A client of the nova-api under test."""

    application: Any

    def __call__(
        self,
        path: str,
        token: str | None = ADMIN,
        method: str = "GET",
        version: str | None = None,
        **headers: str,
    ) -> webob.Response:
        """The response to one request for ``path``, below the host's root."""
        request = webob.Request.blank(path, method=method)
        if token:
            request.headers["X-Auth-Token"] = token
        if version:
            request.headers["X-OpenStack-Nova-API-Version"] = version
        request.headers.update(headers)
        return request.get_response(self.application)


def assert_fault(response: webob.Response, status: int) -> None:
    """The response is Nova's fault of ``status``."""
    assert response.status_int == status
    assert response.content_type == "application/json"
    assert list(response.json) == [TITLES[status]]
    assert response.json[TITLES[status]]["code"] == status
    assert response.json[TITLES[status]]["message"]


@pytest.fixture
def ironic() -> Iterator[fake_ironic.FakeIronic]:
    """An Ironic that knows all users but the one whose token was revoked."""
    global _ironic_url
    tokens = {
        token: project
        for token, (_, project) in USERS.items()
        if token != "revoked-token"
    }
    fake = fake_ironic.FakeIronic(tokens)
    with http_server.serve(fake) as _ironic_url:
        yield fake


@pytest.fixture
def settings() -> Iterator[cfg.ConfigOpts]:
    """nova.conf, with the proxy's group; restored after the test."""
    import nova.conf
    import nova.policy

    conf = nova.conf.CONF
    conf([], project="nova", default_config_files=[])
    options.register(conf)
    policy.Enforcer(conf)  # registers its options
    file = conf.oslo_policy.policy_file
    yield conf
    if conf.oslo_policy.policy_file != file:
        # Nova reads its hundreds of rules anew then.
        conf.clear_override("policy_file", group="oslo_policy")
        nova.policy.reset()
    for option in ("page_size", "endpoint_override", "timeout", "region_name"):
        conf.clear_override(option, group=options.GROUP)


@pytest.fixture
def nova_api(
    tmp_path: Path, ironic: fake_ironic.FakeIronic, settings: cfg.ConfigOpts
) -> Nova:
    """nova-api with the proxy in its pipelines, as the installer puts it."""
    file = tmp_path / "api-paste.ini"
    file.write_text(install.installed(textwrap.dedent(PASTE)))
    return Nova(paste.deploy.loadapp(f"config:{file}", name="osapi_compute"))
