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

"""A real libvirt machine behind a real virtual BMC beats its heart.

Needs root, and what bindep.txt lists under lab. One libvirtd and vbmcd of the
test's own serve all tests of this file; they are gone afterwards.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import uuid
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path

import libvirt
import psutil
import pytest
import sqlalchemy as sa

from ironic_sideways import exceptions, ipmi, waits
from ironic_sideways.evidence import heartbeat
from ironic_sideways.hardware import (
    bmc,
    disks,
    guest,
    hypervisor,
    machines,
    vbmc_log,
)
from ironic_sideways.lab import bare_metal
from ironic_sideways.migrate import choices, classify, plan
from ironic_sideways.migrate.preflight import bmcs
from ironic_sideways.nova_bm import schema
from ironic_sideways.tests import rows, samples
from ironic_sideways.tests.functional import local_user
from ironic_sideways.tests.functional.local_user import Attack, as_nobody
from ironic_sideways.trials import local_boot

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


class Daemon:
    """A process with a log, ended with all its children."""

    def __init__(self, command: list[str], log: Path, **environment: str) -> None:
        self.log = log
        with log.open("ab") as stream:
            self._process = subprocess.Popen(
                command,
                env={**os.environ, **environment},
                stdin=subprocess.DEVNULL,
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
        record = heartbeat.Record(self.record)
        collector = heartbeat.Collector(GATEWAY, HEARTBEAT_PORT, record)
        undo.callback(collector.server_close)
        thread = threading.Thread(target=collector.serve_forever)
        thread.start()
        undo.callback(thread.join)
        undo.callback(collector.shutdown)
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
        machines.stop(self.uri, [MACHINE.name])
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


@pytest.fixture(scope="module")
def rack() -> Iterator[Rack]:
    root = Path(tempfile.mkdtemp(prefix="isw-rack-"))
    # Any user gets as far as the rack, as in a repository.
    root.chmod(0o755)
    made = Rack(root)
    yield made
    made.close()
    assert _processes_of(root) == []
    shutil.rmtree(root)


@pytest.fixture
def attack(rack: Rack) -> Iterator[Attack]:
    yield from local_user.attack(rack.vbmc)


def _processes_of(directory: Path) -> list[str]:
    """The command lines of running processes that name ``directory``."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if str(directory) in words:
            found.append(words)
    return found


def test_a_machine_beats_its_heart_from_its_fixed_address(rack: Rack) -> None:
    ipmi.power(rack.bmc, "on")

    stream = rack.wait_beats(more_than=2)

    assert (stream.mac, stream.ips) == (MAC, (ADDRESS,))
    assert (stream.first_seq, stream.missing) == (1, ())
    assert ipmi.power_status(rack.bmc) == "on"


def test_a_machine_outlives_libvirtd_and_vbmcd(rack: Rack) -> None:
    machines.start(rack.uri, [MACHINE.name])
    before = rack.wait_beats(more_than=0)

    rack.vbmcd.stop()
    rack.libvirtd.stop()
    rack.start_libvirtd()
    rack.start_vbmcd()
    bmc.wait_ready(rack.vbmc, [MACHINE.name], rack.vbmcd_log)

    assert ipmi.power_status(rack.bmc) == "on"
    after = rack.wait_beats(more_than=before.last_seq)
    assert (after.boot_id, after.missing) == (before.boot_id, ())


def test_doing_it_again_changes_nothing(rack: Rack) -> None:
    password = rack.bmc.password
    machines.start(rack.uri, [MACHINE.name])
    ipmi.boot_device(rack.bmc, "pxe")
    before = rack.wait_beats(more_than=0)

    rack.define(MACHINE)
    rack.ensure_bmc()
    machines.start(rack.uri, [MACHINE.name])

    assert rack.bmc.password == password
    assert rack.next_boot_device() == "network"
    assert rack.wait_beats(more_than=before.last_seq).boot_id == before.boot_id
    ipmi.boot_device(rack.bmc, "disk")


