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

"""A bridge with DHCP, a libvirtd, a vbmcd and one machine, for the tests of these."""

import contextlib
import os
import shutil
import signal
import subprocess
import threading
import uuid
import xml.etree.ElementTree as ET
from pathlib import Path

import libvirt

from ironic_sideways import ipmi, waits
from ironic_sideways.evidence import heartbeat
from ironic_sideways.hardware import bmc, disks, guest, hypervisor, machines
from ironic_sideways.lab import bare_metal

#: Apart from every lab: their numbers end at 99, ours is beyond.
BRIDGE = "isw-test"


GATEWAY = "172.30.240.1"


ADDRESS = "172.30.240.10"


HEARTBEAT_PORT = 26990


MACHINE = machines.Machine(
    name="isw-test-node-0",
    uuid=str(uuid.uuid4()),
    index=0,
    macs=machines.macs(240, 0),
    bmc_address="127.0.240.10",
)


#: nova-baremetal's Neutron gave a port any MAC of its node; this is not the first.
MAC = MACHINE.macs[1]


def run(*command: str) -> None:
    subprocess.run(command, check=True)


def collect(undo: contextlib.ExitStack, path: Path, address: str, port: int) -> None:
    """Record heartbeats in ``path`` until ``undo``."""
    collector = heartbeat.Collector(address, port, heartbeat.Record(path))
    undo.callback(collector.server_close)
    thread = threading.Thread(target=collector.serve_forever)
    thread.start()
    undo.callback(thread.join)
    undo.callback(collector.shutdown)


class Daemon:
    """A process with a log, ended with all its children."""

    def __init__(self, command: list[str], log: Path, **environment: str) -> None:
        self.log = log
        with log.open("ab") as stream:
            self._process = subprocess.Popen(
                command,
                env={**os.environ, **environment},
                stdin=subprocess.DEVNULL,
                close_fds=False,
                stdout=stream,
                stderr=stream,
                start_new_session=True,
            )

    def stop(self) -> int:
        self._process.send_signal(signal.SIGTERM)
        # libvirtd gives its threads 30 s to end (virnetdaemon.c).
        return self._process.wait(timeout=120)


