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
import re
import shutil
from pathlib import Path

from ironic_sideways import exceptions
from ironic_sideways.hardware import cache as caches

META_PACKAGE = "linux-image-cloud-amd64"


@dataclasses.dataclass(frozen=True)
class Kernel:
    """An unpacked kernel package.

    :param version: as ``uname -r`` shows it.
    :param root: holds boot/ and lib/modules/<version>/, depmod done. ``lib`` is a
        link to ``usr/lib``: Debian 12's kmod reads the one, Debian 13's the other.
    """

    version: str
    root: Path

    @property
    def image(self) -> Path:
        """The bzImage."""
        return self.root / "boot" / f"vmlinuz-{self.version}"


def fetch(cache: Path) -> Kernel:
    """The kernel that ``linux-image-cloud-amd64`` depends on, from the cache or apt.

    :param cache: directory for ``kernel-<package version>/``; made if missing.
    :raises SidewaysError: apt does not know the package or cannot fetch it.
    """
    package, package_version = _newest()
    version = package.removeprefix("linux-image-")
    kernel = Kernel(version, cache / f"kernel-{package_version}")
    if not kernel.root.is_dir():
        with caches.building(kernel.root) as part:
            _unpack(f"{package}={package_version}", version, part)
    return kernel


def _newest() -> tuple[str, str]:
    """Name and version of the kernel package that apt would install now."""
    shown = caches.run(["apt-cache", "show", "--no-all-versions", META_PACKAGE], "apt")
    found = re.search(r"^Depends: (linux-image-\S+) \(= ([^)]+)\)", shown, re.M)
    if found is None:
        raise exceptions.SidewaysError(
            f"apt-cache show {META_PACKAGE}: expected a dependency on one kernel "
            "package, found none; run 'apt-get update'"
        )
    return found[1], found[2]


def _unpack(package: str, version: str, root: Path) -> None:
    # apt's own user cannot write below root's directories.
    options = ["-q", "-o", "APT::Sandbox::User=root"]
    caches.run(["apt-get", "download", *options, package], "apt", root)
    archive = next(root.glob("*.deb"))
    caches.run(["dpkg-deb", "--extract", archive, root], "dpkg")
    archive.unlink()
    _merge_usr(root)
    caches.run(["depmod", "--basedir", root, version], "kmod")


def _merge_usr(root: Path) -> None:
    """Leave the modules alone below ``usr/lib``, whichever release packed them."""
    modules = "lib/modules"
    packed = next(
        place for place in (root / "usr" / modules, root / modules) if place.is_dir()
    )
    aside = packed.rename(root / "modules")
    for directory in ("usr", "lib"):
        shutil.rmtree(root / directory, ignore_errors=True)
    (root / "usr" / "lib").mkdir(parents=True)
    aside.rename(root / "usr" / modules)
    (root / "lib").symlink_to("usr/lib")
