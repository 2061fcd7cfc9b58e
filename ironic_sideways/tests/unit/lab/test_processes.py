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

"""Which processes are a lab's, and their end."""

import os
import socket
import subprocess
import sys

import psutil
import pytest

from ironic_sideways import exceptions
from ironic_sideways.lab import processes


@pytest.fixture
def start(tmp_path):
    """Start a child with an environment of its own; all are ended."""
    children = []

    def begin(**environment):
        path = {"PATH": os.environ["PATH"]}
        command = [sys.executable, "-c", "print(1, flush=True); input()"]
        child = subprocess.Popen(
            command,
            env={**path, **environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert child.stdout is not None
        children.append(child)
        child.stdout.readline()
        return child

    yield begin
    for child in children:
        child.kill()
        child.communicate()


def test_only_what_a_supervisor_started_for_this_lab_is_its_own(start, tmp_path):
    lab = {"IRONIC_SIDEWAYS_LAB": str(tmp_path)}
    service = start(**lab, SUPERVISOR_PROCESS_NAME="nova-api")
    start(**lab)
    start(IRONIC_SIDEWAYS_LAB=f"{tmp_path}-2", SUPERVISOR_PROCESS_NAME="nova-api")

    assert [one.pid for one in processes.of_lab(tmp_path)] == [service.pid]


def test_what_is_killed_is_waited_for(start):
    child = start()

    with pytest.raises(exceptions.WaitExpired, match=f"seen last: .{child.pid}"):
        processes.wait_gone([psutil.Process(child.pid)], 0)
    processes.kill([psutil.Process(child.pid)])

    assert child.wait(5) == -9


def test_a_listener_is_found_by_its_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert processes.listeners()[port] == os.getpid()
    assert port not in processes.listeners()


def test_a_process_is_told_by_name_as_long_as_it_has_one(start):
    child = start()
    assert f"(pid {child.pid})" in processes.tell(child.pid)
    child.kill()
    child.wait()

    assert processes.tell(child.pid) == f"pid {child.pid}"
    assert processes.tell(None) == "an unknown process"
