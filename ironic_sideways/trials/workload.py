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

"""The workload that must survive: a member's instances on bare-metal nodes.

Created through the Compute API by a user without admin rights; what was
created is recorded in workload.json, and later verified against it.
"""

import concurrent.futures
import dataclasses
import threading
from pathlib import Path
from typing import Any

import openstack.exceptions
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519
from openstack.connection import Connection

from ironic_sideways import exceptions, waits
from ironic_sideways.evidence import beats, documents
from ironic_sideways.hardware import guest
from ironic_sideways.trials import local_boot

PREFIX = "sideways"
NETWORK = "provisioning"
FLAVOR = "baremetal"
OTHER_FLAVOR = "baremetal-deploy"
#: With swap and an ephemeral disk beside the root.
EPHEMERAL_FLAVOR = "baremetal-ephemeral"
#: As TripleO's were: a root file system without boot loader, its kernel and ramdisk
#: beside it. On the base its servers boot over the network, from nova-baremetal's TFTP
#: server, at each power-on.
IMAGE = "guest"
OTHER_IMAGE = "guest-again"
#: The guest as a whole-disk image: the agent writes it to a node, and the node's
#: firmware boots it. Its heartbeats carry this image's mark.
DISK_IMAGE = "guest-disk"
OWN_LOCK = "locked by its owner, not by any maintenance"
BUILD_TIMEOUT = 300.0
SCHEDULING = threading.Lock()
#: Servers of the workload, at least, and that are built at once, at most.
LEAST = 4
AT_ONCE = 8
#: Nova's API version from which an administrator may name a node.
NAMES_A_NODE = "2.74"


@dataclasses.dataclass(frozen=True)
class Workload:
    """A member's ``cloud``, the record, and where heartbeats arrive."""

    cloud: Connection
    record: Path
    heartbeat: Path

    def recorded(self) -> list[dict[str, Any]]:
        return list(documents.read(self.record)["servers"])


def publish_guest(admin: Connection, built: guest.Guest) -> None:
    """Upload the guest's images to glance, public, unless they exist."""
    ids = {}
    for name, path, container, disk_format in (
        (f"{IMAGE}-kernel", built.kernel, "aki", "aki"),
        (f"{IMAGE}-ramdisk", built.ramdisk, "ari", "ari"),
    ):
        ids[name] = publish(admin, name, path, container, disk_format, {})
    properties = {
        "kernel_id": ids[f"{IMAGE}-kernel"],
        "ramdisk_id": ids[f"{IMAGE}-ramdisk"],
    }
    for name in (IMAGE, OTHER_IMAGE):
        publish(admin, name, built.root, "bare", "qcow2", properties)
    publish(admin, DISK_IMAGE, built.marked, "bare", "qcow2", {})


def publish(
    admin: Connection,
    name: str,
    path: Path,
    container: str,
    disk_format: str,
    properties: dict[str, str],
) -> str:
    image = admin.image.find_image(name)
    if image is None:
        image = admin.image.create_image(
            name,
            filename=str(path),
            container_format=container,
            disk_format=disk_format,
            visibility="public",
            **properties,
        )
    return str(image.id)


def public_key() -> str:
    """A fresh public key; the private one is not kept, as nobody logs in."""
    key = ed25519.Ed25519PrivateKey.generate().public_key()
    return key.public_bytes(
        serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH
    ).decode()


def ensure_keypair(cloud: Connection) -> None:
    """Create the member's key pair unless it exists."""
    if cloud.compute.find_keypair(PREFIX) is None:
        cloud.compute.create_keypair(name=PREFIX, public_key=public_key())


def boot_from_the_network(ironic: Connection) -> int:
    """Let every free node deploy by network boot; how many there are.

    A node that held a survivor was imported with deploy interface ``direct``:
    its next instance would want the agent, and more memory than API tests need.
    """
    free = list(ironic.baremetal.nodes(provision_state="available", details=True))
    for node in free:
        if node.deploy_interface != "ramdisk":
            ironic.baremetal.update_node(node, deploy_interface="ramdisk")
    return len(free)


def new_port(cloud: Connection, name: str) -> Any:
    network = cloud.network.find_network(NETWORK, False).id
    return cloud.network.create_port(name=name, network_id=network)


def request(
    cloud: Connection,
    name: str,
    image: str,
    flavor: str,
    networks: Any,
    **named: str,
) -> Any:
    """Ask Nova for a server with the project's key pair, and do not wait for it.

    :param named: ``hypervisor_hostname``: openstacksdk 4.10, of OpenStack 2026.1, sends
        that under its name in answers, which Nova refuses. So the request is our own.
    """
    wanted = {
        "name": name,
        "imageRef": cloud.image.find_image(image, False).id,
        "flavorRef": cloud.compute.find_flavor(flavor, False).id,
        "key_name": PREFIX,
        "metadata": {"role": name},
        "networks": networks,
        **named,
    }
    response = cloud.compute.post(
        "/servers", json={"server": wanted}, microversion=NAMES_A_NODE
    )
    openstack.exceptions.raise_from_response(response)
    return cloud.compute.get_server(response.json()["server"]["id"])


