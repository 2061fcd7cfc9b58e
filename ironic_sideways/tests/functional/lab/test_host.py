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

import socket

import pytest

from ironic_sideways.tests.functional.lab import host

#: Neither of labs nor ephemeral.
PORT = 20999


@pytest.mark.parametrize(
    ("address", "seen"), [("127.0.197.99", True), ("127.0.190.99", False)]
)
def test_a_listener_is_the_hosts_unless_the_main_job_beside_has_it(
    address, seen, tmp_path
):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind((address, PORT))

        found = host.snapshot(tmp_path, tmp_path)["listeners"]

    assert (f"SOCK_DGRAM {address}:{PORT}" in found) == seen
