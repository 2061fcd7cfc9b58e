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

"""The real Placement API on SQLite, as a fixture for tests."""

import tempfile
import threading
import uuid
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import keystoneauth1.adapter
import keystoneauth1.session
import keystoneauth1.token_endpoint
import pytest
from oslo_config import cfg

from ironic_sideways.tests import http_server

PROJECT = "9" * 32
USER = "8" * 32

#: Inventory of a node as nova-baremetal reported it, all reserved when in use.
STANDARD = {"VCPU": 1, "MEMORY_MB": 256, "DISK_GB": 2}


class Service:
    """A Placement to which tests add nodes and instances."""

    def __init__(self, url: str, app: Any) -> None:
        self.url = url
        self.application = app
        self.adapter = self.user("admin", "service")

    def user(self, *roles: str) -> keystoneauth1.adapter.Adapter:
        """An adapter of a user with these roles."""
        return keystoneauth1.adapter.Adapter(
            keystoneauth1.session.Session(
                auth=keystoneauth1.token_endpoint.Token(self.url, "user:project")
            ),
            service_type="placement",
            default_microversion="1.36",
            additional_headers={"X-Roles": ",".join(roles)},
            raise_exc=True,
        )

    def add_node(
        self, total: Mapping[str, int] = STANDARD, instance: bool = False
    ) -> str:
        """A node with this inventory; with ``instance`` in use and reserved."""
        node = str(uuid.uuid4())
        self.adapter.post("/resource_providers", json={"uuid": node, "name": node})
        self.set_inventory(node, total)
        if instance:
            self.add_instance(node, total)
            self.set_inventory(node, total, reserved=True)
        return node

    def set_inventory(
        self, node: str, total: Mapping[str, int], reserved: bool = False
    ) -> None:
        """Replace the node's inventory."""
        path = f"/resource_providers/{node}/inventories"
        generation = self.adapter.get(path).json()["resource_provider_generation"]
        inventories = {
            name: {"total": amount, "reserved": amount if reserved else 0}
            for name, amount in total.items()
        }
        body = {
            "inventories": inventories,
            "resource_provider_generation": generation,
        }
        self.adapter.put(path, json=body)

    def add_instance(self, node: str, resources: Mapping[str, int]) -> str:
        """An instance that holds ``resources`` of the node."""
        instance = str(uuid.uuid4())
        self.hold(instance, {node: resources})
        return instance

    def hold(self, instance: str, by_node: Mapping[str, Mapping[str, int]]) -> None:
        """Make a new allocation of ``instance``."""
        body = {
            "allocations": {
                node: {"resources": dict(resources)}
                for node, resources in by_node.items()
            },
            "project_id": PROJECT,
            "user_id": USER,
            "consumer_generation": None,
        }
        self.adapter.put(f"/allocations/{instance}", json=body)

    def release(self, instance: str) -> None:
        """Delete the allocation of ``instance``."""
        self.adapter.delete(f"/allocations/{instance}")

    def label(self, node: str, trait: str, aggregate: str) -> None:
        """Give the node a custom trait, and put it into an aggregate."""
        self.adapter.put(f"/traits/{trait}")
        base = f"/resource_providers/{node}"
        for path, key, values in (
            (f"{base}/traits", "traits", [trait]),
            (f"{base}/aggregates", "aggregates", [aggregate]),
        ):
            generation = self.adapter.get(path).json()["resource_provider_generation"]
            body = {key: values, "resource_provider_generation": generation}
            self.adapter.put(path, json=body)

    def labels(self, node: str) -> tuple[list[str], list[str]]:
        """The node's traits and aggregates."""
        base = f"/resource_providers/{node}"
        return (
            self.adapter.get(f"{base}/traits").json()["traits"],
            self.adapter.get(f"{base}/aggregates").json()["aggregates"],
        )

    def inventory(self, node: str) -> dict[str, Any]:
        """The node's inventory, by resource class."""
        path = f"/resource_providers/{node}/inventories"
        return dict(self.adapter.get(path).json()["inventories"])

    def held(self, node: str) -> dict[str, dict[str, int]]:
        """What each consumer holds of the node."""
        path = f"/resource_providers/{node}/allocations"
        return {
            consumer: allocation["resources"]
            for consumer, allocation in self.adapter.get(path)
            .json()["allocations"]
            .items()
        }

    def classes(self) -> set[str]:
        """The names of all resource classes."""
        body = self.adapter.get("/resource_classes").json()
        return {item["name"] for item in body["resource_classes"]}


def wsgi_application(directory: Path) -> Any:
    """Placement's own WSGI application on a new SQLite database.

    Placement configures its database once a process. SQLite has one writer: the
    requests of several threads are served one after the other.
    """
    one_at_a_time = threading.Lock()

    def serve(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        with one_at_a_time:
            return list(application(environ, start_response))

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from placement import conf, db_api, deploy

        config = cfg.ConfigOpts()
        conf.register_opts(config)
        file = directory / "placement.conf"
        file.write_text(
            "[api]\nauth_strategy = noauth2\n"
            "[placement_database]\nsync_on_startup = true\n"
            f"connection = sqlite:///{directory}/placement.sqlite\n"
        )
        config([], project="placement", default_config_files=[str(file)])
        db_api.configure(config)
        application = deploy.loadapp(config)
    return serve


@pytest.fixture(scope="session")
def placement_service() -> Iterator[Service]:
    """One Placement for all tests; each makes nodes of its own."""
    with tempfile.TemporaryDirectory() as directory:
        app = wsgi_application(Path(directory))
        with http_server.serve(app) as url:
            yield Service(url, app)
