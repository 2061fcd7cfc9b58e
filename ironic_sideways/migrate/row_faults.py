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

"""Why a bm_nodes row cannot move as it stands: identity, state, hardware. No I/O."""

import re
import uuid

from ironic_sideways.migrate import choices, sound_options
from ironic_sideways.nova_bm import reader, states

IPMI_POWER_MANAGER = "nova.virt.baremetal.ipmi.IPMI"


#: Nova's [ironic] shard takes no other (nova.conf.ironic).
_SHARD = re.compile(r"[a-zA-Z0-9_.-]{1,255}")


#: Nova 2014.2, nova/virt/baremetal/iboot_pdu.py: address[:port][,relay].
_IBOOT = re.compile(r"[^:,]+(:\d+)?,\d+|[^:,]+:\d+")


#: Columns of sizes, and the smallest that makes sense.
_LEAST = {
    "cpus": 1,
    "memory_mb": 1,
    "local_gb": 0,
    "root_mb": 0,
    "swap_mb": 0,
    "ephemeral_mb": 0,
}


def is_canonical_uuid(text: str | None) -> bool:
    """Whether ``text`` is a uuid as Nova and Ironic write it."""
    try:
        return text is not None and str(uuid.UUID(text)) == text
    except ValueError:
        return False


def of_identity(source: reader.Node) -> list[str]:
    faults = []
    if source.uuid is None:
        faults.append(
            "uuid is NULL (a row from before Nova's migration 003): Nova knows no "
            "such node; give it a uuid or delete it"
        )
    elif not is_canonical_uuid(source.uuid):
        faults.append(f"uuid {source.uuid!r} is not a uuid in lower case with dashes")
    if source.instance_uuid and not is_canonical_uuid(source.instance_uuid):
        faults.append(
            f"instance_uuid {source.instance_uuid!r} is not a uuid in lower case "
            "with dashes"
        )
    return faults


def of_state(source: reader.Node, stale_states_free: bool) -> list[str]:
    use = states.use(source.task_state, source.instance_uuid)
    where = f"task_state {source.task_state!r}"
    if is_stale(source):
        if stale_states_free:
            return []
        return [
            f"{where} without an instance: probably left behind, on a node that is "
            "free for nova-baremetal, which asks instance_uuid alone; see that nothing "
            "works on it, and say --stale-states-free"
        ]
    if use == "in flight":
        return [f"{where}: Nova is working on the node; wait until it is done"]
    if use == "failed":
        return [
            f"{where}: a deploy, or the delete, of instance {source.instance_uuid} "
            "failed; see that the BMC answers, and delete or rebuild the instance"
        ]
    if use == "inconsistent":
        held = f"instance {source.instance_uuid}" if source.instance_uuid else "none"
        return [f"{where} does not fit its instance ({held}); expected active with "
                "an instance, or NULL or 'deleted' without"]  # fmt: skip
    return []


def is_stale(source: reader.Node) -> bool:
    return not source.instance_uuid and source.task_state in states.STALE


def of_hardware(
    source: reader.Node, options: choices.Options, manager: str
) -> list[str]:
    faults = []
    if choices.bmc_of(source, options) is None:
        faults = _bmc_faults(source, manager)
    if not choices.architecture(source, options):
        faults.append(
            f"no cpu_arch for service_host {source.service_host}: give --node-arch, "
            "or its nova.conf with --nova-config"
        )
    if fault := _shard_fault(source, options):
        faults.append(fault)
    faults += [
        f"{column} is {value}, expected at least {least}"
        for column, least in _LEAST.items()
        if (value := getattr(source, column)) is not None and value < least
    ]
    return faults


def _bmc_faults(source: reader.Node, manager: str) -> list[str]:
    """Why the BMC that the row itself names cannot be used."""
    if manager != IPMI_POWER_MANAGER:
        kind = manager.rpartition(".")[2]
        return [
            f"[baremetal] power_manager of {source.service_host} is {manager}: Ironic "
            f"has no {kind} power, give the node's BMC with --bmc-map"
        ]
    address = source.pm_address
    if address and not sound_options.is_address(address):
        kind = ""
        if _IBOOT.fullmatch(address):
            kind = " (an iBoot's address:port,relay?)"
        return [
            f"pm_address {address!r} is neither a host name nor an IP address{kind}: "
            "repair the row, or give the node's BMC with --bmc-map"
        ]
    # An empty user or password is one, for nova-baremetal as for Ironic.
    return ["pm_address is empty: the BMC needs one"] * (not source.pm_address) + [
        f"{column} is NULL: nova-baremetal could not reach the BMC; set it, to the "
        "empty text if it is empty"
        for column in ("pm_user", "pm_password")
        if getattr(source, column) is None
    ]


def _shard_fault(source: reader.Node, options: choices.Options) -> str | None:
    """Why the row's service_host cannot be its shard, if it is to be."""
    host = source.service_host
    if not options.shard_by_service_host or (host and _SHARD.fullmatch(host)):
        return None
    return (
        f"service_host {host!r}: --shard-by-service-host wants letters, digits, dots, "
        "dashes and underscores, as nova.conf's [ironic] shard"
    )
