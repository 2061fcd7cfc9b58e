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

"""The ``[baremetal]`` options, by the names that Nova 2014.2 gave them."""

from oslo_config import cfg

GROUP = "baremetal"
IPMI_POWER_MANAGER = "nova.virt.baremetal.ipmi.IPMI"

OPTIONS = [
    cfg.StrOpt(
        "sql_connection",
        secret=True,
        help="URL of the nova_bm database; @FILE reads it from a file and $NAME "
        "from an environment variable.",
    ),
    cfg.StrOpt(
        "power_manager",
        default=IPMI_POWER_MANAGER,
        choices=[IPMI_POWER_MANAGER],
        help="How machines are powered. Of the managers of 2014 this driver has "
        "the IPMI one.",
    ),
    cfg.IntOpt(
        "ipmi_power_retry",
        default=30,
        min=1,
        help="How long to wait, in seconds, until a BMC reports the power state "
        "that it was asked for (2014 asked once a second, 10 times).",
    ),
    cfg.ListOpt(
        "flavor_extra_specs",
        default=[],
        deprecated_name="instance_type_extra_specs",
        help="What every node of this host offers, as name:value, such as "
        "cpu_arch:x86_64.",
    ),
    cfg.StrOpt(
        "deploy_kernel",
        help="Glance id of the deploy kernel for flavors without "
        "baremetal:deploy_kernel_id.",
    ),
    cfg.StrOpt(
        "deploy_ramdisk",
        help="Glance id of the deploy ramdisk for flavors without "
        "baremetal:deploy_ramdisk_id.",
    ),
    cfg.StrOpt(
        "tftp_root",
        default="/tftpboot",
        help="Where net-booted instances have their kernel, ramdisk and PXE "
        "configuration.",
    ),
    cfg.StrOpt(
        "pxe_append_params",
        default="nofb nomodeset vga=normal",
        help="Further kernel arguments of net-booted instances.",
    ),
    cfg.BoolOpt(
        "pxe_network_config",
        default=False,
        help="Also give net-booted instances their addresses by kernel arguments.",
    ),
    cfg.StrOpt(
        "pxe_bootfile_name",
        default="pxelinux.0",
        help="The boot loader that the DHCP options of net-booted instances name.",
    ),
    cfg.StrOpt(
        "deploy_helper",
        help="A command that writes an image on the disk of a machine that is off, "
        "in place of 2014's deploy ramdisk and nova-baremetal-deploy-helper. It "
        "gets the node's uuid, the image's file, and the row's --root-mb, --swap-mb, "
        "--ephemeral-mb and --preserve-ephemeral, and prints the UUID of the root "
        "file system, if the image is one. Unset, disks are left as they are, and no "
        "instance can be net-booted.",
    ),
]


def register(conf: cfg.ConfigOpts) -> None:
    """Register the group; a second call changes nothing."""
    conf.register_opts(OPTIONS, group=GROUP)


def extra_specs(conf: cfg.ConfigOpts) -> dict[str, str]:
    """``flavor_extra_specs`` as a mapping.

    :raises ValueError: an entry that is not name:value.
    """
    specs = {}
    for pair in conf.baremetal.flavor_extra_specs:
        name, separator, value = pair.partition(":")
        if not separator:
            # The option's own help said name=value in 2014, its code name:value.
            name, separator, value = pair.partition("=")
        if not separator or not name.strip():
            raise ValueError(
                f"[baremetal] flavor_extra_specs: expected name:value, found '{pair}'"
            )
        specs[name.strip()] = value.strip()
    return specs
