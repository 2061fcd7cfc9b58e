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

"""What a cloud must be able to do after the move, or after a rollback: done for real.

After the move, nova-baremetal's TFTP server gone, a new server boots on a free node
through Ironic. Of the survivors, one that boots from its disk takes a hard reboot; so
does a net-booted one, and is rebuilt by the agent; the one with an ephemeral disk stops
and starts, is rebooted either way, and is refused what would lose it; the stopped one
starts, is deleted, and its node takes another server. Each has the flavor of before the
move embedded.
Where a run is told so, the agent cleans a survivor's node and deploys it again, at
the same time as another.
After a way back the base boots and deletes a server, and reboots survivors.
"""

import concurrent.futures
import time
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any

from openstack.connection import Connection

from ironic_sideways import exceptions, waits
from ironic_sideways.evidence import beats, documents, snapshot
from ironic_sideways.trials import agent_deploys, net_booted, power, workload
from ironic_sideways.trials.survivors import Act, Survivors

#: Seconds; nova-compute reports at each periodic task, every minute by default.
SETTLE_TIMEOUT = 150.0

NEW = f"{workload.PREFIX}-new"
AGAIN = f"{workload.PREFIX}-again"
BESIDE = f"{workload.PREFIX}-beside"
REDEPLOYED = f"{workload.PREFIX}-redeployed"

#: Acts by their names, each done when the one before it is.
Chain = dict[str, Act]


def boot_new(work: workload.Workload) -> dict[str, Any]:
    """A new server is ACTIVE, and its guest sends heartbeats."""
    workload.delete_servers(work.cloud, NEW)
    workload.ensure_keypair(work.cloud)
    # An earlier server on this node may have sent heartbeats.
    known = beats.boot_ids(work.heartbeat)
    server = workload.boot(work.cloud, NEW)
    earlier = known.get(server["mac"])
    beats.wait_for_boot(work.heartbeat, server["mac"], earlier, power.BOOT_TIMEOUT)
    return server


def new_server(work: workload.Workload, ironic: Connection) -> dict[str, Any]:
    """It boots on a node of Ironic's."""
    server = boot_new(work)
    node = ironic.baremetal.nodes(instance_id=server["uuid"], details=True)
    (found,) = node
    detail = f"booted on node {found.id} ({found.driver}, {found.deploy_interface})"
    return {"detail": detail, "node": found.id}


def retire_tftp_root(root: Path) -> None:
    """Move the base's TFTP root away: from now on it is not served.

    After this there is no rollback to the base. Safe to repeat.
    """
    if root.exists():
        root.rename(root.with_name(f"{root.name}-retired-{time.time_ns()}"))


def boot_and_delete(work: workload.Workload) -> str:
    """A new server boots on a free node of the base, and goes again."""
    server = boot_new(work)
    workload.delete_servers(work.cloud, NEW)
    return f"{server['uuid']} booted and deleted"


def boot_nothing_and_delete(work: workload.Workload) -> str:
    """Nova's fake driver takes a server and lets it go."""
    workload.delete_servers(work.cloud, NEW)
    workload.ensure_keypair(work.cloud)
    server = workload.boot(work.cloud, NEW)
    workload.delete_servers(work.cloud, NEW)
    return f"{server['uuid']} was active and is deleted"


def reboot_and_record(work: workload.Workload, server: dict[str, Any]) -> str:
    """As ``hard_reboot``; the new boot id is what must survive from now on."""
    said = power.same_reboot(work, server)
    newest = beats.boot_ids(work.heartbeat)[server["mac"]]
    servers = [
        {**one, "boot_id": newest} if one["uuid"] == server["uuid"] else one
        for one in work.recorded()
    ]
    documents.write(work.record, {"servers": servers})
    return said


def reboot_all(work: workload.Workload, servers: Iterable[dict[str, Any]]) -> str:
    return "; ".join(reboot_and_record(work, server) for server in servers)


