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

"""The private libvirtd's configuration."""

from pathlib import Path

import pytest

from ironic_sideways import exceptions
from ironic_sideways.hardware import hypervisor


def test_preparing_twice_is_preparing_once(tmp_path: Path) -> None:
    hypervisor.prepare(tmp_path / "libvirt")
    first = (tmp_path / "libvirt/etc/libvirtd.conf").read_text()

    hypervisor.prepare(tmp_path / "libvirt")

    assert (tmp_path / "libvirt/etc/libvirtd.conf").read_text() == first
    assert f'unix_sock_dir = "{tmp_path}/libvirt/run"' in first


def test_a_socket_path_that_unix_allows_is_accepted(tmp_path: Path) -> None:
    longest = _padded(tmp_path, hypervisor.SOCKET_PATH_MAX)

    hypervisor.prepare(longest)

    assert (longest / "run").is_dir()


def test_one_byte_more_is_refused_and_nothing_is_made(tmp_path: Path) -> None:
    too_long = _padded(tmp_path, hypervisor.SOCKET_PATH_MAX + 1)

    with pytest.raises(exceptions.UsageError) as caught:
        hypervisor.prepare(too_long)

    assert not too_long.exists()
    assert f"of at most {len(str(too_long)) - 1} bytes" in str(caught.value)


def _padded(parent: Path, length: int) -> Path:
    """A directory whose longest socket path has ``length`` bytes."""
    room = length - len(f"{parent}//run/libvirt-admin-sock")
    return parent / ("x" * room)


def test_an_unreachable_libvirtd_is_told_with_its_address(tmp_path: Path) -> None:
    with pytest.raises(exceptions.WaitExpired, match="Failed to connect socket"):
        hypervisor.wait_ready(tmp_path, timeout=0.1)
