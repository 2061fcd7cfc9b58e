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

"""What the owner of a moved net-booted instance does with it, through Nova.

A rebuild with an image of 2014's kind, or one that should preserve an ephemeral disk,
is refused and leaves all as it is; one with a whole-disk image is written by the agent,
and from then on the machine boots from its disk; deleted, the instance leaves nothing
of its net boot on the node.
"""

from typing import Any

from ironic_sideways import exceptions, waits
from ironic_sideways.evidence import beats
from ironic_sideways.trials import agent_deploys, workload
from ironic_sideways.trials.survivors import Survivors

#: Columns of a node in which the move wrote what makes its instance boot over the net.
COLUMNS = ("instance_info", "driver_info", "driver_internal_info")
#: Keys there, as the move writes them (migrate/mapping.py).
KEYS = frozenset(
    {
        "kernel",
        "ramdisk",
        "ramdisk_kernel_arguments",
        "kernel_append_params",
        "deploy_interface",
        "ipmi_force_boot_device",
        "force_persistent_boot_device",
    }
)
#: Seconds for Ironic to call a node active again whose rebuild it refused.
REFUSAL_TIMEOUT = 240.0
#: What the fault says that the owner sees (conductor/netbooted.py).
REFUSAL = "Rebuild refused"


def settings(node: Any) -> dict[str, dict[str, Any]]:
    """What of net boot the node has, by column."""
    return {
        column: {
            key: value
            for key, value in (getattr(node, column) or {}).items()
            if key in KEYS
        }
        for column in COLUMNS
    }


def require_none(node: Any) -> None:
    """:raises SidewaysError: the node has net-boot settings left."""
    left = {column: found for column, found in settings(node).items() if found}
    if left:
        raise exceptions.SidewaysError(
            f"node {node.id}: expected no net-boot settings, found {left}"
        )


def refused_preserve(survivors: Survivors, server: dict[str, Any]) -> dict[str, Any]:
    """With an image that is taken, but for what the owner wants to keep."""
    image = workload.DISK_IMAGE
    return refused_rebuild(survivors, server, image, preserve_ephemeral=True)


def refused_rebuild(
    survivors: Survivors,
    server: dict[str, Any],
    image: str = workload.OTHER_IMAGE,
    **options: bool,
) -> dict[str, Any]:
    """The owner sees why; machine, node and ports are as before; the server goes on.

    Nova's own manager loses the allocation: it is put back, and told as lost.

    :param image: its name.
    :param options: of Nova's action ``rebuild``.
    :raises SidewaysError: any of it is not so.
    """
    uuid, cloud = server["uuid"], survivors.work.cloud
    beat = beats.newest(survivors.work.heartbeat, server["mac"])
    assert beat is not None
    node, port = survivors.node(uuid), cloud.network.get_port(server["port"])
    held = survivors.allocation(uuid)
    agent_deploys.ask_rebuild(cloud, uuid, image, **options)
    fault = workload.refused(cloud, server, "rebuild", REFUSAL, REFUSAL_TIMEOUT)
    after = waits.wait_for(
        lambda: survivors.node(uuid),
        lambda n: n.provision_state == "active",
        f"node {node.id} to be active again",
        REFUSAL_TIMEOUT,
        interval=1,
        seen=lambda n: f"{n.provision_state}, {n.last_error}",
    )
    for what, old, new in (
        ("settings", settings(node), settings(after)),
        ("power", node.power_state, after.power_state),
        ("instance_info", node.instance_info, after.instance_info),
        ("port", binding(port), binding(cloud.network.get_port(server["port"]))),
    ):
        if old != new:
            raise exceptions.SidewaysError(
                f"{server['name']}: {what}: {old} became {new} by a refused rebuild"
            )
    beats.wait_for_more(survivors.work.heartbeat, server["mac"], 60)
    now = beats.newest(survivors.work.heartbeat, server["mac"])
    if now is None or now.boot_id != beat.boot_id:
        raise exceptions.SidewaysError(f"{server['name']}: rebooted by the refusal")
    survivors.admin.compute.reset_server_state(uuid, "active")
    workload.wait_for_status(cloud, uuid, "ACTIVE", 60)
    lost = held if not survivors.allocation(uuid) else {}
    if lost:
        survivors.put_back(uuid, lost)
    said = f"{server['name']} beats on under boot id {now.boot_id}; {fault}"
    return {"detail": said, "lost": lost}


def binding(port: Any) -> tuple[Any, ...]:
    """What a deploy writes to a port, as its owner sees it."""
    return port.mac_address, port.status, port.device_id, port.fixed_ips


def rebuild(survivors: Survivors, server: dict[str, Any]) -> dict[str, Any]:
    """A whole-disk image, after which nothing of the net boot is left on the node."""
    done = agent_deploys.rebuild(survivors, server)
    require_none(survivors.node(server["uuid"]))
    return done
