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


"""How long the maintenance window will be, step by step, and what shortens it.

Steps that a person waits for between the stop of the base's nova-compute and the
end of maintenance, as far as they grow with the number of nodes.
"""

import dataclasses
import math

from ironic.conf import conductor
from oslo_config import cfg

from ironic_sideways import exceptions

#: Seconds a node, on one ordinary machine: reading, mapping and the INSERT; and
#: reading both databases through Ironic's objects.
LOAD_S = 0.001
VERIFY_S = 0.003
#: The conductor's own work on a node that it takes over, the power
#: synchronisation of all nodes included; tools/bench_takeover.sh measures it.
TAKE_OVER_S = 0.07
#: One `power status` of an ordinary BMC.
IPMI_S = 0.5
#: nova-compute with IronicDriver: a node's provider tree, with Placement.
TRACKER_S = 0.5

_NAMES = (
    "sync_local_state_interval",
    "periodic_max_workers",
    "sync_power_state_interval",
    "sync_power_state_workers",
)


@dataclasses.dataclass(frozen=True)
class Settings:
    """What of Ironic's ``[conductor]`` decides how long the window is.

    :param origin: where the values are from, for a person.
    """

    sync_local_state_interval: int
    periodic_max_workers: int
    sync_power_state_interval: int
    sync_power_state_workers: int
    origin: str


@dataclasses.dataclass(frozen=True)
class Step:
    """A step of the window.

    :param assumption: what the figure is made of.
    :param shorten: what would make it smaller; '' where nothing need.
    """

    name: str
    seconds: float
    assumption: str
    shorten: str = ""


def settings(path: str | None) -> Settings:
    """Read an ironic.conf, or take the installed Ironic's defaults.

    :raises UsageError: the file cannot be read as one.
    """
    conf = cfg.ConfigOpts()
    conf.register_opts(
        [option for option in conductor.opts if option.name in _NAMES],
        group="conductor",
    )
    try:
        conf(
            args=[],
            project="ironic",
            default_config_files=[path] if path else [],
            default_config_dirs=[],
        )
        values = {name: conf.conductor[name] for name in _NAMES}
    except (cfg.Error, ValueError) as error:
        raise exceptions.UsageError(
            f"--ironic-config {path}: expected an ironic.conf: "
            f"{' '.join(str(error).split())}"
        ) from error
    return Settings(**values, origin=path or "Ironic's defaults")


def estimate(nodes: int, active: int, with_: Settings) -> list[Step]:
    """The steps for so many nodes, of which ``active`` have an instance."""
    return [
        Step("load and verify", nodes * (LOAD_S + VERIFY_S), "one transaction"),
        _take_over(active, with_),
        _power_sync(nodes, with_),
        Step(
            "Nova's resource tracker",
            nodes * TRACKER_S,
            f"one nova-compute, {TRACKER_S:g} s a node, one after the other",
            "several nova-compute" if nodes * TRACKER_S > 300 else "",
        ),
    ]


def total(steps: list[Step]) -> float:
    """Seconds for all: take-over and power synchronisation go on side by side."""
    beside = [
        step.seconds for step in steps if step.name in ("take-over", "power sync")
    ]
    others = sum(step.seconds for step in steps) - sum(beside)
    return others + max(beside)


def _take_over(active: int, with_: Settings) -> Step:
    """Active nodes only, so many each interval (ConductorManager._sync_local_state)."""
    rounds = math.ceil(active / max(1, with_.periodic_max_workers))
    waiting = rounds * with_.sync_local_state_interval
    working = active * TAKE_OVER_S
    shorten = ""
    if waiting > max(working, 60):
        shorten = (
            "for the window [conductor] sync_local_state_interval = 10 and "
            "periodic_max_workers = 50"
        )
    return Step(
        "take-over",
        max(waiting, working),
        f"one conductor, {active} active nodes, {with_.periodic_max_workers} every "
        f"{with_.sync_local_state_interval} s",
        shorten,
    )


def _power_sync(nodes: int, with_: Settings) -> Step:
    """All nodes; a free one is not available to Nova before its first."""
    if with_.sync_power_state_interval <= 0:
        return Step(
            "power sync",
            0,
            "sync_power_state_interval is off: free nodes stay unavailable to Nova",
            "switch it on",
        )
    workers = max(1, min(with_.sync_power_state_workers, with_.periodic_max_workers))
    shorten = ""
    if with_.sync_power_state_interval > 60 or nodes * IPMI_S / workers > 300:
        shorten = (
            "for the window a shorter sync_power_state_interval, more "
            "sync_power_state_workers"
        )
    return Step(
        "power sync",
        with_.sync_power_state_interval + nodes * IPMI_S / workers,
        f"one conductor, after {with_.sync_power_state_interval} s {workers} BMCs at a "
        f"time, {IPMI_S:g} s each",
        shorten,
    )
