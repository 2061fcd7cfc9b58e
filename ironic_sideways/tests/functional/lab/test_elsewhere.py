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

"""S2 in a lab: what its owner may not do on a moving host, and may on another one.

The lab's own compute host, of Nova's fake driver, moves; a second nova-compute with the
same driver does not. Real services answer each call: none of the policies' rules is
asked but by them. Named so that it comes before test_lab.py, which takes the lab down.
"""

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from openstack.compute.v2.server import Server
from openstack.connection import Connection

from ironic_sideways import waits
from ironic_sideways.cloud import maintenance_policy, maintenance_probe
from ironic_sideways.lab import cloud
from ironic_sideways.lab.layout import Layout
from ironic_sideways.lab.programs import BINARIES
from ironic_sideways.report import maintenance

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="a lab needs root")

#: Seconds for anything that Nova does.
TIMEOUT = 120
HOST = "elsewhere"
CONFIGURATION = """\
[DEFAULT]
host = {host}
compute_driver = fake.FakeDriverWithoutFakeNodes
state_path = {place}
instances_path = {place}/instances
[oslo_concurrency]
lock_path = {place}/locks
"""


@pytest.fixture(scope="module")
def admin(lab: Layout) -> Connection:
    return cloud.connect(lab)


@pytest.fixture(scope="module")
def member(lab: Layout) -> Connection:
    return cloud.connect(lab, "demo")


Boot = Callable[[str], Server]


@pytest.fixture(scope="module")
def boot(
    admin: Connection, member: Connection, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Boot]:
    """Has the member create a server, which Nova makes a port for."""
    content = tmp_path_factory.mktemp("image") / "image"
    content.write_bytes(bytes(512))
    image = admin.image.create_image(
        "virtual",
        filename=str(content),
        container_format="bare",
        disk_format="raw",
        visibility="public",
    )
    flavor = admin.compute.create_flavor(name="virtual", vcpus=1, ram=64, disk=1)
    network = member.network.find_network(cloud.NETWORK, False)

    def create(name: str) -> Server:
        server = member.compute.create_server(
            name=name,
            image_id=image.id,
            flavor_id=flavor.id,
            networks=[{"uuid": network.id}],
        )
        return become(member, server.id, "ACTIVE")

    yield create
    admin.compute.delete_flavor(flavor)
    admin.image.delete_image(image)


def become(member: Connection, server: str, status: str) -> Server:
    found = waits.wait_for(
        lambda: member.compute.get_server(server),
        lambda one: one.status in (status, "ERROR") and not one.task_state,
        f"server {server} to become {status}",
        TIMEOUT,
        seen=lambda one: f"{one.status}, {one.task_state}",
    )
    assert found.status == status, found.fault
    return found


def delete(member: Connection, server: str) -> None:
    """Its port, which Nova made, goes with it."""
    member.compute.delete_server(server)
    waits.wait_for(
        lambda: [*servers(member, server), *ports(member, server)],
        lambda left: not left,
        f"server {server} and its port to be gone",
        TIMEOUT,
    )


def servers(member: Connection, server: str) -> list[str]:
    return [one.id for one in member.compute.servers() if one.id == server]


def ports(member: Connection, server: str) -> list[str]:
    return [port.id for port in member.network.ports(device_id=server)]


def services(admin: Connection, host: str) -> list[Any]:
    found = admin.compute.services(binary="nova-compute")
    return [one for one in found if one.host == host]


@pytest.fixture(scope="module")
def moving(
    lab: Layout, admin: Connection, member: Connection, boot: Boot
) -> Iterator[Server]:
    """An instance on the lab's own host, locked; that host is disabled."""
    server = boot("moving")
    admin.compute.lock_server(server.id)
    (service,) = services(admin, lab.compute_host)
    admin.compute.disable_service(service)
    yield admin.compute.get_server(server.id)
    admin.compute.enable_service(service)
    admin.compute.unlock_server(server.id)
    delete(member, server.id)


