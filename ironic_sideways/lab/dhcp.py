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

"""Telling the lab's dnsmasq which machine has which address, and until when."""

import contextlib
import dataclasses
import logging
import os
import re
import signal
import socket
from collections.abc import Mapping
from pathlib import Path

from ironic_sideways import whole_file
from ironic_sideways.hardware import dhcp_message

LOG = logging.getLogger(__name__)

#: What a port may tell its machine, all of it for its network boot: as nova-baremetal
#: named it (nova.virt.baremetal.pxe), and as Ironic does (ironic.common.pxe_utils).
OPTIONS = frozenset(
    ("bootfile-name", "server-ip-address", "tftp-server", "66", "67", "150", "255")
)
#: A value of these: nothing by which dnsmasq ends a line, a word or a quotation.
VALUE = re.compile(r"[A-Za-z0-9._:/?&=%@~+\[\]-]{1,255}")
#: These are addresses, in dnsmasq's opttab.
ADDRESSES = frozenset(("server-ip-address", "150", "255"))
ADDRESS = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}")


def release_message(mac: str, address: str, server: str) -> bytes:
    """The DHCPRELEASE with which the machine ``mac`` would release ``address``."""
    options = {dhcp_message.SERVER: socket.inet_aton(server)}
    return dhcp_message.pack(mac, dhcp_message.RELEASE, options, address=address)


@dataclasses.dataclass
class HostFiles:
    """What dnsmasq knows of each MAC, a file each in two directories.

    ``dhcp-hostsdir`` has ``<mac>,<address>``; the directory that is ``dhcp-optsfile``
    has the DHCP options that a port has of its own, for the tag that dnsmasq.conf
    gives each MAC. Tags in the hosts' lines, as Neutron's DHCP agent writes them,
    crash Debian's dnsmasq 2.90 (SIGSEGV) at the next reload after they were used.

    :param interface: the network device that dnsmasq listens on.
    :param server: dnsmasq's own address there.
    """

    directory: Path
    options: Path
    pid_file: Path
    interface: str
    server: str

    def assign(
        self, mac: str, address: str, options: Mapping[str, str] | None = None
    ) -> None:
        """Give ``address`` to the machine ``mac``; safe to do again.

        :param options: name (or number) and value of DHCP options for it alone. A
            tenant wrote them: what is none of ``OPTIONS`` is left out.
        """
        name = _name(mac)
        text = "".join(
            f"tag:{tag(mac)},{_option(*pair)}\n"
            for pair in (options or {}).items()
            if _is_safe(mac, *pair)
        )
        line = f"{mac},{address}\n"
        before = _read(self.directory / name)
        if (before, _read(self.options / name) or "") == (line, text):
            return
        _write(self.options / name, text)
        if before != line:
            _write(self.directory / name, line)
        if before and _address(before) != address:
            self._release(mac, _address(before))
        self._reload()

    def withdraw(self, mac: str) -> None:
        """Withdraw the address of the machine ``mac``; safe to do again."""
        name = _name(mac)
        before = _read(self.directory / name)
        if before is None:
            return
        for directory in (self.directory, self.options):
            (directory / name).unlink(missing_ok=True)
        self._reload()
        self._release(mac, _address(before))

    def _reload(self) -> None:
        # A dnsmasq that does not run yet reads the files when it starts.
        with contextlib.suppress(FileNotFoundError, ValueError, ProcessLookupError):
            os.kill(int(self.pid_file.read_text()), signal.SIGHUP)

    def _release(self, mac: str, address: str) -> None:
        """End the lease: dnsmasq gives a leased address to nobody else."""
        message = release_message(mac, address, self.server)
        # The lease expires in 2 minutes anyway: a failure only costs time.
        with (
            contextlib.suppress(OSError),
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender,
        ):
            # Bound to the device, the message arrives on it and not on loopback,
            # where dnsmasq does not listen.
            sender.setsockopt(
                socket.SOL_SOCKET, socket.SO_BINDTODEVICE, self.interface.encode()
            )
            sender.sendto(message, (self.server, dhcp_message.SERVER_PORT))


def tag(mac: str) -> str:
    """The tag that dnsmasq.conf gives the machine ``mac``."""
    return f"mac-{_name(mac)}"


def _name(mac: str) -> str:
    return mac.lower().replace(":", "-")


def _is_safe(mac: str, name: str, value: str) -> bool:
    """Whether dnsmasq may read it, as this option, for this machine alone."""
    pattern = ADDRESS if name in ADDRESSES else VALUE
    if name in OPTIONS and pattern.fullmatch(value):
        return True
    LOG.warning(
        "%s: DHCP option %r=%r is left out: expected one of %s, and one word of it",
        *(mac, name, value, ", ".join(sorted(OPTIONS))),
    )
    return False


def _option(name: str, value: str) -> str:
    return f"{name if name.isdigit() else f'option:{name}'},{value}"


def _address(line: str) -> str:
    return line.strip().rsplit(",", 1)[1]


def _read(path: Path) -> str | None:
    return path.read_text() if path.exists() else None


def _write(path: Path, text: str) -> None:
    """Replace ``path`` atomically; without text there is no file."""
    if not text:
        path.unlink(missing_ok=True)
        return
    # Its temporary name begins with a dot, which dnsmasq ignores.
    whole_file.write(path, text)
