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

"""Real deploys: Ironic's agent boots over the network and writes or cleans the disk.

The node's states are watched meanwhile, and the guest that boots then tells in its
heartbeats which image it comes from, by a mark that only this image has.
"""

import socket
from typing import Any

from openstack.connection import Connection

from ironic_sideways import exceptions, waits
from ironic_sideways.evidence import beats, node_watch, snapshot
from ironic_sideways.trials import workload
from ironic_sideways.trials.survivors import Survivors

#: From 2.93 on nova-api asks for a new boot volume in every rebuild, and
#: IronicDriver.rebuild refuses any (nova.api.openstack.compute.servers).
REBUILD_MICROVERSION = "2.92"

#: Seconds: the agent boots, writes the image, and the machine starts from its disk.
DEPLOY_TIMEOUT = 900.0
#: Seconds: a server of an earlier try, which has just been deleted, leaves its node.
FREE_TIMEOUT = 60.0
#: Seconds for nova-compute to tell Placement of a node that has become free.
REPORT_TIMEOUT = 150.0
#: Seconds: the agent boots and erases the disk's metadata.
CLEAN_TIMEOUT = 900.0

#: MiB below which the deploy ramdisk does not fit.
DEPLOY_MEMORY = 1024

#: "discard" (RFC 863): no guest of ours listens there, so its kernel refuses.
CLOSED_PORT = 9


def fits(node: Any) -> bool:
    """Whether the deploy ramdisk fits the node."""
    return int(node.properties["memory_mb"]) >= DEPLOY_MEMORY


def free_node(ironic: Connection, other_than: str) -> Any:
    """A free node that the deploy ramdisk fits, its deploy interface ``direct``.

    :param other_than: the id of a node that is wanted for something else.
    :raises WaitExpired: there is none, and none becomes free.
    """

    def free() -> Any:
        nodes = ironic.baremetal.nodes(
            provision_state="available", is_maintenance=False, details=True
        )
        return next(
            (
                node
                for node in nodes
                if fits(node) and not node.instance_id and node.id != other_than
            ),
            None,
        )

    node = waits.wait_for(
        free,
        lambda found: found is not None,
        f"a free node with {DEPLOY_MEMORY} MiB for the agent",
        FREE_TIMEOUT,
        interval=1,
    )
    if node.deploy_interface != "direct":
        node = ironic.baremetal.update_node(node, deploy_interface="direct")
    return node


def deploy(survivors: Survivors, name: str, node: Any) -> dict[str, Any]:
    """A new server on ``node``, its image written by the agent; a finding's parts.

    It belongs to the administrator: nobody else may choose a server's node.
    """
    known = beats.boot_ids(survivors.work.heartbeat)
    workload.delete_servers(survivors.admin, name)
    workload.ensure_keypair(survivors.admin)
    wait_until_offered(survivors.admin, node.id)

    def look() -> Any:
        return survivors.ironic.baremetal.get_node(node.id)

    with node_watch.watching(look) as watch:
        server = workload.boot(
            survivors.admin,
            name,
            workload.DISK_IMAGE,
            workload.OTHER_FLAVOR,
            node.id,
            DEPLOY_TIMEOUT,
        )
        return finish(survivors, server, known.get(server["mac"]), watch)


def wait_until_offered(admin: Connection, node: str) -> None:
    """Wait until Placement offers ``node``.

    Ironic frees a node; nova-compute reports it at its next periodic task, and until
    then the scheduler finds no valid host.

    :raises WaitExpired: it is reserved still.
    """
    waits.wait_for(
        lambda: snapshot.reserved(snapshot.providers(admin)),
        lambda found: node not in found,
        f"nova-compute to report node {node} as free",
        REPORT_TIMEOUT,
        interval=1,
        seen=lambda found: f"reserved: {', '.join(sorted(found))}",
    )


def rebuild(survivors: Survivors, server: dict[str, Any]) -> dict[str, Any]:
    """Another image on a survivor's node, written by the agent; a finding's parts."""
    cloud = survivors.work.cloud
    before = beats.boot_ids(survivors.work.heartbeat)[server["mac"]]
    image = cloud.image.find_image(workload.DISK_IMAGE, False)
    with node_watch.watching(lambda: survivors.node(server["uuid"])) as watch:
        ask_rebuild(cloud, server["uuid"], workload.DISK_IMAGE)
        workload.wait_for_status(cloud, server["uuid"], "ACTIVE", DEPLOY_TIMEOUT)
        done = finish(survivors, server, before, watch)
    found = cloud.compute.get_server(server["uuid"]).image.id
    if found != image.id:
        raise exceptions.SidewaysError(
            f"{server['name']}: expected image {image.id}, found {found}"
        )
    return done


