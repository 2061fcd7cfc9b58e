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

"""What the comparison of a host before and after a lab looks at, and what it passes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ironic_sideways.tests.functional.lab import host

#: Neither of labs nor ephemeral.
PLACE = ("127.0.0.99", 20999)
LISTEN = f"""
import socket
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
    listener.bind({PLACE})
    print("bound", flush=True)
    input()
"""


@pytest.mark.parametrize(
    ("lab", "seen"), [(None, True), ("own", True), ("other", False)]
)
def test_a_listener_of_another_lab_is_not_the_hosts(
    lab: str | None, seen: bool, tmp_path: Path
) -> None:
    own = tmp_path / "own"
    named = {"IRONIC_SIDEWAYS_LAB": str(tmp_path / lab)} if lab else {}
    with subprocess.Popen(
        [sys.executable, "-c", LISTEN],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, **named},
    ) as listener:
        assert listener.stdout and listener.stdout.readline() == b"bound\n"

        found = host.snapshot(own, tmp_path, tmp_path)["listeners"]

        listener.communicate(b"\n", timeout=20)
    assert (f"SOCK_DGRAM {PLACE[0]}:{PLACE[1]}" in found) == seen
