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

"""A lab on this host, as the tests of this directory share it."""

import os
import subprocess
from pathlib import Path

from ironic_sideways.lab.layout import Layout
from ironic_sideways.lab.programs import BINARIES
from ironic_sideways.tests.functional.lab import host

NUMBER = 97
NODES = 2
#: The repository's: databases cost 40 s.
CACHE = str(Path(__file__).parents[4] / ".cache")
UP = ("--number", str(NUMBER), "--nodes", str(NODES), "--base-driver", "fake")


def command(layout: Layout, *words: str) -> subprocess.CompletedProcess[str]:
    """``ironic-sideways lab <words>`` on this lab."""
    return subprocess.run(
        [
            *(str(BINARIES / "ironic-sideways"), "lab", *words),
            *("--directory", str(layout.directory)),
        ],
        capture_output=True,
        text=True,
        timeout=600,
        env=caller(layout),
    )


def caller(layout: Layout) -> dict[str, str]:
    """The environment of who calls, with a home and a scratch directory for this."""
    user = layout.directory.parent
    own = {"HOME": str(user / "home"), "TMPDIR": str(user / "t")}
    kept = {name: value for name, value in os.environ.items() if name[:4] != "XDG_"}
    return kept | own


def host_now(layout: Layout) -> dict[str, set[str]]:
    """The host as ``caller`` sees it."""
    user = layout.directory.parent
    return host.snapshot(layout.directory, user / "home", user / "t")


def up(layout: Layout) -> subprocess.CompletedProcess[str]:
    """``ironic-sideways lab up``."""
    return command(layout, "up", *UP, "--cache", CACHE)
