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

"""The sabotages: when each is done, what it breaks, and what the verdict must say."""

from ironic_sideways.trials.sabotage import acts, cloud_acts, end_of_window
from ironic_sideways.trials.sabotage.kinds import Sabotage, in_compute

TABLE = (
    Sabotage(
        "bmc-addresses",
        "BMC addresses of two nodes swapped",
        acts.swap_bmcs,
        says=r"^BMC .*, its machine's: ",
    ),
    Sabotage(
        "macs",
        "MACs of two nodes swapped",
        acts.swap_macs,
        says=r"^MACs .*, its machine's: ",
    ),
    Sabotage("vif", "a VIF lost", acts.lose_vif, says=r"^VIFs .* became \{\}"),
    Sabotage(
        "stale-vif",
        "a free node that holds a VIF",
        acts.stale_vif,
        says=r"^VIFs \(port: MAC\): \{\} became",
    ),
    Sabotage(
        "extra-port",
        "a port with a MAC that nova_bm never knew",
        acts.add_port,
        says=r"^MACs .*52:54:00:ff:ff:fe.*, its machine's: ",
    ),
    Sabotage(
        "deleted-row",
        "a soft-deleted row imported",
        acts.import_deleted,
        says="did not record",
        check="no other nodes",
    ),
    Sabotage(
        "unserved-driver",
        "a driver that no conductor serves",
        acts.node(acts.stopped, driver="fake-hardware"),
        says="power state not adopted|no online conductor",
        check=r"take-over of .*",
    ),
    Sabotage(
        "node-locked",
        "a node reserved by a conductor that is gone",
        acts.node(acts.running(0), reservation="gone"),
        says="^is reserved by gone",
        check=r"take-over of .*",
    ),
    Sabotage(
        "wrong-base",
        "the base told as Nova's plain fake driver",
        cloud_acts.tell_fake,
        says="but there are instances on nodes",
        subject="survival",
        check="base driver",
        looked=True,
    ),
    Sabotage(
        "power-off",
        "power_state `power off` written for a running machine",
        acts.write_power_off,
        says="power off",
        subject="logs",
        check="no machine switched by power sync",
        window="",
        destructive=True,
    ),
    Sabotage(
        "reboot",
        "a machine rebooted in the window",
        acts.reboot_machine,
        says="in window",
        after="begin-maintenance",
        until="stop-compute",
        subject="BMCs",
        check=r"power of .*",
        window="",
        destructive=True,
    ),
    Sabotage(
        "password",
        "a password in a log",
        acts.leak_password,
        says="BMC password",
        subject="logs",
        check="no secret",
    ),
    in_compute(
        "allocation",
        "an allocation left on VCPU",
        acts.leave_allocation,
        says=r"to .*'VCPU'",
    ),
    in_compute(
        "old-driver",
        "nova-compute left on the old driver",
        acts.keep_driver,
        says=r"^baremetal\.",
        check="driver",
    ),
    in_compute(
        "dhcp-mute",
        "DHCP that no longer answers the survivors",
        cloud_acts.stop_dhcp,
        says="^renewed None since",
        after="takeover",
        subject="leases",
        check=r"lease of .*",
        # Where maintenance has not ended nobody has waited for them yet; this window
        # takes longer than a lease goes unrenewed.
        state="absent",
    ),
    *end_of_window.ROWS,
)
