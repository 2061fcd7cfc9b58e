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

"""Stories of what is around an instance and its node: groups, zones, traits."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from ironic_sideways.tests.unit.report import told_twice
from ironic_sideways.tests.unit.report.complete import HOST
from ironic_sideways.tests.unit.report.example import clock, lab_nodes
from ironic_sideways.tests.unit.report.forged_cloud import EVERY_LOOK, LAST, lost
from ironic_sideways.tests.unit.report.small_move import files, looks
from ironic_sideways.tests.unit.report.test_broken_moves import Forge

SERVER = lab_nodes.named("server", 4)


def since(change: Callable[[Any], Any], *names: str) -> Forge:
    """Each look has it since the window, or these alone."""

    def forge(directory: Path) -> None:
        for name in names or EVERY_LOOK[1:]:
            files.edit(directory / f"{name}.json", change)

    return forge


def is_now(kind: str, key: str, value: Any) -> Forge:
    """What the instance or its node leans on is another, since the window."""
    return since(lambda d: d["around"][kind].update({key: value}))


def of_server(**change: Any) -> Forge:
    def alter(document: Any) -> None:
        for server in document["servers"]:
            if server["uuid"] == SERVER:
                server.update(change)

    return since(alter)


def with_provider(**change: Any) -> Forge:
    return since(lambda d: d["around"]["placement"][LAST].update(change))


def of_node(**change: Any) -> Forge:
    """A free node's columns are others, or some of its interfaces."""

    def alter(document: Any) -> None:
        for node in document["ironic_nodes"]:
            if node["uuid"] == LAST:
                kinds = {k: v for k, v in change.items() if k in node["interfaces"]}
                node["interfaces"].update(kinds)
                node.update({k: v for k, v in change.items() if k not in kinds})

    return since(alter, "after", "restarted")


def done_besides(server: str, phase: str, *names: str) -> Forge:
    """Somebody did that to the instance in a phase of the window, with its lock on."""
    begin = clock.span(phase)[0]

    def alter(document: Any) -> None:
        done = document["around"]["actions"][server]
        done += [
            told_twice.action(begin + at, name, "user-2")
            for at, name in enumerate(names)
        ]
        done.sort(key=lambda one: str(one["at"]))

    return since(alter)


def with_vif(forge: Callable[..., Forge], *names: str, **change: Any) -> Forge:
    return forge(
        lambda d: [port.update(change) for port in d["around"]["vifs"].values()], *names
    )


FORGED: dict[str, tuple[Forge, str, str]] = {
    "a survivor that is in no server group any more": (
        is_now("server groups", SERVER, []),
        "survival",
        f"server groups {SERVER}",
    ),
    "a compute host that left its aggregate and zone": (
        is_now("aggregates", HOST, []),
        "survival",
        f"aggregates {HOST}",
    ),
    **{
        f"a provider with {what}": (
            with_provider(**change),
            "survival",
            f"placement {LAST}",
        )
        for what, change in (
            ("the operator's traits lost", {"traits": []}),
            ("its aggregates lost", {"aggregates": []}),
            ("a parent", {"parent": lab_nodes.named("node", 1)}),
        )
    },
    **{
        f"a survivor with {key} changed": (
            of_server(**{key: "digest:" + 32 * "0"}),
            "survival",
            f"instance {SERVER}",
        )
        for key in ("hostname", "access_ips")
    },
    **{
        f"a node with {kind} interface {name}": (
            of_node(**{kind: name}),
            "survival",
            f"ironic node {LAST} as moved",
        )
        for kind, name in (
            *(("power", "fake"), ("management", "noop"), ("vendor", "no-vendor")),
            *(("console", "ipmitool-socat"), ("storage", None)),
        )
    },
    **{
        f"a node with {key} {value}": (
            of_node(**{key: value}),
            "survival",
            f"ironic node {LAST}",
        )
        for key, value in (
            *(("console_enabled", True), ("automated_clean", False)),
            ("target_power_state", "power on"),
        )
    },
    "a survivor that was unlocked and locked again": (
        done_besides(SERVER, "scheduler", "unlock", "lock"),
        "maintenance",
        f"actions on {SERVER}",
    ),
    "a lock of its owner's that was taken off and put back": (
        done_besides(lab_nodes.named("server", 2), "migrate", "unlock", "lock"),
        "maintenance",
        f"actions on {lab_nodes.named('server', 2)}",
    ),
    "a survivor that was told to stop, and start": (
        done_besides(SERVER, "migrate", "stop", "start"),
        "maintenance",
        f"actions on {SERVER}",
    ),
    "a survivor that was told so since the end": (
        since(
            lambda d: d["around"]["actions"][SERVER].append(
                told_twice.action(clock.span("verify")[0], "stop", "user-2")
            ),
            "restarted",
        ),
        "restarted",
        f"actions on {SERVER} after a second start",
    ),
    "ports that are down": (
        with_vif(since, status="DOWN"),
        "agreement",
        "vifs agree",
    ),
    "ports whose profile was changed": (
        with_vif(since, "ended", "restarted", profile={"trusted": True}),
        "agreement",
        "vifs agree",
    ),
    **{
        f"ports of another {what}": (
            with_vif(since, **change),
            "agreement",
            "vifs agree",
        )
        for what, change in (
            ("MTU", {"mtu": 9000}),
            ("router", {"served": [{**looks.SERVED, "router": None}]}),
            ("name server", {"served": [{**looks.SERVED, "dns": "digest:0"}]}),
        )
    },
    "ports that nobody binds, ever": (
        with_vif(since, *EVERY_LOOK, vif_type="binding_failed"),
        "agreement",
        "vifs agree",
    ),
    **{
        f"{kind} of which one is not told": (lost(kind), "agreement", "leaning agree")
        for kind in ("server groups", "aggregates", "placement", "vifs", "actions")
    },
}
