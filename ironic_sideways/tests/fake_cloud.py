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

"""The few calls of Nova and glance that the tools make, behind real HTTP.

``clouds_yaml`` makes an entry of clouds.yaml for it that needs no keystone.
"""

import contextlib
import dataclasses
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import webob
import webob.dec

from ironic_sideways.tests import http_server

#: The name of the cloud in the file that ``clouds_yaml`` writes.
CLOUD = "fake"


@dataclasses.dataclass
class FakeCloud:
    """A WSGI application: /compute is Nova, /image glance, /network Neutron."""

    flavors: dict[str, dict[str, Any]] = dataclasses.field(default_factory=dict)
    images: dict[str, dict[str, str]] = dataclasses.field(default_factory=dict)
    hypervisors: list[dict[str, Any]] = dataclasses.field(default_factory=list)
    servers: set[str] = dataclasses.field(default_factory=set)
    soft_deleted: set[str] = dataclasses.field(default_factory=set)
    migrations: list[dict[str, str]] = dataclasses.field(default_factory=list)
    ports: dict[str, dict[str, Any]] = dataclasses.field(default_factory=dict)
    #: What the mechanism drivers make of a bound port, by its vnic_type.
    vif_types: dict[str, str] = dataclasses.field(
        default_factory=lambda: {"normal": "other", "baremetal": "other"}
    )
    writes: list[str] = dataclasses.field(default_factory=list)
    fail_writes_after: int | None = None
    fail_reads_after_writes: int | None = None

    def add_flavor(
        self, name: str, public: bool = True, specs: Mapping[str, str] | None = None
    ) -> str:
        """A flavor of 8 vcpus, 16 GiB and 100 GiB with extra specs."""
        flavor_id = f"id-of-{name}"
        self.flavors[flavor_id] = {
            "id": flavor_id,
            "name": name,
            "vcpus": 8,
            "ram": 16384,
            "disk": 100,
            "OS-FLV-EXT-DATA:ephemeral": 0,
            "swap": "",
            "os-flavor-access:is_public": public,
            "extra_specs": dict(specs or {}),
        }
        return flavor_id

    def add_image(
        self, name: str, status: str = "active", container: str = "bare"
    ) -> str:
        """An image; its id is made of the number of images."""
        image_id = f"image-{len(self.images)}"
        self.images[image_id] = {
            "id": image_id,
            "name": name,
            "status": status,
            "container_format": container,
        }
        return image_id

    def add_hypervisor(self, node: str, host: str, state: str = "down") -> None:
        """A node of the nova-compute ``host``."""
        self.hypervisors.append(
            {
                "id": node,
                "hypervisor_hostname": node,
                "state": state,
                "status": "disabled",
                "service": {"id": "service", "host": host, "disabled_reason": None},
            }
        )

    def add_migration(self, migration: str, instance: str) -> None:
        """A move of the instance that waits to be confirmed."""
        self.migrations.append(
            {
                "uuid": migration,
                "instance_uuid": instance,
                "migration_type": "migration",
                "status": "finished",
            }
        )

    def add_port(self, name: str, device: str, **options: str) -> str:
        """A port of the instance ``device`` with DHCP options, _ for - in names."""
        self.ports[name] = {
            "id": name,
            "device_id": device,
            "extra_dhcp_opts": [
                {"opt_name": key.replace("_", "-"), "opt_value": value, "ip_version": 4}
                for key, value in options.items()
            ],
        }
        return name

    def bind_port(self, name: str, host: str, vnic_type: str = "normal") -> None:
        """Bind the port to ``host``, or unbind it."""
        self.ports[name] |= {
            "binding:host_id": host,
            "binding:vnic_type": vnic_type,
            "binding:vif_type": self.vif_types[vnic_type] if host else "unbound",
        }

    def binding(self, port: str) -> tuple[str, str, str]:
        """Host, vnic_type and vif_type of ``port``."""
        names = ("host_id", "vnic_type", "vif_type")
        host, vnic_type, vif_type = (
            self.ports[port][f"binding:{name}"] for name in names
        )
        return host, vnic_type, vif_type

    def dhcp_options(self, port: str) -> dict[str, str]:
        """The DHCP options of ``port``."""
        options = self.ports[port]["extra_dhcp_opts"]
        return {option["opt_name"]: option["opt_value"] for option in options}

    def specs(self, name: str) -> dict[str, str]:
        """The extra specs of the flavor ``name``."""
        return dict(self.flavors[f"id-of-{name}"]["extra_specs"])

    @webob.dec.wsgify
    def __call__(self, request: webob.Request) -> webob.Response:
        """Answer one request."""
        service, _, path = request.path_info.strip("/").partition("/")
        if service == "image":
            return self._image(request, path)
        if service == "network":
            return self._network(request, path.removeprefix("v2.0").strip("/"))
        if path in ("", "v2.1"):
            return webob.Response(json=_compute_version(request.host_url))
        path = path.removeprefix("v2.1/")
        if request.method == "GET":
            if self.fail_reads_after_writes == len(self.writes):
                return webob.Response(status=500)
            return self._compute(request, path)
        if self.fail_writes_after == len(self.writes):
            return webob.Response(status=500)
        self.writes.append(f"{request.method} {path}")
        return self._write_specs(request, path)

    def _compute(self, request: webob.Request, path: str) -> webob.Response:
        if path == "flavors/detail":
            everything = request.params.get("is_public") == "None"
            found = [
                flavor
                for flavor in self.flavors.values()
                if everything or flavor["os-flavor-access:is_public"]
            ]
            return webob.Response(json={"flavors": found})
        if path == "servers":
            assert request.params["all_tenants"] == "True"
            return webob.Response(
                json={"servers": [{"id": server} for server in sorted(self.servers)]}
            )
        if match := re.fullmatch(r"servers/([^/]+)", path):
            if match[1] in self.servers | self.soft_deleted:
                whose = {"tenant_id": "9" * 32, "user_id": "8" * 32}
                return webob.Response(json={"server": {"id": match[1], **whose}})
            return webob.Response(status=404)
        if path == "os-migrations":
            assert request.headers["X-OpenStack-Nova-API-Version"] == "2.59"
            return webob.Response(json={"migrations": self.migrations})
        if path.startswith("os-hypervisors"):
            version = request.headers["X-OpenStack-Nova-API-Version"]
            detail = path.endswith("/detail")
            # Nova says the host in the details alone; those of 2.28 to 2.87 fail
            # on nova-baremetal's cpu_info, later ones ask a compute that is gone.
            assert version == ("2.27" if detail else "2.53")
            unsaid = {"id"} if detail else {"service"}
            return webob.Response(
                json={
                    "hypervisors": [
                        {key: item[key] for key in item.keys() - unsaid}
                        for item in self.hypervisors
                    ]
                }
            )
        if match := re.fullmatch(r"flavors/([^/]+)/os-extra_specs", path):
            specs = self.flavors[match[1]]["extra_specs"]
            return webob.Response(json={"extra_specs": specs})
        return webob.Response(status=404)

    def _write_specs(self, request: webob.Request, path: str) -> webob.Response:
        match = re.fullmatch(r"flavors/([^/]+)/os-extra_specs(?:/(.+))?", path)
        assert match is not None, path
        specs = self.flavors[match[1]]["extra_specs"]
        if request.method == "DELETE":
            del specs[match[2]]
            return webob.Response(status=200)
        specs |= request.json["extra_specs"]
        return webob.Response(json={"extra_specs": specs})

    def _network(self, request: webob.Request, path: str) -> webob.Response:
        if not path:
            links = [{"rel": "self", "href": f"{request.host_url}/network/v2.0"}]
            versions = [{"id": "v2.0", "status": "CURRENT", "links": links}]
            return webob.Response(json={"versions": versions})
        if path == "ports":
            wanted = request.params.getall("id") or self.ports
            found = [port for port in self.ports.values() if port["id"] in wanted]
            return webob.Response(json={"ports": found})
        if self.fail_writes_after == len(self.writes):
            return webob.Response(status=500)
        self.writes.append(f"{request.method} {path}")
        port = self.ports[path.removeprefix("ports/")]
        change = request.json["port"]
        if change.keys() & {"binding:host_id", "binding:vnic_type"}:
            return self._bind(port, change)
        # As Neutron's extra_dhcp_opts: what is not named stays, None takes away.
        options = {option["opt_name"]: option for option in port["extra_dhcp_opts"]}
        for option in change["extra_dhcp_opts"]:
            options[option["opt_name"]] = option
        port["extra_dhcp_opts"] = [
            option for option in options.values() if option["opt_value"] is not None
        ]
        return webob.Response(json={"port": port})

    def _bind(self, port: dict[str, Any], change: dict[str, Any]) -> webob.Response:
        """As ML2: no other vnic_type while bound (_validate_port_update)."""
        vnic_type = change.get("binding:vnic_type", port["binding:vnic_type"])
        bound = port["binding:vif_type"] != "unbound"
        if bound and vnic_type != port["binding:vnic_type"]:
            return webob.Response(status=409)
        host = change.get("binding:host_id", port["binding:host_id"])
        self.bind_port(port["id"], host, vnic_type)
        return webob.Response(json={"port": port})

    def _image(self, request: webob.Request, path: str) -> webob.Response:
        if path in ("", "v2"):
            return webob.Response(json=_image_version(request.host_url))
        kind, _, name = path.removeprefix("v2/").partition("/")
        assert kind == "images", path
        if name:
            image = self.images.get(name)
            return webob.Response(json=image) if image else webob.Response(status=404)
        wanted = request.params.get("name")
        hidden = request.params.get("os_hidden") == "True"
        images = [] if hidden else self.images.values()
        found = [image for image in images if image["name"] == wanted]
        return webob.Response(json={"images": found})


