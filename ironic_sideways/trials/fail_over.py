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

"""A second conductor takes over from one that died, and a net-booted survivor reboots.

The second one has what a host of its own would have: Ironic's database, the kept
kernels and ramdisks, and nothing that the first one wrote for its nodes to boot by.
The first is killed, and the second must notice it by itself, by the age of its row
(``[conductor] heartbeat_timeout``).
"""

import dataclasses
import functools
import re
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import sqlalchemy
from openstack.connection import Connection

from ironic_sideways import exceptions, waits
from ironic_sideways.evidence import beats, heartbeat, takeover
from ironic_sideways.lab import services
from ironic_sideways.lab.layout import Layout
from ironic_sideways.lab.service_table import CONDUCTOR, SECOND_CONDUCTOR
from ironic_sideways.trials import operations, power
from ironic_sideways.trials.survivors import Survivors
from ironic_sideways.trials.workers.processes import Workers

#: Seconds for nodes to change their conductor: a dead one counts for heartbeat_timeout
#: (60), rings are cached for 15, and nodes are looked for every 10 in the lab.
TIMEOUT = 300.0
#: Seconds for both to have nodes.
SHARE_TIMEOUT = 90.0
#: What a conductor writes below its http_root for a node, as grenade/cloud.sh has it.
OF_A_NODE = re.compile(
    rf"{heartbeat.UUID}|([0-9a-f]{{2}}:){{5}}[0-9a-f]{{2}}\.conf|grub\.cfg-[0-9a-f-]+"
)

Managed = dict[str, str | None]


def conductors(ironic: Connection) -> Managed:
    """The conductor that Ironic's API would ask for each node (its hash ring)."""
    return {node.id: node.conductor for node in ironic.baremetal.nodes(details=True)}


def without_boot_files(root: Path) -> int:
    """Remove what a conductor wrote for its nodes to boot by; how many things."""
    pxelinux = root / "pxelinux.cfg"
    found = [path for path in root.iterdir() if OF_A_NODE.fullmatch(path.name)]
    found += pxelinux.iterdir() if pxelinux.is_dir() else ()
    for path in found:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
    return len(found)


@dataclasses.dataclass
class FailOver:
    """:param engine: of Ironic's database, which alone says who took a node over."""

    layout: Layout
    survivors: Survivors
    engine: sqlalchemy.Engine
    killed_at: float = 0.0
    managed: dict[str, Managed] = dataclasses.field(default_factory=dict)

    @property
    def hosts(self) -> list[str]:
        return list(self.layout.conductor_hosts.values())

    def everything(self) -> dict[str, Any]:
        """Each step until one fails; what fail-over.json holds."""
        work = self.survivors.work
        servers = work.recorded()
        _crossed, server, *_ = operations.roles(work.record, servers)
        ids = beats.boot_ids(work.heartbeat)
        steps: dict[str, Callable[[], str | dict[str, Any]]] = {
            "second conductor": self.start_second,
            "first conductor killed": self.kill_first,
            "taken over": self.taken_over,
            "hard reboot": functools.partial(
                self.survivors.operate, server, power.same_reboot, work
            ),
            "given back": self.give_back,
        }
        found = []
        try:
            for name, step in steps.items():
                found.append(operations.timed(name, step))
                if not found[-1]["ok"]:
                    break
        finally:
            # Whoever comes next finds the one conductor that was.
            services.start(self.layout, [CONDUCTOR])
            services.stop(self.layout, [SECOND_CONDUCTOR])
        now = beats.boot_ids(work.heartbeat)
        return {
            "taken_at": time.time(),
            "conductors": self.hosts,
            "survivor": server["uuid"],
            "killed_at": self.killed_at,
            "managed": self.managed,
            "machines": [
                {"mac": mac, "before": boot_id, "after": now[mac]}
                for mac, boot_id in ids.items()
                if mac != server["mac"]
            ],
            "steps": found,
        }

    def start_second(self) -> str:
        """It joins, with no node's boot files, and takes its part of the nodes."""
        self.managed["before"] = self.settled(self.hosts[:1])
        gone = without_boot_files(self.layout.http_boot)
        services.start(self.layout, [SECOND_CONDUCTOR])
        try:
            shared = self.settled(self.hosts, SHARE_TIMEOUT)
        except exceptions.WaitExpired:
            # Of few nodes a hash ring may give all to one; the first one dies anyway.
            shared = conductors(self.survivors.ironic)
        self.managed["shared"] = shared
        taken = list(shared.values()).count(self.hosts[1])
        return f"it has {taken} of {len(shared)} nodes; {gone} boot files removed"

    def kill_first(self) -> str:
        Workers(self.layout, [CONDUCTOR]).kill(CONDUCTOR)
        self.killed_at = time.time()
        return f"SIGKILL to {CONDUCTOR} of {self.hosts[0]}"

    def taken_over(self) -> str:
        self.managed["after"] = self.settled(self.hosts[1:])
        took = time.time() - self.killed_at
        return f"all nodes are {self.hosts[1]}'s {took:.0f} s after the kill"

    def give_back(self) -> str:
        """The first one starts again, and the second stops as it should."""
        services.start(self.layout, [CONDUCTOR])
        services.stop(self.layout, [SECOND_CONDUCTOR])
        self.managed["back"] = self.settled(self.hosts[:1])
        return f"all nodes are {self.hosts[0]}'s again"

    def settled(self, hosts: list[str], timeout: float = TIMEOUT) -> Managed:
        """The nodes' conductors, once they are ``hosts`` and have taken them over.

        :raises WaitExpired: they are not; names the nodes.
        """
        told: Managed = {}

        def faults() -> dict[str, str]:
            told.clear()
            told.update(conductors(self.survivors.ironic))
            rows = takeover.read_nodes(self.engine)
            found = {node: self.fault(host, rows[node]) for node, host in told.items()}
            if {*told.values()} != {*hosts}:
                found["conductors"] = f"of nodes: {sorted({*map(str, told.values())})}"
            return {node: why for node, why in found.items() if why}

        what = f"the nodes to be {' and '.join(hosts)}'s"
        waits.wait_for_none(faults, what, timeout, interval=1)
        return dict(told)

    def fault(self, host: str | None, row: dict[str, Any]) -> str:
        """Why a node is not yet ``host``'s; empty when it is.

        Free nodes are never taken over (_sync_local_state asks for active ones).
        """
        if row["provision_state"] == "active" and row["conductor"] != host:
            return f"was last taken over by {row['conductor']}, and is {host}'s"
        if row["reservation"]:
            return f"is reserved by {row['reservation']}"
        return ""
