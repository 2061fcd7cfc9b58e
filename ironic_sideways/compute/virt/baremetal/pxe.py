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


"""Net-booted instances, as Nova 2014.2 made them (``nova/virt/baremetal/pxe.py``).

    <tftp_root>/
        <instance uuid>/{kernel,ramdisk,config}
        pxelinux.cfg/01-<mac> -> <tftp_root>/<instance uuid>/config

In 2014 each instance was one: its image has a root file system, and kernel_id and
ramdisk_id, whatever its container format. Here an image may say that a whole disk is
in it (BOOT_PROPERTY), of which the machine then boots.
"""

# nova.objects has its classes as attributes only after register_all().
from __future__ import annotations

import re
import secrets
import shlex
import shutil
import string
import subprocess
from collections.abc import Sequence
from pathlib import Path

from nova import conf, objects
from nova.network import model as network_model

from ironic_sideways import exceptions
from ironic_sideways.nova_bm import states

from . import images
from .rows import Node, Rows

CONF = conf.CONF

#: ``pxe_config.template`` of Nova 2014.2; ${ROOT} stays until the deploy is done.
TEMPLATE = """\
default deploy

label deploy
kernel {deploy_kernel}
append initrd={deploy_ramdisk} selinux=0 disk=cciss/c0d0,sda,hda,vda \
iscsi_target_iqn={iqn} deployment_id={id} deployment_key={key} troubleshoot=0 {params}
ipappend 3


label boot
kernel {kernel}
append initrd={ramdisk} root=${{ROOT}} ro {params}{network}
"""

#: The image property, and its value, by which an instance boots from its disk.
BOOT_PROPERTY = "baremetal_boot"
FROM_DISK = "disk"

#: ``random_alnum(32)`` of 2014.
KEY_LETTERS = string.ascii_letters + string.digits

#: Seconds for the deploy helper.
HELPER_TIMEOUT = 300


def wanted(instance: objects.Instance) -> bool:
    """Whether the instance boots by kernel and ramdisk, not by its image's word.

    :raises SidewaysError: it does, and lacks one ("not passed", 2014 said), or there
        is no deploy helper.
    """
    if instance.system_metadata.get(f"image_{BOOT_PROPERTY}") == FROM_DISK:
        return False
    ids = {"kernel_id": instance.kernel_id, "ramdisk_id": instance.ramdisk_id}
    missing = " and ".join(name for name, value in ids.items() if not value)
    if missing:
        raise exceptions.SidewaysError(
            f"image {instance.image_ref}: has no {missing}: expected a root file "
            "system with both; set them in glance, or the property "
            f"{BOOT_PROPERTY}={FROM_DISK} if a whole disk is in it"
        )
    if not CONF.baremetal.deploy_helper:
        raise exceptions.SidewaysError(
            f"image {instance.image_ref}: nothing can write this root file system on "
            "a disk; set [baremetal] deploy_helper"
        )
    return True


def dhcp_options() -> dict[str, str]:
    """What the ports of a net-booted instance say (``dhcp_options_for_instance``)."""
    return {
        "bootfile-name": CONF.baremetal.pxe_bootfile_name,
        "server-ip-address": CONF.my_ip,
        "tftp-server": CONF.my_ip,
    }


def config_path(instance_uuid: str) -> Path:
    """The instance's PXE configuration."""
    return Path(CONF.baremetal.tftp_root, instance_uuid, "config")


def mac_path(address: str) -> Path:
    """The link by which PXELINUX finds the configuration of a NIC."""
    name = "01-" + address.replace(":", "-").lower()
    return Path(CONF.baremetal.tftp_root, "pxelinux.cfg", name)


def network_arguments(network_info: Sequence[network_model.VIF]) -> str:
    """The kernel's words for the ports, eth0 the first (``build_pxe_network_config``).

    Of each port the first IPv4 subnet counts.
    """
    words = []
    for number, vif in enumerate(network_info):
        for subnet in vif["network"]["subnets"]:
            if subnet["version"] == 4:
                address, gateway = subnet["ips"][0], subnet["gateway"]
                words.append(
                    f"ip={address['address']}::{gateway['address'] if gateway else ''}"
                    f":{subnet.as_netaddr().netmask}::eth{number}:off"
                )
                break
    return " ".join(words)


def build_config(node_id: int, key: str, instance_uuid: str, network: str = "") -> str:
    """The PXE configuration before the deploy: ``default deploy``.

    :param network: what network_arguments made.
    """
    directory = config_path(instance_uuid).parent
    names = ("deploy_kernel", "deploy_ramdisk", "kernel", "ramdisk")
    return TEMPLATE.format(
        **{name: directory / name for name in names},
        iqn=f"iqn-{instance_uuid}",
        id=node_id,
        key=key,
        params=CONF.baremetal.pxe_append_params,
        network=f" {network}" if network else "",
    )


