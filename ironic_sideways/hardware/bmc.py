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

"""Virtual BMCs: one vbmcd of ours, one BMC per machine, each with credentials.

The configuration directory holds passwords in the clear, as virtualbmc wants
it: directories 0700, files 0600, and no password passes through arguments or
vbmcd's debug log (which is why virtualbmc's ``add`` is called in this process
and not through vbmcd).
"""

import configparser
import dataclasses
from collections.abc import Iterable, Sequence
from pathlib import Path

from ironic_sideways import exceptions
from ironic_sideways.hardware import ipmi, machines


@dataclasses.dataclass(frozen=True)
class Credentials:
    """A virtual BMC as virtualbmc's configuration has it.

    :param domain: the libvirt domain's name.
    """

    domain: str
    libvirt_uri: str
    bmc: ipmi.Bmc


def credentials(config_dir: Path) -> dict[str, Credentials]:
    """Every virtual BMC of a virtualbmc configuration directory, by domain name.

    Reads the files alone: no vbmcd, no libvirt, no virtualbmc needed.

    :raises SidewaysError: the directory is missing, or a file in it lacks an
        option.
    """
    raise NotImplementedError


def prepare(config_dir: Path, server_port: int) -> None:
    """Write vbmcd's own configuration; safe to do again.

    :param server_port: TCP port of vbmcd's control socket on 127.0.0.1.
    """
    raise NotImplementedError


def command() -> list[str]:
    """The command that runs vbmcd in the foreground, for a supervisor.

    It forks one process a BMC: end the process group. It logs to stderr.
    """
    raise NotImplementedError


def environment(config_dir: Path) -> dict[str, str]:
    """What vbmcd needs in its environment besides PATH; its log's times are UTC."""
    raise NotImplementedError


def ensure(
    config_dir: Path,
    wanted: Sequence[machines.Machine],
    libvirt_uri: str,
    log: Path,
    timeout: float = 60.0,
) -> None:
    """Add or replace the machines' BMCs, start them, wait until each answers.

    vbmcd must be running. A BMC whose configuration is right keeps it, its
    password included.

    :param log: vbmcd's log file, shown in part when a BMC does not answer.
    :param timeout: seconds for all BMCs to answer ``ipmitool power status``.
    :raises WaitExpired: a BMC does not answer; says what was seen last.
    """
    raise NotImplementedError


def remove(config_dir: Path, names: Iterable[str]) -> None:
    """Stop and forget the BMCs of these domains; unknown ones are no fault."""
    raise NotImplementedError
