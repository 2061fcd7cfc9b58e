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

"""The machines' guest: a kernel, a busybox ramdisk and a disk that boots both.

The guest takes its address by DHCP, sends a numbered heartbeat each second to
the collector that DHCP option 224 names, and powers off at the ACPI button.
"""

import dataclasses
from pathlib import Path


@dataclasses.dataclass(frozen=True)
class Guest:
    """The guest's files.

    :param key: changes with whatever the files are made of.
    :param disk: bootable qcow2 (BIOS); kernel and ramdisk boot over the network.
    """

    key: str
    kernel: Path
    ramdisk: Path
    disk: Path


def build(cache: Path) -> Guest:
    """Build the guest in seconds, or take it from the cache.

    :param cache: directory for ``guest-<key>/``; made if missing.
    :raises SidewaysError: a tool or a package that the build needs is missing.
    """
    raise NotImplementedError
