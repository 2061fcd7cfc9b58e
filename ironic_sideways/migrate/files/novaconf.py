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

"""What the old compute hosts' nova.conf files say, read as Nova read them."""

import dataclasses
import re
from collections.abc import Mapping, Sequence

from oslo_config import cfg

from ironic_sideways import exceptions
from ironic_sideways.migrate import row_faults
from ironic_sideways.migrate.files import configuration

#: Nova 2014.2, nova/virt/baremetal/driver.py; the old name is from 2013.
_BAREMETAL = [
    cfg.ListOpt(
        "flavor_extra_specs",
        default=[],
        deprecated_name="instance_type_extra_specs",
    ),
    cfg.StrOpt("power_manager", default=row_faults.IPMI_POWER_MANAGER),
]


@dataclasses.dataclass(frozen=True)
class ComputeHost:
    """What one nova.conf says.

    :param host: its CONF.host, or None: the file does not say.
    :param cpu_arch: from ``flavor_extra_specs``, or None.
    :param capabilities: the others of ``flavor_extra_specs``.
    """

    path: str
    host: str | None
    cpu_arch: str | None
    power_manager: str
    capabilities: Mapping[str, str] = dataclasses.field(default_factory=dict)


def read(path: str) -> ComputeHost:
    """Read one nova.conf with oslo.config; a file without [baremetal] is fine.

    Of ``my_ip`` and the like only what it says itself counts: the defaults are those
    of its own host.

    :raises UsageError: no such file, or not a configuration file.
    """
    conf = cfg.ConfigOpts()
    conf.register_opt(cfg.StrOpt("host"))
    conf.register_opts(_BAREMETAL, group="baremetal")

    def found() -> ComputeHost:
        specs = _specs(path, conf.baremetal.flavor_extra_specs)
        return ComputeHost(
            path=path,
            host=conf.host or None,
            cpu_arch=specs.pop("cpu_arch", None),
            power_manager=conf.baremetal.power_manager,
            capabilities=specs,
        )

    return configuration.read(conf, path, "--nova-config a nova.conf", found)


#: What a capability's name and value may be: Nova takes Ironic's list of them apart at
#: each comma and colon. Neither is a placeholder, such as {i386|x86_64} of 2014's docs.
_WORD = re.compile(r"[^\s,:{}|<>]+")


def _specs(path: str, given: Sequence[str]) -> dict[str, str]:
    """What the nodes advertise, by name (parsed as nova.virt.baremetal.driver did).

    :raises UsageError: names the file and the first that is not NAME:VALUE.
    """
    specs = {}
    for spec in given:
        name, _, value = (part.strip() for part in spec.partition(":"))
        if not _WORD.fullmatch(name) or not _WORD.fullmatch(value):
            raise exceptions.UsageError(
                f"--nova-config {path}: [baremetal] flavor_extra_specs: expected "
                f"NAME:VALUE such as cpu_arch:x86_64, found {spec!r}; put the nodes' "
                "own value there"
            )
        if name == "boot_mode":
            raise exceptions.UsageError(
                f"--nova-config {path}: [baremetal] flavor_extra_specs: {spec!r}: "
                "Ironic boots a node as this capability says: remove it from this copy "
                "of the file, and give --boot-mode"
            )
        specs[name] = value
    return specs


def read_all(paths: Sequence[str]) -> list[ComputeHost]:
    """Read every file; two that speak of one host, or none of any, are refused.

    :raises UsageError: several files of which one names no host, or two name
        the same one.
    """
    hosts = [read(path) for path in paths]
    seen: dict[str | None, str] = {}
    for host in hosts:
        if host.host is None and len(hosts) > 1:
            raise exceptions.UsageError(
                f"--nova-config {host.path}: [DEFAULT] host is not set; with several "
                "files each must name its host, to be matched with service_host"
            )
        if host.host in seen:
            raise exceptions.UsageError(
                f"--nova-config {host.path}: host {host.host} is that of "
                f"{seen[host.host]} too"
            )
        seen[host.host] = host.path
    return hosts
