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

"""vbmcd runs what the directory says, whatever becomes of the files in it."""

import json
import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from virtualbmc import manager

from ironic_sideways import waits
from ironic_sideways.hardware import bmc, vbmcd
from ironic_sideways.hardware.machines import Machine


def write(directory: Path, name: str, address: str = "127.0.100.10") -> None:
    machine = Machine(name, "uuid", 0, ("mac",), address)
    bmc._write(directory / name, machine, "qemu:///system")


@pytest.fixture
def bmcs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[vbmcd.Bmcs]:
    """Two BMCs run, of which each has written what it was started with."""
    told = tmp_path / "told"
    told.mkdir()

    def runner(options: dict[str, str | int]) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        (told / f"{os.getpid()}.part").write_text(json.dumps(options))
        (told / f"{os.getpid()}.part").rename(told / str(os.getpid()))
        signal.pause()

    monkeypatch.setattr(manager, "vbmc_runner", runner)
    config = tmp_path / "vbmc"
    bmc.prepare(config)
    for name in ("one", "two"):
        write(config, name)
    made = vbmcd.Bmcs(config)
    made.follow()
    yield made
    for _, process in made.running.values():
        process.kill()
        process.join(5)


def pids(bmcs: vbmcd.Bmcs) -> dict[str, int | None]:
    return {name: process.pid for name, (_, process) in bmcs.running.items()}


def told(bmcs: vbmcd.Bmcs, name: str) -> dict[str, str | int]:
    path = bmcs.config_dir.parent / "told" / str(pids(bmcs)[name])
    waits.wait_for(path.exists, bool, f"BMC {name}", timeout=10, interval=0.05)
    options: dict[str, str | int] = json.loads(path.read_text())
    return options


def test_a_bmc_runs_with_what_its_file_says(bmcs: vbmcd.Bmcs) -> None:
    known = bmc.credentials(bmcs.config_dir)["one"]

    assert told(bmcs, "one") == {
        "address": "127.0.100.10",
        "port": 623,
        "username": "admin",
        "password": known.bmc.password,
        "domain_name": "one",
        "libvirt_uri": "qemu:///system",
    }


def test_a_second_look_at_the_same_files_changes_nothing(bmcs: vbmcd.Bmcs) -> None:
    before = pids(bmcs)
    bmcs.follow()

    assert pids(bmcs) == before


def test_a_bmc_whose_file_has_changed_runs_anew(bmcs: vbmcd.Bmcs) -> None:
    before = pids(bmcs)
    write(bmcs.config_dir, "two", "127.0.100.99")
    bmcs.follow()

    assert pids(bmcs)["one"] == before["one"]
    assert pids(bmcs)["two"] != before["two"]
    assert told(bmcs, "two")["address"] == "127.0.100.99"


def test_a_bmc_whose_file_is_gone_ends(bmcs: vbmcd.Bmcs) -> None:
    _, process = bmcs.running["two"]
    shutil.rmtree(bmcs.config_dir / "two")
    bmcs.follow()

    assert set(bmcs.running) == {"one"}
    assert process.exitcode == -signal.SIGKILL


def test_a_bmc_that_died_runs_again(bmcs: vbmcd.Bmcs) -> None:
    _, process = bmcs.running["one"]
    process.kill()
    process.join(5)
    bmcs.follow()

    assert pids(bmcs)["one"] != process.pid
    assert told(bmcs, "one")["domain_name"] == "one"


def test_a_file_that_cannot_be_read_ends_nobody(bmcs: vbmcd.Bmcs) -> None:
    before = pids(bmcs)
    (bmcs.config_dir / "one" / "config").write_text("half a")
    bmcs.follow()

    assert pids(bmcs) == before
    assert all(process.is_alive() for _, process in bmcs.running.values())
