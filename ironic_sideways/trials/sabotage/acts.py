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

"""The acts of the sabotages: each breaks one thing, and says what."""

import contextlib
import dataclasses
import json
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from ironic_sideways import exceptions, ipmi, resource_class
from ironic_sideways.cloud import allocations, placement, undo_file
from ironic_sideways.evidence import documents
from ironic_sideways.hardware import bmc
from ironic_sideways.lab import configuration, option_file, services
from ironic_sideways.lab.layout import Layout
from ironic_sideways.trials.sabotage.changes import Changes, Row

if TYPE_CHECKING:
    from openstack.connection import Connection

COMPUTE = "nova-compute"


@dataclasses.dataclass(frozen=True)
class Broken:
    """What an act did.

    :param things: what the verdict must name, each of them.
    """

    text: str
    things: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Scene:
    """The lab that is broken.

    :param engine: of a database, by its name.
    :param api: connects to Placement, as who may reshape.
    :param cloud: connects as the administrator.
    """

    engine: Callable[[str], sa.Engine]
    layout: Layout
    api: Callable[[], placement.Placement]
    cloud: "Callable[[], Connection]"

    @property
    def lab(self) -> Path:
        return self.layout.directory

    @property
    def evidence(self) -> Path:
        return self.layout.evidence

    @property
    def changes(self) -> Changes:
        return Changes(self.engine, self.layout, self.cloud)

    def recalled(self, name: str) -> str:
        """A value that a phase kept (grenade/phases.sh).

        :raises SidewaysError: it did not.
        """
        path = self.evidence / "phases" / f"{name}.value"
        if not path.exists():
            raise exceptions.SidewaysError(f"{path}: absent; has the phase run?")
        return path.read_text().strip()


def swap_bmcs(scene: Scene) -> Broken:
    changes = scene.changes
    return swapped_bmcs(changes, changes.used(running=True)[0], changes.free()[0])


def swapped_bmcs(changes: Changes, one: Row, two: Row) -> Broken:
    infos = [json.loads(node["driver_info"]) for node in (one, two)]
    addresses = [info["ipmi_address"] for info in infos]
    for node, info, address in zip((one, two), infos, reversed(addresses), strict=True):
        changed = json.dumps({**info, "ipmi_address": address})
        changes.set("nodes", node, driver_info=changed)
    return Broken("nodes that have each other's BMC", (one["uuid"], two["uuid"]))


def swap_macs(scene: Scene) -> Broken:
    changes = scene.changes
    nodes = changes.used(running=True)[1], changes.free()[1]
    one, two = (changes.port(node) for node in nodes)
    # An address is unique: swap by way of an unused one.
    changes.set("ports", one, address="52:54:00:ff:ff:ff")
    changes.set("ports", two, address=one["address"])
    changed = {**one, "address": "52:54:00:ff:ff:ff"}
    changes.set("ports", changed, address=two["address"])
    uuids = tuple(node["uuid"] for node in nodes)
    return Broken("nodes that have each other's MAC", uuids)


def lose_vif(scene: Scene) -> Broken:
    node = scene.changes.used(running=True)[-1]
    port = scene.changes.port(node)
    info = json.loads(port["internal_info"])
    del info["tenant_vif_port_id"]
    scene.changes.set("ports", port, internal_info=json.dumps(info))
    return Broken("node that holds no VIF", (node["uuid"],))


def write_power_off(scene: Scene) -> Broken:
    node = scene.changes.used(running=True)[-1]
    scene.changes.set("nodes", node, power_state="power off")
    text = "node that is written as power off, whose machine runs"
    return Broken(text, (node["uuid"],))


def import_deleted(scene: Scene) -> Broken:
    changes = scene.changes
    fresh = changes.copy("nodes", changes.free()[-1], name=None)
    return Broken("node that was deleted", (fresh,))


def strange_node(scene: Scene) -> Broken:
    """One that no migration wrote."""
    stop_compute(scene)
    changes = scene.changes
    fresh = changes.copy("nodes", changes.free()[0], name=None, extra="{}")
    return Broken("node that nova_bm never had", (fresh,))


Pick = Callable[[Changes], Row]


def running(number: int) -> Pick:
    """Of the nodes whose machine ran; of the others, those with an instance; free."""
    return lambda changes: changes.used(running=True)[number]


def stopped(changes: Changes) -> Row:
    return changes.used(running=False)[0]


def free(number: int) -> Pick:
    return lambda changes: changes.free()[number]


