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

"""Which images Tempest's servers get."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ironic_sideways.trials.tempest import images


def test_two_images_of_one_disk_boot_the_guest_that_can_be_logged_in_to(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    published: dict[str, tuple] = {}

    def publish(_admin, name, path, container, disk_format, properties) -> str:
        published[name] = (str(path), container, disk_format, properties)
        return f"id of {name}"

    plain = SimpleNamespace(kernel=Path("vmlinuz"), root=Path("plain.qcow2"))
    monkeypatch.setattr(images.guest, "build", lambda _cache: plain)
    ramdisk = Path("cache/1234/ssh.img")
    monkeypatch.setattr(images.guest_ssh, "build", lambda _plain, _cache: ramdisk)
    monkeypatch.setattr(images.workload, "publish", publish)
    admin: Any = None

    found = images.publish(admin, Path("cache"))

    assert found == ("guest-ssh-1234", "guest-ssh-again-1234")
    parts = {"kernel_id": "id of 1234-aki", "ramdisk_id": "id of 1234-ari"}
    assert published == {
        "1234-aki": ("vmlinuz", "aki", "aki", {}),
        "1234-ari": ("cache/1234/ssh.img", "ari", "ari", {}),
        **dict.fromkeys(found, ("plain.qcow2", "bare", "qcow2", parts)),
    }
