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

"""What each sabotage leaves in the evidence is red by its own check.

The evidence is that of a good move, changed in one place. The subject is judged alone.
"""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ironic_sideways.report import verdict
from ironic_sideways.tests.unit.report import test_broken_moves as broken
from ironic_sideways.tests.unit.report.small_move import (
    log_files,
    looks,
    phases,
    small_cloud,
)
from ironic_sideways.tests.unit.report.test_broken_moves import at, into
from ironic_sideways.trials.sabotage import table

Forge = Callable[[Path], Any]


def taken(node: int, *ports: tuple[str, str | None], bmc: str = "127.0.0.1") -> Forge:
    """What take-over saw of a node: its BMC, and its ports but for the first NIC's."""
    first = (small_cloud.macs(node + 1)[0], None)
    found = [{"mac": mac, "vif": vif} for mac, vif in (first, *ports)]
    return at("takeover", "nodes", node, bmc=bmc, ports=found)


def both(*forges: Forge) -> Forge:
    def forge(directory: Path) -> None:
        for one in forges:
            one(directory)

    return forge


def node(number: int, **change: Any) -> Forge:
    return at("after", "ironic_nodes", number, **change)


def lean(*kind: str, **change: Any) -> Forge:
    return at("after", "around", *kind, **change)


def switched(directory: Path) -> None:
    text = "Changing hardware state to 'power off'."
    broken.told(directory, "ironic-conductor.log", phases.BEGIN + 20, text)


def cut(directory: Path) -> None:
    line = log_files.log_line(phases.OPERATED + 1, "told")
    (directory / "logs" / "neutron.log").write_text(line)


def without_log(directory: Path) -> None:
    (directory / "logs" / "ironic-api.log").unlink()


def unended(event: Any) -> Any:
    return (
        None if (event["name"], event["result"]) == ("end-maintenance", "ok") else event
    )


RESET = {"time": phases.BEGIN + 5, "domain": "machine-1", "command": "reset"}
LEAK = {"name": "BMC password of node-1", "file": "nova-api.log", "line": 2}
LEFT = {**looks.service("enabled"), "host": "isw0-left"}

FORGED: dict[str, Forge] = {
    "bmc-addresses": both(
        at("before", "machines", 0, bmc="127.0.0.1"),
        taken(0, (small_cloud.mac(1), "port-1"), bmc="127.0.0.9"),
    ),
    "macs": taken(0, (small_cloud.mac(3), "port-1")),
    "vif": taken(0, (small_cloud.mac(1), None)),
    "stale-vif": taken(2, (small_cloud.mac(3), "port-9")),
    "extra-port": taken(2, (small_cloud.mac(3), None), ("52:54:00:ff:ff:fe", None)),
    "deleted-row": into("takeover", "others", row="node-9"),
    "unserved-driver": at("takeover", "nodes", 0, online=None),
    "node-locked": at("takeover", "nodes", 0, reservation="gone"),
    "wrong-base": at("before", base_driver="fake"),
    "power-off": switched,
    "reboot": into("bmc", "commands", row=RESET),
    "password": into("secrets", "hits", row=LEAK),
    "allocation": at("resources", "nodes", 0, allocations={"server-run": {"VCPU": 1}}),
    "old-driver": at("resources", "loaded", driver="baremetal.BareMetalDriver"),
    "dhcp-mute": both(
        broken.lines("leases", broken.renewed_early), broken.lines("events", unended)
    ),
    "class-of-one": at("resources", "nodes", 2, inventories={"CUSTOM_BAREMETA": {}}),
    "silence": broken.lines("heartbeat", broken.late),
    "error-storm": broken.error_of_node,
    "cut-log": cut,
    "no-log": without_log,
    "owner-lost": node(2, owner=None),
    "interface": node(0, network_interface="noop"),
    "driver-changed": node(2, driver="fake-hardware"),
    "class-changed": node(0, resource_class="other"),
    "node-maintenance": node(2, maintenance=True),
    "last-error": node(0, last_error="left by a sabotage"),
    "node-enroll": node(2, provision_state="manageable"),
    "wrong-machine": both(
        at("before", "machines", 1, bmc="127.0.0.2"), node(1, bmc="127.0.0.3")
    ),
    "rogue-node": into(
        "after", "ironic_nodes", row={"uuid": "node-9", "network_interface": "flat"}
    ),
    "ratio": at(
        *("after", "providers", 0, "inventories", small_cloud.CLASS),
        allocation_ratio=2.0,
    ),
    "binding": at("after", "servers", 0, bindings={"port-1": ["elsewhere", "normal"]}),
    "server-error": at("after", "servers", 0, status="ERROR"),
    "metadata": at("after", "servers", 0, metadata="0011223344556677"),
    "tags": at("after", "servers", 0, tags="0011223344556677"),
    "deploy-swap": node(2, deploy_kernel="ramdisk-1", deploy_ramdisk="kernel-1"),
    "protected": node(0, protected=True),
    "retired": node(2, retired=True),
    "flavor-images": lean("specs", "flavor-1", **{"baremetal:deploy_kernel_id": ""}),
    "flavor-class": lean("specs", "flavor-1", **{"resources:VCPU": "1"}),
    "private-flavor": lean("access", "flavor-1", public=False),
    "deploy-image": lean("images", **{"kernel-1": "deactivated"}),
    "image-gone": both(
        at("before", "around", "images", i="active"), lean("images", i=None)
    ),
    "keypair": lean("fingerprints", **{"server-run": None}),
    "consumer": lean("consumers", **{"server-run": ["of-another", "user-1"]}),
    "security-group": lean("security groups", **{"port-1": [[], True]}),
    "hypervisor-left": lean("hypervisors", left="left-behind"),
    "row-left": lean("nova_bm", bm_nodes=9),
    "nova-bm-touched": lean("nova_bm", bm_interfaces=9),
    "unlocked": at("after", "servers", 0, locked=False, locked_reason=None),
    "service-enabled": at("after", "services", 0, status="enabled"),
    "service-left": into("after", "services", row=LEFT),
    "scheduler-down": broken.service("after", state="down"),
    "old-evidence": at("migration", run_id="run-0"),
}


@pytest.mark.parametrize("ended", [True, False])
@pytest.mark.parametrize("sabotage", table.TABLE, ids=lambda sabotage: sabotage.name)
def test_its_subject_alone_is_red_by_its_check(evidence, sabotage, ended):
    FORGED[sabotage.name](evidence)
    if not ended:
        # The window of a sabotage goes back before maintenance ends.
        (evidence / "ended.json").unlink()

    subject = verdict.SUBJECTS[sabotage.subject]
    found = verdict.judge(sabotage.subject, subject, evidence)

    assert [
        check.name
        for check in found.failures
        if check.state == sabotage.state
        and re.fullmatch(sabotage.check, check.name)
        and re.search(sabotage.says, check.detail)
    ]
