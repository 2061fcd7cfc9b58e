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

"""Sabotages of what the moved cloud's services keep, of logs and of evidence."""

import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ironic_sideways import commands, exceptions, waits
from ironic_sideways.cloud import maintenance
from ironic_sideways.evidence import documents, heartbeat
from ironic_sideways.hardware import bmc
from ironic_sideways.trials.sabotage.acts import COMPUTE, Broken, Scene, stop_compute
from ironic_sideways.trials.sabotage.changes import Row

#: Seconds that a survivor is kept from the network, more than the verdict allows.
MUTED = 8
#: Nova tells that a service is down after service_down_time, 20 s in the lab.
DOWN_TIMEOUT = 60

#: Of an instance's actions: with the lock's reason.
LOCK = {"lock": {"locked_reason": maintenance.REASON}}
COMPUTE_VERSION = "2.90"


def before(scene: Scene) -> Row:
    found: Row = documents.read(scene.evidence / "before.json")
    return found


def survivor(scene: Scene, number: int, status: str = "ACTIVE") -> Row:
    """Of the instances that ran, or were stopped, by uuid."""
    found = [one for one in before(scene)["servers"] if one["status"] == status]
    return dict(found[number])


def mute(scene: Scene) -> Broken:
    """A survivor's network is away for MUTED seconds and more."""
    mac = survivor(scene, 0)["ports"][0]["mac"]
    machines = before(scene)["machines"]
    name = next(one["name"] for one in machines if one["mac"] == mac)
    uri = bmc.credentials(scene.layout.vbmc)[name].libvirt_uri
    told = commands.run(["virsh", "--connect", uri, "domiflist", name], 30).stdout
    tap = next(line.split()[0] for line in told.splitlines() if mac in line)

    def silent() -> float:
        return (
            time.time()
            - heartbeat.newest(scene.evidence / "heartbeat.jsonl")[mac].last_time
        )

    link(tap, "down")
    try:
        waits.wait_for(silent, lambda s: s > MUTED, f"{name} to be silent", 60)
    finally:
        link(tap, "up")
    waits.wait_for(silent, lambda s: s < MUTED, f"{name} to be heard again", 60)
    return Broken("machine that was silent", (name,))


def link(tap: str, state: str) -> None:
    """:raises SidewaysError: the network device cannot be switched."""
    done = commands.run(["ip", "link", "set", "dev", tap, state], 30)
    if done.returncode:
        raise exceptions.SidewaysError(f"{tap}: not {state}: {done.stderr.strip()}")


def stop_dhcp(scene: Scene) -> Broken:
    scene.changes.stop("dnsmasq")
    macs = (one["ports"][0]["mac"] for one in running_servers(scene))
    return Broken("MACs whose leases nobody renews", tuple(macs))


def running_servers(scene: Scene) -> list[Row]:
    return [one for one in before(scene)["servers"] if one["status"] == "ACTIVE"]


def stop_scheduler(scene: Scene) -> Broken:
    scene.changes.stop("nova-scheduler")

    def states() -> list[str]:
        found = scene.cloud().compute.services(binary="nova-scheduler")
        return [one.state for one in found]

    waits.wait_for(
        states, lambda s: set(s) == {"down"}, "nova-scheduler to be down", DOWN_TIMEOUT
    )
    return Broken("service that is down", ("nova-scheduler",))


def leave_service(scene: Scene) -> Broken:
    """A record of nova-compute under another host's name."""
    query = "SELECT * FROM services WHERE topic = 'compute' AND deleted = 0"
    row = scene.changes.select(query, "nova")[0]
    host = f"{scene.layout.compute_host}-left"
    scene.changes.copy("services", row, "nova", host=host)
    return Broken("compute service of no host", (host,))


def lose_log(scene: Scene) -> Broken:
    log = scene.layout.log("ironic-api")
    scene.changes.put_aside(log)
    return Broken("log that is gone", (log.name,))


