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

"""The sabotages that the look at the whole cloud shows, at the end of the window."""

from ironic_sideways.trials.sabotage import acts, cloud_acts
from ironic_sideways.trials.sabotage.kinds import (
    as_moved,
    at_the_end,
    in_maintenance,
    of_instance,
    of_node,
)

ROWS = (
    at_the_end(
        "class-of-one",
        "one free node's resource class misspelt before nova-compute starts",
        acts.misspell_class,
        says=r"^reports \['CUSTOM_BAREMETA'\]",
        after="takeover",
        subject="resources",
        check=r"resources of .*",
    ),
    at_the_end(
        "silence",
        f"a survivor off the network for {cloud_acts.MUTED} s",
        cloud_acts.mute,
        says=r"^silent for \d+ s",
        after="takeover",
        subject="heartbeats",
        check=r"heartbeat of .*",
    ),
    at_the_end(
        "error-storm",
        "a node's BMC password changed after the take-over",
        acts.password_of_bmc,
        says="ERROR",
        after="takeover",
        subject="logs",
        check="no error of a node",
    ),
    at_the_end(
        "cut-log",
        "a log truncated in the window",
        cloud_acts.cut_log,
        says=r"^from .* to .* UTC",
        after="takeover",
        subject="logs",
        check=r"span of .*",
    ),
    at_the_end(
        "no-log",
        "a log removed",
        cloud_acts.lose_log,
        says="absent",
        subject="logs",
        check=r"logs/ironic-api\.log",
        state="absent",
    ),
    as_moved(
        "owner-lost",
        "a node without its owner",
        acts.node(acts.free(0), owner=None),
        says="owner: .* became None",
    ),
    as_moved(
        "interface",
        "network interface noop on a used node",
        acts.node(acts.running(1), network_interface="noop"),
        says="network_interface: 'flat' became 'noop'",
    ),
    as_moved(
        "driver-changed",
        "a node's driver changed after the take-over",
        acts.node(acts.free(3), driver="fake-hardware"),
        says="driver: 'ipmi' became 'fake-hardware'",
    ),
    as_moved(
        "class-changed",
        "a used node's resource class changed after the take-over",
        acts.node(acts.running(0), resource_class="other"),
        says="resource_class: .* became 'other'",
    ),
    of_node(
        "node-maintenance",
        "a free node left in Ironic's maintenance mode",
        acts.node(acts.free(0), maintenance=True),
        says="maintenance: False became True",
    ),
    of_node(
        "last-error",
        "a used node with an error",
        acts.node(acts.running(0), last_error="left by a sabotage"),
        says="last_error: None became 'left",
    ),
    of_node(
        "node-enroll",
        "a free node that Nova may not use",
        acts.node(acts.free(3), provision_state="manageable"),
        says="provision_state: 'available' became 'manageable'",
    ),
    of_node(
        "wrong-machine",
        "BMC addresses of two nodes swapped after the take-over",
        acts.swap_idle_bmcs,
        says=r"^BMC .*, its machine's: ",
    ),
    # Before those that stop nova-compute, which Nova's API asks here.
    in_maintenance(
        "service-enabled",
        "the compute service enabled in the window",
        cloud_acts.enable_service,
        says="^enabled",
        check=r"compute service .* in the window",
    ),
    of_node(
        "rogue-node",
        "a node in Ironic that no migration wrote",
        acts.strange_node,
        says="was no node before",
    ),
    at_the_end(
        "ratio",
        "a provider with allocation ratio 2",
        cloud_acts.overcommit,
        says=r"allocation_ratio: 1\.0 became 2\.0",
        check=r"provider .*",
    ),
    at_the_end(
        "binding",
        "a survivor's port bound to another host",
        cloud_acts.bind_elsewhere,
        says="elsewhere",
        check=r"port bindings of instance .*",
    ),
    of_instance(
        "server-error",
        "an instance in ERROR",
        cloud_acts.action(
            0,
            {"os-resetState": {"state": "error"}},
            {"os-resetState": {"state": "active"}},
        ),
        says="status: 'ACTIVE' became 'ERROR'",
    ),
    of_instance(
        "metadata",
        "an instance's metadata lost",
        cloud_acts.change_server(
            1,
            "/metadata",
            {"metadata": {}},
            lambda old: {"metadata": dict(old.metadata)},
            "PUT",
        ),
        says="metadata: ",
    ),
    of_instance(
        "tags",
        "an instance's tags changed",
        cloud_acts.change_server(
            2,
            "/tags",
            {"tags": ["of-another"]},
            lambda old: {"tags": list(old.tags or ())},
            "PUT",
        ),
        says="tags: ",
    ),
    as_moved(
        "deploy-swap",
        "deploy kernel and deploy ramdisk of a node swapped",
        acts.swap_deploy_images,
        says="deploy_kernel: .* became",
    ),
    of_node(
        "protected",
        "a node that nobody may delete or rebuild",
        acts.node(acts.running(1), protected=True),
        says="protected: False became True",
    ),
    of_node(
        "retired",
        "a free node that will not be free again",
        acts.node(acts.free(2), retired=True),
        says="retired: False became True",
    ),
    at_the_end(
        "flavor-images",
        "a flavor's deploy images empty",
        cloud_acts.flavor(0, deploy_kernel_id="", deploy_ramdisk_id=""),
        says="deploy_kernel_id: .* became ''",
        subject="flavors",
        check=r"specs of .* in after.json",
    ),
    at_the_end(
        "flavor-class",
        "a flavor that asks for VCPU again",
        cloud_acts.flavor(1, VCPU="1"),
        says="resources:VCPU: '0' became '1'",
        subject="flavors",
        check=r"specs of .* in after.json",
    ),
    at_the_end(
        "private-flavor",
        "a flavor that nobody may use any more",
        cloud_acts.row(
            "nova_api", "flavors", "is_public = 1", "flavorid", is_public=False
        ),
        says="'public': True.* became .*'public': False",
        check=r"access .*",
    ),
    at_the_end(
        "deploy-image",
        "the deploy ramdisk's image deactivated",
        cloud_acts.deactivate,
        says="'active' became 'deactivated'",
        check=r"images .*",
    ),
    at_the_end(
        "image-gone",
        "an instance's image deleted",
        cloud_acts.row(
            "glance", "images", "id = :image", "id", status="deleted", deleted=True
        ),
        says="'active' became None",
        check=r"images .*",
    ),
    at_the_end(
        "keypair",
        "an instance's key pair gone",
        cloud_acts.lose_keypair,
        says="'digest:.*' became None",
        check=r"fingerprints .*",
    ),
    at_the_end(
        "consumer",
        "an instance's allocation under another project",
        cloud_acts.give_away,
        says=r"became \['of-another'",
        check=r"consumers .*",
    ),
    at_the_end(
        "security-group",
        "an instance's port without its security groups",
        cloud_acts.lose_groups,
        says=r"became \[\[\], ",
        check=r"security groups .*",
    ),
    at_the_end(
        "hypervisor-left",
        "a compute node of an unknown name left behind",
        cloud_acts.leave_hypervisor,
        says="'absent' became 'left-behind'",
        check=r"hypervisors .*",
    ),
    at_the_end(
        "row-left",
        "a row of nova_bm that was entered in the window and never moved",
        cloud_acts.leave_row,
        says=r"^\d+ became \d+",
        check="nova_bm bm_nodes",
    ),
    at_the_end(
        "nova-bm-touched",
        "a column of nova_bm changed in the window",
        cloud_acts.row("nova_bm", "bm_interfaces", "1 = 1", "bm_interfaces", port_no=9),
        says=r"^\d+ became \d+",
        check="nova_bm bm_interfaces",
    ),
    in_maintenance(
        "unlocked",
        "an instance unlocked in the window",
        cloud_acts.action(1, {"unlock": None}, cloud_acts.LOCK),
        says="was not locked",
        check=r"lock of .* in the window",
    ),
    in_maintenance(
        "service-left",
        "a compute service of another host name",
        cloud_acts.leave_service,
        says="was not there before",
        check=r"service nova-compute of .*",
    ),
    in_maintenance(
        "scheduler-down",
        "nova-scheduler that is down",
        cloud_acts.stop_scheduler,
        says="state: 'up' became 'down'",
        check=r"service nova-scheduler of .*",
    ),
    at_the_end(
        "old-evidence",
        "migration.json of an earlier run in its place",
        cloud_acts.lay_old_migration,
        says="^migration.json is of run .* was moved by run",
        subject="take-over",
        check="run of the migration",
    ),
)
