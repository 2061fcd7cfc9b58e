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

"""The phases of a run in the lab, each as long as it takes there."""

#: A Wednesday morning, UTC.
BEGIN = 1795600800.0

#: Phase, seconds and figure, from the lab's start on.
PHASES = (
    ("prepare", 14.2, ""),
    ("dummy-images", 3.1, "2 images, 1 flavor"),
    ("tempest-base", 20.5, "198 passed, 0 failed, 0 skipped"),
    ("workload", 58.4, "4 instances, 3 of them running"),
    ("deploy-ramdisk", 6.0, "ironic-deploy-kernel and ironic-deploy-ramdisk active"),
    ("ironic-database", 4.3, "schema at the head, no rows"),
    ("begin-maintenance", 3.9, "4 instances locked, nova-compute disabled"),
    ("stop-compute", 1.2, "nova-compute is gone"),
    ("flavors", 2.4, "1 flavor changed"),
    ("migrate", 4.1, "nodes moved and verified"),
    ("start-ironic", 8.7, "conductor online, API answers"),
    ("takeover", 12.9, "nodes taken over"),
    ("dhcp-options", 1.6, "3 ports cleared"),
    ("port-bindings", 2.1, "4/4 ports bound to their nodes (4 other)"),
    ("scheduler", 6.2, "proxy lists and shows every node, 4 writes get 404"),
    ("compute", 9.5, "nova-compute runs IronicDriver"),
    ("resources", 6.8, "nodes reported as CUSTOM_BAREMETAL"),
    ("end-maintenance", 3.3, "locks and service as before"),
    ("verify", 7.4, "all as before"),
    ("restarted", 9.1, "Ironic and nova-compute: started again"),
    ("operate", 39.0, "6 operations"),
    ("proxy", 18.6, "39 checks"),
    ("tempest", 165.0, "206 passed, 0 failed, 0 skipped"),
    ("last-look", 1.9, "8 nodes"),
    ("collect", 1.1, "14 power commands reached the BMCs in all"),
)


def span(name: str) -> tuple[float, float]:
    """When a phase of PHASES began and ended, on the clock of BEGIN."""
    moment = BEGIN - sum(seconds for _, seconds, _ in PHASES[:6])
    for phase, seconds, _figure in PHASES:
        if phase == name:
            return moment, moment + seconds
        moment += seconds + 0.2
    raise KeyError(name)
