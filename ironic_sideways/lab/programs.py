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
from pathlib import Path

from ironic_sideways.hardware import bmc, hypervisor
from ironic_sideways.lab import mariadb, rabbitmq
from ironic_sideways.lab.layout import SIBLING, Layout

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


def _wsgi(
    name: str,
    module: str,
    port: int,
    environment: dict[str, str],
    addresses: tuple[str, ...] = ("127.0.0.1",),
) -> Program:
    sockets = [f"--http-socket={address}:{port}" for address in addresses]
    command = (
        str(BINARIES / "pyuwsgi"),
        *sockets,
        *("--module", f"{module}:application"),
        *("--processes", "1", "--threads", "4", "--buffer-size", "65535"),
        # No --master: it would start a worker whose application cannot be
        # loaded again and again, instead of ending.
        *("--enable-threads", "--die-on-term", "--need-app", "--http-chunked-input"),
        # uWSGI closes after each answer; a client must not reuse the connection.
        *("--add-header", "Connection: close"),
    )
    return Program(name, command, environment, signal_group=True)


def _daemon(name: str, binary: str, config: Path, seconds: int = 15) -> Program:
    command = (str(BINARIES / binary), "--config-file", str(config))
    return Program(name, command, stop_seconds=seconds)


def _infrastructure(layout: Layout) -> list[Program]:
    return [
        Program("mariadb", tuple(mariadb.command(layout))),
        Program("epmd", tuple(rabbitmq.epmd_command(layout))),
        Program(
            "rabbitmq",
            tuple(rabbitmq.command()),
            rabbitmq.environment(layout),
            signal_group=True,
        ),
    ]


def hardware(layout: Layout, owner: str = "root") -> list[Program]:
    """What the machines need: power, BMCs, addresses, files to boot from.

    :param owner: the user whose Neutron tells dnsmasq of ports, by a signal.
    """
    return [
        Program("libvirtd", tuple(hypervisor.command(layout.libvirt))),
        Program(
            "vbmcd",
            tuple(bmc.command(layout.vbmc)),
            bmc.environment(),
            signal_group=True,
        ),
        Program(
            "dnsmasq",
            (
                "dnsmasq",
                "--keep-in-foreground",
                "--log-facility=-",
                f"--user={owner}",
                f"--conf-file={layout.etc}/dnsmasq/dnsmasq.conf",
            ),
        ),
        Program(
            "nginx",
            ("nginx", "-e", "stderr", "-c", str(layout.etc / "nginx" / "nginx.conf")),
            stop_signal="QUIT",
        ),
        Program(
            "heartbeat",
            (
                str(BINARIES / "ironic-sideways"),
                "heartbeat-collector",
                *("--listen", layout.gateway),
                *("--port", str(layout.port("heartbeat"))),
                *("--output", str(layout.evidence / "heartbeat.jsonl")),
            ),
        ),
    ]


def _control_plane(layout: Layout) -> list[Program]:
    etc = layout.etc
    nova_files = f"{etc}/nova/api-paste.ini;{etc}/nova/nova.conf"
    return [
        _wsgi(
            "keystone",
            "keystone.wsgi.api",
            layout.port("keystone"),
            {"OS_KEYSTONE_CONFIG_DIR": str(etc / "keystone")},
        ),
        _wsgi(
            "glance",
            "glance.wsgi.api",
            layout.port("glance"),
            {"OS_GLANCE_CONFIG_DIR": str(etc / "glance")},
        ),
        _wsgi(
            "placement",
            "placement.wsgi.api",
            layout.port("placement"),
            {"OS_PLACEMENT_CONFIG_DIR": str(etc / "placement")},
        ),
        _wsgi(
            "neutron",
            "neutron.wsgi.api",
            layout.port("neutron"),
            {"OS_NEUTRON_CONFIG_FILES": f"{etc}/neutron/neutron.conf"},
        ),
        # The paste file first: the other order is a LookupError in the log alone.
        _wsgi(
            "nova-api",
            "nova.wsgi.osapi_compute",
            layout.port("nova-api"),
            {"OS_NOVA_CONFIG_FILES": nova_files},
        ),
        # Instances ask it from the bridge; it knows them by their addresses.
        _wsgi(
            "nova-metadata",
            "nova.wsgi.metadata",
            layout.port("nova-metadata"),
            {"OS_NOVA_CONFIG_FILES": nova_files},
            addresses=(layout.gateway,),
        ),
        _daemon("nova-conductor", "nova-conductor", etc / "nova" / "nova.conf"),
        _daemon("nova-scheduler", "nova-scheduler", etc / "nova" / "nova.conf"),
    ]


def _compute(layout: Layout) -> list[Program]:
    # Its graceful stop takes 11 s; a hanging one is cut off.
    found = [
        _daemon(
            name, "ironic-sideways-compute", layout.etc / name / "nova.conf", seconds=30
        )
        for name in layout.compute_services
    ]
    (first, *_) = found
    own = ("--config-file", str(layout.etc / SIBLING / "nova.conf"))
    sibling = dataclasses.replace(first, name=SIBLING, command=(*first.command, *own))
    return [*found, sibling]


def _ironic(layout: Layout) -> list[Program]:
    config = layout.etc / "ironic" / "ironic.conf"
    environment = {"IRONIC_CONFIG_FILE": str(config)}
    return [
        _daemon("ironic-conductor", "ironic-conductor", config, seconds=30),
        # The deploy ramdisk calls back from the bridge.
        _wsgi(
            "ironic-api",
            "ironic.wsgi.api",
            layout.port("ironic"),
            environment,
            addresses=("127.0.0.1", layout.gateway),
        ),
    ]


def all_programs(layout: Layout) -> list[Program]:
    """Every service of the lab; Ironic's are there before Ironic is installed."""
    return [
        *_infrastructure(layout),
        *hardware(layout),
        *_control_plane(layout),
        *_compute(layout),
        *_ironic(layout),
    ]
