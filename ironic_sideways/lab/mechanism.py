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

"""The lab's ML2 mechanism driver: binds every port and updates dnsmasq.

The lab has no Neutron agents. A bound port with a MAC and a fixed address is
one line for dnsmasq, so that the machine with that MAC gets the port's
address, and its ``extra_dhcp_opts``; unbinding the port withdraws them.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from neutron_lib import constants
from neutron_lib.api.definitions import portbindings
from neutron_lib.plugins.ml2 import api
from oslo_config import cfg
from oslo_log import log as logging

from ironic_sideways.lab import dhcp

LOG = logging.getLogger(__name__)

GROUP = "ironic_sideways_lab"
OPTIONS = [
    cfg.StrOpt(
        "dhcp_hosts_directory",
        required=True,
        help="dnsmasq's dhcp-hostsdir, which gets one file per bound port.",
    ),
    cfg.StrOpt(
        "dhcp_options_directory",
        required=True,
        help="The directory that is dnsmasq's dhcp-optsfile; it gets one file per "
        "bound port that has DHCP options of its own.",
    ),
    cfg.StrOpt(
        "dnsmasq_pid_file",
        required=True,
        help="dnsmasq is sent SIGHUP, so that it forgets files that are gone.",
    ),
    cfg.StrOpt(
        "dhcp_interface",
        required=True,
        help="The network device that dnsmasq listens on.",
    ),
    cfg.IPOpt("dhcp_server", required=True, help="dnsmasq's address there."),
    cfg.StrOpt(
        "physical_network",
        help="Bind ports of this flat network alone, beside other mechanism drivers; "
        "all ports where it is not set.",
    ),
]

VNIC_TYPES = (portbindings.VNIC_NORMAL, portbindings.VNIC_BAREMETAL)


def address_of(port: dict[str, Any]) -> str | None:
    """The IPv4 address that a machine with the port's MAC gets.

    None where the port is not bound, or by another mechanism driver.
    """
    if port.get(portbindings.VIF_TYPE) != portbindings.VIF_TYPE_OTHER:
        return None
    addresses = (fixed["ip_address"] for fixed in port.get("fixed_ips") or [])
    return next((address for address in addresses if "." in address), None)


def options_of(port: dict[str, Any]) -> dict[str, str]:
    """The port's own DHCP options for IPv4, by name."""
    return {
        option["opt_name"]: option["opt_value"]
        for option in port.get("extra_dhcp_opts") or []
        if option.get("ip_version", 4) == 4 and option["opt_value"]
    }


def segment_of(
    segments: Sequence[dict[str, Any]] | None, physical_network: str | None
) -> dict[str, Any] | None:
    """The first segment, or the first one on ``physical_network`` if given."""
    return next(
        (
            segment
            for segment in segments or ()
            if physical_network in (None, segment.get(api.PHYSICAL_NETWORK))
        ),
        None,
    )


def follow(
    hosts: dhcp.HostFiles, port: dict[str, Any], before: dict[str, Any] | None
) -> None:
    """Update dnsmasq's hosts to what ``port`` is now.

    :param before: the port before the change.
    """
    if before and before["mac_address"] != port["mac_address"]:
        hosts.withdraw(before["mac_address"])
    address = address_of(port)
    if address is None:
        hosts.withdraw(port["mac_address"])
    else:
        hosts.assign(port["mac_address"], address, options_of(port))


class LabMechanismDriver(api.MechanismDriver):  # type: ignore[misc, unused-ignore]
    """Binds normal and baremetal ports on any host to the flat network."""

    physical_network: str | None = None

    def initialize(self) -> None:
        """Read the configuration."""
        cfg.CONF.register_opts(OPTIONS, GROUP)
        options = cfg.CONF[GROUP]
        self.physical_network = options.physical_network
        self.hosts = dhcp.HostFiles(
            Path(options.dhcp_hosts_directory),
            Path(options.dhcp_options_directory),
            Path(options.dnsmasq_pid_file),
            options.dhcp_interface,
            options.dhcp_server,
        )

    @property
    def connectivity(self) -> str:
        """The kind of connectivity that a bound port has."""
        return str(portbindings.CONNECTIVITY_L2)

    def bind_port(self, context: Any) -> None:
        """Bind the port to the network's segment, whatever the host."""
        vnic_type = context.current.get(portbindings.VNIC_TYPE)
        segment = segment_of(context.segments_to_bind, self.physical_network)
        if vnic_type not in VNIC_TYPES or segment is None:
            return
        context.set_binding(
            segment[api.ID],
            portbindings.VIF_TYPE_OTHER,
            {},
            status=constants.PORT_STATUS_ACTIVE,
        )
        LOG.info("Bound port %s on %s", context.current["id"], context.host)

    def create_port_postcommit(self, context: Any) -> None:
        """Tell dnsmasq of a port that is created bound."""
        follow(self.hosts, context.current, None)

    def update_port_postcommit(self, context: Any) -> None:
        """Follow a port's MAC, fixed address and binding."""
        follow(self.hosts, context.current, context.original)

    def delete_port_postcommit(self, context: Any) -> None:
        """Withdraw the address of a deleted port."""
        self.hosts.withdraw(context.current["mac_address"])