def cut_log(scene: Scene) -> Broken:
    log = scene.layout.log("neutron")
    scene.changes.put_aside(log, grows=True)
    return Broken("log that was cut", (log.name,))


def lay_old_migration(scene: Scene) -> Broken:
    """migration.json of an earlier round, in the place of this one's.

    :raises SidewaysError: there was no round before.
    """
    path = scene.evidence / "migration.json"
    earlier = sorted(
        scene.evidence.glob("rollbacks/*/migration.json"), key=mtime, reverse=True
    )
    if not earlier:
        raise exceptions.SidewaysError(
            f"{scene.evidence}/rollbacks: no migration.json of an earlier round; go "
            "there and back once before (tools/sabotage.sh vif)"
        )
    scene.changes.put_aside(path)
    shutil.copy2(earlier[0], path)
    return Broken("run of migration.json", (documents.read(path)["run_id"],))


def mtime(path: Path) -> float:
    return path.stat().st_mtime


def tell_fake(scene: Scene) -> Broken:
    path = scene.evidence / "before.json"
    document = before(scene)
    scene.changes.put_aside(path)
    documents.write(path, {**document, "base_driver": "fake"})
    return Broken("base driver that before.json tells", ("fake",))


def overcommit(scene: Scene) -> Broken:
    """Nova gives a node out twice."""
    stop_compute(scene)
    uuid = scene.changes.free()[3]["uuid"]
    path = f"/resource_providers/{uuid}/inventories"
    document = scene.cloud().placement.get(path, microversion="1.36").json()
    ((name, old),) = document["inventories"].items()
    at = document["resource_provider_generation"]
    scene.changes.ask(
        "placement",
        f"{path}/{name}",
        {**old, "allocation_ratio": 2.0, "resource_provider_generation": at},
        {**old, "resource_provider_generation": at + 1},
        version="1.36",
    )
    return Broken("provider that is given out twice", (uuid,))


def bind_elsewhere(scene: Scene) -> Broken:
    server = survivor(scene, 0, "SHUTOFF")
    port = server["ports"][0]["id"]
    host = scene.cloud().network.get_port(port).binding_host_id
    scene.changes.ask(
        "network",
        f"/ports/{port}",
        {"port": {"binding:host_id": "elsewhere"}},
        {"port": {"binding:host_id": host}},
    )
    return Broken("instance whose port is bound elsewhere", (server["uuid"],))


def change_server(
    number: int, path: str, body: Row, back: Callable[[Any], Row], method: str
) -> Callable[[Scene], Broken]:
    """The act that asks Nova to change a running instance.

    :param back: of the instance as Nova had it, the body that takes it back.
    """

    def act(scene: Scene) -> Broken:
        uuid = survivor(scene, number)["uuid"]
        old = scene.cloud().compute.get_server(uuid)
        scene.changes.ask(
            "compute",
            f"/servers/{uuid}{path}",
            body,
            back(old),
            method=method,
            version=COMPUTE_VERSION,
        )
        return Broken("instance that was changed", (uuid,))

    return act


def action(number: int, body: Row, back: Row) -> Callable[[Scene], Broken]:
    """The act of an action on a running instance, which ``back`` takes back."""
    return change_server(number, "/action", body, lambda old: back, "POST")


def enable_service(scene: Scene) -> Broken:
    host = scene.layout.compute_host
    (found,) = scene.cloud().compute.services(binary=COMPUTE, host=host)
    scene.changes.ask(
        "compute",
        f"/os-services/{found.id}",
        {"status": "enabled"},
        {"status": "disabled", "disabled_reason": maintenance.REASON},
        version=COMPUTE_VERSION,
    )
    return Broken("compute service that takes instances", (host,))


