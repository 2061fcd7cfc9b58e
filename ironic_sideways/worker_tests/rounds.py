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

"""The rounds: what is done, which worker is killed in its middle, what must follow.

A round's finding is a row of clustered.json. Who was killed follows from the logs:
RabbitMQ deals messages out in turn, so that both workers get their share.
"""

import contextlib
import dataclasses
import time
from collections.abc import Callable, Iterator
from typing import Any

from openstack.connection import Connection

from ironic_sideways import exceptions, operations, waits, workload
from ironic_sideways.evidence import beats
from ironic_sideways.worker_tests import whole
from ironic_sideways.worker_tests.workers import Workers

#: The workers' settings for a lab, where a deploy takes a minute at most: a worker
#: waits for a locked node, and then for Ironic, half a minute or so each, and what
#: it left is a dead one's after both.
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
#: Seconds for an operation to come to its middle.
MIDDLE_TIMEOUT = 120.0

NAME = f"{workload.PREFIX}-workers"
BUILD, REBOOT, DELETE = "Claim successful", "Rebooting instance", "Terminating instance"
#: Of a delete, too; a builder that gives up says ``DELETE`` itself.
DELETE_IN_BUILD = "Its build is to end first"
WAITED_IN_VAIN = "Its builder is taken to be dead"
#: A message may go to the builder itself; mostly it is the other one's turn.
TURNS = 5