def test_the_power_button_turns_the_guest_off_and_a_new_boot_is_a_new_stream(
    rack: Rack,
) -> None:
    machines.start(rack.uri, [MACHINE.name])
    rack.wait_beats(more_than=0)
    boots = len(heartbeat.streams(heartbeat.read(rack.record)))

    ipmi.power(rack.bmc, "soft")
    ipmi.wait_power(rack.bmc, "off", timeout=20)
    ipmi.power(rack.bmc, "on")

    assert rack.wait_beats(more_than=1, boots=boots + 1).first_seq == 1
    with rack.vbmcd_log.open() as stream:
        told = [(one.domain, one.command) for one in vbmc_log.power_commands(stream)]
    assert told[-2:] == [(MACHINE.name, "soft"), (MACHINE.name, "on")]


def test_a_bmc_that_moved_is_replaced_and_answers(rack: Rack) -> None:
    moved = machines.Machine(**{**vars(MACHINE), "bmc_address": "127.0.240.11"})

    rack.ensure_bmc(moved)

    assert rack.bmc.address == "127.0.240.11"
    assert ipmi.power_status(rack.bmc) in ("on", "off")
    rack.ensure_bmc()
    assert rack.bmc.address == MACHINE.bmc_address


def test_the_migrations_check_asks_the_bmc_as_ironic_will(rack: Rack) -> None:
    """One that answers, one of another password, and one that is not there."""
    answer = {"pm_address": rack.bmc.address, "pm_user": rack.bmc.username}
    sound, wrong, absent = (
        classify.Verdict(samples.source(row), classify.Outcome.MIGRATE)
        for row in (
            rows.used_node(1, **answer, pm_password=rack.bmc.password),
            rows.used_node(2, **answer, pm_password="wr0ng"),
            rows.used_node(3, pm_address="127.0.240.99"),
        )
    )
    told: list[int] = []
    options = choices.Options(resource_class="b", owner=None, node_arch="x86_64")
    made = plan.Plan(options, classify.Policy(), {"run_id": "r", "tool": "t"})
    with sa.create_engine("sqlite://").connect() as source:
        schema.bm_nodes.create(source)
        question = bmcs.Bmcs(made, None, lambda _what, _total: told.append)
        question.begin(source)
        question.judge([sound, wrong, absent])

    assert sound.outcome is classify.Outcome.MIGRATE
    for verdict, address in ((wrong, rack.bmc.address), (absent, "127.0.240.99")):
        (reason,) = verdict.reasons
        assert reason.startswith(f"BMC {address}:623: ")
        assert "'power status'" in reason
        assert "wr0ng" not in reason
        assert "s3cret" not in reason
    assert sum(told) == 3


def test_the_password_stands_in_one_file_that_only_its_owner_reads(rack: Rack) -> None:
    secret = rack.bmc.password.encode()

    files = [path for path in rack.root.rglob("*") if path.is_file()]
    small = [path for path in files if path.stat().st_size < 10_000_000]
    holders = [path for path in small if secret in path.read_bytes()]

    assert holders == [rack.vbmc / MACHINE.name / "config"]
    assert holders[0].stat().st_mode & 0o777 == 0o600


def test_no_port_takes_another_users_commands(rack: Rack, attack: Attack) -> None:
    family = [psutil.Process(), *psutil.Process().children(recursive=True)]

    answers = attack.send(local_user.listeners(one.pid for one in family))

    assert attack.done == []
    assert answers == []


def test_libvirt_and_the_passwords_are_roots_alone(rack: Rack) -> None:
    sockets = local_user.sockets(rack.libvirt)

    assert "libvirt-sock" in {path.name for path in sockets}
    assert local_user.reached(sockets) == []
    assert as_nobody(Path.exists, rack.record)
    for private in (rack.libvirt, rack.vbmc, rack.machines):
        assert local_user.may(private, os.R_OK) == []


def test_a_bmc_whose_address_is_taken_is_told_with_the_logs_end(rack: Rack) -> None:
    other = machines.Machine(
        **{**vars(MACHINE), "name": "isw-test-node-1", "uuid": str(uuid.uuid4())}
    )
    rack.define(MACHINE, other)
    try:
        with pytest.raises(exceptions.WaitExpired) as caught:
            bmc.ensure(rack.vbmc, [other], rack.uri, rack.vbmcd_log, timeout=6)
        assert "isw-test-node-1: BMC 127.0.240.10:623" in str(caught.value)
        assert "Address already in use" in str(caught.value)
    finally:
        shutil.rmtree(rack.vbmc / other.name)


