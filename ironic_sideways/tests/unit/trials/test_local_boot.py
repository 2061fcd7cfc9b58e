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

"""What an operator of 2014 does to let an instance boot from its disk."""

from pathlib import Path

import pytest

from ironic_sideways import exceptions
from ironic_sideways.migrate.files import tftp
from ironic_sideways.trials import local_boot

INSTANCE, OTHER = "instance-1", "instance-2"


@pytest.fixture
def base(tmp_path: Path) -> local_boot.Base:
    """The TFTP root of two net-booted instances, the first with two NICs."""
    root = tmp_path / "tftpboot"
    (root / "pxelinux.cfg").mkdir(parents=True)
    for instance, macs in ((INSTANCE, ("01-a", "01-b")), (OTHER, ("01-c",))):
        (root / instance).mkdir()
        config = root / instance / "config"
        config.write_text("default boot\n")
        for mac in macs:
            (root / "pxelinux.cfg" / mac).symlink_to(config)
    helper = tmp_path / "helper"
    helper.write_text(f'#!/bin/sh\necho "$@" >{tmp_path}/helped\n')
    helper.chmod(0o755)
    return local_boot.Base(f"{helper} --word", root, Path("whole.qcow2"))


def test_t3_its_machine_boots_locally_and_no_other_instance_is_touched(
    base: local_boot.Base, tmp_path: Path
) -> None:
    base.boot_from_disk(INSTANCE, "node-1")

    assert (tmp_path / "helped").read_text() == "--word node-1 whole.qcow2\n"
    links = base.tftp_root / "pxelinux.cfg"
    texts = {link.name: link.read_text() for link in links.iterdir()}
    assert texts == {
        **dict.fromkeys(("01-a", "01-b"), local_boot.LOCAL_BOOT),
        "01-c": "default boot\n",
    }
    # The migration finds nothing of it, and wants the operator's word.
    assert tftp.find([base.tftp_root], INSTANCE) is None


def test_an_instance_that_is_not_net_booted_is_named(base: local_boot.Base) -> None:
    with pytest.raises(exceptions.SidewaysError, match=r"instance-3: expected a link"):
        base.boot_from_disk("instance-3", "node-1")


def test_a_helper_that_fails_says_so_and_the_instance_boots_as_before(
    base: local_boot.Base, tmp_path: Path
) -> None:
    failing = local_boot.Base(
        "sh -c 'echo no disk >&2; exit 4'", base.tftp_root, base.disk
    )

    with pytest.raises(exceptions.SidewaysError, match="exit code 4: no disk"):
        failing.boot_from_disk(INSTANCE, "node-1")

    assert (base.tftp_root / "pxelinux.cfg" / "01-a").is_symlink()
