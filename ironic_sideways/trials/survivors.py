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
any more. So after each operation its allocation is checked, and not only the result.
"""

import dataclasses
from collections.abc import Callable
from typing import Any

from openstack.connection import Connection

from ironic_sideways import exceptions, resource_class, waits
from ironic_sideways.cloud import placement
from ironic_sideways.trials import workload

#: Seconds for Placement to take an allocation that nova-compute's reports run against.
PUT_TIMEOUT = 60.0
#: The first microversion that shows the embedded flavor with its extra specs.
EMBEDDED_MICROVERSION = "2.47"


#: Says what was done, or more of it as a finding has it.
Act = Callable[..., str | dict[str, Any]]


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

    def put_back(self, uuid: str, held: dict[str, dict[str, int]]) -> None:
        """Give the instance the allocation again that it had, as an operator would.

        IronicDriver reserves a node in use, so that nothing fits it, its own instance
        neither: until nova-compute's next report the node is not reserved.

        :raises WaitExpired: Placement refused it, with its own words.
        """
        server = self.admin.compute.get_server(uuid)
        asked = {
            "allocations": {node: {"resources": r} for node, r in held.items()},
            "project_id": server.project_id,
            "user_id": server.user_id,
            "consumer_generation": None,
        }

        def put() -> Any:
            for node, resources in held.items():
                for class_name in resources:
                    self._free(node, class_name)
            return self._placement("put", f"/allocations/{uuid}", json=asked)

        waits.wait_for(
            put,
            lambda response: response.ok,
            f"the allocation of {server.name} to be put back",
            PUT_TIMEOUT,
            interval=1,
            seen=lambda response: " ".join(response.text.split()),
        )

    def _free(self, node: str, class_name: str) -> None:
        """Take the reservation off the node's inventory."""
        place = f"/resource_providers/{node}/inventories/{class_name}"
        found = self._placement("get", place).json()
        self._placement("put", place, json={**found, "reserved": 0})

    def _placement(self, method: str, place: str, **named: Any) -> Any:
        call = getattr(self.admin.placement, method)
        version = placement.MICROVERSION
        return call(place, microversion=version, raise_exc=False, **named)

    def node(self, uuid: str) -> Any:
        """The Ironic node of the instance."""
        (node,) = self.ironic.baremetal.nodes(instance_id=uuid, details=True)
        return node

    def macs(self, server: dict[str, Any]) -> dict[str, str | None]:
        """The MAC of the server's port, as Neutron and as Ironic have it now."""
        port = self.work.cloud.network.get_port(server["port"])
        node = self.node(server["uuid"])
        holding = (
            one.address
            for one in self.ironic.baremetal.ports(node=node.id, details=True)
            if (one.internal_info or {}).get("tenant_vif_port_id") == server["port"]
        )
        return {"neutron": port.mac_address, "ironic": next(holding, None)}

    def operate(
        self, server: dict[str, Any], act: Act, *args: Any, gone: bool = False
    ) -> dict[str, Any]:
        """What ``act`` found, and what Nova and Placement have of the instance then.

        :param act: is called with ``args`` and the server.
        :param gone: the instance must no longer exist afterwards.
        :raises SidewaysError: the flavor is not the old one, or afterwards the
            instance does not hold exactly its node, or its port has another MAC than
            before or than the NIC that has the port.
        """
        uuid = server["uuid"]
        specs, node = self.embedded(uuid), self.node(uuid)
        if new := [key for key in specs if key.startswith("resources:")]:
            raise exceptions.SidewaysError(
                f"{server['name']}: expected the flavor of before the move embedded, "
                f"found {', '.join(new)}: the test would prove nothing"
            )
        found = act(*args, server)
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
        macs = {} if gone else self.macs(server)
        if any(mac != server["mac"] for mac in macs.values()):
            raise exceptions.SidewaysError(
                f"{server['name']}: expected its port with MAC {server['mac']}, "
                f"found {macs}"
            )
        return {
            **(found if isinstance(found, dict) else {"detail": found}),
            "instance": uuid,
            "embedded": specs,
            "allocation": held,
            "macs": macs,
        }
