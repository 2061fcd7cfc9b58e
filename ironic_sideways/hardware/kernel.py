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

"""Debian's cloud kernel, unpacked into a cache: guest and deploy ramdisk use it."""

import dataclasses
from pathlib import Path


@dataclasses.dataclass(frozen=True)
class Kernel:
    """An unpacked kernel package.

    :param version: as ``uname -r`` tells it.
    :param root: holds boot/ and lib/modules/<version>/, depmod done.
    :param image: the bzImage below root.
    :param modules: root/lib/modules/<version>.
    """

    version: str
    root: Path
    image: Path
    modules: Path


def fetch(cache: Path) -> Kernel:
    """The kernel that ``linux-image-cloud-amd64`` depends on, from the cache or apt.

    :param cache: directory for ``kernel-<package version>/``; made if missing.
    :raises SidewaysError: apt does not know the package or cannot fetch it.
    """
    raise NotImplementedError
