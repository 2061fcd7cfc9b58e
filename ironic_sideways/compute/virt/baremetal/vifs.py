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

"""Put Neutron ports on a node's NICs.

Nova 2014 created a port with the MAC address of any of the node's NICs
(``macs_for_instance``), and recorded it in the ``vif_uuid`` of the first free NIC,
whatever that one's address (``vif_driver.py``). Nova has lost that call, so the port
arrives unbound with a MAC address of its own: it gets a NIC's one, which only an
unbound port accepts, and is bound then.
"""

from collections.abc import Iterable, Mapping

from neutronclient.common import exceptions as neutron_exceptions
from nova import context as nova_context
from nova import exception
from nova.network import constants, model, neutron
from oslo_log import log as logging

from .rows import Node, Rows

LOG = logging.getLogger(__name__)

#: The options that nova-baremetal gave its ports (pxe.dhcp_options).
DHCP_OPTIONS = frozenset({"bootfile-name", "server-ip-address", "tftp-server"})


def plug(rows: Rows, node: Node, port_ids: Iterable[str], host: str) -> bool:
    """Put each port on a NIC of the node; one that is there already stays.

    A port that has the address of a NIC keeps it; any other gets the last free one.
    2014 took any: on a node with two NICs, this is the case in which row and port
    disagree.

    :param host: becomes the ports' binding:host_id.
    :returns: whether any port was plugged.
    :raises VirtualInterfacePlugException: more ports than NICs.
    :raises PortBindingFailed: no mechanism driver of Neutron binds the port.
    """
    interfaces = rows.interfaces(node)
    present = {interface.vif_uuid for interface in interfaces}
    missing = [port_id for port_id in port_ids if port_id not in present]
    unused = [interface for interface in interfaces if not interface.vif_uuid]
    if len(missing) > len(unused):
        raise exception.VirtualInterfacePlugException(
            f"node {node.uuid}: {len(missing)} ports to plug, {len(unused)} of its "
            f"{len(interfaces)} NICs are unused"
        )
    if not missing:
        return False
    client = neutron.get_client(nova_context.get_admin_context(), admin=True)
    addresses = [interface.address.lower() for interface in interfaces]
    for port_id in filter(None, present):
        taken = client.show_port(port_id)["port"]["mac_address"].lower()
        addresses = [address for address in addresses if address != taken]
    for interface, port_id in zip(unused, missing, strict=False):
        port = client.show_port(port_id)["port"]
        own = port["mac_address"].lower()
        address = addresses.pop(addresses.index(own) if own in addresses else -1)
        rows.set_vif(interface, port_id)
        _bind(client, port, address, host)
        LOG.info("Port %s has the address %s", port_id, address)
    return True


def unplug(rows: Rows, node: Node, port_ids: Iterable[str] | None = None) -> None:
    """Take ports (None: all) off the node's NICs and unbind them.

    A port that outlives its instance gets a new MAC address: the NIC's one
    belongs to the node's next instance.
    """
    wanted = None if port_ids is None else set(port_ids)
    plugged = [
        interface
        for interface in rows.interfaces(node)
        if interface.vif_uuid and (wanted is None or interface.vif_uuid in wanted)
    ]
    if not plugged:
        return
    client = neutron.get_client(nova_context.get_admin_context(), admin=True)
    for interface in plugged:
        try:
            port = client.show_port(interface.vif_uuid)["port"]
            unbound = {constants.BINDING_HOST_ID: "", **_dhcp_change(port, {})}
            for change in (unbound, {"mac_address": None}):
                client.update_port(interface.vif_uuid, {"port": change})
        except neutron_exceptions.PortNotFoundClient:
            LOG.info("Port %s is gone already", interface.vif_uuid)
        rows.set_vif(interface, None)


def set_dhcp_options(port_ids: Iterable[str], options: Mapping[str, str]) -> None:
    """Give each port exactly these DHCP options, of those that this driver sets.

    :param options: by name, as pxe.dhcp_options gives them, or none.
    """
    client = neutron.get_client(nova_context.get_admin_context(), admin=True)
    for port_id in port_ids:
        port = client.show_port(port_id)["port"]
        change = _dhcp_change(port, options)
        if change:
            client.update_port(port_id, {"port": change})


def _dhcp_change(port: dict, wanted: Mapping[str, str]) -> dict:
    """The change that leads the port's options to ``wanted``; may be empty."""
    present = {
        option["opt_name"]: option["opt_value"]
        for option in port.get("extra_dhcp_opts") or []
        if option["opt_name"] in DHCP_OPTIONS
    }
    names = present.keys() | wanted.keys()
    # Neutron deletes an option whose value is None.
    changed = [
        {"opt_name": name, "opt_value": wanted.get(name)}
        for name in sorted(names)
        if present.get(name) != wanted.get(name)
    ]
    return {"extra_dhcp_opts": changed} if changed else {}


def _bind(client: neutron.ClientWrapper, port: dict, address: str, host: str) -> None:
    """Give the port that MAC address, then a host."""
    if port["mac_address"].lower() != address:
        client.update_port(port["id"], {"port": {"mac_address": address}})
    change = {constants.BINDING_HOST_ID: host}
    bound = client.update_port(port["id"], {"port": change})["port"]
    if bound["binding:vif_type"] in (
        model.VIF_TYPE_BINDING_FAILED,
        model.VIF_TYPE_UNBOUND,
    ):
        raise exception.PortBindingFailed(port_id=port["id"])