def ask_rebuild(cloud: Connection, uuid: str, image: str, **options: bool) -> None:
    """Have Nova begin a rebuild of the server with the image of that name."""
    chosen = cloud.image.find_image(image, False).id
    response = cloud.compute.post(
        f"/servers/{uuid}/action",
        json={"rebuild": {"imageRef": chosen, **options}},
        microversion=REBUILD_MICROVERSION,
    )
    response.raise_for_status()


def finish(
    survivors: Survivors,
    server: dict[str, Any],
    earlier: str | None,
    watch: node_watch.Watch,
) -> dict[str, Any]:
    """Wait for the guest's heartbeats from its new disk, and for its answer.

    :param earlier: the boot id that the machine had before, if any.
    :raises SidewaysError: the heartbeats are another image's, or come from another
        address than the server's fixed one.
    """
    heartbeat, mac = survivors.work.heartbeat, server["mac"]
    boot_id = beats.wait_for_boot(heartbeat, mac, earlier, DEPLOY_TIMEOUT)
    stream = beats.newest(heartbeat, mac)
    assert stream is not None
    (address,) = server["fixed_ips"]
    if not stream.image or stream.ips != (address,):
        raise exceptions.SidewaysError(
            f"{server['name']}: expected heartbeats from {address} of a marked image, "
            f"found {', '.join(stream.ips)} and mark {stream.image}"
        )
    answered = waits.wait_for(
        lambda: answer(address),
        lambda said: said == "refused",
        f"{address} to answer",
        60,
        interval=1,
    )
    record = watch.record()
    return {
        "detail": (
            f"{server['name']} runs image {stream.image} under boot id {boot_id} on "
            f"node {record['node']}, written by {record['interface']}, and answers "
            f"on {address}"
        ),
        "deploy": {
            **record,
            "mac": mac,
            "fixed_ip": address,
            "answered": answered,
            "boot_id": boot_id,
            "image": stream.image,
            "beating": round(stream.first_time - record["begin"], 1),
        },
    }


def answer(address: str) -> str:
    """The result of connecting to a port of ``address`` where nobody listens.

    A machine that is up refuses it; one that is absent does not answer.
    """
    try:
        socket.create_connection((address, CLOSED_PORT), timeout=3).close()
    except ConnectionRefusedError:
        return "refused"
    except OSError as error:
        return str(error)
    return "connected"


def clean(survivors: Survivors, server: dict[str, Any]) -> dict[str, Any]:
    """Delete a survivor, its node's automated cleaning on; a finding's parts.

    Where it is off by default, it can be switched on node by node; off afterwards.
    """
    ironic = survivors.ironic.baremetal
    node = survivors.node(server["uuid"])
    ironic.update_node(node, is_automated_clean_enabled=True)
    with node_watch.watching(lambda: ironic.get_node(node.id)) as watch:
        survivors.work.cloud.compute.delete_server(server["uuid"])
        workload.wait_until_gone(survivors.work.cloud, server["uuid"])
        wait_until_available(survivors.ironic, node.id, CLEAN_TIMEOUT)
    ironic.update_node(node.id, is_automated_clean_enabled=False)
    record = watch.record()
    steps = {change["step"] for change in record["changes"]} - {None}
    return {
        "detail": (
            f"{server['name']} is deleted, node {node.id} available again after the "
            f"agent's {', '.join(sorted(steps)) or 'no step'}"
        ),
        "clean": record,
    }


def wait_until_available(ironic: Connection, node: str, timeout: float) -> None:
    """:raises WaitExpired: the node is not free by then, with its last error."""
    waits.wait_for(
        lambda: ironic.baremetal.get_node(node),
        lambda n: n.provision_state == "available" and not n.instance_id,
        f"node {node} to be available",
        timeout,
        interval=1,
        seen=lambda n: f"{n.provision_state}, {n.last_error}",
    )