def boot(
    cloud: Connection,
    name: str,
    image: str = IMAGE,
    flavor: str = FLAVOR,
    node: str | None = None,
    timeout: float = BUILD_TIMEOUT,
) -> dict[str, Any]:
    """Create one port and one server on it; wait until ACTIVE.

    Servers are scheduled one after the other: of several at once, all after the
    same nodes, Placement lets two have one now and then, and Nova's alternatives for
    the second are those that the others have taken.

    :param node: the one that it must go to; None lets the scheduler choose. Only an
        administrator may name one.
    :param timeout: seconds for the build.
    :raises SidewaysError: the build failed, with Nova's own words.
    """
    port = new_port(cloud, name)
    named = {"hypervisor_hostname": node} if node else {}
    with SCHEDULING:
        server = request(cloud, name, image, flavor, [{"port": port.id}], **named)
        waits.wait_for(
            lambda: cloud.compute.get_server(server.id),
            lambda s: s.task_state != "scheduling",
            f"server {server.id} to be scheduled",
            BUILD_TIMEOUT,
            seen=lambda s: f"{s.status}, task state {s.task_state}",
        )
    wait_for_status(cloud, server.id, "ACTIVE", timeout)
    port = cloud.network.get_port(port.id)
    return {
        "uuid": server.id,
        "name": name,
        "port": port.id,
        "mac": port.mac_address,
        "fixed_ips": [ip["ip_address"] for ip in port.fixed_ips],
        **{"image": cloud.image.find_image(image, False).id, "flavor": flavor},
    }


def wait_for_status(cloud: Connection, uuid: str, status: str, timeout: float) -> None:
    """:raises SidewaysError: the server went to ERROR, with Nova's fault.
    :raises WaitExpired: another status still, after ``timeout`` seconds.
    """
    server = waits.wait_for(
        lambda: cloud.compute.get_server(uuid),
        lambda s: (s.status == status and not s.task_state) or s.status == "ERROR",
        f"server {uuid} to be {status}",
        timeout,
        interval=1,
        seen=lambda s: f"{s.status}, task state {s.task_state}",
    )
    if server.status != status:
        fault = (server.fault or {}).get("message", "Nova gives no reason")
        raise exceptions.SidewaysError(f"server {uuid} is in ERROR: {fault}")


def refused(
    cloud: Connection, server: dict[str, Any], action: str, reason: str, timeout: float
) -> str:
    """Wait until Nova's driver has refused an action; return the instance's fault.

    :param action: for a person, as in "rescue".
    :param timeout: seconds.
    :raises SidewaysError: it was not refused, or for another reason.
    """
    found = waits.wait_for(
        lambda: cloud.compute.get_server(server["uuid"]),
        lambda s: not s.task_state,
        f"the {action} of {server['uuid']} to be refused",
        timeout,
        interval=1,
    )
    fault = str((found.fault or {}).get("message", ""))
    if found.status != "ERROR" or reason not in fault:
        raise exceptions.SidewaysError(
            f"{server['name']}: expected ERROR and a fault with {reason!r}, found "
            f"{found.status}, {fault!r}"
        )
    return fault


def create(
    work: Workload,
    admin: Connection,
    base: local_boot.Base,
    machines: Path,
    number: int = LEAST,
) -> list[dict[str, Any]]:
    """What a cloud of 2014 had: three servers that run, and one that is off.

    Net-booted, its VIF crossed; net-booted, with swap and ephemeral disk; one that
    boots from its disk by its operator's word; net-booted, stopped and locked by its
    owner. What an earlier try left is destroyed first.

    :param admin: who sees a server's node.
    :param number: of servers; those beyond four are net-booted and run.
    :param machines: machines.json, which has the NICs in their order.
    :raises SidewaysError: Nova gave each of them a node where no VIF is crossed.
    """
    destroy(work.cloud)
    # Machines of an earlier try may have been heard.
    known = beats.boot_ids(work.heartbeat)
    ensure_keypair(work.cloud)
    # Ironic's agent fits the nodes that these two fit.
    flavors = [*[OTHER_FLAVOR] * 3, EPHEMERAL_FLAVOR, *[FLAVOR] * (number - LEAST)]
    names = [f"{PREFIX}-{n}" for n in range(len(flavors))]
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        servers = list(
            pool.map(
                lambda name, flavor: boot(work.cloud, name, flavor=flavor),
                names,
                flavors,
            )
        )
    first = {machine["macs"][0] for machine in documents.read(machines)}
    for server in servers:
        server |= {"boot": "network", "crossed": server["mac"] not in first}
        listen(work, server, known.get(server["mac"]))
    plain = sorted(servers[:3], key=lambda server: not server["crossed"])
    crossed, from_disk, stopped = plain
    if not crossed["crossed"]:
        raise exceptions.SidewaysError(
            f"expected a port with the MAC of a NIC that is not its machine's first, "
            f"found {', '.join(server['mac'] for server in plain)}: no VIF is crossed"
        )
    switch_off(work, from_disk)
    node = admin.compute.get_server(from_disk["uuid"]).hypervisor_hostname
    base.boot_from_disk(from_disk["uuid"], node)
    work.cloud.compute.start_server(from_disk["uuid"])
    wait_for_status(work.cloud, from_disk["uuid"], "ACTIVE", 120)
    from_disk["boot"] = "disk"
    listen(work, from_disk, from_disk["boot_id"])
    switch_off(work, stopped)
    # Maintenance must keep a lock that its owner set, reason included.
    work.cloud.compute.lock_server(stopped["uuid"], locked_reason=OWN_LOCK)
    for server in servers:
        server["status"] = "SHUTOFF" if server is stopped else "ACTIVE"
    documents.write(work.record, {"servers": servers})
    return servers


