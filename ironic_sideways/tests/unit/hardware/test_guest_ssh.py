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

import gzip
import subprocess

import pytest

from ironic_sideways import exceptions
from ironic_sideways.hardware import guest, guest_ssh


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """A guest whose ramdisk is not a multiple of what the kernel looks at."""
    tmp_path = tmp_path_factory.mktemp("guest")
    ramdisk = tmp_path / "ramdisk"
    ramdisk.write_bytes(gzip.compress(b"the guest") + b"\0" * 3)
    nothing = tmp_path / "nothing"
    fields = dict.fromkeys(guest.Guest.__dataclass_fields__, nothing)
    return guest.Guest(**{**fields, "key": "a", "ramdisk": ramdisk})


@pytest.fixture(scope="module")
def cache(plain, tmp_path_factory):
    """One that has the ramdisk."""
    directory = tmp_path_factory.mktemp("cache")
    guest_ssh.build(plain, directory)
    return directory


def layer_of(ramdisk, plain):
    start = -(-plain.ramdisk.stat().st_size // guest_ssh.ALIGNMENT)
    return gzip.decompress(ramdisk.read_bytes()[start * guest_ssh.ALIGNMENT :])


def test_the_layer_has_the_server_its_libraries_and_the_guests_scripts(plain, cache):
    (ramdisk,) = cache.glob("*/ramdisk")

    assert ramdisk.read_bytes().startswith(plain.ramdisk.read_bytes())
    listed = subprocess.run(
        [guest.BUSYBOX, "cpio", "-t"],
        input=layer_of(ramdisk, plain),
        capture_output=True,
        check=True,
    )
    names = listed.stdout.decode().split()
    assert {"bin/dropbear", "init", "etc/guest-init", "etc/shadow"} <= set(names)
    assert any(name.endswith("/libc.so.6") for name in names)
    assert any(name.startswith("lib64/ld-linux") for name in names)


def test_nobody_logs_in_with_a_password():
    assert guest_ssh.TEXTS["etc/shadow"].split(":")[1] == "*"
    text = (guest_ssh._HERE / guest_ssh.SCRIPTS["etc/ssh.sh"]).read_text()
    assert "dropbear -F -s " in text


def test_a_second_build_is_the_first_one(plain, cache):
    (ramdisk,) = cache.glob("*/ramdisk")
    before = ramdisk.stat().st_mtime_ns

    assert guest_ssh.build(plain, cache) == ramdisk
    assert ramdisk.stat().st_mtime_ns == before


def test_a_server_that_is_not_installed_is_named_with_its_package(
    plain, tmp_path, monkeypatch
):
    monkeypatch.setitem(guest_ssh.PROGRAMS, "bin/dropbear", tmp_path / "dropbear")

    with pytest.raises(exceptions.SidewaysError, match="package dropbear-bin"):
        guest_ssh.build(plain, tmp_path / "cache")
