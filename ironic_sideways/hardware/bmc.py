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
import os
import secrets
import sys
import tempfile
from collections.abc import Iterable, Sequence
from concurrent import futures
from pathlib import Path
from typing import TYPE_CHECKING

from ironic_sideways import commands, exceptions, ipmi, waits

if TYPE_CHECKING:
    from ironic_sideways.hardware import machines

#: Section of a BMC's configuration file (virtualbmc/manager.py).
SECTION = "VirtualBMC"

USERNAME = "admin"


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
    found = (_read(path) for path in sorted(config_dir.glob("*/config")))
    return {one.domain: one for one in found}


def _read(path: Path) -> Credentials:
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
    except (configparser.Error, ValueError) as error:
        # The error's text could quote the line with the password: its kind must do.
        raise exceptions.SidewaysError(
            f"{path}: cannot be read as virtualbmc's configuration "
            f"({type(error).__name__})"
        ) from None


#: Milliseconds for vbmcd's answer: to start eight BMCs takes a busy machine more than
#: virtualbmc's 5 seconds.
RESPONSE_TIMEOUT_MS = 30_000


def prepare(config_dir: Path, server_port: int) -> None:
    """Write vbmcd's own configuration; safe to do again.

    :param server_port: TCP port of vbmcd's control socket on 127.0.0.1.
    """
    config_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    config_dir.chmod(0o700)
    parser = configparser.ConfigParser()
    parser["default"] = {
        "config_dir": str(config_dir),
        "pid_file": str(_pid_file(config_dir)),
        "server_port": str(server_port),
        "server_response_timeout": str(RESPONSE_TIMEOUT_MS),
    }
    # Power commands are logged at debug level alone (vbmc_log reads them).
    parser["log"] = {"debug": "true"}
    with _own_config(config_dir).open("w") as stream:
        parser.write(stream)


def command(config_dir: Path) -> list[str]:
    """The command that runs vbmcd in the foreground, for a supervisor.

    It forks one process a BMC: end the process group. It logs to stderr.
    """
    # A pid file that a killed vbmcd left, its number in use again, would keep
    # vbmcd from starting; the supervisor knows better than the file.
    script = 'rm -f "$1"; exec "$2" -m virtualbmc.cmd.vbmcd --foreground'
    return ["sh", "-c", script, "vbmcd", str(_pid_file(config_dir)), sys.executable]


def environment(config_dir: Path) -> dict[str, str]:
    """What vbmcd needs in its environment besides PATH; its log's times are UTC."""
    return {"VIRTUALBMC_CONFIG": str(_own_config(config_dir)), "TZ": "UTC"}


def ensure(
    config_dir: Path,
    wanted: Sequence["machines.Machine"],
    libvirt_uri: str,
    log: Path,
    timeout: float = 60.0,
) -> None:
    """Add or replace the machines' BMCs, start them, wait until each answers.

    vbmcd must be running. A BMC whose configuration is right keeps it, its
    password included.

    :param log: vbmcd's log file, shown in part when a BMC does not answer.
    :param timeout: seconds for vbmcd, and then for all BMCs, to answer.
    :raises WaitExpired: a BMC does not answer; says what was seen last.
    """
    _wait_vbmcd(config_dir, log, timeout)
    present = credentials(config_dir)
    for machine in wanted:
        one = present.get(machine.name)
        if one is None or not _is_right(one, machine, libvirt_uri):
            remove(config_dir, [machine.name])
            _add(config_dir, machine, libvirt_uri)
    names = [machine.name for machine in wanted]
    _vbmc(config_dir, "start", *names)
    wait_ready(config_dir, names, log, timeout)