def listen(work: Workload, server: dict[str, Any], earlier: str | None) -> None:
    """Wait for the server's beats, and keep in it what they tell of its boot.

    :param earlier: the boot id of before.
    """
    server["boot_id"] = beats.wait_for_boot(
        work.heartbeat, server["mac"], earlier, BUILD_TIMEOUT
    )
    server |= beats.disks_of(work.heartbeat, server)


def switch_off(work: Workload, server: dict[str, Any]) -> None:
    """:raises WaitExpired: it still runs."""
    work.cloud.compute.stop_server(server["uuid"])
    wait_for_status(work.cloud, server["uuid"], "SHUTOFF", 120)


def switch(work: Workload) -> None:
    """Stop and start the server that boots from its disk, and wait for its new boot.

    Of what is operated on a moved cloud it is what a light machine can do, too.
    """
    server = next(one for one in work.recorded() if one["boot"] == "disk")
    known = beats.boot_ids(work.heartbeat)[server["mac"]]
    switch_off(work, server)
    work.cloud.compute.start_server(server["uuid"])
    wait_for_status(work.cloud, server["uuid"], "ACTIVE", 120)
    beats.wait_for_boot(work.heartbeat, server["mac"], known, BUILD_TIMEOUT)


def verify(work: Workload) -> int:
    """Control plane, then data plane; how many servers are as they were created.

    :raises SidewaysError: names the server and what differs.
    """
    for server in work.recorded():
        found = work.cloud.compute.get_server(server["uuid"])
        port = work.cloud.network.get_port(server["port"])
        seen = {
            "status": found.status,
            "mac": port.mac_address,
            "fixed_ips": [ip["ip_address"] for ip in port.fixed_ips],
        }
        expected = {key: server[key] for key in seen}
        if seen != expected:
            raise exceptions.SidewaysError(
                f"server {server['uuid']} ({server['name']}): expected {expected}, "
                f"found {seen}"
            )
    return verify_noapi(work)


def verify_noapi(work: Workload) -> int:
    """The data plane alone: each running machine sends heartbeats, never rebooted."""
    servers = work.recorded()
    for server in servers:
        if server["status"] != "ACTIVE":
            continue
        beats.wait_for_more(work.heartbeat, server["mac"], 30)
        stream = beats.newest(work.heartbeat, server["mac"])
        if stream is None or stream.boot_id != server["boot_id"]:
            raise exceptions.SidewaysError(
                f"server {server['uuid']} ({server['name']}) rebooted: boot id "
                f"{server['boot_id']} became {stream.boot_id if stream else None}"
            )
    return len(servers)


def destroy(cloud: Connection) -> int:
    """Delete what ``create`` and later steps made; tolerate what is gone."""
    servers = delete_servers(cloud, f"{PREFIX}-")
    if cloud.compute.find_keypair(PREFIX):
        cloud.compute.delete_keypair(PREFIX)
    return servers


def delete_servers(cloud: Connection, prefix: str, timeout: float = 120) -> int:
    """Delete the project's servers of that ``prefix``, and their ports.

    :param timeout: seconds for each to be gone.
    """
    servers = [s for s in cloud.compute.servers() if s.name.startswith(prefix)]
    for server in servers:
        if server.is_locked:
            cloud.compute.unlock_server(server.id)
        cloud.compute.delete_server(server.id)
    for server in servers:
        wait_until_gone(cloud, server.id, timeout)
    for port in cloud.network.ports(project_id=cloud.current_project_id):
        if port.name.startswith(prefix):
            cloud.network.delete_port(port.id)
    return len(servers)


def wait_until_gone(cloud: Connection, uuid: str, timeout: float = 120) -> None:
    waits.wait_for(
        lambda: cloud.compute.find_server(uuid),
        lambda server: server is None,
        f"server {uuid} to be deleted",
        timeout,
        interval=1,
        seen=lambda s: f"{s.status}, task state {s.task_state}" if s else "gone",
    )
