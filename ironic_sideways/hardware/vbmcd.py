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

"""The virtual BMCs' daemon: what the configuration directory says, and nothing else.

virtualbmc's own vbmcd takes commands from whoever connects to a TCP port of loopback,
with the libvirt URI (which can name a program to run) and the name (which can lead out
of the directory) that they say. This one has no such port: BMCs come, change and go
with their files.

It is root: BMCs have a port below 1024, and whoever reaches libvirt's socket, as each
BMC must, is root in all but name: any file can be a machine's disk.
"""

import dataclasses
import multiprocessing
import signal
import sys
import time
from multiprocessing.context import ForkProcess
from pathlib import Path

from pyghmi.ipmi.private import serversession
from virtualbmc import log, manager

from ironic_sideways import exceptions
from ironic_sideways.hardware import bmc, ipmi_session

#: Seconds between two reads of the directory.
INTERVAL = 0.5

LOG = log.get_logger()


class Bmcs:
    """A process for each BMC of the directory, by the domain's name."""

    def __init__(self, config_dir: Path) -> None:
        self.config_dir = config_dir
        self.running: dict[str, tuple[bmc.Credentials, ForkProcess]] = {}

    def follow(self) -> None:
        """Make what runs the BMCs that the directory has now."""
        try:
            wanted = bmc.credentials(self.config_dir)
        except (OSError, exceptions.SidewaysError) as error:
            LOG.error("%s; all BMCs stay as they are", error)
            return
        for name, (known, process) in list(self.running.items()):
            if wanted.get(name) != known or not process.is_alive():
                self._end(name)
        for name in wanted.keys() - self.running.keys():
            self._start(wanted[name])

    def _start(self, one: bmc.Credentials) -> None:
        # virtualbmc is loaded once, and not for each.
        process = multiprocessing.get_context("fork").Process(
            target=_run, args=(_options(one),), daemon=True
        )
        process.start()
        self.running[one.domain] = one, process
        LOG.info("Started the BMC of %s, pid %s", one.domain, process.pid)

    def _end(self, name: str) -> None:
        _, process = self.running.pop(name)
        process.kill()
        process.join(timeout=5)
        LOG.info("The BMC of %s is gone", name)


def _run(options: dict[str, str | int]) -> None:
    """A BMC, until its process is ended."""
    serversession.ServerSession = ipmi_session.Session
    manager.vbmc_runner(options)


def _options(one: bmc.Credentials) -> dict[str, str | int]:
    """A BMC as virtualbmc takes it."""
    place = dataclasses.asdict(one.bmc)
    options = {
        name: place[name] for name in ("address", "port", "username", "password")
    }
    return {**options, "domain_name": one.domain, "libvirt_uri": one.libvirt_uri}


def main(config_dir: Path) -> None:
    """Follow the directory until SIGTERM; the BMCs end with this process."""
    # Power commands are logged at this level alone (vbmc_log reads them).
    LOG.setLevel("DEBUG")
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit())
    bmcs = Bmcs(config_dir)
    while True:
        bmcs.follow()
        time.sleep(INTERVAL)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
