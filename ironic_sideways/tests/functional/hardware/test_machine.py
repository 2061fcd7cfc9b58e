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

"""A real libvirt machine behind a real virtual BMC sends heartbeats.

Needs root, and what bindep.txt lists under lab. One libvirtd and vbmcd of the
test's own serve all tests of this file; they are gone afterwards.
"""

import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import sqlalchemy as sa

from ironic_sideways import exceptions, ipmi
from ironic_sideways.evidence import heartbeat
from ironic_sideways.hardware import (
    bmc,
    disks,
    guest,
    machines,
    vbmc_log,
)
from ironic_sideways.migrate import choices, classify, plan
from ironic_sideways.migrate.preflight import bmcs
from ironic_sideways.nova_bm import schema
from ironic_sideways.tests import rows, samples
from ironic_sideways.tests.functional import local_user
from ironic_sideways.tests.functional.hardware.rack import (
    ADDRESS,
    MAC,
    MACHINE,
    Rack,
)
from ironic_sideways.tests.functional.local_user import Attack, as_nobody
from ironic_sideways.trials import local_boot


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
    ipmi.power(rack.bmc, "on")
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
    ipmi.power(rack.bmc, "on")
    ipmi.boot_device(rack.bmc, "pxe")
    before = rack.wait_beats(more_than=0)

    rack.define(MACHINE)
    rack.ensure_bmc()
    ipmi.power(rack.bmc, "on")

    assert rack.bmc.password == password
    assert rack.next_boot_device() == "network"
    assert rack.wait_beats(more_than=before.last_seq).boot_id == before.boot_id
    ipmi.boot_device(rack.bmc, "disk")


def test_the_power_button_turns_the_guest_off_and_a_new_boot_is_a_new_stream(
    rack: Rack,
) -> None:
    ipmi.power(rack.bmc, "on")
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
    ipmi.power(rack.bmc, "on")

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
    ipmi.power(rack.bmc, "on")

    machines.undefine(rack.uri, rack.machines)
    machines.undefine(rack.uri, rack.machines)

    assert machines.defined(rack.uri, rack.machines) == []
    assert list(rack.machines.iterdir()) == []


def test_the_guest_is_built_once(rack: Rack) -> None:
    first = guest.build(rack.root / "cache")
    made = first.disk.stat().st_mtime_ns

    assert guest.build(rack.root / "cache") == first
    assert first.disk.stat().st_mtime_ns == made
