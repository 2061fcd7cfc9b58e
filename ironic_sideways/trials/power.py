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

"""A server's machine switched through Nova, and seen to boot by its heartbeats."""

from typing import Any

from ironic_sideways import exceptions
from ironic_sideways.evidence import beats
from ironic_sideways.trials import workload

BOOT_TIMEOUT = 240.0
#: Seconds for Nova to tell that a machine cannot be rescued, once it is switched off.
RESCUE_TIMEOUT = 120.0
#: What the fault says then. Its reason, that the driver ipmi does not support it by the
#: interface ``no-rescue``, which the move writes, is beyond what Nova shows an owner.
NO_RESCUE = "cannot be rescued: Driver Error: Failed to move instance to rescue mode"


def reboot(work: workload.Workload, server: dict[str, Any], kind: str) -> str:
    """The machine comes back under a new boot id.

    :param kind: HARD, or SOFT, with which the guest switches itself off.
    """
    before = beats.newest(work.heartbeat, server["mac"])
    work.cloud.compute.reboot_server(server["uuid"], kind)
    boot_id = beats.wait_for_boot(
        work.heartbeat,
        server["mac"],
        before.boot_id if before else server["boot_id"],
        BOOT_TIMEOUT,
    )
    workload.wait_for_status(work.cloud, server["uuid"], "ACTIVE", 60)
    return f"{server['name']} is back under boot id {boot_id}"


def hard_reboot(work: workload.Workload, server: dict[str, Any]) -> str:
    return reboot(work, server, "HARD")


def hard_reboots(work: workload.Workload, server: dict[str, Any]) -> str:
    """Twice in a row: what is set for one boot alone shows at the second."""
    return "; ".join(hard_reboot(work, server) for _ in range(2))


def same_disks(work: workload.Workload, server: dict[str, Any]) -> str:
    """What its heartbeats carry of its disks, which are those of before the move.

    :raises SidewaysError: another root file system, or what was written on the root or
        on the ephemeral disk is gone.
    """
    found = beats.disks_of(work.heartbeat, server)
    before = {name: server[name] for name in found}
    if found != before:
        raise exceptions.SidewaysError(
            f"server {server['uuid']} ({server['name']}): its heartbeats carried "
            f"{before}, and carry {found}"
        )
    told = (f"{name} {value}" for name, value in found.items() if value)
    return ", ".join(told) or "booted from its disk"


def same_reboot(work: workload.Workload, server: dict[str, Any]) -> str:
    """It comes back, and its disks are those of before."""
    return f"{hard_reboot(work, server)}, {same_disks(work, server)}"


def same_reboots(work: workload.Workload, kind: str, server: dict[str, Any]) -> str:
    """Twice in a row, from the disks of before: what is set for one boot alone shows.

    :param kind: HARD or SOFT.
    """
    said = [reboot(work, server, kind) for _ in range(2)]
    return "; ".join([*said, same_disks(work, server)])


def refused_rescue(work: workload.Workload, server: dict[str, Any]) -> str:
    """Nova switches the machine off before Ironic refuses; a hard reboot is the way on.

    :raises SidewaysError: it was not refused, for this reason.
    """
    work.cloud.compute.rescue_server(server["uuid"])
    fault = workload.refused(work.cloud, server, "rescue", NO_RESCUE, RESCUE_TIMEOUT)
    return f"{same_reboot(work, server)}; before: {fault}"


def start_stopped(work: workload.Workload, server: dict[str, Any]) -> str:
    """Its owner removes their own lock, and it runs again."""
    work.cloud.compute.unlock_server(server["uuid"])
    return start(work, server)


def same_restart(work: workload.Workload, server: dict[str, Any]) -> str:
    workload.switch_off(work, server)
    return start(work, server)


def start(work: workload.Workload, server: dict[str, Any]) -> str:
    """It runs again, and its disks are those of before."""
    work.cloud.compute.start_server(server["uuid"])
    workload.wait_for_status(work.cloud, server["uuid"], "ACTIVE", 120)
    beats.wait_for_boot(work.heartbeat, server["mac"], server["boot_id"], BOOT_TIMEOUT)
    return f"{server['name']} runs again, {same_disks(work, server)}"


def stop_and_start(work: workload.Workload, server: dict[str, Any]) -> str:
    """Off, and on again from its disk."""
    before = beats.boot_ids(work.heartbeat)[server["mac"]]
    for act, status in (("stop", "SHUTOFF"), ("start", "ACTIVE")):
        getattr(work.cloud.compute, f"{act}_server")(server["uuid"])
        workload.wait_for_status(work.cloud, server["uuid"], status, BOOT_TIMEOUT)
    boot_id = beats.wait_for_boot(work.heartbeat, server["mac"], before, BOOT_TIMEOUT)
    return f"{server['name']} is back under boot id {boot_id}"
