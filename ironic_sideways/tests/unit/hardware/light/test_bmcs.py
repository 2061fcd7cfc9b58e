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

"""The light BMCs are what the directory says, and one's fault is one's own."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from ironic_sideways.hardware import bmc
from ironic_sideways.hardware.light import bmcs as light
from ironic_sideways.hardware.machines import Machine


def write(directory: Path, name: str, address: str) -> None:
    bmc._write(directory / name, Machine(name, "uuid", 0, ("mac",), address, 26624), "")


@pytest.fixture
def bmcs(tmp_path: Path) -> Iterator[light.Bmcs]:
    config = tmp_path / "vbmc"
    bmc.prepare(config)
    for name, address in (("one", "127.0.240.30"), ("two", "127.0.240.31")):
        write(config, name, address)
    made = light.Bmcs(config, tmp_path)
    made.follow()
    yield made
    for name in list(made.running):
        made._end(name)


def running(bmcs: light.Bmcs) -> dict[str, light.Bmc]:
    return {name: one for name, (_, one) in bmcs.running.items()}


def test_a_second_look_at_the_same_files_changes_nothing(bmcs: light.Bmcs) -> None:
    before = running(bmcs)
    bmcs.follow()

    assert running(bmcs) == before
    assert set(before) == {"one", "two"}


def test_a_bmc_whose_file_has_changed_runs_anew(bmcs: light.Bmcs) -> None:
    before = running(bmcs)
    write(bmcs.config_dir, "two", "127.0.240.39")
    bmcs.follow()

    assert running(bmcs)["one"] is before["one"]
    assert running(bmcs)["two"].serversocket.getsockname()[0] == "127.0.240.39"


def test_a_bmc_whose_file_is_gone_ends(bmcs: light.Bmcs) -> None:
    shutil.rmtree(bmcs.config_dir / "two")
    bmcs.follow()

    assert set(running(bmcs)) == {"one"}


def test_what_cannot_be_read_or_bound_keeps_no_other_from_running(
    bmcs: light.Bmcs,
) -> None:
    (bmcs.config_dir / "one" / "config").write_text("half a")
    write(bmcs.config_dir, "same", "127.0.240.31")
    write(bmcs.config_dir, "three", "127.0.240.32")
    bmcs.follow()

    assert set(running(bmcs)) == {"two", "three"}


def test_a_bmc_forgets_its_oldest_sessions(bmcs: light.Bmcs) -> None:
    one = running(bmcs)["one"]
    for port in range(light.SESSIONS + 3):
        session = object.__new__(light.Session)
        session.sockaddr = ("127.0.0.1", port)
        one.remember(session)

    assert [port for _, port in one.sessions] == list(range(3, light.SESSIONS + 3))


def test_a_boot_device_that_virtualbmc_refuses_is_refused(bmcs: light.Bmcs) -> None:
    one = running(bmcs)["one"]

    assert one.set_boot_device("floppy") == light.INVALID_DATA
    assert one.set_boot_device("network") is None
    assert one.get_boot_device() == "network"