def settle(admin: Connection) -> None:
    """Wait until the base reports each free node as free again.

    :raises WaitExpired: names the nodes that are not yet free.
    """
    waits.wait_for(
        lambda: held_back(snapshot.providers(admin)),
        lambda held: not held,
        "nova-compute to report each free node as free",
        SETTLE_TIMEOUT,
        interval=1,
    )


def held_back(providers: list[dict[str, Any]]) -> list[str]:
    """Nodes whose reservation does not fit their use (nova-baremetal's rule)."""
    return [
        provider["uuid"]
        for provider in providers
        for inventory in provider["inventories"].values()
        if bool(inventory["reserved"]) != bool(provider["allocations"])
    ]


def use_base(
    work: workload.Workload, admin: Connection, base_driver: str
) -> list[dict[str, Any]]:
    """Boot, delete and reboot on the base; one finding an operation.

    :param base_driver: "nova_bm", or "fake", which switches no machine on and
        does not reserve whole nodes.
    """
    if base_driver == "fake":
        return side_by_side({"boot and delete": partial(boot_nothing_and_delete, work)})
    chains: list[Chain] = [{"boot and delete": partial(boot_and_delete, work)}]
    # One for each way to boot, one after the other: both write the record.
    running = {s["boot"]: s for s in work.recorded() if s["status"] == "ACTIVE"}
    if running:
        chains.append({"hard reboot": partial(reboot_all, work, running.values())})
    found = side_by_side(*chains)
    settle(admin)
    return found


def delete(work: workload.Workload, ironic: Connection, server: dict[str, Any]) -> str:
    """The instance is gone, and its node is available again in Ironic."""
    (node,) = ironic.baremetal.nodes(instance_id=server["uuid"])
    work.cloud.compute.delete_server(server["uuid"])
    workload.wait_until_gone(work.cloud, server["uuid"])
    agent_deploys.wait_until_available(ironic, node.id, power.BOOT_TIMEOUT)
    return f"{server['name']} is deleted, node {node.id} available"


def timed(name: str, act: Act) -> dict[str, Any]:
    """Run ``act``; its result as evidence, failure included."""
    begin = time.monotonic()
    try:
        said = act()
        result = {"ok": True, **(said if isinstance(said, dict) else {"detail": said})}
    except exceptions.SidewaysError as error:
        result = {"ok": False, "detail": str(error)}
    except Exception as error:  # an API's refusal is evidence as well
        result = {"ok": False, "detail": f"{type(error).__name__}: {error}"}
    return {"name": name, "seconds": round(time.monotonic() - begin, 1), **result}


