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

"""What the new cloud's ironic.conf says of what the move is about to write.

The defaults are those of the installed Ironic: its own option objects are used.
"""

import dataclasses
import types
from collections.abc import Iterable, Mapping

import ironic.conf
from ironic.conf import default
from oslo_config import cfg

from ironic_sideways import exceptions
from ironic_sideways.migrate.files import configuration

_ENABLED = "enabled_{}_interfaces"


@dataclasses.dataclass(frozen=True)
class Wanted:
    """An interface that the run would write.

    :param kind: boot, deploy, power, ...
    :param option: the option that chose it, as the operator gives it.
    """

    kind: str
    name: str
    option: str


@dataclasses.dataclass(frozen=True)
class IronicConf:
    """What one ironic.conf says.

    :param pin: ``pin_release_version``, or None.
    :param interfaces: kind -> names enabled.
    :param file_url_allowed_paths: below which ``file://`` images may lie.
    :param heartbeat_timeout: seconds after which a silent conductor is offline.
    :param workers: threads of a conductor that are not kept for the API.
    :param workers_wanted: what it must have more than, to start.
    """

    path: str
    pin: str | None
    hardware_types: tuple[str, ...]
    interfaces: Mapping[str, tuple[str, ...]]
    file_url_allowed_paths: tuple[str, ...]
    dhcp_provider: str
    heartbeat_timeout: int
    workers: int
    workers_wanted: int


def read(path: str) -> IronicConf:
    """Read one ironic.conf with oslo.config.

    :raises UsageError: no such file, or not a configuration file of Ironic.
    """
    conf = cfg.ConfigOpts()
    # All of them: a value may name any other one.
    for module in vars(ironic.conf).values():
        if isinstance(module, types.ModuleType) and hasattr(module, "register_opts"):
            module.register_opts(conf)

    def found() -> IronicConf:
        kinds = filter(None, (_kind(opt) for opt in default.driver_opts))
        return IronicConf(
            path=path,
            pin=conf.pin_release_version,
            hardware_types=tuple(conf.enabled_hardware_types),
            interfaces={kind: _enabled(conf, kind) for kind in kinds},
            file_url_allowed_paths=tuple(conf.conductor.file_url_allowed_paths),
            dhcp_provider=conf.dhcp.dhcp_provider,
            heartbeat_timeout=conf.conductor.heartbeat_timeout,
            workers=_workers(conf.conductor),
            workers_wanted=conf.conductor.sync_power_state_workers
            + 2 * conf.conductor.periodic_max_workers
            + 2,
        )

    return configuration.read(conf, path, "--ironic-config an ironic.conf", found)


def _workers(group: cfg.ConfigOpts.GroupAttr) -> int:
    """As Ironic counts them (``BaseConductorManager._init_executors``)."""
    size = int(group.workers_pool_size)
    return size - int(size * group.reserved_workers_pool_percentage / 100)


def require_start(conf: IronicConf) -> None:
    """Refuse settings with which a conductor registers itself, dies, and starts again.

    For ever, and with a row that says that it is online.

    :raises UsageError: says which option to raise.
    """
    if conf.workers_wanted >= conf.workers:
        raise exceptions.UsageError(
            f"--ironic-config {conf.path}: ironic-conductor would not start: "
            "sync_power_state_workers + 2 * periodic_max_workers + 2 = "
            f"{conf.workers_wanted}, expected less than {conf.workers}, which "
            "workers_pool_size leaves without those that are reserved; raise it"
        )


def _enabled(conf: cfg.ConfigOpts, kind: str) -> tuple[str, ...]:
    """Without the option Ironic takes the first that a hardware type supports.

    That holds of power and management alone, and of ipmi it is ``ipmitool``
    (``ironic.common.driver_factory.InterfaceFactory``).
    """
    names = conf[_ENABLED.format(kind)]
    if names is None:
        return ("ipmitool",) if "ipmi" in conf.enabled_hardware_types else ()
    return tuple(names)


def _kind(option: cfg.Opt) -> str | None:
    before, _, after = _ENABLED.partition("{}")
    name: str = option.name
    if not (name.startswith(before) and name.endswith(after)):
        return None
    return name.removeprefix(before).removesuffix(after)


def require_enabled(conf: IronicConf, wanted: Iterable[Wanted]) -> None:
    """Refuse what this Ironic would not load.

    One row that names an interface which is not enabled stops, in silence, every
    take-over that is listed after it, and the power synchronisation.

    :raises UsageError: names every such choice, and what is enabled.
    """
    faults = []
    if "ipmi" not in conf.hardware_types:
        faults.append(
            "enabled_hardware_types lacks ipmi (enabled: "
            f"{', '.join(conf.hardware_types)})"
        )
    for one in wanted:
        enabled = conf.interfaces.get(one.kind, ())
        if one.name not in enabled:
            faults.append(
                f"{one.option} is not in {_ENABLED.format(one.kind)} (enabled: "
                f"{', '.join(enabled) or 'none'})"
            )
    if faults:
        raise exceptions.UsageError(
            f"--ironic-config {conf.path}: {'; '.join(faults)}: enable it there or "
            "choose another"
        )