def _compute_version(url: str) -> dict[str, Any]:
    version = {
        "id": "v2.1",
        "status": "CURRENT",
        "version": "2.103",
        "min_version": "2.1",
        "links": [{"rel": "self", "href": f"{url}/compute/v2.1/"}],
    }
    return {"version": version}


def _image_version(url: str) -> dict[str, Any]:
    links = [{"rel": "self", "href": f"{url}/image/v2/"}]
    return {"versions": [{"id": "v2.16", "status": "CURRENT", "links": links}]}


@contextlib.contextmanager
def served(
    application: Any, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """Let the cloud CLOUD be ``application``, by a clouds.yaml in ``directory``."""
    with http_server.serve(application) as url:
        path = clouds_yaml(directory, url)
        monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", str(path))
        yield


def clouds_yaml(directory: Path, url: str, placement_url: str = "") -> Path:
    """Write a clouds.yaml (in JSON, which YAML includes) with the cloud CLOUD."""
    cloud: Mapping[str, Any] = {
        "auth_type": "admin_token",
        "auth": {"endpoint": url, "token": "admin"},
        "compute_endpoint_override": f"{url}/compute/v2.1",
        "image_endpoint_override": f"{url}/image/v2",
        "network_endpoint_override": f"{url}/network/v2.0",
        "placement_endpoint_override": placement_url or url,
    }
    path = directory / "clouds.yaml"
    path.write_text(json.dumps({"clouds": {CLOUD: cloud}}), encoding="utf-8")
    return path