def wait_ready(
    config_dir: Path, names: Iterable[str], log: Path, timeout: float = 60.0
) -> None:
    """Wait until ``ipmitool power status`` answers for each of these domains' BMCs.

    ``vbmc start`` returns 0 also for a BMC that died: an answer is what counts.

    :param timeout: seconds, for all together.
    :raises WaitExpired: says the last answers and the end of vbmcd's log.
    """
    present = credentials(config_dir)
    waiting = dict.fromkeys(names, "not asked yet")

    def ask(name: str) -> tuple[str, str | None]:
        try:
            ipmi.power_status(present[name].bmc, timeout=5)
        except exceptions.SidewaysError as error:
            return name, str(error)
        return name, None

    def look() -> dict[str, str]:
        nonlocal waiting
        # One at a time, each silent BMC would use up the time of the others.
        with futures.ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(ask, waiting))
        waiting = {name: error for name, error in answers if error is not None}
        return waiting

    def told(left: dict[str, str]) -> str:
        answers = "; ".join(f"{name}: {answer}" for name, answer in left.items())
        return f"{answers}; {log} ends: {_end(log)}"

    waits.wait_for(look, lambda left: not left, "the virtual BMCs", timeout, seen=told)


def remove(config_dir: Path, names: Iterable[str]) -> None:
    """Stop and forget the BMCs of these domains; unknown ones are no fault.

    :raises SidewaysError: vbmcd does not answer.
    """
    known = [name for name in names if (config_dir / name).is_dir()]
    if known:
        _vbmc(config_dir, "delete", *known)


def _own_config(config_dir: Path) -> Path:
    return config_dir / "virtualbmc.conf"


def _pid_file(config_dir: Path) -> Path:
    return config_dir / "vbmcd.pid"


def _is_right(one: Credentials, machine: "machines.Machine", libvirt_uri: str) -> bool:
    place = (one.bmc.address, one.bmc.port, one.libvirt_uri)
    return place == (machine.bmc_address, machine.bmc_port, libvirt_uri)


def _add(config_dir: Path, machine: "machines.Machine", libvirt_uri: str) -> None:
    """Let virtualbmc write the BMC's file aside, then move it into vbmcd's sight.

    vbmcd reads every file each 3 seconds, and one that is half written ends it.
    """
    from virtualbmc import exception, manager  # reads its configuration on import

    with tempfile.TemporaryDirectory(prefix=".adding-", dir=config_dir.parent) as aside:
        writer = manager.VirtualBMCManager()
        writer.config_dir = aside
        try:
            code, message = writer.add(
                username=USERNAME,
                # At most 20 bytes in IPMI 2.0 (RAKP key).
                password=secrets.token_hex(8),
                port=machine.bmc_port,
                address=machine.bmc_address,
                domain_name=machine.name,
                libvirt_uri=libvirt_uri,
                libvirt_sasl_username=None,
                libvirt_sasl_password=None,
            )
        except exception.VirtualBMCError as error:
            code, message = 1, str(error)
        if code:
            raise exceptions.SidewaysError(f"BMC of {machine.name}: {message}")
        written = Path(aside) / machine.name
        written.chmod(0o700)
        (written / "config").chmod(0o600)
        written.rename(config_dir / machine.name)


def _vbmc(config_dir: Path, *words: str) -> None:
    """Run one ``vbmc`` command; never ``add``, which takes the password."""
    done = commands.run(
        [sys.executable, "-m", "virtualbmc.cmd.vbmc", "--no-daemon", *words],
        env={**os.environ, **environment(config_dir)},
        timeout=60,
    )
    if done.returncode:
        said = " ".join((done.stderr or done.stdout).split())[-500:]
        raise exceptions.SidewaysError(f"'vbmc {' '.join(words)}' failed: {said}")


def _wait_vbmcd(config_dir: Path, log: Path, timeout: float) -> None:
    def look() -> str:
        try:
            _vbmc(config_dir, "list")
        except exceptions.SidewaysError as error:
            return f"{error}; {log} ends: {_end(log)}"
        return "ready"

    waits.wait_for(look, lambda seen: seen == "ready", "vbmcd", timeout)


def _end(log: Path) -> str:
    """The last lines of a log, in one line."""
    try:
        lines = log.read_text(errors="replace").splitlines()
    except OSError as error:
        return f"({error.strerror})"
    # Queries of the power state would push out what matters.
    told = [line for line in lines if "Get power state called" not in line]
    return " | ".join(told[-5:]) or "(empty)"
