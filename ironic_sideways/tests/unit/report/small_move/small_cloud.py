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

"""The nodes of a small move: a running instance on one, a stopped one, none."""

from typing import Any

from ironic_sideways.report import checks
from ironic_sideways.tests.unit.report import told_twice

HOST, MANAGER = "isw0", "ironic_sideways.compute.manager.ClusteredComputeManager"

CLASS = told_twice.CLASS

#: The root file system of the running survivor, which is net-booted.
ROOT = "0b5c9d0e-0000-4000-8000-000000000001"

DISKS = {"root": ROOT, "marker": "marker-1", "ephemeral": "marker-2"}

#: Node: number, instance on it, that one's status, and the machine's power.
NODES = {
    "node-run": (1, "server-run", "ACTIVE", "on"),
    "node-stop": (2, "server-stop", "SHUTOFF", "off"),
    "node-free": (3, None, None, "off"),
}

#: Of each node.
SHAPE = {"cpus": 1, "memory_mb": 256, "local_gb": 2}
BOOT_MODE = "boot_mode:bios"

FREE = {"provision_state": "available", "power_state": "power off"}


def mac(number: int) -> str:
    return f"52:54:00:00:{number // 256:02x}:{number % 256:02x}"


def macs(number: int) -> list[str]:
    """Of a machine's NICs; its port has the second one's, as 2014 crossed VIFs."""
    return [mac(number).replace("52:54:00", "52:54:01"), mac(number)]


def flavor() -> dict[str, Any]:
    """What the flavor asks for, before the move and after it."""
    old = {"cpu_arch": "x86_64"}
    new = {
        "baremetal:deploy_kernel_id": "kernel-1",
        "baremetal:deploy_ramdisk_id": "ramdisk-1",
        f"resources:{CLASS}": "1",
        **checks.NO_MORE,
    }
    return {"name": "baremetal", "old": old, "set": new, "new": {**old, **new}}