class Rack:
    """A bridge with DHCP, a collector, a libvirtd, a vbmcd and a machine."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.record = root / "heartbeat.jsonl"
        self.libvirt = root / "libvirt"
        self.machines = root / "machines"
        self.vbmc = root / "vbmc"
        self.vbmcd_log = root / "vbmcd.log"
        self.tftp = root / "tftpboot"
        hypervisor.prepare(self.libvirt)
        bmc.prepare(self.vbmc)
        with contextlib.ExitStack() as undo:
            self._build(undo)
            self._undo = undo.pop_all()

    def _build(self, undo: contextlib.ExitStack) -> None:
        run("ip", "link", "add", BRIDGE, "type", "bridge", "forward_delay", "0")
        undo.callback(run, "ip", "link", "delete", BRIDGE)
        run("ip", "address", "add", f"{GATEWAY}/24", "dev", BRIDGE)
        run("ip", "link", "set", BRIDGE, "up")
        dnsmasq = Daemon(self._dnsmasq(), self.root / "dnsmasq.log")
        undo.callback(dnsmasq.stop)
        collect(undo, self.record, GATEWAY, HEARTBEAT_PORT)
        self.start_libvirtd()
        undo.callback(lambda: self.libvirtd.stop())
        undo.callback(machines.undefine, self.uri, self.machines)
        self.start_vbmcd()
        undo.callback(lambda: self.vbmcd.stop())
        self.define(MACHINE)
        self.ensure_bmc()

    def _dnsmasq(self) -> list[str]:
        config = self.root / "dnsmasq.conf"
        config.write_text(
            f"interface={BRIDGE}\nbind-interfaces\nexcept-interface=lo\nport=0\n"
            f"dhcp-range={ADDRESS},static,2m\ndhcp-host={MAC},{ADDRESS}\n"
            f"dhcp-leasefile={self.root}/leases\nno-ping\n"
            f'dhcp-option=224,"{GATEWAY}:{HEARTBEAT_PORT}"\n'
            # What nova-baremetal gave its ports; a machine that boots its disk asks
            # for none of it.
            "dhcp-option=option:bootfile-name,pxelinux.0\n"
            f"dhcp-option=option:server-ip-address,{GATEWAY}\n"
            # pytest's directories are root's alone.
            f"enable-tftp\ntftp-root={self.tftp}\ntftp-no-fail\nuser=root\n"
        )
        pid_file = f"--pid-file={self.root}/dnsmasq.pid"
        return ["dnsmasq", "--keep-in-foreground", f"--conf-file={config}", pid_file]

    def start_libvirtd(self) -> None:
        command = hypervisor.command(self.libvirt)
        self.libvirtd = Daemon(command, self.root / "libvirtd.log")
        hypervisor.wait_ready(self.libvirt)

    def start_vbmcd(self) -> None:
        command = bmc.command(self.vbmc)
        self.vbmcd = Daemon(command, self.vbmcd_log, **bmc.environment())

    @property
    def uri(self) -> str:
        return hypervisor.uri(self.libvirt)

    @property
    def bmc(self) -> ipmi.Bmc:
        return bmc.credentials(self.vbmc)[MACHINE.name].bmc

    def define(self, *wanted: machines.Machine, directory: Path | None = None) -> None:
        disk = guest.build(self.root / "cache").disk
        machines.define(self.uri, wanted, directory or self.machines, disk, BRIDGE)

    def ensure_bmc(self, machine: machines.Machine = MACHINE) -> None:
        bmc.ensure(self.vbmc, [machine], self.uri, self.vbmcd_log)

    def wait_beats(
        self, more_than: int, boots: int = 1, timeout: float = 90
    ) -> heartbeat.Stream:
        """The newest boot's stream, once ``boots`` were seen and it is that long."""

        def done(found: list[heartbeat.Stream]) -> bool:
            return len(found) >= boots and found[-1].last_seq > more_than

        found = waits.wait_for(
            lambda: heartbeat.streams(heartbeat.read(self.record)),
            done,
            f"more than {more_than} heartbeats in boot {boots}",
            timeout=timeout,
        )
        return found[-1]

    def lay_out_tftp(self, root: str) -> None:
        """What PXELINUX fetches for the machine: the guest on its disk's root."""
        built = guest.build(self.root / "cache")
        files = (*bare_metal.BOOT_LOADERS, built.kernel, built.ramdisk)
        config = self.tftp / "pxelinux.cfg" / f"01-{MAC.replace(':', '-')}"
        config.parent.mkdir(parents=True)
        for path in files:
            shutil.copyfile(path, self.tftp / path.name)
        config.write_text(
            f"default boot\nlabel boot\nkernel {self.tftp}/kernel\n"
            f"append initrd={self.tftp}/ramdisk root=UUID={root} ro "
            f"{guest.KERNEL_ARGUMENTS}\n"
        )

    def write_disk(self, image: Path, *, preserve: bool = False) -> str | None:
        ipmi.power(self.bmc, "off")
        ipmi.wait_power(self.bmc, "off", timeout=10)
        sizes = disks.Sizes(256, 8, 64, preserve)
        return machines.write_disk(self.uri, MACHINE, self.machines, image, sizes)

    def next_boot_device(self) -> str:
        """What the machine boots from next; a BMC tells only what it booted from."""
        with hypervisor.connect(self.uri) as connection:
            domain = connection.lookupByName(MACHINE.name)
            text = domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE)
        (boot,) = ET.fromstring(text).findall("os/boot")  # noqa: S314
        return boot.attrib["dev"]

    def close(self) -> None:
        self._undo.close()
