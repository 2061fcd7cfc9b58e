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

The configuration directory is vbmcd's only input. Like virtualbmc's, it holds passwords
in the clear: directories 0700, files 0600, and no password passes through arguments or
vbmcd's debug log.
"""

import configparser
import dataclasses
import os
import secrets
import socket
import sys
from collections.abc import Iterable, Sequence
from concurrent import futures
from pathlib import Path
from typing import TYPE_CHECKING

from ironic_sideways import exceptions, ipmi, waits, whole_file

if TYPE_CHECKING:
    from ironic_sideways.hardware import machines

#: Section of a BMC's configuration file (virtualbmc/manager.py).
SECTION = "VirtualBMC"

USERNAME = "admin"

#: RMCP/ASF Presence Ping Message (IPMI 2.0, 13.2.3), which virtualbmc ignores.
PRESENCE_PING = bytes.fromhex("0600ff06 000011be 80000000")


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
    if not config_dir.is_dir():
        raise exceptions.SidewaysError(
            f"{config_dir}: expected virtualbmc's configuration directory, found none"
        )
    found = (read(path) for path in sorted(config_dir.glob("*/config")))
    return {one.domain: one for one in found}


def read(path: Path) -> Credentials:
    """The virtual BMC of one file of virtualbmc's configuration.

    :raises SidewaysError: it cannot be read, or lacks an option.
    """
    # virtualbmc writes and reads with ConfigParser's interpolation: so must we.
    parser = configparser.ConfigParser()
    try:
        parser.read_string(path.read_text())
        section = parser[SECTION]
        return Credentials(
            domain=section["domain_name"],
            libvirt_uri=section["libvirt_uri"],
            bmc=ipmi.Bmc(
                address=section["address"],
                port=int(section["port"]),
                username=section["username"],
                password=section["password"],
            ),
        )
    except KeyError as error:
        raise exceptions.SidewaysError(
            f"{path}: expected section [{SECTION}] with address, port, username, "
            f"password, domain_name and libvirt_uri; {error} is missing"
        ) from error
    except (configparser.Error, ValueError, OSError) as error:
        # The error's text could quote the line with the password: its type must do.
        raise exceptions.SidewaysError(
            f"{path}: cannot be read as virtualbmc's configuration "
            f"({type(error).__name__})"
        ) from None


def prepare(config_dir: Path) -> None:
    """Make the directory that vbmcd follows; safe to do again."""
    config_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    config_dir.chmod(0o700)


def command(config_dir: Path, light: Path | None = None) -> list[str]:
    """The command that runs the BMCs in the foreground, for a supervisor.

    vbmcd, which forks one process a BMC: end the process group. It logs to stderr.

    :param light: where light machines have their power; then one process serves them.
    """
    module = "ironic_sideways.hardware." + ("light.bmcs" if light else "vbmcd")
    words = [config_dir, light] if light else [config_dir]
    return [sys.executable, "-P", "-m", module, *map(str, words)]


def environment() -> dict[str, str]:
    """What vbmcd needs in its environment besides PATH; its log's times are UTC.

    virtualbmc has its defaults, whatever the host's own configuration of it says.
    """
    return {"VIRTUALBMC_CONFIG": os.devnull, "TZ": "UTC"}


def ensure(
    config_dir: Path,
    wanted: Sequence["machines.Machine"],
    libvirt_uri: str,
    log: Path,
    timeout: float = 60.0,
) -> None:
    """Add or replace the machines' BMCs, and wait until each answers.

    vbmcd must be running. A BMC whose configuration is right keeps it, its
    password included.

    :param log: vbmcd's log file, shown in part when a BMC does not answer.
    :param timeout: seconds for all BMCs to answer.
    :raises WaitExpired: a BMC does not answer; says what was seen last.
    """
    present = credentials(config_dir)
    for machine in wanted:
        one = present.get(machine.name)
        if one is None or not _is_right(one, machine, libvirt_uri):
            _write(config_dir / machine.name, machine, libvirt_uri)
    wait_ready(config_dir, [machine.name for machine in wanted], log, timeout)


def wait_ready(
    config_dir: Path, names: Iterable[str], log: Path, timeout: float = 60.0
) -> None:
    """Wait until ``ipmitool power status`` answers for each of these domains' BMCs.

    :param timeout: seconds, for all together.
    :raises WaitExpired: says the last answers and the end of vbmcd's log.
    """
    present = credentials(config_dir)
    waiting = dict.fromkeys(names, "not asked yet")

    def ask(name: str) -> tuple[str, str | None]:
        try:
            _refuse_silence(present[name].bmc)
            ipmi.power_status(present[name].bmc, timeout=5)
        except exceptions.SidewaysError as error:
            return name, str(error)
        return name, None

    def look() -> dict[str, str]:
        nonlocal waiting
        # In sequence, each silent BMC would use up the time of the others.
        with futures.ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(ask, waiting))
        waiting = {name: error for name, error in answers if error is not None}
        return waiting

    def told(left: dict[str, str]) -> str:
        answers = "; ".join(f"{name}: {answer}" for name, answer in left.items())
        return f"{answers}; {log} ends: {_end(log)}"

    waits.wait_for(look, lambda left: not left, "the virtual BMCs", timeout, seen=told)


def _refuse_silence(bmc: ipmi.Bmc) -> None:
    """Refuse a BMC of this host that is not there yet.

    ipmitool would not notice, and retry only after 4 s.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
        asker.connect((bmc.address, bmc.port))
        try:
            asker.send(PRESENCE_PING)
            asker.recv(1, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return
        except OSError as error:
            raise exceptions.SidewaysError(f"{bmc}: {error.strerror}") from error


def _is_right(one: Credentials, machine: "machines.Machine", libvirt_uri: str) -> bool:
    place = (one.bmc.address, one.bmc.port, one.libvirt_uri)
    return place == (machine.bmc_address, machine.bmc_port, libvirt_uri)


def _write(directory: Path, machine: "machines.Machine", libvirt_uri: str) -> None:
    """Write a BMC's configuration as virtualbmc does, atomically."""
    parser = configparser.ConfigParser()
    parser[SECTION] = {
        "domain_name": machine.name,
        "username": USERNAME,
        # At most 20 bytes in IPMI 2.0 (RAKP key).
        "password": secrets.token_hex(8),
        "port": str(machine.bmc_port),
        "address": machine.bmc_address,
        "libvirt_uri": libvirt_uri.replace("%", "%%"),
        "active": "True",
    }
    directory.mkdir(mode=0o700, exist_ok=True)
    with whole_file.replacing(directory / "config", 0o600) as stream:
        parser.write(stream)


def _end(log: Path) -> str:
    """The last lines of a log, in one line."""
    try:
        lines = log.read_text(errors="replace").splitlines()
    except OSError as error:
        return f"({error.strerror})"
    # Queries of the power state would crowd out what matters.
    told = [line for line in lines if "Get power state called" not in line]
    return " | ".join(told[-5:]) or "(empty)"
