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

"""The libvirt description of a machine, with a mark that says whose it is."""

import hashlib
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape, quoteattr

#: XML namespace of the mark in a domain's <metadata>.
NAMESPACE = "https://opendev.org/ironic-sideways/machine"

#: TCG: nested KVM cannot be counted on. "maximum" is libvirt's word for the CPU
#: model max. The console's log would be truncated at each power-on without append.
#: A BMC leaves one boot device, and libvirt's strict=on lets SeaBIOS then skip the
#: disk altogether: a network boot could not fall back to it (iPXE's sanboot).
_DOMAIN = """\
<domain type="qemu" xmlns:qemu="http://libvirt.org/schemas/domain/qemu/1.0">
  <name>{name}</name>
  <uuid>{uuid}</uuid>
  <metadata/>
  <memory unit="MiB">{memory_mb}</memory>
  <vcpu>{vcpus}</vcpu>
  <os>
    <type arch="x86_64" machine="pc">hvm</type>
    <boot dev="hd"/>
  </os>
  <features><acpi/></features>
  <cpu mode="maximum"/>
  <on_poweroff>destroy</on_poweroff>
  <on_reboot>restart</on_reboot>
  <on_crash>destroy</on_crash>
  <devices>
    <disk type="file" device="disk">
      <driver name="qemu" type="qcow2" cache="unsafe"/>
      <source file="{disk}"/>
      <target dev="vda" bus="virtio"/>
    </disk>
{nics}
    <controller type="usb" model="none"/>
    <serial type="file">
      <source path="{console}" append="on"/>
    </serial>
    <memballoon model="none"/>
  </devices>
  <qemu:commandline>
    <qemu:arg value="-boot"/>
    <qemu:arg value="strict=off"/>
  </qemu:commandline>
  <qemu:override>
{overrides}
  </qemu:override>
</domain>
"""
_NIC = """\
    <interface type="bridge">
      <mac address="{mac}"/>
      <source bridge="{bridge}"/>
      <model type="virtio"/>
    </interface>"""
#: A boot device "network" is the first NIC alone to libvirt. Any other would come
#: after the disk, and a net-booted instance's address may be on any.
_OVERRIDE = """\
    <qemu:device alias="net{nic}">
      <qemu:frontend>
        <qemu:property name="bootindex" type="unsigned" value="{index}"/>
      </qemu:frontend>
    </qemu:device>"""


def describe(
    machine: Mapping[str, Any],
    directory: Path,
    *,
    disk: Path,
    console: Path,
    bridge: str,
) -> tuple[str, str]:
    """The domain's description and its fingerprint.

    The fingerprint tells an up-to-date domain from one to replace: a BMC changes
    the boot order in it, and that is no reason to replace it.

    :param machine: the fields of machines.Machine.
    :param directory: whose machine it is; goes into the mark.
    """
    places = {"disk": disk, "console": console, "bridge": bridge}
    values = {
        name: escape(str(value), {'"': "&quot;"})
        for name, value in {**machine, **places}.items()
    }
    macs = [escape(mac) for mac in machine["macs"]]
    values["nics"] = "\n".join(
        _NIC.format(mac=mac, bridge=values["bridge"]) for mac in macs
    )
    values["overrides"] = "\n".join(
        _OVERRIDE.format(nic=nic, index=nic + 1) for nic in range(1, len(macs))
    )
    text = _DOMAIN.format(**values)
    fingerprint = hashlib.sha256(text.encode()).hexdigest()[:12]
    mark = (
        f'<isw:machine xmlns:isw="{NAMESPACE}" '
        f'directory={quoteattr(str(directory))} fingerprint="{fingerprint}"/>'
    )
    return text.replace("<metadata/>", f"<metadata>{mark}</metadata>"), fingerprint


def read_mark(element: str) -> dict[str, str]:
    """``directory`` and ``fingerprint`` of a mark as libvirt returns it."""
    return dict(ET.fromstring(element).attrib)  # noqa: S314 - libvirt's own output