def operate(survivors: Survivors, done: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Do all of it, side by side; one finding an operation.

    :param done: findings of an earlier try; what went well is not done again.
    :raises SidewaysError: the recorded workload is too small for all of it.
    """
    work, ironic = survivors.work, survivors.ironic
    servers = work.recorded()
    if not servers:
        return the_rest([{"new server": partial(new_server, work, ironic)}], done)
    crossed, ephemeral, from_disk, stopped = roles(work.record, servers)
    on = survivors.operate
    chains: list[Chain] = [
        {"new server": partial(new_server, work, ironic)},
        {
            "hard reboot": partial(on, from_disk, power.same_reboot, work),
            "rebuild": partial(on, from_disk, agent_deploys.rebuild, survivors),
        },
        of_net_booted(survivors, crossed),
        of_ephemeral(survivors, ephemeral),
        {
            "start": partial(on, stopped, power.start_stopped, work),
            "delete": partial(on, stopped, delete_clean, work, ironic, gone=True),
            "redeploy": partial(redeploy, survivors, held(survivors, stopped, done)),
        },
    ]
    return the_rest(chains, done)


def of_net_booted(survivors: Survivors, server: dict[str, Any]) -> Chain:
    """What its owner does with a net-booted survivor, in this order."""
    on, work = survivors.operate, survivors.work
    return {
        "net-booted reboot": partial(on, server, power.same_reboot, work),
        "refused rebuild": partial(on, server, net_booted.refused_rebuild, survivors),
        "net-booted again": partial(on, server, power.same_reboot, work),
        "net-booted rebuild": partial(on, server, net_booted.rebuild, survivors),
        "rebuilt reboot": partial(on, server, power.hard_reboots, work),
        "rebuilt start": partial(on, server, power.stop_and_start, work),
    }


def of_ephemeral(survivors: Survivors, server: dict[str, Any]) -> Chain:
    """The same of one with an ephemeral disk, which stays net-booted.

    The hard reboots come last: they show what any of the others left for the next boot.
    """
    on, work = survivors.operate, survivors.work
    preserve = partial(net_booted.refused_preserve, survivors)
    return {
        "stop and start": partial(on, server, power.same_restart, work),
        "soft reboots": partial(on, server, power.same_reboots, work, "SOFT"),
        "refused preserve": partial(on, server, preserve),
        "refused rescue": partial(on, server, power.refused_rescue, work),
        "hard reboots": partial(on, server, power.same_reboots, work, "HARD"),
    }


def delete_clean(
    work: workload.Workload, ironic: Connection, server: dict[str, Any]
) -> dict[str, Any]:
    """As ``delete``, and no net-boot settings are left on the node."""
    (node,) = ironic.baremetal.nodes(instance_id=server["uuid"])
    said = delete(work, ironic, server)
    net_booted.require_none(ironic.baremetal.get_node(node.id))
    return {"detail": said, "node": node.id}


def held(
    survivors: Survivors, server: dict[str, Any], done: list[dict[str, Any]]
) -> str:
    """The id of the server's node, also once an earlier try has deleted the server."""
    told = (f["node"] for f in done if f["ok"] and f["name"] == "delete")
    return next(told, None) or str(survivors.node(server["uuid"]).id)


def redeploy(survivors: Survivors, node: str) -> dict[str, Any]:
    """A new server on the node of a survivor that was deleted; it goes again.

    By network boot, as free nodes of a lab (phase ``deploys`` has the agent): had the
    node kept the survivor's kernel arguments, it would boot from the root file system
    that is still on its disk. It belongs to the administrator, who alone may choose.
    """
    work, admin, ironic = survivors.work, survivors.admin, survivors.ironic.baremetal
    known = beats.boot_ids(work.heartbeat)
    workload.delete_servers(admin, REDEPLOYED)
    workload.ensure_keypair(admin)
    before = ironic.get_node(node).deploy_interface
    ironic.update_node(node, deploy_interface="ramdisk")
    agent_deploys.wait_until_offered(admin, node)
    flavor = workload.OTHER_FLAVOR
    server = workload.boot(admin, REDEPLOYED, flavor=flavor, node=node)
    earlier = known.get(server["mac"])
    boot_id = beats.wait_for_boot(
        work.heartbeat, server["mac"], earlier, power.BOOT_TIMEOUT
    )
    stream = beats.newest(work.heartbeat, server["mac"])
    assert stream is not None
    if stream.root:
        raise exceptions.SidewaysError(
            f"node {node}: expected the new server's system, found one that boots from "
            f"root file system {stream.root}, which was a deleted server's"
        )
    workload.delete_servers(admin, REDEPLOYED)
    agent_deploys.wait_until_available(survivors.ironic, node, power.BOOT_TIMEOUT)
    ironic.update_node(node, deploy_interface=before)
    net_booted.require_none(ironic.get_node(node))
    return {
        "detail": f"node {node} took a new server, boot id {boot_id}, and is free",
        "node": node,
        "boot": {"mac": server["mac"], "boot_id": boot_id},
    }


def roles(record: Path, servers: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Net-booted and crossed, with ephemeral disk, booting from disk, and stopped.

    :raises SidewaysError: the recorded workload lacks one of them.
    """
    runs = [server for server in servers if server["status"] == "ACTIVE"]
    net_booted = [server for server in runs if server["boot"] == "network"]
    found = {
        "net-booted, its VIF crossed": [
            one for one in net_booted if one["crossed"] and not one["ephemeral"]
        ],
        "net-booted, with an ephemeral disk": [s for s in net_booted if s["ephemeral"]],
        "running from its disk": [one for one in runs if one["boot"] == "disk"],
        "net-booted and stopped": [
            one
            for one in servers
            if one["status"] == "SHUTOFF" and one["boot"] == "network"
        ],
    }
    for what, them in found.items():
        if not them:
            raise exceptions.SidewaysError(
                f"{record}: expected a server that is {what}, found none"
            )
    return [them[0] for them in found.values()]


def clean_and_deploy(
    survivors: Survivors, done: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """The agent cleans a deleted survivor's node, then deploys it and another at once.

    :param done: findings of an earlier try; what went well is not done again, but
        for the two deploys: they must be seen side by side.
    :raises SidewaysError: no survivor is left whose node the agent fits.
    """
    cleaned = [f["clean"]["node"] for f in done if f["ok"] and "clean" in f]
    if not cleaned:
        left = (s for s in survivors.work.recorded() if fits(survivors, s))
        server = next(left, None)
        if server is None:
            raise exceptions.SidewaysError(
                f"{survivors.work.record}: expected a survivor on a node of "
                f"{agent_deploys.DEPLOY_MEMORY} MiB, found none"
            )
        cleaned = [survivors.node(server["uuid"]).id]
        cleaning = partial(
            survivors.operate, server, agent_deploys.clean, survivors, gone=True
        )
        done = the_rest([{"cleaning": cleaning}], done)
        if not all(finding["ok"] for finding in done):
            return done
    (node,) = cleaned
    both: list[Chain] = [
        {"deploy after cleaning": partial(deploy_again, survivors, node)},
        {"direct deploy": partial(deploy_beside, survivors, node)},
    ]
    names = {name for chain in both for name in chain}
    before = [finding for finding in done if finding["name"] in names]
    if not all(finding["ok"] for finding in before):
        done = [finding for finding in done if finding not in before]
    return the_rest(both, done)


def deploy_again(survivors: Survivors, name: str) -> dict[str, Any]:
    """A new server on the node that was cleaned."""
    node = survivors.ironic.baremetal.get_node(name)
    return agent_deploys.deploy(survivors, AGAIN, node)


def deploy_beside(survivors: Survivors, other: str) -> dict[str, Any]:
    """A new server on a free node that is not ``other``."""
    workload.delete_servers(survivors.admin, BESIDE)
    node = agent_deploys.free_node(survivors.ironic, other)
    return agent_deploys.deploy(survivors, BESIDE, node)


def fits(survivors: Survivors, server: dict[str, Any]) -> bool:
    """Whether ``server`` still has a node, and the deploy ramdisk fits it."""
    nodes = survivors.ironic.baremetal.nodes(instance_id=server["uuid"], details=True)
    return any(agent_deploys.fits(node) for node in nodes)


def the_rest(chains: list[Chain], done: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Do what is left of ``chains``; with the findings of earlier tries."""
    well = {finding["name"]: finding for finding in done if finding["ok"]}
    left = [
        {name: act for name, act in chain.items() if name not in well}
        for chain in chains
    ]
    found = well | {finding["name"]: finding for finding in side_by_side(*left)}
    return list(found.values())


def side_by_side(*chains: Chain) -> list[dict[str, Any]]:
    """Do all chains at once, a chain's acts in their order; one finding an act."""
    with concurrent.futures.ThreadPoolExecutor(max(len(chains), 1)) as pool:
        return [finding for found in pool.map(in_turn, chains) for finding in found]


def in_turn(chain: Chain) -> list[dict[str, Any]]:
    return [timed(name, act) for name, act in chain.items()]
