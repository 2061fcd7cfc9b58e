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

"""The lab's services as supervisor runs them: command, environment, end."""

import dataclasses
import shlex
import sys
from collections.abc import Callable
from pathlib import Path

from ironic_sideways.hardware import bmc, hypervisor
from ironic_sideways.lab import mariadb, rabbitmq
from ironic_sideways.lab.layout import Layout
from ironic_sideways.lab.service_table import PROBER, Service

BINARIES = Path(sys.prefix, "bin")


@dataclasses.dataclass(frozen=True)
class Program:
    """A supervisor program.

    :param stop_seconds: after the stop signal, before SIGKILL.
    :param signal_group: whether the stop signal goes to the children too.
    """

    name: str
    command: tuple[str, ...]
    environment: dict[str, str] = dataclasses.field(default_factory=dict)
    stop_signal: str = "TERM"
    stop_seconds: int = 15
    signal_group: bool = False

    @property
    def command_line(self) -> str:
        """The command as supervisor parses it."""
        return shlex.join(self.command)

    @property
    def environment_line(self) -> str:
        """The environment as supervisor parses it, which knows no escapes."""
        return ",".join(f'{name}="{value}"' for name, value in self.environment.items())


#: Command and environment of those whose row cannot tell them.
OWN: dict[str, Callable[[Layout], tuple[list[str], dict[str, str]]]] = {
    "mariadb": lambda layout: (mariadb.command(layout), {}),
    "rabbitmq": lambda layout: ([rabbitmq.SERVER], rabbitmq.environment(layout)),
    "libvirtd": lambda layout: (hypervisor.command(layout.libvirt), {}),
    "vbmcd": lambda layout: (
        bmc.command(layout.vbmc, layout.disks if layout.light else None),
        bmc.environment(),
    ),
}


def _wsgi(row: Service) -> tuple[str, ...]:
    return (
        "{binaries}/pyuwsgi",
        *(f"--http-socket={address}:{{port}}" for address in row.addresses),
        *("--module", f"{row.wsgi}:application"),
        *("--processes", "1", "--threads", "4", "--buffer-size", "65535"),
        # No --master: it would start a worker whose application cannot be
        # loaded again and again, instead of ending.
        *("--enable-threads", "--die-on-term", "--need-app", "--http-chunked-input"),
        # uWSGI closes after each answer; a client must not reuse the connection.
        *("--add-header", "Connection: close"),
    )


def _program(layout: Layout, row: Service, owner: str) -> Program:
    if row.name in OWN:
        command, environment = OWN[row.name](layout)
    else:
        places = {
            **{"layout": layout, "name": row.name, "owner": owner},
            **{"binaries": BINARIES, "port": row.ports and layout.port(row.listener)},
        }
        words = _wsgi(row) if row.wsgi else row.command
        command = [word.format_map(places) for word in words]
        environment = {
            name: value.format_map(places) for name, value in row.environment.items()
        }
    return Program(
        *(row.name, tuple(command), environment, row.stop_signal, row.stop_seconds),
        signal_group=row.signal_group or bool(row.wsgi),
    )


def hardware(layout: Layout, owner: str = "root") -> list[Program]:
    """What the machines need: power, BMCs, addresses, files to boot from.

    :param owner: the user whose Neutron tells dnsmasq of ports, by a signal.
    """
    return [
        _program(layout, row, owner)
        for row in layout.services
        if row.group == "hardware" or row.name == PROBER
    ]


def all_programs(layout: Layout) -> list[Program]:
    """Every service of the lab; Ironic's are there before Ironic is installed."""
    return [_program(layout, row, "root") for row in layout.services]