Finding = dict[str, Any]
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

    def round(self, name: str, act: Callable[[], Row]) -> bool:
        """Do one round, and look at the whole afterwards; whether all was well.

        :param act: returns what it did, as ``done`` in the row, its ``detail`` apart.
        """

        def whole_round() -> Row:
            bystanders = self._bystanders()
            try:
                done = act()
            finally:
                self.workers.start()
            settled = whole.settle(self.admin, self.ironic)
            now = self._untouched(bystanders)
            return {
                "detail": done.pop("detail"),
                "done": done,
                "bystanders": [
                    {"mac": mac, "before": boot_id, "after": now[mac]}
                    for mac, boot_id in bystanders.items()
                ],
                "nodes": whole.recorded(settled),
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
        leaked = whole.leaked(whole.look(self.admin, self.ironic))
        for node in leaked:
            self.ironic.baremetal.set_node_provision_state(
                node, "deleted", wait=True, timeout=FREE_TIMEOUT
            )
        whole.settle(self.admin, self.ironic)
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
        """Each one's boot id now.

        :raises SidewaysError: a running instance booted anew, or is silent.
        """
        for mac, boot_id in bystanders.items():
            beats.wait_for_more(self.work.heartbeat, mac, 30)
            newest = beats.boot_ids(self.work.heartbeat)[mac]
            if newest != boot_id:
                raise exceptions.SidewaysError(
                    f"the running instance with {mac} booted anew: boot id {boot_id} "
                    f"became {newest}"
                )
        return beats.boot_ids(self.work.heartbeat)

    def boot(self) -> dict[str, Any]:
        """A new server that is ACTIVE and beats."""
        self.number += 1
        known = beats.boot_ids(self.work.heartbeat)
        server = workload.boot(self.work.cloud, f"{NAME}-{self.number}")
        beats.wait_for_boot(
            self.work.heartbeat,
            server["mac"],
            known.get(server["mac"]),
            operations.BOOT_TIMEOUT,
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
        network = cloud.network.find_network(workload.NETWORK, False).id
        port = cloud.network.create_port(name=name, network_id=network)
        server = cloud.compute.create_server(
            name=name,
            image_id=cloud.image.find_image(workload.IMAGE, False).id,
            flavor_id=cloud.compute.find_flavor(workload.FLAVOR, False).id,
            networks=[{"port": port.id}],
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
            f"the middle of '{text}' of instance {instance}",
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


def idle(trial: Trial, name: str, then: Callable[[], Row]) -> Row:
    """One worker dies with nothing to do, and the other one serves.

    :param then: what the other one does; its ``server`` and ``boot_id``.
    """
    trial.workers.kill(name)
    trial.killed.append(name)
    done = then()
    detail = f"{name} killed; {done.pop('detail')}"
    return {"kind": "idle", "killed": name, **done, "detail": detail}


def build(trial: Trial) -> Row:
    """It ends ACTIVE or ERROR within the build timeout, and can be deleted."""
    since = trial.workers.positions()
    instance = trial.begin_boot()
    killed = trial.kill_in(instance, BUILD, since, lambda: deploying(trial, instance))
    begin = time.monotonic()
    server = waits.wait_for(
        lambda: trial.work.cloud.compute.get_server(instance),
        lambda server: server.status in ("ACTIVE", "ERROR"),
        f"the interrupted build of {instance} to end",
        BUILD_TIMEOUT + PERIODIC,
        interval=2,
        seen=lambda server: f"{server.status}, task state {server.task_state}",
    )
    took = round(time.monotonic() - begin, 1)
    trial.work.cloud.compute.delete_server(instance)
    trial.gone(instance, BUILD_TIMEOUT)
    return {
        "kind": "build",
        "killed": killed,
        "server": instance,
        "ended": server.status,
        "seconds": took,
        "detail": f"{killed} killed; the build ended {server.status}, and was deleted",
    }


def deploying(trial: Trial, instance: str) -> bool:
    node = trial.node_of(instance)
    return bool(node) and node.provision_state in ("deploying", "wait call-back")


def rebooted(trial: Trial, server: dict[str, Any]) -> Row:
    """A hard reboot, and the boot id under which the machine is back."""
    said = operations.hard_reboot(trial.work, server)
    boot_id = beats.boot_ids(trial.work.heartbeat)[server["mac"]]
    return {"server": server["uuid"], "boot_id": boot_id, "detail": said}


def reboot(trial: Trial) -> Row:
    """Its owner can reboot it again, and it boots."""
    server = trial.running()
    cloud, uuid = trial.work.cloud, server["uuid"]
    since = trial.workers.positions()
    cloud.compute.reboot_server(uuid, "HARD")
    killed = trial.kill_in(
        uuid,
        REBOOT,
        since,
        lambda: cloud.compute.get_server(uuid).task_state == "reboot_started_hard",
    )
    waits.wait_for(
        lambda: cloud.compute.get_server(uuid),
        lambda found: not found.task_state,
        f"the interrupted reboot of {uuid} to be let go of",
        OPERATION_AGE + PERIODIC,
        interval=2,
        seen=lambda found: f"{found.status}, task state {found.task_state}",
    )
    before = beats.boot_ids(trial.work.heartbeat)[server["mac"]]
    again = rebooted(trial, server)
    detail = f"{killed} killed; again: {again['detail']}"
    about = {"kind": "reboot", "killed": killed, "boot_id_before": before}
    return {**again, **about, "detail": detail}


def delete(trial: Trial) -> Row:
    """A second request is taken, the server goes, and its node comes back."""
    server, trial.server = trial.running(), None
    cloud, uuid = trial.work.cloud, server["uuid"]
    node = trial.node_of(uuid)
    since = trial.workers.positions()
    cloud.compute.delete_server(uuid)
    killed = trial.kill_in(uuid, DELETE, since, lambda: leaving(trial, uuid))
    cloud.compute.delete_server(uuid)
    trial.gone(uuid, OPERATION_AGE + PERIODIC)
    return {
        "kind": "delete",
        "killed": killed,
        "server": uuid,
        "node": node.id if node else None,
        "detail": f"{killed} killed; the server is gone",
    }


def leaving(trial: Trial, instance: str) -> bool:
    """:raises SidewaysError: it was too fast: there is no middle any more."""
    node = trial.node_of(instance)
    if node is None:
        raise exceptions.SidewaysError(
            f"instance {instance}: off its node before the delete's middle was seen"
        )
    return bool(node.provision_state != "active")


def delete_in_build(trial: Trial) -> Row:
    """Nobody dies: a user deletes what is being built, and the other worker does it.

    :raises SidewaysError: nobody but the builder was ever given the delete.
    """
    for _turn in range(TURNS):
        done = deleted_in_build(trial)
        if len(trial.workers.names) == 1 or done["builder"] != done["deleter"]:
            return done
    raise exceptions.SidewaysError(
        f"{TURNS} times the builder itself was given the delete: nothing was shown"
    )


def deleted_in_build(trial: Trial) -> Row:
    """One server, deleted while its node is deployed."""
    since = trial.workers.positions()
    instance = trial.begin_boot()
    builder = trial.workers.who(instance, BUILD, since)
    waits.wait_for(
        lambda: deploying(trial, instance),
        bool,
        f"the deploy of instance {instance}",
        MIDDLE_TIMEOUT,
        interval=0.1,
    )
    trial.work.cloud.compute.delete_server(instance)
    deleter = builder
    if len(trial.workers.names) > 1:
        deleter = trial.workers.who(instance, DELETE_IN_BUILD, since)
    trial.gone(instance, BUILD_TIMEOUT)
    if trial.workers.said(instance, WAITED_IN_VAIN, since):
        raise exceptions.SidewaysError(
            f"instance {instance}: {deleter} took {builder} for dead, which lives"
        )
    return {
        "kind": "delete in build",
        "server": instance,
        "builder": builder,
        "deleter": deleter,
        "detail": f"built by {builder}, deleted by {deleter}",
    }


def restart_beside_build(trial: Trial) -> Row:
    """A worker comes back while the other one builds, and the build ends well."""
    since = trial.workers.positions()
    instance = trial.begin_boot()
    builder = trial.workers.who(instance, BUILD, since)
    (other,) = (name for name in trial.workers.names if name != builder)
    trial.workers.kill(other)
    trial.workers.start()
    workload.wait_for_status(
        trial.work.cloud, instance, "ACTIVE", workload.BUILD_TIMEOUT
    )
    trial.work.cloud.compute.delete_server(instance)
    trial.gone(instance, BUILD_TIMEOUT)
    return {
        "kind": "start beside build",
        "killed": other,
        "server": instance,
        "builder": builder,
        "detail": f"{other} killed and started again, {builder} went on building",
    }


def each_kill(trial: Trial) -> None:
    """What CI has time for: either worker idle, a reboot and a delete in the middle."""
    first, second = trial.workers.names

    def serve() -> Row:
        server = trial.boot()
        uuid = server["uuid"]
        boot_id = beats.boot_ids(trial.work.heartbeat)[server["mac"]]
        said = f"the other one booted {uuid}"
        return {"server": uuid, "boot_id": boot_id, "detail": said}

    trial.round(f"{second}, idle", lambda: idle(trial, second, serve))
    trial.round(
        f"{first}, idle",
        lambda: idle(trial, first, lambda: rebooted(trial, trial.running())),
    )
    trial.round("in a reboot", lambda: reboot(trial))
    trial.round("in a delete", lambda: delete(trial))


def each_operation(trial: Trial, times: int) -> None:
    """Builds too, each ``times`` times, so that either worker has its turn."""
    for turn in range(1, times + 1):
        trial.round(f"in a build, {turn}", lambda: build(trial))
        trial.round(
            f"deleted while it is built, {turn}", lambda: delete_in_build(trial)
        )
        if len(trial.workers.names) > 1:
            trial.round(
                f"a start beside a build, {turn}", lambda: restart_beside_build(trial)
            )
        trial.round(f"in a reboot, {turn}", lambda: reboot(trial))
        trial.round(f"in a delete, {turn}", lambda: delete(trial))
