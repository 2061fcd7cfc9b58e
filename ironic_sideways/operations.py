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

"""After the move: what a moved cloud must still be able to do, really done.

A new server boots on a free node through Ironic; a running survivor takes a
hard reboot; the stopped one starts; one is deleted and its node comes back.
"""

import concurrent.futures
import time
from collections.abc import Callable
from typing import Any

from openstack.connection import Connection

from ironic_sideways import exceptions, waits, workload
from ironic_sideways.evidence import beats

BOOT_TIMEOUT = 240.0


def new_server(work: workload.Workload, ironic: Connection) -> str:
    """A new server is ACTIVE, and its guest beats its heart."""
    name = f"{workload.PREFIX}-new"
    workload.delete_servers(work.cloud, name)
    workload.ensure_keypair(work.cloud)
    server = workload.boot(work.cloud, name)
    beats.wait_for_boot(work.heartbeat, server["mac"], None, BOOT_TIMEOUT)
    node = ironic.baremetal.nodes(instance_id=server["uuid"], details=True)
    (found,) = node
    return f"booted on node {found.id} ({found.driver}, {found.deploy_interface})"


def hard_reboot(work: workload.Workload, server: dict[str, Any]) -> str:
    """The machine comes back under a new boot id."""
    before = beats.newest(work.heartbeat, server["mac"])
    work.cloud.compute.reboot_server(server["uuid"], "HARD")
    boot_id = beats.wait_for_boot(
        work.heartbeat,
        server["mac"],
        before.boot_id if before else server["boot_id"],
        BOOT_TIMEOUT,
    )
    workload.wait_for_status(work.cloud, server["uuid"], "ACTIVE", 60)
    return f"{server['name']} is back under boot id {boot_id}"


def start_stopped(work: workload.Workload, server: dict[str, Any]) -> str:
    """Its owner unlocks it, as it was his lock, and it runs again."""
    work.cloud.compute.unlock_server(server["uuid"])
    work.cloud.compute.start_server(server["uuid"])
    workload.wait_for_status(work.cloud, server["uuid"], "ACTIVE", 120)
    beats.wait_for_boot(work.heartbeat, server["mac"], server["boot_id"], BOOT_TIMEOUT)
    return f"{server['name']} runs again"


def delete(work: workload.Workload, ironic: Connection, server: dict[str, Any]) -> str:
    """The instance is gone, and its node is available again in Ironic."""
    (node,) = ironic.baremetal.nodes(instance_id=server["uuid"])
    work.cloud.compute.delete_server(server["uuid"])
    workload.wait_until_gone(work.cloud, server["uuid"])
    waits.wait_for(
        lambda: ironic.baremetal.get_node(node.id),
        lambda n: n.provision_state == "available" and not n.instance_id,
        f"node {node.id} to be available",
        BOOT_TIMEOUT,
        interval=1,
        seen=lambda n: f"{n.provision_state}, {n.last_error}",
    )
    return f"{server['name']} is deleted, node {node.id} available"


def timed(name: str, act: Callable[[], str]) -> dict[str, Any]:
    """Run ``act``; its result as evidence, failure included."""
    begin = time.monotonic()
    try:
        ok, detail = True, act()
    except exceptions.SidewaysError as error:
        ok, detail = False, str(error)
    except Exception as error:  # an API's refusal is evidence as well
        ok, detail = False, f"{type(error).__name__}: {error}"
    seconds = round(time.monotonic() - begin, 1)
    return {"name": name, "ok": ok, "detail": detail, "seconds": seconds}


def operate(
    work: workload.Workload, ironic: Connection, done: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """Do all of it, side by side; one finding an operation.

    :param done: findings of an earlier try; what went well is not done again.
    :raises SidewaysError: the recorded workload is too small to show it all.
    """
    running = [s for s in work.recorded() if s["status"] == "ACTIVE"]
    stopped = [s for s in work.recorded() if s["status"] == "SHUTOFF"]
    acts: dict[str, Callable[[], str]] = {
        "new server": lambda: new_server(work, ironic)
    }
    if running or stopped:
        if len(running) < 2 or not stopped:
            raise exceptions.SidewaysError(
                f"{work.record}: expected two running servers and a stopped one, "
                f"found {len(running)} and {len(stopped)}"
            )
        acts["hard reboot"] = lambda: hard_reboot(work, running[0])
        acts["start"] = lambda: start_stopped(work, stopped[0])
        acts["delete"] = lambda: delete(work, ironic, running[1])
    well = {finding["name"]: finding for finding in done if finding["ok"]}
    with concurrent.futures.ThreadPoolExecutor(len(acts)) as pool:
        return list(
            pool.map(lambda name: well.get(name) or timed(name, acts[name]), acts)
        )
