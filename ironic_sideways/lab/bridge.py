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

"""The lab's Linux bridge: where the machines, DHCP and HTTP boot meet."""

import ipaddress
import json
from pathlib import Path
from typing import Any

from ironic_sideways import commands, exceptions
from ironic_sideways.lab import processes
from ironic_sideways.lab.layout import Layout

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

#: Marks a bridge as ours, followed by the lab's directory (ip-link's alias).
MARK = "ironic-sideways"
#: What the kernel keeps of an alias, in bytes.
LONGEST_ALIAS = 255


def _ip(*words: str) -> str:
    done = commands.run(["ip", *words], timeout=30)
    if done.returncode:
        raise exceptions.SidewaysError(
            f"`ip {' '.join(words)}`: {done.stderr.strip() or done.returncode}"
        )
    return done.stdout


def _devices() -> list[dict[str, Any]]:
    devices: list[dict[str, Any]] = json.loads(_ip("-json", "link", "show") or "[]")
    return devices


def taken_networks() -> list[tuple[str, Network]]:
    """Each device with the network of an address or a route of this host by it.

    Of all routing tables, and of devices that are down; default routes are left out.
    """
    found = [
        (str(device["ifname"]), f"{one['local']}/{one['prefixlen']}")
        for device in json.loads(_ip("-json", "address", "show") or "[]")
        for one in device.get("addr_info", ())
        if "local" in one
    ]
    for family in ("-4", "-6"):
        routes = _ip(family, "-json", "route", "show", "table", "all")
        found += [
            (str(one.get("dev", "no device")), str(one["dst"]))
            for one in json.loads(routes or "[]")
            if one["dst"] != "default"
        ]
    return [(name, ipaddress.ip_network(text, strict=False)) for name, text in found]


def find(name: str) -> dict[str, Any] | None:
    """The network device ``name`` as iproute2 shows it, or None."""
    return next((one for one in _devices() if one.get("ifname") == name), None)


def is_ours(layout: Layout, device: dict[str, Any]) -> bool:
    """Whether ``device`` carries the mark of this very lab."""
    return bool(device.get("ifalias") == _alias(layout))


def is_left_behind(device: dict[str, Any]) -> bool:
    """Whether ``device`` is of a lab that was killed: none of its processes runs.

    A bridge outlives whatever kills all of a lab's processes, short of a reboot.
    """
    alias = device.get("ifalias") or ""
    mark, _, directory = alias.partition(" ")
    return (
        mark == MARK
        and bool(directory)
        and len(alias) < LONGEST_ALIAS
        and not processes.of_lab(Path(directory))
    )


def _alias(layout: Layout) -> str:
    return f"{MARK} {layout.directory}"[:LONGEST_ALIAS]


def create(layout: Layout) -> None:
    """Create the bridge with its addresses; safe to do again.

    :raises SidewaysError: a device of that name is another living lab's, or of
        somebody else.
    """
    name = layout.bridge
    device = find(name)
    if device is not None and not is_ours(layout, device) and is_left_behind(device):
        _ip("link", "delete", name)
        device = None
    if device is None:
        # A fixed MAC: otherwise it changes with the first machine's NIC.
        mac = f"02:69:73:77:00:{layout.number:02x}"
        _ip("link", "add", name, "address", mac, "type", "bridge", "stp_state", "0")
        _ip("link", "set", name, "alias", _alias(layout))
    elif not is_ours(layout, device):
        raise exceptions.SidewaysError(
            f"network device {name}: expected none, found one of another owner "
            f"({device.get('ifalias') or 'no alias'}); choose another lab --number"
        )
    prefix = layout.network.prefixlen
    _ip("address", "replace", f"{layout.gateway}/{prefix}", "dev", name)
    _ip("address", "replace", f"{layout.network6[1]}/64", "dev", name, "nodad")
    _ip("link", "set", name, "up")
    if layout.light:
        _create_guests(layout)


def _create_guests(layout: Layout) -> None:
    """A pair of devices: one on the bridge, the other for the light guests."""
    end = f"{layout.bridge}-port"
    if find(layout.guests) is None:
        _ip("link", "add", end, "type", "veth", "peer", "name", layout.guests)
    # With it the other one goes.
    _ip("link", "set", end, "alias", _alias(layout), "master", layout.bridge, "up")
    _ip("link", "set", layout.guests, "up")


def of_lab(layout: Layout) -> list[str]:
    """The network devices that carry the mark of this lab, whatever its number."""
    return [str(one["ifname"]) for one in _devices() if is_ours(layout, one)]


def remove(layout: Layout) -> None:
    """Remove this lab's bridge, if it is there."""
    for name in of_lab(layout):
        _ip("link", "delete", name)
