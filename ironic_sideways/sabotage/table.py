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

"""The sabotages: when each is done, what it breaks, and what the verdict must say."""

import dataclasses
import json
import re
from collections.abc import Callable
from pathlib import Path

import sqlalchemy as sa

from ironic_sideways import exceptions, ipmi
from ironic_sideways.evidence import documents
from ironic_sideways.hardware import bmc
from ironic_sideways.report import verdict
from ironic_sideways.report.findings import Verdict
from ironic_sideways.sabotage.rows import Rows


@dataclasses.dataclass(frozen=True)
class Scene:
    """The lab that is broken.

    :param engine: Ironic's database.
    :param lab: the lab's directory.
    """

    engine: sa.Engine
    lab: Path

    @property
    def evidence(self) -> Path:
        return self.lab / "evidence"

    @property
    def rows(self) -> Rows:
        return Rows(self.engine, self.lab / "sabotage.json")


@dataclasses.dataclass(frozen=True)
class Sabotage:
    """One way to break a move.

    :param after: the phase after which it is done.
    :param until: the phase by which it must be visible.
    :param subject: of the verdict; ``check``, a pattern of the check that fails, and
        ``says``, one that its reason holds.
    :param destructive: a machine is switched: only a new lab is as before.
    """

    name: str
    text: str
    after: str
    until: str
    subject: str
    check: str
    says: str
    act: Callable[[Scene], str]
    destructive: bool = False


def swap_bmcs(scene: Scene) -> str:
    one, two = scene.rows.used(running=True)[0], scene.rows.free()[0]
    infos = [json.loads(node["driver_info"]) for node in (one, two)]
    addresses = [info["ipmi_address"] for info in infos]
    for node, info, address in zip((one, two), infos, reversed(addresses), strict=True):
        changed = json.dumps({**info, "ipmi_address": address})
        scene.rows.set("nodes", node, driver_info=changed)
    return f"{one['uuid']} and {two['uuid']} have each other's BMC"


def swap_macs(scene: Scene) -> str:
    rows = scene.rows
    one, two = rows.port(rows.used(running=True)[1]), rows.port(rows.free()[1])
    # An address is unique: by way of one that nobody has.
    rows.set("ports", one, address="52:54:00:ff:ff:ff")
    scene.rows.set("ports", two, address=one["address"])
    changed = {**one, "address": "52:54:00:ff:ff:ff"}
    scene.rows.set("ports", changed, address=two["address"])
    return f"ports {one['uuid']} and {two['uuid']} have each other's MAC"


def lose_vif(scene: Scene) -> str:
    node = scene.rows.used(running=True)[-1]
    port = scene.rows.port(node)
    info = json.loads(port["internal_info"])
    del info["tenant_vif_port_id"]
    scene.rows.set("ports", port, internal_info=json.dumps(info))
    return f"node {node['uuid']} holds no VIF"


def write_power_off(scene: Scene) -> str:
    node = scene.rows.used(running=True)[-1]
    scene.rows.set("nodes", node, power_state="power off")
    return f"node {node['uuid']}, whose machine runs, is written as power off"


def import_deleted(scene: Scene) -> str:
    return f"node {scene.rows.copy_node(scene.rows.free()[-1])} was soft-deleted"


def unserved_driver(scene: Scene) -> str:
    node = scene.rows.used(running=False)[0]
    scene.rows.set("nodes", node, driver="fake-hardware")
    return f"node {node['uuid']} has the driver fake-hardware"


def reboot_machine(scene: Scene) -> str:
    before = documents.read(scene.evidence / "before.json")
    name = next(m["name"] for m in before["machines"] if m["power"] == "on")
    ipmi.power(bmc.credentials(scene.lab / "data" / "vbmc")[name].bmc, "cycle")
    return f"machine {name} was power-cycled"


def leak_password(scene: Scene) -> str:
    known = bmc.credentials(scene.lab / "data" / "vbmc")
    name, found = sorted(known.items())[0]
    log = scene.lab / "logs" / "nova-api.log"
    with log.open("a") as file:
        file.write(f"using {found.bmc.password} at {found.bmc.address}\n")
    return f"the password of {name}'s BMC is in {log.name}"


TABLE = (
    Sabotage(
        "bmc-addresses",
        "BMC addresses of two nodes swapped",
        *(
            "migrate",
            "takeover",
            "take-over",
            r"row of .*",
            r"^BMC .*, its machine's: ",
        ),
        swap_bmcs,
    ),
    Sabotage(
        "macs",
        "MACs of two nodes swapped",
        *(
            "migrate",
            "takeover",
            "take-over",
            r"row of .*",
            r"^MACs .*, its machine's: ",
        ),
        swap_macs,
    ),
    Sabotage(
        "vif",
        "a VIF lost",
        *("migrate", "takeover", "take-over", r"row of .*", r"^VIFs .* became \{\}"),
        lose_vif,
    ),
    Sabotage(
        "deleted-row",
        "a soft-deleted row imported",
        *("migrate", "takeover", "take-over", r"no node besides", r"record lacks"),
        import_deleted,
    ),
    Sabotage(
        "unserved-driver",
        "a driver that no conductor serves",
        *(
            "migrate",
            "takeover",
            "take-over",
            r"take-over of .*",
            r"power state not adopted|no online conductor",
        ),
        unserved_driver,
    ),
    Sabotage(
        "power-off",
        "power_state `power off` written for a running machine",
        *(
            "migrate",
            "takeover",
            "logs",
            r"no machine switched by power sync",
            r"power off",
        ),
        write_power_off,
        destructive=True,
    ),
    Sabotage(
        "reboot",
        "a machine rebooted in the window",
        *("begin-maintenance", "stop-compute", "BMCs", r"power of .*", r"in window"),
        reboot_machine,
        destructive=True,
    ),
    Sabotage(
        "password",
        "a password in a log",
        *("begin-maintenance", "stop-compute", "logs", r"no secret", r"BMC password"),
        leak_password,
    ),
)


def find(name: str) -> Sabotage:
    """:raises UsageError: there is none of that name."""
    for sabotage in TABLE:
        if sabotage.name == name:
            return sabotage
    known = ", ".join(sabotage.name for sabotage in TABLE)
    raise exceptions.UsageError(f"sabotage {name}: expected one of {known}")


def judged(sabotage: Sabotage, directory: Path) -> str:
    """What the verdict said of it.

    :raises SidewaysError: the verdict does not name what was broken.
    """
    return named(sabotage, verdict.verdict(directory))


def named(sabotage: Sabotage, found: Verdict) -> str:
    for finding in found.findings:
        for check in finding.failures:
            if (
                finding.name == sabotage.subject
                and check.state == "failed"
                and re.fullmatch(sabotage.check, check.name)
                and re.search(sabotage.says, check.detail)
            ):
                return f"{finding.name}: {check.name}: {check.detail} ({check.where})"
    raise exceptions.SidewaysError(
        f"sabotage {sabotage.name}: expected the verdict to name {sabotage.subject}: "
        f"{sabotage.check} ({sabotage.says}); it said: {found.last_line()}"
    )
