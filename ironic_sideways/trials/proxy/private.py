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

"""Private services beside the lab's, with other settings and their own ports.

They use the lab's keystone, databases and bus, and are no programs of its
supervisor; `lab down` ends one that was left.
"""

import contextlib
import dataclasses
import http.client
import os
import re
import signal
import socket
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

from ironic_sideways import exceptions, waits
from ironic_sideways.lab import files, option_file, processes, programs
from ironic_sideways.lab.layout import Layout
from ironic_sideways.lab.supervision import Supervisor
from ironic_sideways.proxy import install

#: Section -> option -> value.
Settings = Mapping[str, Mapping[str, str]]


@dataclasses.dataclass(frozen=True)
class Service:
    """A service that runs: its root URL, and its process."""

    url: str
    pid: int


START_TIMEOUT = 120.0
STOP_TIMEOUT = 15.0


@contextlib.contextmanager
def nova_api(
    layout: Layout, name: str, with_proxy: bool, settings: Settings
) -> Iterator[Service]:
    """The lab's nova-api once more, its paste file with or without the proxy.

    :param settings: where its nova.conf differs from the lab's.
    """
    config = copy_of(layout, "nova/nova.conf", name, settings)
    paste = config.with_name("api-paste.ini")
    change = install.installed if with_proxy else install.removed
    files.write_private(
        paste, change((layout.etc / "nova" / "api-paste.ini").read_text())
    )
    environment = {"OS_NOVA_CONFIG_FILES": f"{paste};{config}"}
    with _running(layout, "nova-api", name, environment) as service:
        yield service


@contextlib.contextmanager
def ironic_api(layout: Layout, name: str, settings: Settings) -> Iterator[Service]:
    """The lab's ironic-api once more."""
    config = copy_of(layout, "ironic/ironic.conf", name, settings)
    with _running(
        layout, "ironic-api", name, {"IRONIC_CONFIG_FILE": str(config)}
    ) as service:
        yield service


def copy_of(layout: Layout, configuration: str, name: str, settings: Settings) -> Path:
    """A copy of the lab's ``configuration`` in ``name``'s place, with ``settings``."""
    text = (layout.etc / configuration).read_text()
    for section, options in settings.items():
        for option, value in options.items():
            text = option_file.with_option(text, section, option, value)
    path = layout.etc / name / Path(configuration).name
    files.make_private_directory(path.parent)
    files.write_private(path, text)
    return path


@contextlib.contextmanager
def _running(
    layout: Layout, program: str, name: str, environment: dict[str, str]
) -> Iterator[Service]:
    """``program`` of the lab on its own port, until the block ends.

    :raises SidewaysError: it ended, with its log's name.
    """
    port = free_port()
    (found,) = (one for one in programs.all_programs(layout) if one.name == program)
    command = [
        word for word in found.command if not re.match(r"--http-socket=(?!127)", word)
    ]
    command = [
        f"--http-socket=127.0.0.1:{port}" if word.startswith("--http-socket") else word
        for word in command
    ]
    log = layout.log(name)
    with log.open("w") as stream:
        process = subprocess.Popen(
            command,
            cwd=layout.directory,
            env={
                **Supervisor(layout).environment(),
                **environment,
                processes.SUPERVISED: name,
            },
            stdout=stream,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        waits.wait_for(
            lambda: _state(process, port),
            lambda state: state == "answers",
            f"{name} to answer; see {log}",
            START_TIMEOUT,
        )
        yield Service(f"http://127.0.0.1:{port}", process.pid)
    finally:
        _stop(process)


def _state(process: "subprocess.Popen[bytes]", port: int) -> str:
    if process.poll() is not None:
        raise exceptions.SidewaysError(
            f"{process.args!r}: ended with exit code {process.returncode}"
        )
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        with contextlib.closing(connection):
            connection.request("GET", "/")
            connection.getresponse().read()
    except OSError as error:
        return str(error)
    return "answers"


def _stop(process: "subprocess.Popen[bytes]") -> None:
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(STOP_TIMEOUT)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(STOP_TIMEOUT)


def free_port() -> int:
    """A TCP port on loopback that nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
