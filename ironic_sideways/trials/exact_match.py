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

"""Exact match by resource classes, on the moved cloud: real scheduler, real Placement.

What ExactCoreFilter, ExactRamFilter and ExactDiskFilter promised in 2014: a flavor
lands on a node of exactly its shape, and on no other, were it larger and free.
"""

from functools import partial
from typing import Any

from openstack.connection import Connection

from ironic_sideways import exceptions, resource_class, waits
from ironic_sideways.cloud import flavor_selection
from ironic_sideways.cloud.flavors import Flavor, wanted_specs
from ironic_sideways.evidence import snapshot
from ironic_sideways.trials import operations, workload

NAME = f"{workload.PREFIX}-exact"

#: Cores, MiB, GiB: between the lab's two shapes, and no node's.
NO_SHAPE = (1, 512, 3)

#: Seconds for nova-compute to tell Placement of a node that was set aside.
REPORT_TIMEOUT = 150.0
#: Seconds for the scheduler's answer.
SCHEDULE_TIMEOUT = 120.0

#: Nova's error for a flavor that fits no node (nova.exception.NoValidHost).
NO_HOST = "No valid host was found"

Document = dict[str, Any]

MAINTENANCE = "set aside: a flavor of its shape must find no other"


class ExactMatch:
    """The checks, each a finding.

    :param ironic: who sees the nodes of all owners.
    """

    def __init__(
        self, admin: Connection, ironic: Connection, member: Connection, prefix: str
    ) -> None:
        self.admin = admin
        self.ironic = ironic
        self.member = member
        self.prefix = prefix

    def everything(self) -> Document:
        """Do all checks; what they created is deleted afterwards."""
        workload.delete_servers(self.member, NAME)
        workload.ensure_keypair(self.member)
        workload.boot_from_the_network(self.ironic)
        flavors = self._flavors()
        nodes = [shape_of(node) for node in self._nodes()]
        self._reported(set(), {n.id for n in self._nodes() if not n.instance_id})
        classes: operations.Chain = {
            "each node has the class of its shape": self._classes
        }
        landing: list[operations.Chain] = [
            {f"{name} lands on its shape": partial(self._land, name)}
            for name in flavors
        ]
        refused: operations.Chain = {
            f"{name}, none of its shape free": partial(self._full, name)
            for name in flavors
        } | {"a shape that no node has": self._nowhere}
        found = operations.in_turn(classes) + operations.side_by_side(*landing)
        workload.delete_servers(self.member, NAME)
        found += operations.in_turn(refused)
        return {
            "resource_class": self.prefix,
            "nodes": nodes,
            "flavors": [self._flavor(name) for name in flavors],
            "checks": found,
        }

    def _nodes(self) -> list[Any]:
        return list(self.ironic.baremetal.nodes(details=True))

    def _flavors(self) -> list[str]:
        """The bare-metal flavors, each of one shape.

        :raises SidewaysError: fewer than two: there is nothing to tell apart.
        """
        names = [
            flavor.name
            for flavor in self.admin.compute.flavors(get_extra_specs=True)
            if self._class_of(flavor)
        ]
        if len(names) < 2:
            raise exceptions.SidewaysError(
                f"expected two flavors with classes by shape, found {names or 'none'}: "
                "was the move made with RESOURCE_CLASS_BY_SHAPE=yes?"
            )
        return sorted(names)

    def _class_of(self, flavor: Any) -> str | None:
        """The class that a flavor asks for, if it is one by shape."""
        prefix = f"resources:{resource_class.normalise(self.prefix)}_"
        asked = [key for key in flavor.extra_specs if key.startswith(prefix)]
        return asked[0].removeprefix("resources:") if len(asked) == 1 else None

    def _flavor(self, name: str) -> Document:
        """A flavor's shape, and the class that it asks for."""
        found = self.admin.compute.find_flavor(name, False, get_extra_specs=True)
        return {
            "name": name,
            "class": self._class_of(found),
            "vcpus": found.vcpus,
            "ram": found.ram,
            # What 2014's ExactDiskFilter compared.
            "disk": found.disk + found.ephemeral + (found.swap or 0) // 1024,
        }

    def _classes(self) -> str:
        shapes = set()
        for node in self._nodes():
            shape = shape_of(node)
            named = resource_class.by_shape(
                self.prefix,
                shape["cpu_arch"],
                shape["cpus"],
                shape["memory_mb"],
                shape["local_gb"],
            )
            if node.resource_class != named:
                raise exceptions.SidewaysError(
                    f"node {node.id}: class {node.resource_class}, its shape: {named}"
                )
            shapes.add(named)
        if len(shapes) < 2:
            raise exceptions.SidewaysError(f"all nodes are of one shape: {shapes}")
        return ", ".join(sorted(shapes))

    def _land(self, flavor: str) -> Document:
        wanted = self._flavor(flavor)["class"]
        server = workload.boot(self.member, f"{NAME}-{flavor}", flavor=flavor)
        (node,) = self.ironic.baremetal.nodes(instance_id=server["uuid"], details=True)
        if resource_class.normalise(node.resource_class) != wanted:
            raise exceptions.SidewaysError(
                f"{flavor} asks for {wanted}, and is on node {node.id} of "
                f"{node.resource_class}"
            )
        landed = {"flavor": flavor, "instance": server["uuid"], "node": node.id}
        return {
            "detail": f"node {node.id} of {node.resource_class}",
            "landed": landed,
        }

    def _full(self, flavor: str) -> Document:
        wanted = self._flavor(flavor)["class"]
        free = [n for n in self._nodes() if not n.instance_id]
        mine = [n for n in free if resource_class.normalise(n.resource_class) == wanted]
        others = {n.id for n in free} - {n.id for n in mine}
        if not others:
            raise exceptions.SidewaysError(
                f"no free node of another shape than {wanted}: nothing to prove"
            )
        for node in mine:
            self.ironic.baremetal.set_node_maintenance(node, MAINTENANCE)
        try:
            self._reported({node.id for node in mine}, others)
            said = self._no_valid_host(flavor)
        finally:
            for node in mine:
                self.ironic.baremetal.unset_node_maintenance(node)
        return {
            "detail": f"no valid host, {len(others)} free nodes of other shapes",
            "refused": {"flavor": flavor, "fault": said, "free": sorted(others)},
        }

    def _reported(self, aside: set[str], free: set[str]) -> None:
        """Wait until Placement offers the ``free`` nodes, and none ``aside``."""

        def wrong() -> set[str]:
            found = snapshot.reserved(snapshot.providers(self.admin))
            return (aside - found) | (free & found)

        waits.wait_for(
            wrong,
            lambda left: not left,
            "nova-compute to report the nodes in maintenance, and the free ones",
            REPORT_TIMEOUT,
            interval=1,
            seen=lambda left: f"not yet: {', '.join(sorted(left))}",
        )

    def _no_valid_host(self, flavor: str) -> str:
        """What the scheduler says.

        :raises SidewaysError: it found a host.
        """
        server = workload.request(
            self.member, f"{NAME}-nowhere", workload.IMAGE, flavor, "none"
        )
        server = waits.wait_for(
            lambda: self.admin.compute.get_server(server.id),
            lambda s: s.status == "ERROR" or bool(s.hypervisor_hostname),
            f"the scheduler's answer for flavor {flavor}",
            SCHEDULE_TIMEOUT,
            seen=lambda s: f"{s.status}, task state {s.task_state}",
        )
        workload.delete_servers(self.member, NAME)
        fault = (server.fault or {}).get("message", "")
        if NO_HOST not in fault:
            raise exceptions.SidewaysError(
                f"flavor {flavor}: expected {NO_HOST!r}, got "
                f"{fault or server.status} on node {server.hypervisor_hostname}"
            )
        return str(fault)

    def _nowhere(self) -> Document:
        """A flavor between the shapes gets no node, though larger ones are free."""
        vcpus, ram, disk = NO_SHAPE
        compute = self.admin.compute
        name, arch = f"{NAME}-flavor", {"cpu_arch": "x86_64"}
        shaped = Flavor("", name, arch, vcpus=vcpus, ram=ram, disk=disk)
        class_name = flavor_selection.shape_class(shaped, self.prefix)
        specs = wanted_specs("none", "none", resource_class.normalise(class_name))
        flavor = compute.create_flavor(name=name, vcpus=vcpus, ram=ram, disk=disk)
        try:
            compute.create_flavor_extra_specs(flavor, specs)
            free = sorted(n.id for n in self._nodes() if not n.instance_id)
            said = self._no_valid_host(name)
            return {
                "detail": f"{class_name}: no valid host, with {len(free)} free nodes",
                "refused": {"flavor": name, "fault": said, "free": free},
            }
        finally:
            compute.delete_flavor(flavor)


def shape_of(node: Any) -> Document:
    """What is compared of an Ironic node."""
    return {
        "uuid": node.id,
        "resource_class": node.resource_class,
        "cpu_arch": node.properties["cpu_arch"],
        "cpus": int(node.properties["cpus"]),
        "memory_mb": int(node.properties["memory_mb"]),
        "local_gb": int(node.properties["local_gb"]),
    }
