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

"""Enrolment through Ironic's REST API: what one does without a migration tool.

One process that is API and conductor (``ironic``), no authentication, one
connection that is kept, no BMC that is asked: a node and its ports are three
requests. The nodes are then in ``enroll``, without instance: that the API cannot
make an active node of them is why there is a migration tool.
"""

import time
from pathlib import Path

import requests
from sqlalchemy.engine import URL

from ironic_sideways.migrate import target
from ironic_sideways.nova_bm import database
from ironic_sideways.tests.bench import conductor, contents

TIMEOUT_S = 60


def enrol(directory: Path, ironic: URL, nodes: int) -> float:
    """Seconds that the requests for ``nodes`` nodes and their ports take."""
    options = {"automated_clean": 0, "sync_power_state_interval": 0}
    with (
        conductor.running(directory, ironic, options, program="ironic") as service,
        database.engine(ironic).connect() as connection,
        requests.Session() as session,
    ):
        conductor.wait_online(connection, service)
        session.headers["X-OpenStack-Ironic-API-Version"] = "1.109"
        _wait_for_api(session, service)
        started = time.perf_counter()
        for number in range(nodes):
            node = _post(session, f"{service.api}/v1/nodes", _node(number))
            for card in range(contents.PORTS_PER_NODE):
                body = {"node_uuid": node["uuid"], "address": _mac(number, card)}
                _post(session, f"{service.api}/v1/ports", body)
        seconds = time.perf_counter() - started
        found = connection.execute(target.nodes.select()).all()
        assert len(found) == nodes
        return seconds


def _wait_for_api(session: requests.Session, service: conductor.Conductor) -> None:
    deadline = time.monotonic() + conductor.START_TIMEOUT_S
    while True:
        try:
            session.get(f"{service.api}/v1/nodes", timeout=TIMEOUT_S).raise_for_status()
        except requests.RequestException as error:
            if time.monotonic() > deadline:
                raise RuntimeError(f"{error}: {service.last_words()}") from error
            time.sleep(0.2)
        else:
            return


def _post(session: requests.Session, url: str, body: dict) -> dict:
    answer = session.post(url, json=body, timeout=TIMEOUT_S)
    if not answer.ok:
        raise RuntimeError(f"{url}: {answer.status_code} {answer.text}")
    return answer.json()


def _node(number: int) -> dict:
    return {
        "driver": "fake-hardware",
        "resource_class": "baremetal",
        "driver_info": {
            "ipmi_address": f"10.0.{number // 256}.{number % 256}",
            "ipmi_username": "admin",
            "ipmi_password": f"s3cret-{number}",
        },
        "properties": {
            "cpus": 16,
            "memory_mb": 65536,
            "local_gb": 500,
            "cpu_arch": "x86_64",
            "capabilities": "boot_mode:bios",
        },
        "extra": {"nova_bm": {"bm_node_id": number}},
    }


def _mac(number: int, card: int) -> str:
    return f"52:54:{card:02x}:00:{number // 256:02x}:{number % 256:02x}"
