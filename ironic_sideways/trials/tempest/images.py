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

"""The images that Tempest's servers boot: the guest with an SSH server, twice.

A node of deploy interface ``ramdisk`` boots an image's kernel and ramdisk over the
network and leaves its disk alone: the disk's image is the plain guest's root.
"""

from pathlib import Path

from openstack.connection import Connection

from ironic_sideways.hardware import guest, guest_ssh
from ironic_sideways.trials import workload

#: Filters and rebuilds can only be tested with different ones.
NAMES = ("guest-ssh", "guest-ssh-again")


def publish(admin: Connection, cache: Path) -> tuple[str, str]:
    """Upload both to glance, public, unless they exist; their names.

    :param cache: directory that the guest is built in.
    """
    plain = guest.build(cache)
    ramdisk = guest_ssh.build(plain, cache)
    # One per build: what is published under a name stays as it is.
    tag = ramdisk.parent.name
    ids = {
        kind: workload.publish(admin, f"{tag}-{kind}", path, kind, kind, {})
        for kind, path in (("aki", plain.kernel), ("ari", ramdisk))
    }
    properties = {"kernel_id": ids["aki"], "ramdisk_id": ids["ari"]}
    first, second = (f"{name}-{tag}" for name in NAMES)
    for name in (first, second):
        workload.publish(admin, name, plain.root, "bare", "qcow2", properties)
    return first, second
