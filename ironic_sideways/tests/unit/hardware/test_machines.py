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

"""Machines as the lab's file and libvirt's description have them."""

import dataclasses
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from ironic_sideways import exceptions
from ironic_sideways.hardware import domain_xml, machines

MACHINE = machines.Machine(
    name="isw0-node-1",
    uuid="5a1e3c0e-6a0e-4f0c-9a76-4f9f4b1f8f01",
    index=1,
    macs=("52:54:00:00:00:01", "52:54:01:00:00:01"),
    bmc_address="127.0.100.11",
    memory_mb=1024,
    shape="deploy",
)


def describe(
    machine: machines.Machine = MACHINE, directory: Path = Path("/lab")
) -> tuple[str, str]:
    return domain_xml.describe(
        dataclasses.asdict(machine),
        directory,
        disk=directory / "a & b.qcow2",
        console=directory / "console.log",
        bridge="isw0",
    )


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    other = dataclasses.replace(MACHINE, name="isw0-node-2", index=2)

    machines.write(tmp_path / "machines.json", [MACHINE, other])

    assert machines.read(tmp_path / "machines.json") == [MACHINE, other]
    assert [path.name for path in tmp_path.iterdir()] == ["machines.json"]


def test_a_missing_file_says_what_makes_it(tmp_path: Path) -> None:
    with pytest.raises(exceptions.SidewaysError, match="lab up"):
        machines.read(tmp_path / "machines.json")


@pytest.mark.parametrize("text", ["", "{}x", '[{"name": "a"}]', '[{"colour": "red"}]'])
def test_a_file_that_lists_no_machines_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "machines.json"
    path.write_text(text)

    with pytest.raises(exceptions.SidewaysError, match="expected a list of machines"):
        machines.read(path)


def test_macs_are_distinct_and_locally_administered() -> None:
    macs = [
        mac
        for number in range(100)
        for index in (0, 1, 255, 256, 300)
        for mac in machines.macs(number, index)
    ]

    assert len(set(macs)) == len(macs)
    assert all(int(mac.split(":")[0], 16) & 0b11 == 0b10 for mac in macs)
    assert machines.macs(2, 10) == ("52:54:00:02:00:0a", "52:54:01:02:00:0a")


def test_the_description_has_the_machines_values() -> None:
    tree = ET.fromstring(describe()[0])  # noqa: S314

    def attributes(path: str) -> dict[str, str]:
        (element,) = tree.findall(path)
        return element.attrib

    assert tree.get("type") == "qemu"
    assert tree.findtext("uuid") == MACHINE.uuid
    assert tree.findtext("memory") == "1024"
    macs = [one.get("address") for one in tree.iterfind("devices/interface/mac")]
    assert tuple(macs) == MACHINE.macs
    assert attributes("devices/disk/source")["file"] == "/lab/a & b.qcow2"
    assert attributes("devices/serial/source")["append"] == "on"


def test_the_mark_tells_whose_machine_it_is() -> None:
    text, fingerprint = describe(directory=Path('/lab "of" <a & b>'))

    (metadata,) = ET.fromstring(text).findall("metadata")  # noqa: S314
    (mark,) = metadata
    assert mark.tag == f"{{{domain_xml.NAMESPACE}}}machine"
    assert domain_xml.read_mark(ET.tostring(mark, "unicode")) == {
        "directory": '/lab "of" <a & b>',
        "fingerprint": fingerprint,
    }


def test_the_fingerprint_changes_with_the_machine_alone() -> None:
    assert describe()[1] == describe()[1]
    assert describe(dataclasses.replace(MACHINE, memory_mb=256))[1] != describe()[1]
