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

"""Power commands are found in what virtualbmc itself logs."""

import io
import logging
import time

import pytest
from virtualbmc import log as virtualbmc_log
from virtualbmc import vbmc

from ironic_sideways.hardware import vbmc_log


@pytest.fixture
def logged(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """What virtualbmc's own logger writes at debug level, in UTC."""
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    text = io.StringIO()
    logger = virtualbmc_log.VirtualBMCLogger(debug=True)
    logger.handler.setStream(text)
    monkeypatch.setattr(vbmc, "LOG", logger)
    return text


@pytest.fixture
def bmc() -> vbmc.VirtualBMC:
    """A BMC that listens nowhere, for a domain that no libvirt has."""
    made = vbmc.VirtualBMC.__new__(vbmc.VirtualBMC)
    made.domain_name = "isw0-node-3"
    made._conn_args = {"uri": "test:///nothing"}
    return made


@pytest.mark.parametrize(
    ("method", "command"),
    [
        ("power_on", "on"),
        ("power_off", "off"),
        ("power_shutdown", "soft"),
        ("power_reset", "reset"),
        ("pulse_diag", "diag"),
    ],
)
def test_each_power_command_is_found_with_its_time_and_domain(
    logged: io.StringIO, bmc: vbmc.VirtualBMC, method: str, command: str
) -> None:
    before = time.time()

    getattr(bmc, method)()

    (found,) = vbmc_log.power_commands(logged.getvalue().splitlines(keepends=True))
    assert (found.domain, found.command) == ("isw0-node-3", command)
    assert before - 0.001 <= found.time <= time.time()


def test_a_query_and_other_lines_are_no_power_command(
    logged: io.StringIO, bmc: vbmc.VirtualBMC
) -> None:
    bmc.set_boot_device("network")
    with pytest.raises(Exception, match="Error getting the power state"):
        bmc.get_power_state()

    lines = [*logged.getvalue().splitlines(), "", "Power off called for domain x"]
    assert len(lines) > 4
    assert list(vbmc_log.power_commands(lines)) == []


def test_the_log_level_that_tells_power_commands_is_debug(
    logged: io.StringIO, bmc: vbmc.VirtualBMC
) -> None:
    vbmc.LOG.setLevel(logging.INFO)

    bmc.power_off()

    assert list(vbmc_log.power_commands(logged.getvalue().splitlines())) == []
