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

"""A node, and an instance that runs on it, from its disk or over the network."""

from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from nova.context import RequestContext
from nova.objects.instance import Instance
from nova.virt import node as nova_node
from nova.virt.baremetal import BareMetalDriver, images, nodes
from oslo_config import cfg

from ironic_sideways.tests.unit.compute import fakes
from ironic_sideways.tests.unit.compute.conftest import make_instance, network_info

ROOT = "8d295fb6-bc13-496b-9ee2-ac49c9850df1"
POWERED_ON = ["bmc-0 power off", "bmc-0 power on"]


@pytest.fixture
def node(add_node: Callable[..., str]) -> str:
    return add_node(ephemeral_mb=7)


@pytest.fixture
def running(
    driver: BareMetalDriver,
    admin: RequestContext,
    node: str,
    ports: fakes.Neutron,
    bmcs: fakes.Bmcs,
) -> Instance:
    """An instance that was spawned with port-1, and nothing asked of the BMC yet."""
    instance = make_instance(node)
    ports.add("port-1")
    spawn(driver, admin, instance, "port-1")
    (bmcs._directory / "log").unlink()
    return instance


def spawn(
    driver: BareMetalDriver, admin: RequestContext, instance: Instance, *port_ids: str
) -> None:
    driver.spawn(
        admin, instance, None, [], None, {}, network_info=network_info(*port_ids)
    )


@pytest.fixture
def started(
    engine: sa.Engine, monkeypatch: pytest.MonkeyPatch, nova_conf: cfg.ConfigOpts
) -> Callable[[], BareMetalDriver]:
    """Start a driver whose sql_connection leads to ``engine``."""
    monkeypatch.setattr(nodes.database, "resolve_url", lambda text, _option: text)
    monkeypatch.setattr(nodes.database, "engine", lambda _url: engine)
    monkeypatch.setattr(nova_node, "LOCAL_NODE_UUID", None)
    nova_conf.set_override("sql_connection", "nova_bm", "baremetal")

    def start() -> BareMetalDriver:
        driver = BareMetalDriver(None)
        driver.init_host("isw3")
        return driver

    return start


@pytest.fixture
def tftp_root(
    tmp_path: Path, nova_conf: cfg.ConfigOpts, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """A TFTP root, a deploy helper, and a glance that gives each image its id."""
    root = tmp_path / "tftpboot"
    helper = tmp_path / "helper"
    helper.write_text(
        f'#!/bin/sh\necho "$@" > {tmp_path}/helped\ncat "$3" >> {tmp_path}/helped\n'
        f"echo {ROOT}\n"
    )
    helper.chmod(0o755)
    for name, value in (
        ("tftp_root", str(root)),
        ("deploy_helper", f"{helper} --word"),
        ("pxe_append_params", "console=ttyS0"),
    ):
        nova_conf.set_override(name, value, "baremetal")
    nova_conf.set_override("my_ip", "192.0.2.1")
    nova_conf.set_override("instances_path", str(tmp_path / "instances"))
    monkeypatch.setattr(images, "download", lambda image, path: path.write_text(image))
    return root


def qcow2(node: str, **changes: object) -> Instance:
    instance = make_instance(node)
    instance.system_metadata = {"image_container_format": "bare"}
    instance.kernel_id, instance.ramdisk_id = "aki", "ari"
    for name, value in changes.items():
        setattr(instance, name, value)
    return instance


@pytest.fixture
def net_booted(
    driver: BareMetalDriver,
    admin: RequestContext,
    node: str,
    ports: fakes.Neutron,
    tftp_root: Path,
) -> Instance:
    """A net-booted instance that was spawned with port-1."""
    instance = qcow2(node)
    ports.add("port-1")
    spawn(driver, admin, instance, "port-1")
    return instance
