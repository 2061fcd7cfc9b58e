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

"""Ironic's own ConductorManager rebuilds nodes in this process; prints what became.

    python -m ironic_sideways.tests.functional.conductor.rebuilds ironic.conf

Database, rows, locks, states, interfaces and validation are Ironic's. Not real: glance,
and what follows the start of a deploy (the agent). A process of its own, because
Ironic's options and drivers are one set a process.
"""

import dataclasses
import json
import sys
import uuid
from typing import Any
from unittest import mock

# Threads, as Ironic's programs choose before they import anything else.
import ironic.command  # noqa: F401
from ironic import objects
from ironic.common import context as ironic_context
from ironic.common import exception, image_service, rpc, states
from ironic.conductor import deployments, manager, task_manager
from ironic.conf import CONF

from ironic_sideways import waits
from ironic_sideways.conductor import netbooted
from ironic_sideways.tests.bench import conductor

MOVED = {
    "display_name": "server-1",
    "root_gb": "10",
    "preserve_ephemeral": "False",
    "deploy_interface": "ramdisk",
    "kernel": "file:///netboot/aa",
    "ramdisk": "file:///netboot/bb",
    "ramdisk_kernel_arguments": "root=UUID=4d66-11aa ro",
    "kernel_append_params": "",
}
EXTRA = {"digest": "d", "ephemeral_mb": 1024, "preserve_ephemeral": False}
BMC = {"deploy_kernel": "file:///k", "deploy_ramdisk": "file:///r"}
FORCED = {"ipmi_force_boot_device": True, "force_persistent_boot_device": "Always"}
WHOLE, OLD, AMI, GONE = (str(uuid.UUID(int=number)) for number in range(1, 5))
IMAGES = {
    WHOLE: {"disk_format": "qcow2", "properties": {}},
    OLD: {"disk_format": "qcow2", "properties": {"kernel_id": "k", "ramdisk_id": "r"}},
    AMI: {"disk_format": "ami", "properties": {}},
}
TIMEOUT = 60


@dataclasses.dataclass
class Glance:
    """The far side: images by their ids."""

    def show(self, name: str) -> dict[str, Any]:
        if name not in IMAGES:
            raise exception.ImageNotFound(image_id=name)
        return {"id": name, "status": "active", **IMAGES[name]}


@dataclasses.dataclass
class Conductor:
    """The conductor in this process, and the deploys that it began."""

    manager: manager.ConductorManager
    context: ironic_context.RequestContext
    begun: dict[str, str] = dataclasses.field(default_factory=dict)
    seen: dict[str, list[str]] = dataclasses.field(default_factory=dict)

    def node(
        self, image: str | None, preserve: str = "False", **columns: Any
    ) -> objects.Node:
        """An active node as the move leaves it, with what Nova adds to rebuild it."""
        added = {"image_source": image, "vcpus": "4", "preserve_ephemeral": preserve}
        asked = added if image else {}
        node = objects.Node(
            self.context,
            **{
                "uuid": str(uuid.uuid4()),
                "driver": "fake-hardware",
                "instance_uuid": str(uuid.uuid4()),
                "provision_state": states.ACTIVE,
                "power_state": states.POWER_ON,
                "instance_info": {**MOVED, **asked},
                "driver_info": {**BMC, **FORCED},
                "driver_internal_info": {"persistent_boot_device": "pxe"},
                "properties": {"cpu_arch": "x86_64", "capabilities": "boot_mode:bios"},
                "extra": {"nova_bm": EXTRA},
                **{f"{kind}_interface": n for kind, n in conductor.INTERFACES.items()},
                **columns,
            },
        )
        node.create()
        number = node.id
        objects.Port(
            self.context, node_id=node.id, address=f"52:54:00:00:00:{number % 256:02x}"
        ).create()
        return node

    def rebuild(self, node: objects.Node) -> dict[str, Any]:
        """Ask for a rebuild as the API does; what there is when nobody works on it."""
        error = None
        try:
            self.manager.do_node_deploy(self.context, node.uuid, rebuild=True)
        except Exception as failure:
            error = str(failure)
        return {**self.settled(node), "error": error}

    def settled(self, node: objects.Node) -> dict[str, Any]:
        """The node when its lock is gone."""

        def holder() -> str | None:
            node.refresh()
            found: str | None = node.reservation
            return found

        waits.wait_for(
            holder, lambda one: one is None, f"node {node.uuid} to be free", TIMEOUT
        )
        return {
            "uuid": node.uuid,
            "begun": self.begun.get(node.uuid),
            "nova saw": self.seen.get(node.uuid),
            **{
                name: getattr(node, name)
                for name in (
                    *("provision_state", "power_state", "last_error"),
                    *("target_provision_state", "deploy_interface"),
                    *("instance_info", "driver_info", "driver_internal_info"),
                )
            },
        }

    def see(self, node: objects.Node) -> None:
        """Instead of the time for Nova to look: what it would see, and of a lock."""
        now = objects.Node.get_by_uuid(self.context, node.uuid)
        assert now.reservation
        self.seen[node.uuid] = [now.provision_state, now.last_error]

    def began(self, task: task_manager.TaskManager, *_: Any) -> None:
        """Instead of the agent's deploy."""
        self.begun[task.node.uuid] = type(task.driver.deploy).__name__
        task.process_event("done")


