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

"""The rounds: what is done, which worker is killed meanwhile, what must follow.

A round's finding is a row of clustered.json. Who was killed follows from the logs:
RabbitMQ deals messages out in turn, so that both workers get their share.
"""

import time
from collections.abc import Callable
from functools import partial
from typing import Any

from ironic_sideways import exceptions, waits
from ironic_sideways.evidence import beats
from ironic_sideways.trials import power, workload
from ironic_sideways.trials.workers.trial import (
    BUILD_TIMEOUT,
    MIDDLE_TIMEOUT,
    OPERATION_AGE,
    PERIODIC,
    Row,
    Trial,
)

BUILD, REBOOT, DELETE = "Claim successful", "Rebooting instance", "Terminating instance"
#: Of a delete, too; a builder that gives up says ``DELETE`` itself.
DELETE_IN_BUILD = "Waiting for its build to end"
WAITED_IN_VAIN = "Assuming that its builder is dead"
#: A message may go to the builder itself; mostly it is the other one's turn.
TURNS = 5


def idle(trial: Trial, name: str, then: Callable[[Trial], Row]) -> Row:
    """An idle worker dies, and the other one serves.

    :param then: what the other one does; its ``server`` and ``boot_id``.
    """
    trial.workers.kill(name)
    trial.killed.append(name)
    done = then(trial)
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
    said = power.hard_reboot(trial.work, server)
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
        f"the task state of the interrupted reboot of {uuid} to be reset",
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
    """A second request is accepted, the server is deleted, its node is free again."""
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
    """:raises SidewaysError: the delete was finished before it could be interrupted."""
    node = trial.node_of(instance)
    if node is None:
        raise exceptions.SidewaysError(
            f"instance {instance}: off its node before the delete could be interrupted"
        )
    return bool(node.provision_state != "active")


def delete_in_build(trial: Trial) -> Row:
    """No worker dies: a server is deleted while it is built, by the other worker.

    :raises SidewaysError: only the builder was ever given the delete.
    """
    for _turn in range(TURNS):
        done = deleted_in_build(trial)
        if len(trial.workers.names) == 1 or done["builder"] != done["deleter"]:
            return done
    raise exceptions.SidewaysError(
        f"{TURNS} times the builder itself was given the delete: no other worker was"
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
            f"instance {instance}: {deleter} took {builder} for dead, but it is alive"
        )
    return {
        "kind": "delete in build",
        "server": instance,
        "builder": builder,
        "deleter": deleter,
        "detail": f"built by {builder}, deleted by {deleter}",
    }


def restart_beside_build(trial: Trial) -> Row:
    """A worker restarts while the other one builds, and the build succeeds."""
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


def serve(trial: Trial) -> Row:
    """Boot a server, as the worker that is left."""
    server = trial.boot()
    boot_id = beats.boot_ids(trial.work.heartbeat)[server["mac"]]
    said = f"the other one booted {server['uuid']}"
    return {"server": server["uuid"], "boot_id": boot_id, "detail": said}


def reboot_running(trial: Trial) -> Row:
    return rebooted(trial, trial.running())


def each_kill(trial: Trial) -> None:
    """What CI has time for: each worker idle, one in a reboot, one in a delete."""
    first, second = trial.workers.names
    trial.round(f"{second}, idle", partial(idle, name=second, then=serve))
    trial.round(f"{first}, idle", partial(idle, name=first, then=reboot_running))
    trial.round("in a reboot", reboot)
    trial.round("in a delete", delete)


def each_operation(trial: Trial, times: int) -> None:
    """Builds too, each ``times`` times, so that either worker has its turn."""
    for turn in range(1, times + 1):
        trial.round(f"in a build, {turn}", build)
        trial.round(f"deleted while it is built, {turn}", delete_in_build)
        if len(trial.workers.names) > 1:
            trial.round(f"a start beside a build, {turn}", restart_beside_build)
        trial.round(f"in a reboot, {turn}", reboot)
        trial.round(f"in a delete, {turn}", delete)
