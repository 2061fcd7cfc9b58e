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

"""Power and boot device of a BMC over IPMI 2.0, by ipmitool."""

import dataclasses
import os
import subprocess
from typing import Literal

from ironic_sideways import exceptions, waits

PowerState = Literal["on", "off"]
#: What virtualbmc does, too; it refuses "cycle".
PowerAction = Literal["on", "off", "soft", "reset"]

#: ipmitool's -N and -R: long enough that a slow power-off is not sent twice.
_PATIENCE = ("-N", "4", "-R", "3")

#: What ipmitool says of an answer that it did not wait for, seen once on a busy lab,
#: the cause unknown: no session was established, so nothing was asked of the BMC yet.
_MISDIRECTED = "Unexpected Open Session Response"
_TRIES = 3

#: Seconds for one ipmitool call; its own patience with a silent BMC ends later.
CALL_TIMEOUT = 20.0


@dataclasses.dataclass(frozen=True)
class Bmc:
    """Where a BMC listens and who may use it.

    :param address: IPv4 address or host name.
    :param port: UDP port.
    :param cipher_suite: ipmitool's -C; None leaves the choice to ipmitool (17
        since 1.8.19), which some old BMCs do not know.
    """

    address: str
    port: int
    username: str
    password: str = dataclasses.field(repr=False)
    cipher_suite: int | None = None

    def __str__(self) -> str:
        return f"BMC {self.address}:{self.port}"


def run(bmc: Bmc, *words: str, timeout: float = CALL_TIMEOUT) -> str:
    """Run ``ipmitool <words>`` against the BMC and return what it printed.

    The password travels in the environment (-E), never in the arguments.

    :param timeout: seconds, for each try.
    :raises SidewaysError: ipmitool is missing, failed or did not answer in time.
    """
    command = ["ipmitool", "-I", "lanplus", "-H", bmc.address, "-p", str(bmc.port)]
    command += ["-U", bmc.username, "-E", *_PATIENCE]
    if bmc.cipher_suite is not None:
        command += ["-C", str(bmc.cipher_suite)]
    said = " ".join(words)
    try:
        for _ in range(_TRIES):
            done = subprocess.run(
                [*command, *words],
                env={**os.environ, "IPMI_PASSWORD": bmc.password},
                capture_output=True,
                text=True,
                # What a BMC says need not be UTF-8.
                errors="replace",
                timeout=timeout,
            )
            if _MISDIRECTED not in done.stderr:
                break
    except FileNotFoundError as error:
        raise exceptions.SidewaysError(
            "ipmitool is not installed: install the package ipmitool"
        ) from error
    except subprocess.TimeoutExpired as error:
        raise exceptions.SidewaysError(
            f"{bmc}: no answer to '{said}' within {timeout:g} s; look at the BMC's log"
        ) from error
    if done.returncode:
        words_of_ipmitool = " ".join(done.stderr.split()) or "nothing said"
        raise exceptions.SidewaysError(
            f"{bmc}: '{said}' failed with exit code {done.returncode}: "
            f"{words_of_ipmitool}"
        )
    return done.stdout


def power_status(bmc: Bmc, timeout: float = CALL_TIMEOUT) -> PowerState:
    """The chassis' power state, told as strictly as Ironic takes it (_power_status in
    ironic/drivers/modules/ipmitool.py).

    :param timeout: seconds.
    :raises SidewaysError: the BMC did not answer, or not with on or off.
    """
    answer = run(bmc, "power", "status", timeout=timeout)
    if answer == "Chassis Power is on\n":
        return "on"
    if answer == "Chassis Power is off\n":
        return "off"
    raise exceptions.SidewaysError(
        f"{bmc}: 'power status' expected 'Chassis Power is on' or 'off' and nothing "
        f"else, found '{' '.join(answer.split())}'"
    )


def power(bmc: Bmc, action: PowerAction) -> None:
    """Order a power action; wait_power sees when it took effect.

    :raises SidewaysError: the BMC refused or did not answer.
    """
    run(bmc, "power", action)


def wait_power(bmc: Bmc, state: PowerState, timeout: float) -> None:
    """Wait until the chassis is in ``state``.

    :param timeout: seconds.
    :raises WaitExpired: it is not, with what was seen last.
    """

    def look() -> str:
        try:
            return power_status(bmc)
        except exceptions.SidewaysError as error:
            return str(error)

    waits.wait_for(look, lambda seen: seen == state, f"{bmc} to be {state}", timeout)


def boot_device(
    bmc: Bmc, device: Literal["pxe", "disk"], persistent: bool = True
) -> None:
    """Choose the device of the next boots, or of the next boot alone.

    :raises SidewaysError: the BMC refused or did not answer.
    """
    options = ["options=persistent"] if persistent else []
    run(bmc, "chassis", "bootdev", device, *options)
