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

"""Nova's own proxy compared with ours, and ours while Ironic is down.

Both are separate nova-api processes, so that the lab's own is not touched.
"""

import contextlib
from pathlib import Path
from typing import Any

from ironic_sideways.evidence import proxy
from ironic_sideways.lab import configuration, files
from ironic_sideways.lab.layout import Layout
from ironic_sideways.trials.proxy import private, visibility
from ironic_sideways.trials.proxy.callers import Callers
from ironic_sideways.trials.proxy.table import NODES, Nova, Table

#: A policy file that lets readers list, and says nothing of show.
POLICY = '"os_compute_api:os-baremetal-nodes:list": "role:reader"\n'


def compare(table: Table, layout: Layout, nova: Nova, callers: Callers) -> None:
    """Field by field: the differences are the errors of Nova's own."""
    credentials = {"ironic": configuration.credentials(layout, "nova")}
    with private.nova_api(layout, "nova-own-proxy", False, credentials) as service:
        own = Nova(service.url)
        ours = visibility.by_id(nova.ask(callers.admin).json()["nodes"])
        theirs = visibility.by_id(own.ask(callers.admin).json()["nodes"])
        table.expect(
            "Nova's own list is ours, without the interfaces",
            theirs,
            {name: node | {"interfaces": []} for name, node in ours.items()},
        )
        table.expect(
            "Nova's own show is ours, field by field",
            [own.ask(callers.admin, f"{NODES}/{name}").json() for name in ours],
            [
                addresses_alone(nova.ask(callers.admin, f"{NODES}/{name}").json())
                for name in ours
            ],
        )
        some = next(iter(ours))
        found = [
            own.status(callers.admin, f"/v2.1{p}", m, body=b)
            for m, p, b in proxy.writes(some)
        ]
        table.expect("Nova's own writes are 400", found, [400] * 4)
        table.expect(
            "Nova's own shows other projects' nodes to every admin",
            own.names(callers.other_admin),
            set(ours),
        )


def addresses_alone(answer: dict[str, Any]) -> dict[str, Any]:
    """``answer`` with the interfaces as Nova's own proxy cuts them.

    Ours have the four keys of the API of 2014, the three others null.
    """
    empty = dict.fromkeys(("id", "datapath_id", "port_no"))
    node = answer["node"]
    cut = [
        {key: value for key, value in one.items() if key not in empty or value}
        for one in node["interfaces"]
    ]
    return {"node": node | {"interfaces": cut}}


def without_ironic(table: Table, layout: Layout, callers: Callers, some: str) -> None:
    """503 with Retry-After; a policy file is honoured; no token is logged."""
    closed = f"http://127.0.0.1:{private.free_port()}"
    name = "nova-without-ironic"
    policy = layout.etc / name / "policy.yaml"
    files.write_public(policy, POLICY)
    settings = {
        "DEFAULT": {"debug": "true"},
        "oslo_policy": {"policy_file": str(policy)},
        "baremetal_proxy": {"endpoint_override": closed, "retry_after": "7"},
    }
    with private.nova_api(layout, name, True, settings) as service:
        nova = Nova(service.url)
        answers = [nova.ask(callers.admin, path) for path in (NODES, f"{NODES}/{some}")]
        found = [(a.status_code, a.headers.get("Retry-After")) for a in answers]
        table.expect("without Ironic it is 503", found, [(503, "7")] * 2)
        statuses = [
            nova.status(callers.reader),
            nova.status(callers.reader, f"{NODES}/{some}"),
        ]
        table.expect("a policy file is honoured: list, not show", statuses, [503, 403])
    leaks(table, "a debug log", callers, [layout.log(name)])


def leaks(table: Table, name: str, callers: Callers, logs: list[Path]) -> None:
    """No token of any caller is in the logs."""
    tokens = (*callers.authenticated.values(), callers.expired, callers.revoked)
    found = []
    for path in logs:
        with contextlib.closing(path.open(errors="replace")) as stream:
            found += [path.name for line in stream if any(t in line for t in tokens)]
    table.expect(f"no token in {name}", found, [])
