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

"""Who holds an allocation: an instance, or something that should be cleared up.

A consumer of Placement is a uuid. Nova uses the instance's, and while an instance
moves the migration's for what it holds at its old place (nova.conductor.tasks).
What Nova knows as neither is left over (``nova-manage placement audit``). And what
the nodes file has on a node is held against what Placement has there.
"""

import dataclasses
from collections.abc import Callable, Collection, Mapping
from typing import Any

import openstack.exceptions

from ironic_sideways.cloud import placement

#: The first whose list of migrations has their uuids.
MIGRATION_MICROVERSION = "2.59"

#: How an allocation comes to its own node.
_DELETE = (
    "'openstack resource provider allocation delete {}', and run this again: the "
    "conversion makes it where it belongs"
)


@dataclasses.dataclass
class Instances:
    """Which instance each node has; what is nowhere is made with the conversion.

    IronicDriver would never make it, and 'nova-manage placement heal_allocations'
    one of VCPU, MEMORY_MB and DISK_GB alone.

    :param by_node: node -> its instance, or None for a free one, as far as known.
    :param owner: the project and the user of an instance of Nova's.
    :param lacking: node -> its instance without allocation, and whose it is.
    """

    by_node: Mapping[str, str | None] = dataclasses.field(default_factory=dict)
    owner: Callable[[str], tuple[str, str] | None] = lambda instance: None
    lacking: dict[str, tuple[str, tuple[str, str]]] = dataclasses.field(
        default_factory=dict, init=False
    )

    def made(self, node: str) -> dict[str, placement.Allocation]:
        """What the conversion of ``node`` makes that was nowhere, by its instance."""
        if node not in self.lacking:
            return {}
        instance, owner = self.lacking[node]
        return {instance: placement.Allocation({}, *owner)}

    def fault(
        self, provider: placement.Provider, class_name: str, api: placement.Placement
    ) -> str | None:
        """Why its holder is not the node's instance, unless it can be made so."""
        node, held = provider.uuid, set(provider.allocations)
        wanted = self.by_node.get(node)
        if node not in self.by_node or held == {wanted} - {None}:
            return None
        if held:
            other = min(held - {wanted})
            return f"instance {other} holds it, and {self._whereabouts(other, wanted)}"
        assert wanted is not None
        if provider.is_converted(class_name):
            return (
                f"it is converted already, and its instance {wanted} does not hold it: "
                "'openstack resource provider allocation set --allocation "
                f"rp={node},{class_name}=1 --project-id ... --user-id ... {wanted}' "
                "repairs it"
            )
        if elsewhere := api.holds(wanted):
            return (
                f"its instance {wanted} holds node {elsewhere[0]} instead: "
                f"{_DELETE.format(wanted)}"
            )
        if (owner := self.owner(wanted)) is None:
            return f"Nova has no instance {wanted}, which the nodes file has on it"
        self.lacking[node] = wanted, owner
        return None

    def _whereabouts(self, instance: str, wanted: str | None) -> str:
        """Where the nodes file has the instance that holds another's node."""
        for node, known in self.by_node.items():
            if known == instance:
                return f"is on node {node}: {_DELETE.format(instance)}"
        return (
            f"the nodes file has {wanted or 'no instance'} there: repeat the check, "
            "or find out what became of it"
        )


def strangers(compute: Any, consumers: Collection[str]) -> dict[str, str]:
    """Those ``consumers`` that are no instance, and what is to be done with them.

    :param compute: openstacksdk's Compute API, of an administrator.
    """
    if not consumers:
        return {}
    servers = {server.id for server in compute.servers(False, all_projects=True)}
    unknown = [uuid for uuid in consumers if uuid not in servers]
    # A list leaves out those that were deleted softly, and hold their node yet.
    unknown = [uuid for uuid in unknown if not _is_server(compute, uuid)]
    if not unknown:
        return {}
    moves = {
        migration["uuid"]: migration
        for migration in compute.get(
            "/os-migrations", microversion=MIGRATION_MICROVERSION
        ).json()["migrations"]
    }
    return {uuid: _what(uuid, moves.get(uuid)) for uuid in unknown}


def owner(compute: Any, instance: str) -> tuple[str, str] | None:
    """The project and the user of ``instance``; None: Nova has no such instance."""
    try:
        server = compute.get_server(instance)
    except openstack.exceptions.NotFoundException:
        return None
    return server.project_id, server.user_id


def _is_server(compute: Any, uuid: str) -> bool:
    try:
        compute.get_server(uuid)
    except openstack.exceptions.NotFoundException:
        return False
    return True


def _what(uuid: str, move: dict[str, Any] | None) -> str:
    if move:
        return (
            f"migration {uuid} of instance {move['instance_uuid']} "
            f"({move['migration_type']}, {move['status']}) holds it: confirm or revert "
            "that move first"
        )
    return (
        f"consumer {uuid} holds it and is no instance of Nova's: if 'nova-manage "
        "placement audit' calls it orphaned, 'openstack resource provider allocation "
        f"delete {uuid}'"
    )
