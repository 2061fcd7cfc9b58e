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

"""Nova's view of the nodes: whose they are, and whether a nova-compute has them."""

from collections.abc import Collection, Sequence
from typing import Any

from ironic_sideways import exceptions, waits

#: A node's id is its uuid from here on; the plain list asks no compute for it.
UUID_MICROVERSION = "2.53"

#: The newest whose details neither parse ``cpu_info``, which nova-baremetal did
#: not report as JSON, nor (from 2.88) ask each compute for its uptime and wait
#: for the one that was just stopped.
HOST_MICROVERSION = "2.27"


def refuse_other_uuids(compute: Any, nodes: Collection[str]) -> None:
    """Refuse ``nodes`` whose compute node has another uuid: its provider has it too.

    :raises SidewaysError: names the first.
    """
    for hypervisor in _hypervisors(compute):
        if hypervisor.name in nodes and hypervisor.id != hypervisor.name:
            raise exceptions.SidewaysError(
                f"node {hypervisor.name}: Nova's compute node of this name has uuid "
                f"{hypervisor.id}, and its provider too: 'ironic-nova-bm-migrate check "
                "--os-cloud' names the repair; nothing was changed"
            )


def nodes_of(compute: Any, hosts: Sequence[str]) -> list[str]:
    """The uuids of all nodes of these compute hosts.

    :raises SidewaysError: for a host without nodes.
    """
    by_name = _hosts(compute)
    by_host: dict[str, list[str]] = {host: [] for host in hosts}
    for hypervisor in _hypervisors(compute):
        if by_name.get(hypervisor.name) in by_host:
            by_host[by_name[hypervisor.name]].append(hypervisor.id)
    for host, nodes in by_host.items():
        if not nodes:
            raise exceptions.SidewaysError(
                f"compute host {host}: Nova has no node of it; nothing was changed"
            )
    return [uuid for nodes in by_host.values() for uuid in nodes]


def up(compute: Any, nodes: Collection[str]) -> list[str]:
    """The names of those ``nodes`` whose nova-compute is up.

    A node that Nova does not know has no nova-compute.
    """
    wanted = set(nodes)
    return [
        hypervisor.name
        for hypervisor in _hypervisors(compute)
        if hypervisor.id in wanted and hypervisor.state == "up"
    ]


def check(compute: Any, nodes: Collection[str], wait: float) -> None:
    """Refuse while a nova-compute that has one of ``nodes`` is up.

    It would write the old inventory back.

    :param wait: seconds to wait for Nova to see that it is down.
    :raises SidewaysError: where it is up.
    """
    try:
        waits.wait_for(
            lambda: up(compute, nodes),
            lambda found: not found,
            "nova-compute to be down",
            wait,
            interval=2,
        )
    except exceptions.WaitExpired:
        raise exceptions.SidewaysError(
            f"{whose(compute, up(compute, nodes))} is up: stop it, and run again when "
            "Nova sees it down (--wait 90 waits for that); nothing was changed"
        ) from None


def whose(compute: Any, nodes: Sequence[str]) -> str:
    """The nova-compute of these nodes, by their names, for a person."""
    hosts = _hosts(compute)
    names = sorted({hosts.get(node, f"(node {node})") for node in nodes})
    return f"nova-compute on {', '.join(names)}"


def _hypervisors(compute: Any) -> Any:
    """All nodes, with ``id`` (the uuid), ``name`` and ``state``."""
    return compute.hypervisors(details=False, microversion=UUID_MICROVERSION)


def _hosts(compute: Any) -> dict[str, str]:
    """The compute host of each node, by the node's name."""
    return {
        hypervisor.name: hypervisor.service_details["host"]
        for hypervisor in compute.hypervisors(
            details=True, microversion=HOST_MICROVERSION
        )
    }