def stock(at: Conductor) -> dict[str, Any]:
    """What Ironic does without us."""
    return {"stock": at.rebuild(at.node(WHOLE))}


def ours(at: Conductor) -> dict[str, Any]:
    """Each case with what became of its node."""
    found = {
        "whole disk": at.rebuild(at.node(WHOLE)),
        "2014": at.rebuild(at.node(OLD)),
        "ami": at.rebuild(at.node(AMI)),
        "gone": at.rebuild(at.node(GONE)),
        "no image": at.rebuild(at.node(None)),
        "no deploy kernel": at.rebuild(at.node(WHOLE, driver_info=dict(FORCED))),
        "preserve": at.rebuild(at.node(WHOLE, "True")),
        "nothing to preserve": at.rebuild(
            at.node(WHOLE, "True", extra={"nova_bm": {**EXTRA, "ephemeral_mb": 0}})
        ),
        "another's": at.rebuild(at.node(OLD, extra={})),
        "again": at.rebuild(at.node(WHOLE, provision_state=states.ERROR)),
    }
    found["ended"] = ended(at)
    found["second try"] = second_try(at)
    found["deleted"] = deleted(at)
    found["validated"] = validated(at)
    return found


def ended(at: Conductor) -> dict[str, Any]:
    """What a dead conductor refused ends; another's failure does not."""
    refused, failed = at.node(None), at.node(None)
    for node in (refused, failed):
        node.provision_state, node.last_error = states.DEPLOYFAIL, "Agent timed out"
    refused.set_driver_internal_info(netbooted.MARK, True)
    refused.save()
    failed.save()
    guard = netbooted.Netbooted()
    with mock.patch.object(netbooted, "ABANDONED", 0):
        guard.end_refusals(at.manager, at.context)
    return {"refused": at.settled(refused), "failed": at.settled(failed)}


def second_try(at: Conductor) -> dict[str, Any]:
    """Refused, and rebuilt with a whole-disk image at once."""
    node = at.node(OLD)
    at.rebuild(node)
    node.set_instance_info("image_source", WHOLE)
    node.save()
    return at.rebuild(node)


def deleted(at: Conductor) -> dict[str, Any]:
    """The instance is deleted, and its node is free."""
    node = at.node(None)
    at.manager.do_node_tear_down(at.context, node.uuid)
    return at.settled(node)


def validated(at: Conductor) -> dict[str, Any]:
    """What Ironic says of each interface of a node, by what is on it."""
    free = {
        "instance_uuid": None,
        "provision_state": states.AVAILABLE,
        "instance_info": {},
    }
    own = {"display_name": "server-1"}
    nodes = {
        "network": at.node(None),
        "disk": at.node(None, instance_info=own),
        "deployed": at.node(None, instance_info={**own, "image_source": WHOLE}),
        "free": at.node(None, **free),
        "free, net-booted": at.node(None, deploy_interface="ramdisk", **free),
    }
    return {
        name: [
            node.uuid,
            at.manager.validate_driver_interfaces(at.context, node.uuid),
        ]
        for name, node in nodes.items()
    }


def main() -> None:
    CONF([], project="ironic", default_config_files=[sys.argv[1]])
    objects.register_all()
    rpc.init(CONF)
    service = manager.ConductorManager(CONF.host, "test")
    service.init_host()
    at = Conductor(service, ironic_context.get_admin_context())
    with (
        mock.patch.object(
            image_service, "get_image_service", lambda *_, **__: Glance()
        ),
        mock.patch.object(deployments, "do_node_deploy", at.began),
        mock.patch.object(netbooted, "let_nova_see", at.see),
    ):
        found: dict[str, Any] = {
            "constants": {
                "settings": netbooted.SETTINGS,
                "refused": netbooted.REFUSED,
                "moved": MOVED,
                "forced": FORCED,
                "bmc": BMC,
                "images": {"whole": WHOLE},
            }
        }
        found |= stock(at)
        netbooted.Netbooted()
        netbooted.Netbooted()
        found |= ours(at)
    service.del_host()
    print(json.dumps(found))


if __name__ == "__main__":
    main()
