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

"""An instance of 2014 that boots from its disk, by its operator's word alone.

nova-baremetal let every machine boot over the network at each power-on, and had no
other kind. Where an owner had put a boot loader on the disk, the operator replaced
what PXELINUX reads, and nova_bm still says that the instance is net-booted.
"""

import dataclasses
import shlex
import shutil
from pathlib import Path

from ironic_sideways import commands, exceptions

#: PXELINUX then leaves the boot to the BIOS's next device (SYSLINUX's wiki, CONFIG).
LOCAL_BOOT = "default local\nlabel local\nlocalboot 0\n"

#: Seconds for the deploy helper.
HELPER_TIMEOUT = 300


@dataclasses.dataclass(frozen=True)
class Base:
    """What an operator has on the base's compute host, beside the APIs.

    :param deploy_helper: the command of [baremetal] deploy_helper, which stands for
        the owner who writes on the machine's disk.
    :param tftp_root: of the base.
    :param disk: a whole-disk image, with a boot loader.
    """

    deploy_helper: str
    tftp_root: Path
    disk: Path

    def boot_from_disk(self, instance: str, node: str) -> None:
        """Let the instance's machine, which must be off, boot its disk from now on.

        :raises SidewaysError: the helper failed, or the instance is not net-booted.
        """
        done = commands.run(
            [*shlex.split(self.deploy_helper), node, str(self.disk)], HELPER_TIMEOUT
        )
        if done.returncode:
            raise exceptions.SidewaysError(
                f"instance {instance}: the deploy helper failed with exit code "
                f"{done.returncode}: {' '.join(done.stderr.split())[-500:]}"
            )
        directory = self.tftp_root / instance
        links = [
            link
            for link in (self.tftp_root / "pxelinux.cfg").iterdir()
            if link.is_symlink() and link.readlink() == directory / "config"
        ]
        if not links:
            raise exceptions.SidewaysError(
                f"instance {instance}: expected a link to {directory}/config in "
                f"{self.tftp_root}/pxelinux.cfg, found none"
            )
        for link in links:
            link.unlink()
            link.write_text(LOCAL_BOOT)
        shutil.rmtree(directory)
