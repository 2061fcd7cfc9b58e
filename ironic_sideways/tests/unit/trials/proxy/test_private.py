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

"""A service beside the lab's: its configuration, its port, its end."""

import socket
import stat
import subprocess
import sys

import pytest

from ironic_sideways import exceptions
from ironic_sideways.lab.layout import Layout
from ironic_sideways.trials.proxy import private


def test_a_copy_has_the_other_settings_and_leaves_the_labs_file_alone(tmp_path) -> None:
    layout = Layout(tmp_path)
    lab = layout.etc / "nova" / "nova.conf"
    lab.parent.mkdir(parents=True)
    lab.write_text("[DEFAULT]\ndebug = false\nkept = 1\n")

    path = private.copy_of(
        layout,
        "nova/nova.conf",
        "beside",
        {"DEFAULT": {"debug": "true"}, "new": {"a": "b"}},
    )

    assert path == layout.etc / "beside" / "nova.conf"
    text = path.read_text()
    assert "debug = true" in text and "debug = false" not in text
    assert "kept = 1" in text and "[new]\na = b" in text
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert lab.read_text() == "[DEFAULT]\ndebug = false\nkept = 1\n"


def test_a_service_that_has_ended_is_told_with_its_exit_code() -> None:
    process = subprocess.Popen([sys.executable, "-c", "raise SystemExit(3)"])
    process.wait()

    with pytest.raises(exceptions.SidewaysError, match="ended with exit code 3"):
        private._state(process, private.free_port())


def test_a_free_port_is_nobodys() -> None:
    port = private.free_port()

    with socket.socket() as found:
        found.bind(("127.0.0.1", port))
    assert port > 1023
