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

"""``environment.json``: what the run ran on, in which versions, and by which command.

No evidence of survival: what a reviewer needs to believe a figure, and to run it again.
"""

import importlib.metadata
import os
import platform
import shutil
import time
from pathlib import Path
from typing import Any

from ironic_sideways import commands

#: Distributions that decide what a run shows; those not installed are left out.
DISTRIBUTIONS = (
    "glance",
    "ironic",
    "ironic-sideways",
    "keystone",
    "neutron",
    "nova",
    "openstack-placement",
    "openstacksdk",
    "oslo.messaging",
    "PyMySQL",
    "python-ironicclient",
    "python-openstackclient",
    "SQLAlchemy",
    "tempest",
    "virtualbmc",
)

#: Debian's packages, likewise.
PACKAGES = (
    "dnsmasq-base",
    "ipmitool",
    "ipxe-qemu",
    "libvirt-daemon-system",
    "mariadb-server",
    "nginx-light",
    "pxelinux",
    "qemu-system-x86",
    "rabbitmq-server",
)


def take(command: str) -> dict[str, Any]:
    """:param command: the one that repeats the run; empty where none is known."""
    return {
        "taken_at": time.time(),
        "command": command,
        "commit": commit(),
        "python": platform.python_version(),
        "host": host(),
        "distributions": distributions(),
        "packages": packages(),
    }


def commit() -> str | None:
    """This repository's; None where it is no checkout, or there is no git."""
    if not shutil.which("git"):
        return None
    here = Path(__file__).parent
    found = commands.run(["git", "-C", here, "describe", "--always", "--dirty"], 30)
    return found.stdout.strip() or None


def host() -> dict[str, Any]:
    """The machine, without its name."""
    system = platform.freedesktop_os_release()
    with Path("/proc/meminfo").open() as lines:
        memory = int(next(lines).split()[1]) // 1024
    return {
        "system": system["PRETTY_NAME"],
        "kernel": platform.release(),
        "architecture": platform.machine(),
        "cpu": processor(),
        "cpus": len(os.sched_getaffinity(0)),
        "memory_mb": memory,
    }


def processor() -> str | None:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            return value.strip()
    return None


def distributions() -> dict[str, str]:
    found = {}
    for name in DISTRIBUTIONS:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def packages() -> dict[str, str]:
    """Versions of PACKAGES; none where the machine is not Debian's."""
    if not shutil.which("dpkg-query"):
        return {}
    # It names those that are not installed, and that is no failure.
    query = ("dpkg-query", "--show", "--showformat", "${Package} ${Version}\n")
    found = commands.run([*query, *PACKAGES], 30)
    pairs = (line.split(" ", 1) for line in found.stdout.splitlines())
    return {pair[0]: pair[1] for pair in pairs if len(pair) == 2 and pair[1]}