def node(pick: Pick, **values: Any) -> Callable[[Scene], Broken]:
    """The act that writes these columns of a node."""

    def act(scene: Scene) -> Broken:
        found = pick(scene.changes)
        scene.changes.set("nodes", found, **values)
        text = ", ".join(f"{key} {value}" for key, value in values.items())
        return Broken(f"node with {text}", (found["uuid"],))

    return act


def misspell_class(scene: Scene) -> Broken:
    """nova-compute reports it to Placement, where the way back wants the right one."""
    found = free(2)(scene.changes)
    wrong = found["resource_class"][:-1]
    right, new = map(resource_class.normalise, (found["resource_class"], wrong))
    scene.changes.will_rename(found["uuid"], new, right)
    scene.changes.set("nodes", found, resource_class=wrong)
    return Broken(f"node with resource_class {wrong}", (found["uuid"],))


def password_of_bmc(scene: Scene) -> Broken:
    found = running(2)(scene.changes)
    info = {**json.loads(found["driver_info"]), "ipmi_password": "not-this-one"}
    scene.changes.set("nodes", found, driver_info=json.dumps(info))
    return Broken("node with another BMC password", (found["uuid"],))


def swap_deploy_images(scene: Scene) -> Broken:
    found = free(2)(scene.changes)
    info = json.loads(found["driver_info"])
    kernel, ramdisk = info["deploy_kernel"], info["deploy_ramdisk"]
    changed = {**info, "deploy_kernel": ramdisk, "deploy_ramdisk": kernel}
    scene.changes.set("nodes", found, driver_info=json.dumps(changed))
    return Broken("node with its deploy images swapped", (found["uuid"],))


def swap_idle_bmcs(scene: Scene) -> Broken:
    """Of machines that are off, so that nobody switches one."""
    changes = scene.changes
    return swapped_bmcs(changes, stopped(changes), free(1)(changes))


def add_port(scene: Scene) -> Broken:
    changes = scene.changes
    found = changes.free()[2]
    port = changes.port(found)
    changes.copy("ports", port, address="52:54:00:ff:ff:fe", name=None)
    return Broken("node that has a port more", (found["uuid"],))


def stale_vif(scene: Scene) -> Broken:
    changes = scene.changes
    found = changes.free()[3]
    info = json.dumps({"tenant_vif_port_id": str(uuid.uuid4())})
    changes.set("ports", changes.port(found), internal_info=info)
    return Broken("free node that holds a VIF", (found["uuid"],))


def reboot_machine(scene: Scene) -> Broken:
    before = documents.read(scene.evidence / "before.json")
    name = next(m["name"] for m in before["machines"] if m["power"] == "on")
    ipmi.power(bmc.credentials(scene.lab / "data" / "vbmc")[name].bmc, "reset")
    return Broken("machine that was reset", (name,))


def leak_password(scene: Scene) -> Broken:
    known = bmc.credentials(scene.lab / "data" / "vbmc")
    name, found = sorted(known.items())[0]
    log = scene.layout.log("nova-api")
    after = f" at {found.bmc.address}"
    scene.changes.tell(log, "using ", found.bmc.password, after)
    return Broken("log that has a password, and whose", (log.name, name))


def leave_allocation(scene: Scene) -> Broken:
    """One instance holds VCPU, MEMORY_MB and DISK_GB again, and its node has them."""
    record = undo_file.read(scene.evidence / "allocations.json", allocations.TOOL)
    used = (
        uuid for uuid, node in sorted(record["nodes"].items()) if node["allocations"]
    )
    uuid = next(used, None)
    if uuid is None:
        raise exceptions.SidewaysError("allocations.json: no allocation was converted")
    one = scene.lab / "sabotage-allocation.json"
    undo_file.write(
        one, {**record, "new_classes": [], "nodes": {uuid: record["nodes"][uuid]}}
    )
    left = allocations.Restoration(scene.api(), one)
    left.run(left.plan(print))
    one.unlink()
    return Broken("node that is allocated as the base had it", (uuid,))


def stop_compute(scene: Scene) -> None:
    """nova-compute would mend some changes within a minute; its rollback starts it."""
    services.stop(scene.layout, [COMPUTE])


def keep_driver(scene: Scene) -> Broken:
    """nova-compute starts again with the driver that it had before the window.

    It may end at once: Placement refuses what that driver reports.
    """
    driver = scene.recalled(f"{COMPUTE}.compute_driver")
    path = configuration.path_of(scene.layout, COMPUTE)
    option_file.set_option(path, "DEFAULT", "compute_driver", driver)
    services.stop(scene.layout, [COMPUTE])
    with contextlib.suppress(exceptions.SidewaysError):
        services.start(scene.layout, [COMPUTE])
    return Broken(f"driver with which {COMPUTE} runs", (driver,))
