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

"""What the trials of a small move wrote down: operations, deploys, Tempest."""

from ironic_sideways.report import tempest as judged
from ironic_sideways.tests.unit.report.small_move import guests, phases, small_cloud
from ironic_sideways.tests.unit.report.small_move.files import Document
from ironic_sideways.tests.unit.report.small_move.phases import OPERATED
from ironic_sideways.tests.unit.report.small_move.small_cloud import CLASS, mac


def deployed(node: str, number: int, boot_id: str = "boot-3") -> Document:
    """What the agent's deploy of machine ``number`` leaves."""
    changes = [
        {"after": 2, "state": "deploying", "step": "deploy"},
        {"after": 12, "state": "wait call-back", "step": "write_image"},
        {"after": 30, "state": "active", "step": None},
    ]
    return {
        **{"begin": OPERATED, "node": node, "interface": "direct"},
        "agent": {"version": "13.0.0", "after": 20},
        "changes": changes,
        **{"mac": mac(number), "fixed_ip": f"172.30.0.{number}"},
        **{"boot_id": boot_id, "image": "marked", "answered": "refused"},
        "beating": guests.BOOTS.get(boot_id, 160.0) + 1,
    }


def cleaned() -> list[Document]:
    """The findings that cleaning a node and deploying it again leaves."""
    changes = [
        {"after": 12, "state": "clean wait", "step": "erase_devices_metadata"},
        {"after": 30, "state": "available", "step": None},
    ]
    record = deployed("node-run", 1, "boot-12")
    old = {"instance": "server-run", "embedded": {}, "allocation": {}, "macs": {}}
    return [
        {
            **{"name": "cleaning", "ok": True, "detail": "", **old},
            "clean": {**record, "changes": changes},
        },
        {"name": "deploy after cleaning", "ok": True, "detail": "", "deploy": record},
        {
            **{"name": "direct deploy", "ok": True, "detail": ""},
            "deploy": deployed("node-free", 3, "boot-12"),
        },
    ]


def tempest_results(driver: str) -> Document:
    """The selection's tests, which passed, and one that does not run."""
    name = {"base": judged.ON_BASE, "ironic": "selection"}[driver]
    number = judged.FLOORS[name]
    passed = {"outcome": "passed", "reason": "", "source": "", "seconds": 1.0}
    excluded = {"outcome": "excluded", "reason": "why", "source": "where"}
    return {
        **{"list": name, "driver": driver, "floor": number},
        "taken_at": {"base": phases.BEGIN - 48, "ironic": OPERATED + 44}[driver],
        "moved_by": {"base": [], "ironic": ["run-1"]}[driver],
        "counts": {"passed": number, "failed": 0, "skipped": 0, "excluded": 1},
        "tests": [
            *({"name": f"t{n}", **passed} for n in range(number)),
            {"name": f"t{number}", **excluded, "seconds": None},
        ],
    }


#: The operations in their order.
DONE = (
    "new server",
    "hard reboot",
    "start",
    "rebuild",
    "delete",
    "refused rebuild",
    "net-booted again",
    "net-booted rebuild",
    "rebuilt reboot",
    "rebuilt start",
    "stop and start",
    "soft reboots",
    "refused preserve",
    "refused rescue",
    "hard reboots",
    "redeploy",
    "net-booted reboot",
)
#: What ends without an instance.
GONE = ("delete", "redeploy")


def operations() -> list[Document]:
    node, *_ = small_cloud.NODES
    held, specs = {node: {CLASS: 1}}, {"cpu_arch": "x86_64"}
    macs = {"neutron": mac(1), "ironic": mac(1)}
    old: Document = {"instance": "server-run", "embedded": specs}
    done = [
        {
            **{**old, "name": name, "ok": True, "detail": ""},
            "allocation": {} if name in GONE else held,
            "macs": {} if name in GONE else macs,
        }
        for name in DONE
    ]
    done[0]["node"] = list(small_cloud.NODES)[-1]
    for operation in done:
        if operation["name"] in GONE:
            operation["node"] = node
        if operation["name"] == "redeploy":
            operation["boot"] = {"mac": mac(1), "boot_id": guests.AGAIN}
    for rebuilt, boot in (("rebuild", "boot-3"), ("net-booted rebuild", "boot-4")):
        (found,) = (operation for operation in done if operation["name"] == rebuilt)
        found["deploy"] = deployed("node-run", 1, boot)
    return done