def flavor(number: int, **specs: str) -> Callable[[Scene], Broken]:
    """The act that changes extra specs of a flavor that the window has updated.

    :param specs: by the last part of their names.
    """

    def act(scene: Scene) -> Broken:
        document = documents.read(scene.evidence / "flavors.json")["flavors"]
        uuid = sorted(document)[number]
        new = document[uuid]["new"]
        changed = {
            key: specs[last] for key in new if (last := key.partition(":")[2]) in specs
        }
        scene.changes.ask(
            "compute",
            f"/flavors/{uuid}/os-extra_specs",
            {"extra_specs": changed},
            {"extra_specs": {key: new[key] for key in changed}},
            method="POST",
        )
        return Broken(f"flavor with {changed}", (uuid,))

    return act


def row(
    database: str, table: str, where: str, thing: str, **values: Any
) -> Callable[[Scene], Broken]:
    """The act that writes columns of the first row of a table.

    :param where: may name values of :func:`known`.
    :param thing: the column by which the verdict knows it, or a word for it.
    """

    def act(scene: Scene) -> Broken:
        query = f"SELECT * FROM {table} WHERE {where} ORDER BY id"  # noqa: S608
        found = scene.changes.select(query, database, **known(scene))[0]
        scene.changes.set(table, found, database, **values)
        return Broken(f"row of {table}", (str(found.get(thing, thing)),))

    return act


def known(scene: Scene) -> dict[str, str]:
    """A survivor, its image and its user."""
    server = survivor(scene, 0)
    return {key: server[key] for key in ("uuid", "image", "user_id")}


def lose_keypair(scene: Scene) -> Broken:
    """Under its name the user has none any more."""
    act = row("nova_api", "key_pairs", "user_id = :user_id", "", name="of-another")
    act(scene)
    return Broken("instance whose key pair is gone", (survivor(scene, 0)["uuid"],))


def deactivate(scene: Scene) -> Broken:
    image = scene.recalled("deploy-ramdisk")
    path = f"/images/{image}/actions"
    back = f"{path}/reactivate"
    scene.changes.ask(
        "image", f"{path}/deactivate", None, None, method="POST", back_path=back
    )
    return Broken("deploy ramdisk that nobody may load", (image,))


def leave_row(scene: Scene) -> Broken:
    """A node of nova_bm that was entered in the window."""
    found = scene.changes.select("SELECT * FROM bm_nodes WHERE deleted = 0", "nova_bm")
    fresh = {"instance_uuid": None, "instance_name": None, "task_state": None}
    scene.changes.copy("bm_nodes", found[0], "nova_bm", **fresh)
    return Broken("table that has a row more", ("bm_nodes",))


def leave_hypervisor(scene: Scene) -> Broken:
    """A compute node under the name of the base's own."""
    stop_compute(scene)
    query = "SELECT * FROM compute_nodes WHERE deleted = 0"
    found = scene.changes.select(query, "nova")[0]
    uuid = scene.changes.copy(
        "compute_nodes", found, "nova", hypervisor_hostname="left-behind"
    )
    return Broken("compute node that was left", (uuid,))


def give_away(scene: Scene) -> Broken:
    """A survivor's allocation is another project's."""
    uuid = survivor(scene, 0)["uuid"]
    path, version = f"/allocations/{uuid}", "1.36"
    old = scene.cloud().placement.get(path, microversion=version).json()
    held = {
        node: {"resources": one["resources"]}
        for node, one in old["allocations"].items()
    }
    keys = ("project_id", "user_id", "consumer_generation")
    body = {"allocations": held} | {key: old[key] for key in keys}
    scene.changes.ask(
        "placement",
        path,
        {**body, "project_id": "of-another"},
        {**body, "consumer_generation": old["consumer_generation"] + 1},
        version=version,
    )
    return Broken("instance whose allocation is another project's", (uuid,))


def lose_groups(scene: Scene) -> Broken:
    port = survivor(scene, 1)["ports"][0]["id"]
    groups = scene.cloud().network.get_port(port).security_group_ids
    scene.changes.ask(
        "network",
        f"/ports/{port}",
        {"port": {"security_groups": []}},
        {"port": {"security_groups": groups}},
    )
    return Broken("port without security groups", (port,))