def test_a_machine_of_somebody_else_is_never_touched(rack: Rack) -> None:
    stranger = machines.Machine(
        **{**vars(MACHINE), "name": "isw-test-other", "uuid": str(uuid.uuid4())}
    )
    elsewhere = rack.root / "elsewhere"
    rack.define(stranger, directory=elsewhere)

    with pytest.raises(exceptions.SidewaysError, match=r"isw-test-other .* in the way"):
        rack.define(MACHINE, stranger)
    assert stranger.name not in machines.defined(rack.uri, rack.machines)

    machines.undefine(rack.uri, elsewhere)
    assert machines.defined(rack.uri, elsewhere) == []
    assert MACHINE.name in machines.defined(rack.uri, rack.machines)


def test_a_disk_is_not_written_under_a_machine_that_is_on(rack: Rack) -> None:
    machines.start(rack.uri, [MACHINE.name])

    with pytest.raises(exceptions.SidewaysError, match="expected it off"):
        machines.write_disk(
            rack.uri, MACHINE, rack.machines, rack.record, disks.Sizes()
        )


def test_t10_a_machine_without_boot_loader_keeps_its_disks_by_the_networks_kernel(
    rack: Rack,
) -> None:
    boots = len(heartbeat.streams(heartbeat.read(rack.record)))
    built = guest.build(rack.root / "cache")
    root = rack.write_disk(built.root)
    rack.lay_out_tftp(str(root))
    streams = []

    # TFTP brings 15 MB in blocks of 1.4 kB.
    for number, image in enumerate((None, None, built.root), start=1):
        if image:
            rack.write_disk(image, preserve=True)
        ipmi.power(rack.bmc, "off")
        ipmi.boot_device(rack.bmc, "pxe")
        ipmi.power(rack.bmc, "on")
        streams += [rack.wait_beats(more_than=1, boots=boots + number, timeout=240)]

    for stream in streams:
        assert (stream.root, stream.mac, stream.ips) == (root, MAC, (ADDRESS,))
    first, again, rebuilt = streams
    assert first.marker
    assert first.ephemeral
    assert (again.marker, again.ephemeral) == (first.marker, first.ephemeral)
    assert rebuilt.marker not in (None, first.marker)
    assert rebuilt.ephemeral == first.ephemeral


def test_a_whole_disk_boots_again_by_itself_after_it_was_written(rack: Rack) -> None:
    boots = len(heartbeat.streams(heartbeat.read(rack.record)))
    assert rack.write_disk(guest.build(rack.root / "cache").disk) is None

    ipmi.boot_device(rack.bmc, "disk")
    ipmi.power(rack.bmc, "on")

    assert rack.wait_beats(more_than=1, boots=boots + 1).root is None


def test_t3_a_machine_boots_its_disk_where_pxelinux_is_told_so(rack: Rack) -> None:
    """Its BMC has network boot set, for good, as nova-baremetal left it."""
    boots = len(heartbeat.streams(heartbeat.read(rack.record)))
    rack.write_disk(guest.build(rack.root / "cache").disk)
    config = rack.tftp / "pxelinux.cfg" / f"01-{MAC.replace(':', '-')}"
    config.write_text(local_boot.LOCAL_BOOT)

    ipmi.boot_device(rack.bmc, "pxe", persistent=True)
    ipmi.power(rack.bmc, "on")

    assert rack.wait_beats(more_than=1, boots=boots + 1, timeout=240).root is None


def test_machines_are_gone_with_their_disks(rack: Rack) -> None:
    machines.start(rack.uri, [MACHINE.name])

    machines.undefine(rack.uri, rack.machines)
    machines.undefine(rack.uri, rack.machines)

    assert machines.defined(rack.uri, rack.machines) == []
    assert list(rack.machines.iterdir()) == []


def test_the_guest_is_built_once(rack: Rack) -> None:
    first = guest.build(rack.root / "cache")
    made = first.disk.stat().st_mtime_ns

    assert guest.build(rack.root / "cache") == first
    assert first.disk.stat().st_mtime_ns == made
