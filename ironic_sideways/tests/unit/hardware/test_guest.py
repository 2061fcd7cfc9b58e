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

"""The guest's ramdisk: what a build refuses, which would boot without a NIC."""

import os

import pytest

from ironic_sideways import exceptions
from ironic_sideways.hardware import guest, kernel


@pytest.fixture
def says(tmp_path, monkeypatch):
    """Let modprobe say a text, for a kernel of its own."""

    def modprobe(text: str) -> kernel.Kernel:
        program = tmp_path / "modprobe"
        program.write_text(f"#!/bin/sh\nprintf '{text}'\n")
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
        return kernel.Kernel("6.1.0", tmp_path)

    return modprobe


def test_modules_are_named_in_their_order_and_once(says):
    found = guest._modules(says("insmod /a/b.ko \\ninsmod /a/c.ko x=1\\n"), ["b", "c"])

    assert [str(path) for path in found] == ["/a/b.ko", "/a/c.ko"]


def test_what_the_kernel_has_within_it_is_no_file(says):
    assert guest._modules(says("builtin b\\n"), ["b"]) == []


def test_a_modprobe_that_does_nothing_is_named(says, tmp_path):
    with pytest.raises(exceptions.SidewaysError) as refused:
        guest._modules(says(""), ["virtio_net"])

    assert f"{tmp_path}/modprobe --show-depends virtio_net: says nothing" in str(
        refused.value
    )
