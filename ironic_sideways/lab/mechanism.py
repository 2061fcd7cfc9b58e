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

"""The lab's ML2 mechanism driver: binds every port, and tells dnsmasq of it.

The lab has no Neutron agents. A bound port with a MAC and a fixed address is
one file in dnsmasq's ``dhcp-hostsdir``, so that the machine with that MAC gets
the port's address; whatever unbinds the port takes the file away.
"""

import contextlib
import os
import signal
from pathlib import Path
from typing import Any

from neutron_lib import constants
from neutron_lib.api.definitions import portbindings
from neutron_lib.plugins.ml2 import api
from oslo_config import cfg
from oslo_log import log as logging

LOG = logging.getLogger(__name__)

GROUP = "ironic_sideways_lab"
OPTIONS = [
    cfg.StrOpt(
        "dhcp_hosts_directory",
        required=True,
        help="dnsmasq's dhcp-hostsdir, which gets one file per bound port.",
    ),
    cfg.StrOpt(
        "dnsmasq_pid_file",
        required=True,
        help="dnsmasq is sent SIGHUP, so that it forgets files that are gone.",
    ),
]

VNIC_TYPES = (portbindings.VNIC_NORMAL, portbindings.VNIC_BAREMETAL)
UNBOUND = (
    None,
    "",
    portbindings.VIF_TYPE_UNBOUND,
    portbindings.VIF_TYPE_BINDING_FAILED,
)


def host_line(port: dict[str, Any]) -> str | None:
    """The line for ``port`` in dnsmasq's host file, or None when it has none."""
    if port.get(portbindings.VIF_TYPE) in UNBOUND or not port.get("mac_address"):
        return None
    for fixed in port.get("fixed_ips") or []:
        if "." in fixed["ip_address"]:
            return f"{port['mac_address']},{fixed['ip_address']}\n"
    return None


class HostFiles:
    """The host files of dnsmasq, one per port's MAC address."""

    def __init__(self, directory: Path, pid_file: Path) -> None:
        self.directory = directory
        self.pid_file = pid_file

    def _path(self, port: dict[str, Any]) -> Path:
        return self.directory / str(port["mac_address"]).replace(":", "-")

    def follow(self, port: dict[str, Any], before: dict[str, Any] | None) -> None:
        """Make the files say what ``port`` says now.

        :param before: the port before the change.
        """
        changed = False
        line = host_line(port)
        if before and before.get("mac_address") != port.get("mac_address"):
            changed |= self._remove(before)
        if line is None:
            changed |= self._remove(port)
        else:
            changed |= self._write(port, line)
        if changed:
            self._reload()

    def forget(self, port: dict[str, Any]) -> None:
        """Remove a deleted port's file."""
        if self._remove(port):
            self._reload()

    def _write(self, port: dict[str, Any], line: str) -> bool:
        path = self._path(port)
        if path.exists() and path.read_text() == line:
            return False
        # dnsmasq passes over names that begin with a dot.
        new = path.with_name(f".{path.name}")
        new.write_text(line)
        new.replace(path)
        return True

    def _remove(self, port: dict[str, Any]) -> bool:
        path = self._path(port)
        if not path.exists():
            return False
        path.unlink()
        return True

    def _reload(self) -> None:
        # Without dnsmasq there is nobody to tell: it reads all when it starts.
        with contextlib.suppress(FileNotFoundError, ValueError, ProcessLookupError):
            os.kill(int(self.pid_file.read_text()), signal.SIGHUP)


class LabMechanismDriver(api.MechanismDriver):  # type: ignore[misc, unused-ignore]
    """Binds normal and baremetal ports on any host to the flat network."""

    def initialize(self) -> None:
        """Read the configuration."""
        cfg.CONF.register_opts(OPTIONS, GROUP)
        options = cfg.CONF[GROUP]
        self.hosts = HostFiles(
            Path(options.dhcp_hosts_directory), Path(options.dnsmasq_pid_file)
        )

    @property
    def connectivity(self) -> str:
        """The kind of connectivity that a bound port has."""
        return str(portbindings.CONNECTIVITY_L2)

    def bind_port(self, context: Any) -> None:
        """Bind the port to the network's segment, whatever the host."""
        vnic_type = context.current.get(portbindings.VNIC_TYPE)
        if vnic_type not in VNIC_TYPES or not context.segments_to_bind:
            return
        segment = context.segments_to_bind[0]
        context.set_binding(
            segment[api.ID],
            portbindings.VIF_TYPE_OTHER,
            {},
            status=constants.PORT_STATUS_ACTIVE,
        )
        LOG.info("Bound port %s on %s", context.current["id"], context.host)

    def create_port_postcommit(self, context: Any) -> None:
        """Write the host file of a port that is created bound."""
        self.hosts.follow(context.current, None)

    def update_port_postcommit(self, context: Any) -> None:
        """Follow a port's MAC, fixed address and binding."""
        self.hosts.follow(context.current, context.original)

    def delete_port_postcommit(self, context: Any) -> None:
        """Remove the host file."""
        self.hosts.forget(context.current)
