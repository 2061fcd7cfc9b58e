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

"""What all rounds share: the cloud before and after, the servers, the killing.

A round that fails is a row like the others, and is cleaned up after.
"""

import contextlib
import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

from openstack.connection import Connection

from ironic_sideways import exceptions, waits
from ironic_sideways.evidence import beats
from ironic_sideways.trials import operations, power, workload
from ironic_sideways.trials.workers import consistency
from ironic_sideways.trials.workers.processes import Workers

#: The workers' settings for a lab, where a deploy takes a minute at most: a worker
#: waits about half a minute for a locked node and as long for Ironic; only after both
#: is what it left taken for a dead worker's.
BUILD_TIMEOUT = 180
OPERATION_AGE = 95
SETTINGS = {
    ("DEFAULT", "instance_build_timeout"): str(BUILD_TIMEOUT),
    ("clustered_compute", "interrupted_operation_age"): str(OPERATION_AGE),
    ("ironic", "api_max_retries"): "15",
    ("ironic", "api_retry_interval"): "2",
    ("ironic", "status_code_retries"): "15",
    ("ironic", "status_code_retry_delay"): "2",
}
#: Seconds between two runs of any of Nova's periodic tasks, and as much again for a
#: loaded machine.
PERIODIC = 120

#: Seconds for Ironic to tear a node down and clean it.
FREE_TIMEOUT = 180
#: Seconds for an operation to be under way.
MIDDLE_TIMEOUT = 120.0

NAME = f"{workload.PREFIX}-workers"

Row = dict[str, Any]


@dataclasses.dataclass
class Trial:
    """The cloud, its workers, and what must not be touched.

    :param server: one of the rounds that runs, for the next of them.
    :param revive: start a killed worker at once, as a supervisor does, and not only
        at the end of the round: what a lone worker needs.
    """

    workers: Workers
    admin: Connection
    ironic: Connection
    work: workload.Workload
    revive: bool = False
    number: int = 0
    server: dict[str, Any] | None = None
    killed: list[str] = dataclasses.field(default_factory=list)
    rows: list[Row] = dataclasses.field(default_factory=list)

    def round(self, name: str, act: Callable[["Trial"], Row]) -> bool:
        """Do one round, and check the cloud afterwards; whether it succeeded.

        :param act: returns what it did, as ``done`` in the row, its ``detail`` apart.
        """

        def whole_round() -> Row:
            bystanders = self._bystanders()
            try:
                done = act(self)
            finally:
                self.workers.start()
            settled = consistency.settle(self.admin, self.ironic)
            now = self._untouched(bystanders)
            return {
                "detail": done.pop("detail"),
                "done": done,
                "bystanders": [
                    {"mac": mac, "before": boot_id, "after": now[mac]}
                    for mac, boot_id in bystanders.items()
                ],
                "nodes": consistency.recorded(settled),
            }

        row = operations.timed(name, whole_round)
        self.rows.append(row)
        if not row["ok"]:
            self.server = None
            row["mended"] = operations.timed("mend", self._mend)["detail"]
        return bool(row["ok"])

    def _mend(self) -> str:
        """Delete what a failed round left, and free the nodes that it leaked.

        So that the rounds after it are judged by what they do themselves.

        :returns: which nodes had no owner, or that none had.
        """
        workload.delete_servers(self.work.cloud, NAME, BUILD_TIMEOUT + PERIODIC)
        leaked = consistency.leaked(consistency.look(self.admin, self.ironic))
        for node in leaked:
            self.ironic.baremetal.set_node_provision_state(
                node, "deleted", wait=True, timeout=FREE_TIMEOUT
            )
        consistency.settle(self.admin, self.ironic)
        return f"without an owner, undeployed: {', '.join(leaked) or 'none'}"

    def clear(self) -> None:
        """Delete what the rounds left; what cannot be deleted is a failed row."""

        def delete_all() -> str:
            return f"{workload.delete_servers(self.work.cloud, NAME)} servers deleted"

        row = operations.timed("nothing is left", delete_all)
        if not row["ok"]:
            self.rows.append(row)

    def _bystanders(self) -> dict[str, str]:
        """Each running server that no round made, with its machine's boot id."""
        ids = beats.boot_ids(self.work.heartbeat)
        found = {}
        for server in self.admin.compute.servers(all_projects=True, details=True):
            if server.name.startswith(NAME) or server.status != "ACTIVE":
                continue
            for port in self.admin.network.ports(device_id=server.id):
                if port.mac_address in ids:
                    found[port.mac_address] = ids[port.mac_address]
        return found

    def _untouched(self, bystanders: dict[str, str]) -> dict[str, str]:
        """The boot ids now.

        :raises SidewaysError: a running instance rebooted, or is silent.
        """
        for mac, boot_id in bystanders.items():
            beats.wait_for_more(self.work.heartbeat, mac, 30)
            newest = beats.boot_ids(self.work.heartbeat)[mac]
            if newest != boot_id:
                raise exceptions.SidewaysError(
                    f"the running instance with {mac} rebooted: boot id {boot_id} "
                    f"became {newest}"
                )
        return beats.boot_ids(self.work.heartbeat)

    def boot(self) -> dict[str, Any]:
        """A new server that is ACTIVE and sends heartbeats."""
        self.number += 1
        known = beats.boot_ids(self.work.heartbeat)
        server = workload.boot(self.work.cloud, f"{NAME}-{self.number}")
        beats.wait_for_boot(
            self.work.heartbeat,
            server["mac"],
            known.get(server["mac"]),
            power.BOOT_TIMEOUT,
        )
        self.server = server
        return server

    def running(self) -> dict[str, Any]:
        """The server of the rounds, or a new one."""
        return self.server or self.boot()

    def begin_boot(self) -> str:
        """Ask for a server, and do not wait; its uuid."""
        self.number += 1
        cloud, name = self.work.cloud, f"{NAME}-{self.number}"
        networks = [{"port": workload.new_port(cloud, name).id}]
        server = workload.request(
            cloud, name, workload.IMAGE, workload.FLAVOR, networks
        )
        return str(server.id)

    def node_of(self, instance: str) -> Any:
        """The Ironic node that holds ``instance``, or None."""
        return next(iter(self.ironic.baremetal.nodes(instance_id=instance)), None)

    def kill_in(
        self,
        instance: str,
        text: str,
        since: dict[str, int],
        middle: Callable[[], bool],
    ) -> str:
        """Kill the worker that does ``text`` to ``instance``; its name."""
        name = self.workers.who(instance, text, since)
        waits.wait_for(
            middle,
            bool,
            f"'{text}' of instance {instance} to be under way",
            MIDDLE_TIMEOUT,
            interval=0.1,
        )
        self.workers.kill(name)
        self.killed.append(name)
        if self.revive:
            self.workers.start()
        return name

    def gone(self, instance: str, timeout: float) -> None:
        """Wait until the server is deleted, and its ports with it."""
        workload.wait_until_gone(self.work.cloud, instance, timeout)
        workload.delete_servers(self.work.cloud, NAME)


@contextlib.contextmanager
def only_host(trial: Trial, host: str) -> Iterator[None]:
    """New servers go to ``host`` alone."""
    compute = trial.admin.compute
    others = [
        service
        for service in compute.services(binary="nova-compute")
        if service.host != host and service.status == "enabled"
    ]
    for service in others:
        compute.disable_service(service, disabled_reason="workers of another host die")
    try:
        yield
    finally:
        for service in others:
            compute.enable_service(service)
