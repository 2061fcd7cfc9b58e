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

"""The far sides: BMCs behind an ipmitool, a Neutron; and what stands in for Nova."""

import itertools
from collections.abc import Callable
from pathlib import Path

from neutronclient.common import exceptions as neutron_exceptions

#: Keeps each BMC's state in $BMCS/<address> and what it was asked in .../log.
IPMITOOL = """\
#!/bin/sh
[ "$IPMI_PASSWORD" = hidden ] || { echo "wrong password" >&2; exit 1; }
while [ "$1" != power ] && [ "$1" != chassis ]; do
    [ "$1" = -H ] && address=$2
    shift
done
[ -e "$BMCS/$address.broken" ] && { echo "no answer" >&2; exit 1; }
state=$(cat "$BMCS/$address" 2>/dev/null || echo off)
if [ "$2" = status ]; then
    echo "Chassis Power is $state"
    exit
fi
echo "$address $*" >> "$BMCS/log"
[ "$1" = chassis ] || [ -e "$BMCS/$address.stuck" ] || echo "$2" > "$BMCS/$address"
"""


class Bmcs:
    """What the BMCs did, and what is wrong with them."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def asked(self) -> list[str]:
        """The commands but status, as ``<address> <words>``."""
        log = self._directory / "log"
        return log.read_text().splitlines() if log.exists() else []

    def power(self, address: str, state: str) -> None:
        """Set a machine's state behind the driver's back."""
        (self._directory / address).write_text(state)

    def fail(self, address: str, how: str) -> None:
        """Make a BMC ``broken`` (answers nothing) or ``stuck`` (does nothing)."""
        (self._directory / f"{address}.{how}").touch()


class Neutron:
    """Ports by id, under ML2's rules that matter here.

    A bound port keeps its MAC address (``_check_mac_update_allowed``), a MAC
    address is one port's, and None asks for a new one.
    """

    def __init__(self) -> None:
        self.ports: dict[str, dict] = {}
        self.binds = True
        self._numbers = itertools.count()

    def add(self, port_id: str, mac_address: str | None = None) -> str:
        """An unbound port."""
        self.ports[port_id] = {
            "id": port_id,
            "mac_address": mac_address or self._mac(),
            "binding:host_id": "",
            "binding:vif_type": "unbound",
        }
        return port_id

    def show_port(self, port_id: str) -> dict:
        """As neutronclient's."""
        return {"port": dict(self._port(port_id))}

    def update_port(self, port_id: str, body: dict) -> dict:
        """As neutronclient's."""
        port, change = self._port(port_id), dict(body["port"])
        if "mac_address" in change:
            change["mac_address"] = change["mac_address"] or self._mac()
            taken = {other["mac_address"] for other in self.ports.values()}
            if port["binding:vif_type"] != "unbound" or change["mac_address"] in taken:
                raise neutron_exceptions.Conflict()
        if "binding:host_id" in change:
            bound = "other" if self.binds else "binding_failed"
            change["binding:vif_type"] = (
                bound if change["binding:host_id"] else "unbound"
            )
        if "extra_dhcp_opts" in change:
            # None takes an option away; what is not named stays.
            old = {o["opt_name"]: o for o in port.get("extra_dhcp_opts", [])}
            old |= {o["opt_name"]: o for o in change["extra_dhcp_opts"]}
            change["extra_dhcp_opts"] = [
                option for option in old.values() if option["opt_value"] is not None
            ]
        port.update(change)
        return {"port": dict(port)}

    def _port(self, port_id: str) -> dict:
        if port_id not in self.ports:
            raise neutron_exceptions.PortNotFoundClient()
        return self.ports[port_id]

    def _mac(self) -> str:
        return f"fa:16:3e:00:00:{next(self._numbers):02x}"


class Calls(list):
    """What was called, in order."""

    def note(self, name: str, result: object = None) -> Callable:
        """A stand-in method that records its positional arguments."""

        def called(_self: object, *arguments: object, **_named: object) -> object:
            self.append((name, *arguments[1:]))
            return result

        return called


def raiser(error: Exception) -> Callable:
    """A stand-in that fails."""

    def fail(*_arguments: object, **_named: object) -> None:
        raise error

    return fail
