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

"""What the services' logs must contain and must not, and what they may say.

Each rule names its source.
"""

import dataclasses
import re

from ironic_sideways import masking

#: The phase from whose start on lines count.
BEGIN = "begin-maintenance"


@dataclasses.dataclass(frozen=True)
class Rule:
    """What must not be in the logs, or must be there for each node.

    :param logs: which, as a pattern of names below logs/.
    :param source: where the line comes from, and why it matters.
    :param since: the phase from whose start on lines count.
    :param until: the document of evidence by whose moment they must be there.
    """

    name: str
    logs: str
    pattern: re.Pattern[str]
    source: str
    since: str = BEGIN
    until: str = ""


#: For each node; the node's uuid is the group.
MUST = (
    Rule(
        "take-over logged",
        "ironic-conductor*.log",
        re.compile(
            r"During sync_power_state, node (\S+) has no previous known state\. "
            r"Recording current state"
        ),
        "ironic.conductor.manager.do_sync_power_state: the power state was NULL, and"
        " was taken from the BMC instead of forced on it",
        since="migrate",
        until="takeover.json",
    ),
    Rule(
        "resources logged",
        "nova-compute*.log",
        re.compile(r"Final resource view: name=(\S+)"),
        "nova.compute.resource_tracker._report_final_resource_view (level DEBUG): the"
        " node's update came to its end",
        since="compute",
        until="resources.json",
    ),
)


MUST_NOT = (
    Rule(
        "no machine switched by power sync",
        "ironic-conductor*.log",
        re.compile(r"Changing hardware state to"),
        "ironic.conductor.manager.do_sync_power_state with"
        " force_power_state_during_sync: Ironic trusted its row, not the machine",
    ),
    Rule(
        "no node put in maintenance",
        "ironic-conductor*.log",
        re.compile(r"Switching node to maintenance mode"),
        "ironic.conductor.manager.handle_sync_power_state_max_retries_exceeded: the BMC"
        " did not answer",
    ),
    Rule(
        "no traceback",
        "*.log",
        re.compile(r"Traceback \(most recent call last\):"),
        "Python: an unexpected error",
    ),
    Rule(
        "no secret",
        "*.log",
        re.compile(
            r"(?:ipmi_password|pm_password|admin_pass|adminPass)"
            r"['\"]?\s*[:=]\s*u?['\"]?(?!\*\*\*|None|null|<)[^\s'\",}]+"
            rf"|{masking.URLS[0][0]}(?!\*\*\*){masking.URLS[0][1]}"
            rf"|{masking.URLS[1][0]}(?!\*\*\*){masking.URLS[1][1]}"
            r"|X-Auth-Token['\"]?\s*[:=]\s*['\"]?gAAAA"
            r"|ipmitool\b.*\s-P\s*\S"
        ),
        "oslo_utils.strutils.mask_password's keys, URLs with a password, tokens, and"
        " ipmitool's password in its arguments",
    ),
)


#: Errors that are no failure: why, by a pattern of their text or their last line.
KNOWN = {
    re.compile(r"ResourceProviderConcurrentUpdateDetected"): (
        "placement.fault_wrap logs what it answers with 409; nova-compute retries"
        " (nova.scheduler.client.report)"
    ),
    re.compile(
        r"Failed to update (?:inventory|traits) to .*Got 409: "
        r'.*"code": "placement\.concurrent_update"'
    ): (
        "nova.scheduler.client.report logs it before nova-compute's resource tracker"
        " retries with the provider's new generation, four times in all; what fails"
        " then has a traceback"
    ),
    re.compile(r"InstanceDeployFailure: .*: Rebuild refused, the server runs on"): (
        "conductor/netbooted.py refuses it before the machine is touched, and Nova logs"
        " the failure three times; operations judge what became of the server"
    ),
    re.compile(r"Instance(RescueFailure|NotRescuable): .*does not support rescue"): (
        "the operation `refused rescue`: the move writes the interface no-rescue, and"
        " Nova logs what Ironic answers; the operation judges what became of the server"
    ),
    re.compile(
        r"Skipping removal of allocations for deleted instances: "
        r"Failed to retrieve allocations for resource provider"
    ): (
        "nova.compute.resource_tracker asks for a node's allocations before its first"
        " report makes the provider (resources.json tells what came of it)"
    ),
    re.compile(r"A dynamic interval looping call should supply either an interval"): (
        "oslo.service's threading backend (loopingcall._idle_for) in a service that is"
        " being stopped: its periodic tasks return no delay any more"
    ),
    re.compile(
        r"Error during SchedulerManager\._discover_hosts_in_cells: IndexError"
    ): (
        "the first turn of a scheduler that was away for longer than"
        " service_down_time: until it has reported itself Nova finds no leader"
    ),
    re.compile(
        r"The vnic_type of the bound port \S+ has been changed in neutron from "
        r'"normal" to "baremetal"\.'
    ): (
        "nova.network.neutron says so once of each port that the move has bound to its"
        " node, where Neutron notifies Nova (port-bindings.json, and each port's whole"
        " binding in after.json)"
    ),
    re.compile(
        r"Rejecting authorization: baremetal:(node|port):list_all is disallowed"
    ): (
        "ironic.common.policy.authorize logs it where check_list_policy then lists what"
        " the user's own project owns"
    ),
}

#: No failure where a service logs it at level DEBUG and tries again.
RETRIED = re.compile(
    r"DBDeadlock|RetryRequest|try restarting transaction|StaleDataError"
)
