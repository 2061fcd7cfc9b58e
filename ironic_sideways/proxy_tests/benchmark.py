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

"""How much slower than Ironic itself: ratios of one run, call by call in turn.

Direct means: the calls that the proxy makes, with the same HTTP client, the
same token and the same parsing of what comes. Whoever asks through the proxy is
known to keystone once more, by nova-api; the row "refused" is that share alone.
"""

import dataclasses
import statistics
import time
from collections.abc import Callable
from typing import Any

import requests

from ironic_sideways.evidence import terminal
from ironic_sideways.lab import cloud, configuration, ironic
from ironic_sideways.lab.layout import Layout
from ironic_sideways.lab.record import LabRecord
from ironic_sideways.proxy import options, shape
from ironic_sideways.proxy_tests import many_nodes, private
from ironic_sideways.proxy_tests.table import NODES

#: Number of nodes -> how often each call is made.
ROUNDS = {1: 40, 100: 20, 5000: 3}

#: Nova's own list of thousands takes minutes: once is enough to tell.
ONCE = ("list", 5000, "Nova's own")

GOAL = 1.25

PAGE = next(o.default for o in options.OPTIONS if o.name == "page_size")

Call = Callable[[], int]


@dataclasses.dataclass(frozen=True)
class Client:
    """The one HTTP client of all the calls that are compared."""

    session: requests.Session
    token: str

    def get(self, url: str, params: dict[str, str] | None = None) -> Any:
        """The parsed body of a 200."""
        headers = {
            "Accept": "application/json",
            "X-Auth-Token": self.token,
            "X-OpenStack-Ironic-API-Version": "1.8",
        }
        answer = self.session.get(url, params=params, headers=headers, timeout=600)
        answer.raise_for_status()
        return answer.json()

    def pages(self, url: str, kind: str, fields: str, **more: str) -> list[Any]:
        """A whole collection of Ironic."""
        found: list[Any] = []
        query = {"fields": fields, "limit": str(PAGE), **more}
        while True:
            page = self.get(f"{url}/v1/{kind}", query)
            found += page[kind]
            if not page.get("next"):
                return found
            query["marker"] = page[kind][-1]["uuid"]


def calls(
    client: Client, urls: dict[str, str], some: str, member: str
) -> dict[str, dict[str, Call]]:
    """What is timed; each returns how many nodes and ports it got."""
    nodes, ports = ",".join(shape.NODE_FIELDS), ",".join(("uuid", *shape.PORT_FIELDS))

    def direct_list() -> int:
        found = client.pages(urls["ironic"], "nodes", nodes)
        return len(found) + len(client.pages(urls["ironic"], "ports", ports))

    def direct_show() -> int:
        client.get(f"{urls['ironic']}/v1/nodes/{some}", {"fields": nodes})
        return 1 + len(client.pages(urls["ironic"], "ports", ports, node=some))

    def listed(name: str) -> int:
        found = client.get(urls[name] + NODES)["nodes"]
        return len(found) + sum(len(node["interfaces"]) for node in found)

    def shown(name: str) -> int:
        node = client.get(f"{urls[name]}{NODES}/{some}")["node"]
        return 1 + len(node["interfaces"])

    def refused() -> int:
        answer = client.session.get(
            urls["proxy"] + NODES, headers={"X-Auth-Token": member}
        )
        return answer.status_code

    return {
        "list": {
            "direct": direct_list,
            "proxy": lambda: listed("proxy"),
            "Nova's own": lambda: listed("own"),
            "refused": refused,
        },
        "show": {
            "direct": direct_show,
            "proxy": lambda: shown("proxy"),
            "Nova's own": lambda: shown("own"),
            "refused": refused,
        },
    }


def run(layout: Layout, record: LabRecord) -> list[dict[str, Any]]:
    """Measure in the lab of ``layout``, which needs no Ironic of its own yet."""
    ironic.install(layout, record)
    admin = cloud.connect(layout, "admin")
    member = str(cloud.connect(layout, "demo").auth_token)
    credentials = configuration.credentials(layout, "nova")
    rows = []
    with many_nodes.database(layout) as database:
        settings = {"database": {"connection": database}}
        with private.ironic_api(layout, "bench-ironic", settings) as behind:
            ours = {"baremetal_proxy": {"endpoint_override": behind}}
            theirs = {"ironic": {**credentials, "endpoint_override": behind}}
            with (
                private.nova_api(layout, "bench-proxy", True, ours) as proxy,
                private.nova_api(layout, "bench-own", False, theirs) as own,
                requests.Session() as session,
            ):
                session.trust_env = False
                client = Client(session, str(admin.auth_token))
                urls = {"ironic": behind, "proxy": proxy, "own": own}
                before = 0
                for count in ROUNDS:
                    some = many_nodes.add(
                        database, before + 1, count, str(admin.current_project_id)
                    )
                    before = count
                    for kind, timed in calls(client, urls, some, member).items():
                        rows.append(measure(kind, count, timed))
    return rows


def measure(kind: str, count: int, timed: dict[str, Call]) -> dict[str, Any]:
    """Each call in turn, so that a busy moment of the host meets them all.

    :returns: medians in seconds, and the median of each round's ratio to direct.
    """
    once = {name for name in timed if (kind, count, name) == ONCE}
    sizes = {name: call() for name, call in timed.items() if name not in once}
    times: dict[str, list[float]] = {name: [] for name in timed}
    with terminal.progress(f"{kind} of {count}", ROUNDS[count]) as progress:
        for done in range(ROUNDS[count]):
            for name, call in timed.items():
                if done and name in once:
                    continue
                begin = time.perf_counter()
                call()
                times[name].append(time.perf_counter() - begin)
            progress(done + 1)
    ratios = {
        name: statistics.median(
            one / direct for one, direct in zip(found, times["direct"], strict=False)
        )
        for name, found in times.items()
    }
    return {
        "kind": kind,
        "nodes": count,
        "rounds": ROUNDS[count],
        "items": sizes,
        "seconds": {name: statistics.median(found) for name, found in times.items()},
        "least": {name: min(found) for name, found in times.items()},
        "ratio": ratios,
    }


def lines(rows: list[dict[str, Any]]) -> list[str]:
    """The rows for a person."""
    head = (
        "call",
        "nodes",
        "direct",
        "proxy",
        "ratio",
        "Nova's own",
        "ratio",
        "refused",
    )
    form = "{:<5}{:>6}{:>11}{:>11}{:>8}{:>12}{:>8}{:>11}"
    found = [form.format(*head)]
    for row in rows:
        seconds = {
            name: f"{value * 1000:.1f} ms" for name, value in row["seconds"].items()
        }
        ratio = {name: f"{value:.2f}" for name, value in row["ratio"].items()}
        found.append(
            form.format(
                *(row["kind"], row["nodes"], seconds["direct"], seconds["proxy"]),
                *(ratio["proxy"], seconds["Nova's own"], ratio["Nova's own"]),
                seconds["refused"],
            )
        )
    worst = max(row["ratio"]["proxy"] for row in rows)
    word = "met" if worst <= GOAL else "missed"
    return [*found, f"at most {worst:.2f} times the direct calls: goal {GOAL} {word}"]
