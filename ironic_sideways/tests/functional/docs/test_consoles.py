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

"""The upgrade guide's block that ends the consoles of nova-baremetal's nodes."""

import contextlib
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

GUIDE = Path(__file__).parents[4] / "doc/source/admin/upgrade.rst"
PIDS = "/var/lib/nova/baremetal/console"


@pytest.fixture
def block(tmp_path: Path) -> str:
    _, found = GUIDE.read_text(encoding="utf-8").split(f"    for file in {PIDS}", 1)
    return f"for file in {tmp_path}" + found.split("\n\n")[0]


@contextlib.contextmanager
def running(program: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process of the name of ``program``, which waits; ended afterwards."""
    shutil.copy("/bin/sleep", program)
    with subprocess.Popen([program, "300"]) as process:
        try:
            yield process
        finally:
            process.kill()


def test_t8_the_old_consoles_are_ended_and_nothing_else(
    tmp_path: Path, block: str
) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    with (
        running(programs / "shellinaboxd") as console,
        # Its pid was another console's once, which died.
        running(programs / "postgres") as foreign,
        running(programs / "shellinaboxd-own") as somebodys,
    ):
        for node, process in ((1, console), (2, foreign)):
            (tmp_path / f"{node}.pid").write_text(f"{process.pid}\n")

        subprocess.run(["bash", "-c", block], timeout=30, check=False)

        assert console.wait(timeout=30) == -15
        assert (foreign.poll(), somebodys.poll()) == (None, None)
    assert [path.name for path in tmp_path.glob("*.pid")] == ["2.pid"]
