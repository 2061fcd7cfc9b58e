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

"""Where everything of a lab is: directories, ports, addresses, names.

Everything follows from the lab's directory and its number, so that two labs with
different values share nothing, from how many compute hosts it has, and from the
network that its addresses are of.
"""

import dataclasses
import ipaddress
from pathlib import Path

from ironic_sideways import exceptions
from ironic_sideways.lab import service_table

#: First port of lab 0; each lab has a block of PORTS_PER_LAB ports above it.
FIRST_PORT = 21000
PORTS_PER_LAB = 50
MAX_NUMBER = 99
MAX_COMPUTE_HOSTS = 4
#: Light labs have four times the addresses, above those of all others.
MAX_LIGHT_NUMBER = 31
FIRST_LIGHT = 128
#: Machines of a lab, and of a light one.
MAX_NODES, MAX_LIGHT_NODES = 100, 1000
#: BMCs that share the first three numbers of their addresses.
BMCS = 200
#: The first two numbers of a lab's addresses; the third is its own.
NETWORK = "172.30"
#: The private networks of RFC 1918.
PRIVATE = tuple(
    ipaddress.IPv4Network(one)
    for one in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")
)


@dataclasses.dataclass(frozen=True)
class Layout:
    """The places of the lab ``number`` (0 to 99) under ``directory``.

    :param compute_hosts: base compute hosts, each with nodes of its own.
    :param prefix: the first two numbers of its addresses, of a private network.
    :param light: its machines are light ones (hardware/light), and may be many.
    """

    directory: Path
    number: int = 0
    compute_hosts: int = 1
    prefix: str = NETWORK
    light: bool = False

    def __post_init__(self) -> None:
        most = MAX_LIGHT_NUMBER if self.light else MAX_NUMBER
        if not 0 <= self.number <= most:
            raise exceptions.UsageError(
                f"lab number {self.number}: expected 0 to {most}"
                f"{' of a light lab' if self.light else ''}"
            )
        if not 1 <= self.compute_hosts <= MAX_COMPUTE_HOSTS:
            raise exceptions.UsageError(
                f"{self.compute_hosts} compute hosts: expected 1 to {MAX_COMPUTE_HOSTS}"
            )
        try:
            private = any(self.network.subnet_of(one) for one in PRIVATE)
        except ValueError:
            private = False
        if not private:
            raise exceptions.UsageError(
                f"network {self.prefix}: expected the first two numbers of a private "
                f"IPv4 network (RFC 1918), as {NETWORK} or 10.99"
            )

    @property
    def etc(self) -> Path:
        """Configuration, one directory a service."""
        return self.directory / "etc"

    @property
    def logs(self) -> Path:
        """One log file a service, ``<service>.log``."""
        return self.directory / "logs"

    @property
    def run(self) -> Path:
        """Sockets and pid files."""
        return self.directory / "run"

    @property
    def data(self) -> Path:
        """Databases, images, disks: what a service stores."""
        return self.directory / "data"

    @property
    def evidence(self) -> Path:
        """What the verdict is computed from."""
        return self.directory / "evidence"

    @property
    def record(self) -> Path:
        """What the lab was made as: number, nodes, base driver (lab.json)."""
        return self.directory / "lab.json"

    @property
    def previous(self) -> Path:
        """Logs and evidence of the lab before, until the next one is made."""
        return self.directory / "previous"

    @property
    def machines(self) -> Path:
        """The lab's machines and their BMC addresses, without credentials."""
        return self.directory / "machines.json"

    @property
    def lock(self) -> Path:
        """Held by the command that changes the lab."""
        return self.directory / "lock"

    @property
    def dhcp_hosts(self) -> Path:
        """dnsmasq's ``dhcp-hostsdir``: one file a MAC address."""
        return self.data / "dhcp-hosts"

    @property
    def dhcp_options(self) -> Path:
        """dnsmasq's ``dhcp-optsfile``: one file a MAC that has options of its own."""
        return self.data / "dhcp-options"

    @property
    def tftp_boot(self) -> Path:
        """The base compute host's TFTP root, as nova-baremetal had it."""
        return self.data / "tftpboot"

    @property
    def http_boot(self) -> Path:
        """What nginx serves to machines: Ironic's ``http_root``."""
        return self.data / "http-boot"

    @property
    def libvirt(self) -> Path:
        """The private libvirtd's own places."""
        return self.data / "libvirt"

    @property
    def vbmc(self) -> Path:
        """virtualbmc's configuration: one directory a machine, with credentials."""
        return self.data / "vbmc"

    @property
    def disks(self) -> Path:
        """The machines' disks and console logs."""
        return self.data / "machines"

    @property
    def database_socket(self) -> Path:
        """MariaDB's Unix socket, where root administers without a password."""
        return self.run / "mariadb.sock"

    @property
    def supervisor_socket(self) -> Path:
        """supervisord's Unix socket."""
        return self.run / "supervisor.sock"

    def database_url_file(self, name: str) -> Path:
        """The file, for root alone, that holds database ``name``'s URL."""
        return self.etc / "database" / f"{name}.url"

    def log(self, service: str) -> Path:
        """The log of ``service``, a supervisor program."""
        return self.logs / f"{service}.log"

    @property
    def compute_host(self) -> str:
        """``CONF.host`` of nova-compute, the same before and after the move."""
        return f"isw{self.number}"

    @property
    def compute_services(self) -> dict[str, str]:
        """The nova-compute services of the base: name -> its ``CONF.host``."""
        return {
            "nova-compute" + suffix: self.compute_host + suffix
            for suffix in ("", *(f"-{n}" for n in range(2, self.compute_hosts + 1)))
        }

    @property
    def conductor_hosts(self) -> dict[str, str]:
        """Ironic's conductors: name -> its ``CONF.host``."""
        return {
            service_table.CONDUCTOR: self.compute_host,
            service_table.SECOND_CONDUCTOR: f"{self.compute_host}-second",
        }

    @property
    def services(self) -> list[service_table.Service]:
        """The rows of such a lab, nova-compute's once for each compute host."""
        return [
            dataclasses.replace(row, name=name)
            for row in service_table.SERVICES
            if row.light in (None, self.light)
            for name in (
                self.compute_services if row.group == "compute" else (row.name,)
            )
        ]

    def names(self, group: service_table.Group) -> list[str]:
        """The services of a group, in the order of their start."""
        return [row.name for row in self.services if row.group == group]

    @property
    def lease_script(self) -> Path:
        """What dnsmasq calls at each lease event."""
        return Path(__file__).with_name("lease_event.sh")

    @property
    def secrets(self) -> Path:
        """The file of the lab's random passwords, readable by root alone."""
        return self.etc / "secrets.json"

    def port(self, listener: str) -> int:
        """The TCP port of ``listener``, one of service_table.listeners()."""
        position = service_table.listeners()[listener]
        return FIRST_PORT + PORTS_PER_LAB * self.number + position

    @property
    def bridge(self) -> str:
        """The Linux bridge that the machines are on."""
        return f"isw{self.number}"

    @property
    def guests(self) -> str:
        """The network device that stands for the NICs of light machines."""
        return f"{self.bridge}-guests"

    @property
    def network(self) -> ipaddress.IPv4Network:
        """The bridge's IPv4 network."""
        if self.light:
            third = FIRST_LIGHT + 4 * self.number
            return ipaddress.IPv4Network(f"{self.prefix}.{third}.0/22")
        return ipaddress.IPv4Network(f"{self.prefix}.{self.number}.0/24")

    @property
    def network6(self) -> ipaddress.IPv6Network:
        """The bridge's IPv6 network, for router advertisements alone."""
        words = self.prefix.replace(".", ":")
        return ipaddress.IPv6Network(f"fd00:{words}:{self.number}::/64")

    @property
    def gateway(self) -> str:
        """The host's own address on the bridge."""
        return str(self.network[1])

    @property
    def pool(self) -> tuple[str, str]:
        """The first and the last address that Neutron gives away."""
        last = 10 + MAX_LIGHT_NODES if self.light else 150
        return str(self.network[10]), str(self.network[last])

    @property
    def allocation_pool(self) -> str:
        """Neutron's allocation pool, as ``openstack`` takes it."""
        return "start={},end={}".format(*self.pool)

    @property
    def http_boot_url(self) -> str:
        """Where machines find ``http_boot``: Ironic's ``http_url``."""
        return f"http://{self.gateway}:{self.port('http-boot')}"

    def url(self, listener: str) -> str:
        """The URL of an HTTP listener on loopback."""
        return f"http://127.0.0.1:{self.port(listener)}"

    def bmc_address(self, index: int) -> str:
        """The loopback address of BMC ``index``, UDP port 623."""
        if self.light:
            third, fourth = divmod(index, BMCS)
            return f"127.{1 + self.number}.{third}.{10 + fourth}"
        return f"127.0.{100 + self.number}.{10 + index}"

    def machine_name(self, index: int) -> str:
        """The libvirt domain's name of machine ``index``."""
        return f"isw{self.number}-node-{index}"