def switch_config(text: str, root_uuid: str) -> str:
    """The configuration after the deploy (``switch_pxe_config`` of 2014)."""
    text = text.replace("${ROOT}", f"UUID={root_uuid}")
    return re.sub("^default .*$", "default boot", text, flags=re.MULTILINE)


def activate(
    rows: Rows,
    row: Node,
    instance: objects.Instance,
    network_info: Sequence[network_model.VIF],
) -> None:
    """Fetch kernel and ramdisk; write the configuration, its links and the row."""
    path = config_path(instance.uuid)
    path.parent.mkdir(parents=True, exist_ok=True)
    sources = {"kernel": instance.kernel_id, "ramdisk": instance.ramdisk_id}
    sources |= images.deploy_images(instance.flavor)
    for name, image_id in sources.items():
        images.download(image_id, path.with_name(name))
    key = "".join(secrets.choice(KEY_LETTERS) for _ in range(32))
    rows.update(row, deploy_key=key, pxe_config_path=str(path))
    network = ""
    if CONF.baremetal.pxe_network_config:
        network = network_arguments(network_info)
    path.write_text(build_config(row.id, key, instance.uuid, network))
    for interface in rows.interfaces(row):
        link = mac_path(interface.address)
        link.parent.mkdir(exist_ok=True)
        link.unlink(missing_ok=True)
        link.symlink_to(path)


def deactivate(rows: Rows, row: Node) -> None:
    """Remove the links, the instance's directory and its image; none is no fault."""
    for interface in rows.interfaces(row):
        mac_path(interface.address).unlink(missing_ok=True)
    if row.instance_uuid:
        shutil.rmtree(config_path(row.instance_uuid).parent, ignore_errors=True)
    rows.update(row, pxe_config_path=None, deploy_key=None)


def write_disk(rows: Rows, row: Node, instance: objects.Instance) -> None:
    """Let the deploy helper write the instance's image on the node's disk.

    The row says what the helper of 2014 said of itself. The machine must be off. Of
    a net-booted instance, its PXE configuration boots it from then on.

    :raises SidewaysError: glance, or the helper, with its words.
    """
    if not CONF.baremetal.deploy_helper:
        return
    image = Path(CONF.instances_path, instance.name, "disk")
    image.parent.mkdir(parents=True, exist_ok=True)
    images.download(instance.image_ref, image)
    rows.update(row, image_path=str(image))
    rows.update(row, task_state=states.DEPLOYING)
    try:
        # As the deploy helper of 2014 read it: what this deploy has recorded.
        _switch(instance, _run_helper(rows.node(row.uuid) or row, image))
    except exceptions.SidewaysError:
        rows.update(row, task_state=states.DEPLOYFAIL)
        raise
    rows.update(row, task_state=states.DEPLOYDONE)


def _switch(instance: objects.Instance, root_uuid: str) -> None:
    """:raises SidewaysError: a net-booted instance without root file system."""
    path = config_path(instance.uuid)
    if path.exists():
        if not root_uuid:
            raise exceptions.SidewaysError(
                f"image {instance.image_ref}: expected a root file system with a UUID, "
                "found none; publish one, with its kernel and ramdisk"
            )
        path.write_text(switch_config(path.read_text(), root_uuid))


def remove_image(row: Node) -> None:
    """Remove the copy of the instance's image (``destroy_images`` of 2014).

    The row still names it after a deploy.
    """
    if row.image_path:
        shutil.rmtree(Path(row.image_path).parent, ignore_errors=True)


def _run_helper(row: Node, image: Path) -> str:
    """The last word that the helper prints: the root file system's UUID, or none."""
    command = [*shlex.split(CONF.baremetal.deploy_helper), row.uuid, str(image)]
    for name in ("root_mb", "swap_mb", "ephemeral_mb"):
        command += [f"--{name.replace('_', '-')}", str(getattr(row, name) or 0)]
    if row.preserve_ephemeral:
        command.append("--preserve-ephemeral")
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=HELPER_TIMEOUT,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise exceptions.SidewaysError(f"[baremetal] deploy_helper: {error}") from error
    if done.returncode:
        raise exceptions.SidewaysError(
            f"node {row.uuid}: [baremetal] deploy_helper failed with exit code "
            f"{done.returncode}: {' '.join(done.stderr.split())[-500:]}"
        )
    return done.stdout.strip()
