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

"""What the window's tools wrote down of a small move."""

from ironic_sideways.report import checks
from ironic_sideways.tests.unit.report.small_move import looks, phases, small_cloud
from ironic_sideways.tests.unit.report.small_move.files import Document
from ironic_sideways.tests.unit.report.small_move.small_cloud import (
    CLASS,
    HOST,
    MANAGER,
    SHAPE,
)


def takeover() -> Document:
    nodes = [
        {
            "uuid": node["uuid"],
            "provision_state": node["provision_state"],
            "power_state": node["power_state"],
            "conductor": HOST if node["instance_uuid"] else None,
            "online": 1 if node["instance_uuid"] else None,
            "maintenance": 0,
            "last_error": None,
            "driver": "ipmi",
            "reservation": None,
            "run_id": "run-1",
        }
        for node in looks.moved_nodes()
    ]
    taken = {"taken_at": phases.moment("takeover")}
    return {"nodes": nodes, "forbidden": [], "others": [], **taken}


def resources() -> Document:
    loaded = {"driver": "ironic.IronicDriver", "manager": MANAGER}
    nodes = [
        {**provider, "hypervisor": {"name": provider["uuid"], "type": "ironic"}}
        for provider in looks.providers({CLASS: 1})
    ]
    return {
        "taken_at": phases.moment("resources"),
        "resource_classes": [CLASS],
        "loaded": loaded,
        "told": loaded,
        "nodes": nodes,
    }


def migration() -> Document:
    numbers = {"read": 3, "planned": 3, "written": 3, "present": 0, "verified": 3}
    rows = [
        {
            **{"uuid": node, "instance_uuid": server, "outcome": "migrate"},
            **{"bm_node_id": number, "resource_class": "baremetal"},
            "boot": "network" if server == "server-run" else "disk",
        }
        for node, (number, server, _status, _power) in small_cloud.NODES.items()
    ]
    images = {"deploy_kernel": "kernel-1", "deploy_ramdisk": "ramdisk-1"}
    return {
        **{
            "run_id": "run-1",
            "started_at": phases.written("migrate"),
            "result": "done",
        },
        "options": {"owner": "project-1", "network_interface": "flat", **images},
        "rows": rows,
        "counts": {**numbers, "different": 0, "refuse": 0},
    }


def flavors() -> Document:
    tool = {"tool": "nova-bm-update-flavors", "created_at": phases.written("flavors")}
    return {**tool, "flavors": {"flavor-1": small_cloud.flavor()}}


def dhcp_options() -> Document:
    old = dict.fromkeys(sorted(checks.BOOT_OPTIONS), "172.30.0.254")
    tool = {
        "tool": "nova-bm-clear-dhcp-options",
        "created_at": phases.written("dhcp-options"),
    }
    return {**tool, "ports": {"port-1": {"instance": "server-run", "old": old}}}


#: What a member may not do in the window, sorted as the start's record has it.
REFUSED = [
    *("createBackup", "createImage", "delete", "port allowed_address_pairs"),
    *("port binding:vnic_type", "port created", "port deleted", "port device_id"),
    *("port device_owner", "port fixed_ips", "port mac_address", "reboot", "rename"),
    *("share attached", "share detached", "tag", "tags removed", "unlock"),
]


def maintenance() -> Document:
    locks = {"lock": ["server-run"], "locked_before": ["server-stop"]}
    was = {"host": HOST, "status": "enabled", "disabled_reason": None}
    rows = [
        {"id": number, "uuid": node, "instance_uuid": server, **SHAPE}
        for node, (number, server, _status, _power) in small_cloud.NODES.items()
    ]
    tried = {"refused": REFUSED, "permitted": ["port device_id", "rename"]}
    undone = {"ending": True, "ended": True}
    return {"services": [was], "rows": rows, **locks, **tried, **undone}