@pytest.fixture(scope="module")
def elsewhere(lab: Layout, admin: Connection, moving: Server) -> Iterator[None]:
    """Another nova-compute, which the scheduler knows."""
    place = lab.data / HOST
    (place / "instances").mkdir(parents=True)
    own = place / "nova.conf"
    own.write_text(CONFIGURATION.format(host=HOST, place=place))
    words = [str(BINARIES / "nova-compute")]
    for path in (lab.etc / "nova-compute" / "nova.conf", own):
        words += ["--config-file", str(path)]
    with (place / "log").open("wb") as log:
        process = subprocess.Popen(
            words, stdout=log, stderr=subprocess.STDOUT, cwd=lab.directory
        )
    try:
        waits.wait_for(
            # Those of a host that no cell has discovered yet are not listed.
            lambda: [one.name for one in admin.compute.hypervisors()],
            lambda names: HOST in names,
            f"nova-compute of {HOST} to be discovered; see {place}/log",
            TIMEOUT,
        )
        yield
    finally:
        process.terminate()
        try:
            process.wait(TIMEOUT)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(TIMEOUT)
    for service in services(admin, HOST):
        admin.compute.delete_service(service)


@pytest.fixture(scope="module")
def window(lab: Layout, member: Connection, moving: Server) -> Iterator[list[Path]]:
    """The policies are in force, as the guide puts them there; then gone again."""
    printed = lab.data / "neutron-rules.yaml"
    with printed.open("w") as rules:
        subprocess.run(
            [
                str(BINARIES / "oslopolicy-policy-generator"),
                *("--namespace", "neutron"),
                *("--config-file", str(lab.etc / "neutron" / "neutron.conf")),
            ],
            stdout=rules,
            timeout=TIMEOUT,
            check=True,
        )
    hosts = {lab.compute_host, moving.hypervisor_hostname}
    of_neutron = maintenance_policy.neutron(
        maintenance_policy.read(printed), hosts, [moving.id]
    )
    files = [
        lab.etc / name / "policy.d/zz-maintenance.yaml" for name in ("nova", "neutron")
    ]
    for path, rules_of in zip(
        files, (maintenance_policy.nova(), of_neutron), strict=True
    ):
        path.parent.mkdir(exist_ok=True)
        maintenance_policy.write(path, rules_of)
    maintenance_probe.await_policy(member, TIMEOUT, None)
    yield files
    for path in files:
        path.unlink(missing_ok=True)
        os.utime(path.parent)
    maintenance_probe.await_policy(member, TIMEOUT, None, permitted=True)


def test_s2_its_owner_is_refused_all_that_the_window_forbids(
    window: list[Path], member: Connection, moving: Server, tmp_path: Path
) -> None:
    record = tmp_path / "maintenance.json"
    record.write_text("{}")

    refused = maintenance_probe.everything(member, {moving.id}, record)

    assert refused >= len(maintenance.REFUSED)
    assert set(json.loads(record.read_text())["refused"]) == set(maintenance.REFUSED)


@pytest.mark.parametrize("change", [str.upper, "{} ".format, "{}\u00b4".format])
def test_s2_no_spelling_of_the_instance_makes_a_port_for_it(
    window: list[Path],
    member: Connection,
    moving: Server,
    change: Callable[[str], str],
) -> None:
    before = ports(member, moving.id)
    network = member.network.find_network(cloud.NETWORK, False)
    asked = {"network_id": network.id, "device_id": change(moving.id)}

    answer = member.network.request(
        "/ports", "POST", json={"port": asked}, raise_exc=False
    )

    assert (answer.status_code, ports(member, moving.id)) == (403, before)


def test_s2_on_another_host_a_member_creates_changes_and_deletes(
    window: list[Path],
    elsewhere: None,
    admin: Connection,
    member: Connection,
    boot: Boot,
) -> None:
    server = boot("virtual")
    assert admin.compute.get_server(server.id).compute_host == HOST

    member.compute.set_server_metadata(server, changed="yes")
    member.compute.reboot_server(server, "HARD")
    become(member, server.id, "ACTIVE")
    member.compute.stop_server(server)
    become(member, server.id, "SHUTOFF")
    member.compute.start_server(server)
    become(member, server.id, "ACTIVE")
    network = member.network.find_network(cloud.NETWORK, False)
    second = member.compute.create_server_interface(server, net_id=network.id)
    assert len(ports(member, server.id)) == 2
    member.compute.delete_server_interface(second.port_id, server)
    waits.wait_for(
        lambda: ports(member, server.id),
        lambda left: len(left) == 1,
        "the second interface's port to be gone",
        TIMEOUT,
    )
    assert member.compute.get_server(server.id).metadata == {"changed": "yes"}

    delete(member, server.id)
