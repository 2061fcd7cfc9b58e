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

"""What is done to a survivor, whose flavor is still the one it was made with.

Nova embeds the flavor in an instance, and its API cannot change it there: a
survivor's still asks for VCPU, MEMORY_MB and DISK_GB, of which its node has none
any more. So after each operation its allocation is looked at, besides the result.
"""

import dataclasses
from collections.abc import Callable
from typing import Any

from openstack.connection import Connection

from ironic_sideways import exceptions, placement, resource_class, waits, workload
from ironic_sideways.evidence import beats

#: The first that shows the embedded flavor, extra specs included.
EMBEDDED_MICROVERSION = "2.47"

#: From 2.93 on nova-api asks for a new boot volume in every rebuild, and
#: IronicDriver.rebuild refuses any (nova.api.openstack.compute.servers).
REBUILD_MICROVERSION = "2.92"

#: Seconds: the agent boots, writes the image, and the machine starts from its disk.
REBUILD_TIMEOUT = 900.0

#: MiB below which the deploy ramdisk does not fit.
DEPLOY_MEMORY = 1024


@dataclasses.dataclass(frozen=True)
class Survivors:
    """The clouds through which survivors are operated, and looked at.

    :param admin: who may ask Placement.
    :param ironic: who sees all nodes.
    """

    work: workload.Workload
    admin: Connection
    ironic: Connection

    def embedded(self, uuid: str) -> dict[str, str]:
        """The extra specs of the flavor that is embedded in the instance."""
        response = self.work.cloud.compute.get(
            f"/servers/{uuid}", microversion=EMBEDDED_MICROVERSION
        )
        return dict(response.json()["server"]["flavor"]["extra_specs"])

    def allocation(self, uuid: str) -> dict[str, dict[str, int]]:
        """What the instance holds of each provider."""
        response = self.admin.placement.get(
            f"/allocations/{uuid}", microversion=placement.MICROVERSION
        )
        by_provider = response.json()["allocations"]
        return {name: held["resources"] for name, held in by_provider.items()}

    def node(self, uuid: str) -> Any:
        """The Ironic node of the instance."""
        (node,) = self.ironic.baremetal.nodes(instance_id=uuid, details=True)
        return node

    def operate(
        self, server: dict[str, Any], act: Callable[[], str], gone: bool = False
    ) -> dict[str, Any]:
        """Do ``act``; what it said, and what Nova and Placement have of the instance.

        :param gone: there must be no instance any more afterwards.
        :raises SidewaysError: the flavor is not the old one, or the instance does
            not hold exactly its node afterwards.
        """
        uuid = server["uuid"]
        specs, node = self.embedded(uuid), self.node(uuid)
        if new := [key for key in specs if key.startswith("resources:")]:
            raise exceptions.SidewaysError(
                f"{server['name']}: expected the flavor of before the move embedded, "
                f"found {', '.join(new)}: this would prove nothing"
            )
        said = act()
        class_name = resource_class.normalise(node.resource_class)
        wanted = {} if gone else {node.id: {class_name: 1}}
        held = waits.wait_for(
            lambda: self.allocation(uuid),
            lambda held: held == wanted or not gone,
            f"the allocation of {server['name']} to be gone",
            60,
        )
        if held != wanted:
            raise exceptions.SidewaysError(
                f"{server['name']}: expected the allocation {wanted}, found {held}"
            )
        return {
            "detail": said,
            "instance": uuid,
            "embedded": specs,
            "allocation": held,
        }

    def rebuild(self, server: dict[str, Any]) -> str:
        """Another image, written by the agent, starts from the node's own disk."""
        cloud = self.work.cloud
        before = beats.boot_ids(self.work.heartbeat)[server["mac"]]
        image = cloud.image.find_image(workload.DISK_IMAGE, False)
        response = cloud.compute.post(
            f"/servers/{server['uuid']}/action",
            json={"rebuild": {"imageRef": image.id}},
            microversion=REBUILD_MICROVERSION,
        )
        response.raise_for_status()
        workload.wait_for_status(cloud, server["uuid"], "ACTIVE", REBUILD_TIMEOUT)
        boot_id = beats.wait_for_boot(
            self.work.heartbeat, server["mac"], before, REBUILD_TIMEOUT
        )
        found = cloud.compute.get_server(server["uuid"]).image.id
        if found != image.id:
            raise exceptions.SidewaysError(
                f"{server['name']}: expected image {image.id}, found {found}"
            )
        node = self.node(server["uuid"])
        return (
            f"{server['name']} runs {image.name} under boot id {boot_id}, written by "
            f"{node.deploy_interface}"
        )

    def fits_deploy(self, server: dict[str, Any]) -> bool:
        """Whether the deploy ramdisk fits the instance's node."""
        properties = self.node(server["uuid"]).properties
        return int(properties["memory_mb"]) >= DEPLOY_MEMORY
