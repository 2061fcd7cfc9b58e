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

"""Which interface of each kind the moved nodes get: the options, and their sense."""

import argparse
import types
from collections.abc import Iterable, Mapping

from ironic_sideways import exceptions
from ironic_sideways.migrate import choices, mapping
from ironic_sideways.migrate.files import ironicconf

#: What goes with the hardware type ``ipmi`` (ironic.drivers.ipmi, .generic); Ironic
#: itself would have to import all its drivers to tell, for seconds.
SUPPORTED: Mapping[str, tuple[str, ...]] = types.MappingProxyType(
    {
        "bios": ("no-bios",),
        "console": ("ipmitool-socat", "no-console"),
        "firmware": ("no-firmware",),
        "inspect": ("agent", "no-inspect"),
        "management": ("ipmitool", "noop"),
        "power": ("ipmitool",),
        "raid": ("agent", "no-raid"),
        "rescue": ("agent", "no-rescue"),
        "storage": ("cinder", "external", "noop"),
        "vendor": ("ipmitool", "no-vendor"),
    }
)
_DEPLOY = ("direct", "ramdisk")


def add_options(parser: argparse.ArgumentParser) -> None:
    """Three options for the kinds that are often chosen, and one for the others."""
    parser.add_argument("--deploy-interface", choices=_DEPLOY, default="direct")
    parser.add_argument(
        "--free-deploy-interface",
        choices=_DEPLOY,
        help="of free nodes (default: as --deploy-interface). Take-over of an active "
        "node with 'ramdisk' needs kernel and ramdisk in instance_info",
    )
    parser.add_argument("--boot-interface", choices=("ipxe", "pxe"), default="ipxe")
    parser.add_argument(
        "--network-interface", choices=("flat", "neutron", "noop"), default="flat"
    )
    shown = ", ".join(f"{k}={name}" for k, name in mapping.PLAIN_INTERFACES.items())
    parser.add_argument(
        "--interface",
        action="append",
        default=[],
        metavar="KIND=NAME",
        help=f"interface of another kind; repeatable (default: {shown})",
    )


def chosen(words: Iterable[str]) -> dict[str, str]:
    """Kind -> name, of the values of ``--interface``.

    :raises UsageError: no such kind, twice the same, or a name that the ipmi
        hardware type does not support.
    """
    found: dict[str, str] = {}
    for word in words:
        kind, _, name = word.partition("=")
        if kind in ("boot", "deploy", "network"):
            raise exceptions.UsageError(
                f"--interface {word}: expected --{kind}-interface {name}"
            )
        if kind not in mapping.PLAIN_INTERFACES or not name:
            raise exceptions.UsageError(
                f"--interface {word}: expected KIND=NAME, KIND one of "
                f"{', '.join(mapping.PLAIN_INTERFACES)}"
            )
        if kind in found:
            raise exceptions.UsageError(
                f"--interface {word}: {kind}={found[kind]} was given before"
            )
        supported = SUPPORTED[kind]
        if name not in supported:
            raise exceptions.UsageError(
                f"--interface {word}: Ironic's hardware type ipmi supports "
                f"{', '.join(supported)}"
            )
        found[kind] = name
    return found


def wanted(options: choices.Options, *, netboot: bool) -> list[ironicconf.Wanted]:
    """Every interface that a run with ``options`` may write.

    :param netboot: whether instances may be moved that boot over the network.
    """
    found = [
        ironicconf.Wanted("boot", *_named("--boot-interface", options.boot_interface)),
        ironicconf.Wanted(
            "deploy", *_named("--deploy-interface", options.deploy_interface)
        ),
        ironicconf.Wanted(
            "network", *_named("--network-interface", options.network_interface)
        ),
    ]
    if options.free_deploy_interface:
        found.append(
            ironicconf.Wanted(
                "deploy",
                *_named("--free-deploy-interface", options.free_deploy_interface),
            )
        )
    if netboot:
        found.append(
            ironicconf.Wanted(
                "deploy",
                "ramdisk",
                "deploy interface ramdisk, which net-booted instances need,",
            )
        )
        found.append(
            ironicconf.Wanted(
                "deploy",
                "netbooted",
                "deploy interface netbooted of this package, without which a rebuild "
                "loses a net-booted instance,",
            )
        )
    plain: Mapping[str, str] = {**mapping.PLAIN_INTERFACES, **options.interfaces}
    found += [
        ironicconf.Wanted(kind, name, f"--interface {kind}={name}")
        for kind, name in plain.items()
    ]
    return found


def _named(option: str, name: str) -> tuple[str, str]:
    return name, f"{option} {name}"
