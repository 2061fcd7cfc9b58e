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

"""A machine's description, and the mark that tells whose it is."""

import xml.etree.ElementTree as ET
from pathlib import Path

from ironic_sideways.hardware import domain_xml

MACHINE = {"name": "node-1", "uuid": "u", "memory_mb": 256, "vcpus": 1, "macs": ["m"]}


def describe(directory: str = "/lab", bridge: str = "br", **changed: object):
    return domain_xml.describe(
        {**MACHINE, **changed},
        Path(directory),
        disk=Path(directory) / 'a "disk" & <more>.qcow2',
        console=Path(directory) / "console.log",
        bridge=bridge,
    )


def test_what_a_path_holds_is_escaped_and_read_back() -> None:
    text, _ = describe("/a <b> & 'c'")

    root = ET.fromstring(text)  # noqa: S314
    (source,) = root.iterfind("devices/disk/source")
    assert source.get("file") == "/a <b> & 'c'/a \"disk\" & <more>.qcow2"


def test_the_mark_says_whose_machine_it_is_and_what_it_was_made_as() -> None:
    text, fingerprint = describe("/a <b> & 'c'")

    (mark,) = ET.fromstring(text).iterfind("metadata/*")  # noqa: S314
    read = domain_xml.read_mark(ET.tostring(mark, encoding="unicode"))
    assert read == {"directory": "/a <b> & 'c'", "fingerprint": fingerprint}


def test_another_machine_has_another_fingerprint_and_the_same_one_the_same() -> None:
    others = [describe(memory_mb=512)[1], describe(bridge="b2")[1], describe("/b")[1]]

    assert describe()[1] == describe()[1]
    assert len({describe()[1], *others}) == 4


def test_t2_a_machine_boots_over_any_of_its_nics() -> None:
    """libvirt's boot device "network" is the first NIC alone."""
    text, _ = describe(macs=["a", "b", "c"])

    root = ET.fromstring(text)  # noqa: S314
    schema = "{http://libvirt.org/schemas/domain/qemu/1.0}"
    order = {
        device.get("alias"): found.get("value")
        for device in root.iter(f"{schema}device")
        for found in device.iter(f"{schema}property")
    }
    assert order == {"net1": "2", "net2": "3"}
