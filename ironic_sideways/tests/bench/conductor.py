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

"""A real ironic-conductor, with its API when wanted, on a database of its own."""

import contextlib
import dataclasses
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import URL

from ironic_sideways.migrate import target
from ironic_sideways.tests.functional import mariadb

#: JSON-RPC calls a conductor by its name.
HOST = "localhost"
#: A conductor whose CPUs are shared may need long to start.
START_TIMEOUT_S = 180
STOP_TIMEOUT_S = 60
#: The boot and deploy interfaces of a moved node; only what would ask a BMC or
#: Neutron is not real.
INTERFACES = {
    "bios": "no-bios",
    "boot": "ipxe",
    "console": "no-console",
    "deploy": "direct",
    "firmware": "no-firmware",
    "inspect": "no-inspect",
    "management": "fake",
    "network": "noop",
    "power": "fake",
    "raid": "no-raid",
    "rescue": "no-rescue",
    "storage": "noop",
    "vendor": "no-vendor",
}


@dataclasses.dataclass(frozen=True)
class Conductor:
    """A running process and what it says."""

    process: subprocess.Popen
    log: Path
    api: str

    def last_words(self) -> str:
        """The end of its log."""
        return self.log.read_text()[-2000:]

    def cpu_seconds(self) -> float:
        """Its processor time so far, children included."""
        ticks = os.sysconf("SC_CLK_TCK")
        total = 0
        for pid in (self.process.pid, *_children(self.process.pid)):
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            total += int(fields[11]) + int(fields[12])
        return total / ticks


def _children(pid: int) -> list[int]:
    lists = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(word) for path in lists for word in path.read_text().split()]


@contextlib.contextmanager
def running(
    directory: Path, url: URL, options: Mapping[str, int], *, program: str
) -> Iterator[Conductor]:
    """``program`` with ``options`` of ``[conductor]``, all others Ironic's defaults.

    :param program: "ironic-conductor", or "ironic": it and its API in one process.
    """
    api = mariadb.free_port()
    config = configure(directory, url, options, api)
    log = directory / "ironic.log"
    with log.open("wb") as file:
        process = subprocess.Popen(
            [Path(sys.executable).with_name(program), "--config-file", config],
            stdout=file,
            stderr=file,
        )
    try:
        yield Conductor(process, log, f"http://127.0.0.1:{api}")
    finally:
        process.terminate()
        try:
            process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(STOP_TIMEOUT_S)


def wait_online(connection: sa.Connection, running: Conductor) -> None:
    """Wait until its row says that it is.

    :raises RuntimeError: it ended, or START_TIMEOUT_S seconds did not do.
    """
    deadline = time.monotonic() + START_TIMEOUT_S
    while not target.online_conductors(connection, lock=False):
        connection.rollback()
        if running.process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"no conductor is online: {running.last_words()}")
        time.sleep(0.1)
    connection.rollback()


def configure(
    directory: Path,
    url: URL,
    options: Mapping[str, int],
    api: int,
    **enabled: str,
) -> Path:
    """Write its ironic.conf; ``enabled`` has the kinds with more than one interface."""
    config = directory / "ironic.conf"
    config.touch(mode=0o600)
    for name in ("http", "tftp"):
        (directory / name).mkdir(exist_ok=True)
    config.write_text(_config(directory, url, options, api, enabled))
    return config


def _config(
    directory: Path,
    url: URL,
    options: Mapping[str, int],
    api: int,
    more: Mapping[str, str],
) -> str:
    enabled = "".join(
        f"enabled_{kind}_interfaces = {more.get(kind, name)}\n"
        f"default_{kind}_interface = {name}\n"
        for kind, name in INTERFACES.items()
    )
    conductor = "".join(f"{name} = {value}\n" for name, value in options.items())
    text = url.render_as_string(hide_password=False)
    return f"""\
[DEFAULT]
host = {HOST}
auth_strategy = noauth
rpc_transport = json-rpc
state_path = {directory}
enabled_hardware_types = fake-hardware
{enabled}
[json_rpc]
auth_strategy = noauth
host_ip = 127.0.0.1
port = {mariadb.free_port()}
[api]
host_ip = 127.0.0.1
port = {api}
[database]
connection = {text}
mysql_sql_mode = TRADITIONAL
[deploy]
http_url = http://127.0.0.1
http_root = {directory}/http
default_boot_option = local
[pxe]
tftp_root = {directory}/tftp
tftp_master_path = {directory}/tftp-master
images_path = {directory}/images
instance_master_path = {directory}/master-images
[dhcp]
dhcp_provider = none
[oslo_concurrency]
lock_path = {directory}/locks
[conductor]
{conductor}"""
