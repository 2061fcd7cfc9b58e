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

"""Does nova-api's bare-metal API answer from Ironic, and refuse every write."""

from concurrent import futures
from typing import Any

from openstack.connection import Connection

from ironic_sideways.cloud import in_parallel
from ironic_sideways.evidence import compare

#: Newest microversion that has os-baremetal-nodes (Nova's API history, 2.36).
HEADERS = {"OpenStack-API-Version": "compute 2.35"}

PATH = "/os-baremetal-nodes"

#: So often a node is shown: nova-api may have several workers, and one that was not
#: started anew has no proxy. Of four, one answers none of them once in 1,000 times.
ASKED = 24


def faults(cloud: Connection, uuids: list[str]) -> list[str]:
    """What the API answers otherwise than the specification's REST API impact.

    :param cloud: an admin of the project that owns the nodes.
    :param uuids: the nodes that list and show must have.
    """
    found = []
    listed = cloud.compute.get(PATH, headers=HEADERS)
    if listed.status_code != 200:
        return [f"GET {PATH}: {listed.status_code}, expected 200"]
    if wrong := compare.mismatch(uuids, [n["id"] for n in listed.json()["nodes"]]):
        found.append(f"GET {PATH}: {wrong}")
    for method, path, body in writes(uuids[0]):
        status = cloud.compute.request(
            path, method, headers=HEADERS, json=body, raise_exc=False
        ).status_code
        if status != 404:
            found.append(f"{method} {path}: {status}, expected 404")
    path = f"{PATH}/{uuids[0]}"
    with futures.ThreadPoolExecutor(in_parallel.WORKERS) as pool:
        asked = [
            pool.submit(cloud.compute.get, path, headers=HEADERS) for _ in range(ASKED)
        ]
    shown = [one.result() for one in asked]
    refused = [one.status_code for one in shown if one.status_code != 200]
    if refused:
        times = "" if len(refused) == ASKED else f", {len(refused)} of {ASKED} times"
        found.append(f"GET {path}: {refused[0]}, expected 200{times}")
    elif not all(one.json()["node"]["interfaces"] for one in shown):
        found.append(f"GET {path}: no interfaces")
    return found


def writes(uuid: str) -> list[tuple[str, str, dict[str, Any] | None]]:
    """The four calls that are not proxied: method, path, body."""
    interface = {"address": "52:54:00:00:00:01"}
    return [
        ("POST", PATH, {"node": {"service_host": "nobody"}}),
        ("POST", f"{PATH}/{uuid}/action", {"add_interface": interface}),
        ("POST", f"{PATH}/{uuid}/action", {"remove_interface": interface}),
        ("DELETE", f"{PATH}/{uuid}", None),
    ]
