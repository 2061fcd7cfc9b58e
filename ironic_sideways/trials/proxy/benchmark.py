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

"""How much slower the proxy is than Ironic itself: ratios of calls made in turn.

"Direct" means the calls that the proxy makes, with the same HTTP client, the
same token and the same parsing of the answer. Whoever asks through the proxy is
known to keystone once more, by nova-api; the row "refused" is that share alone.
"""

import contextlib
import dataclasses
import math
import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import requests

from ironic_sideways import progress
from ironic_sideways.lab import cloud, configuration, ironic
from ironic_sideways.lab.layout import Layout
from ironic_sideways.lab.record import LabRecord
from ironic_sideways.proxy import options, shape
from ironic_sideways.trials.proxy import many_nodes, private
from ironic_sideways.trials.proxy.table import NODES

#: Number of nodes -> how often each call is made.
ROUNDS = {1: 40, 100: 20, 5000: 3}

#: Nova's own list of thousands takes minutes: fewer repetitions are enough.
OWN_LIST_ROUNDS = {1: 40, 100: 5, 5000: 1}

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


def run(layout: Layout, record: LabRecord, most: int) -> list[dict[str, Any]]:
    """Measure in the lab of ``layout``, which needs no Ironic of its own yet.

    :param most: the largest number of nodes.
    """
    ironic.install(layout, record)
    admin = cloud.connect(layout, "admin")
    member = str(cloud.connect(layout, "demo").auth_token)
    credentials = configuration.credentials(layout, "nova")
    rows = []
    with many_nodes.database(layout) as database:
        settings = {"database": {"connection": database}}
        with private.ironic_api(layout, "bench-ironic", settings) as behind:
            ours = {"baremetal_proxy": {"endpoint_override": behind.url}}
            theirs = {"ironic": {**credentials, "endpoint_override": behind.url}}
            with (
                private.nova_api(layout, "bench-proxy", True, ours) as proxy,
                private.nova_api(layout, "bench-own", False, theirs) as own,
                requests.Session() as session,
            ):
                session.trust_env = False
                client = Client(session, str(admin.auth_token))
                urls = {"ironic": behind.url, "proxy": proxy.url, "own": own.url}
                pids = (behind.pid, proxy.pid, own.pid)
                before = 0
                for count in (one for one in ROUNDS if one <= most):
                    some = many_nodes.add(
                        database, before + 1, count, str(admin.current_project_id)
                    )
                    before = count
                    for kind, timed in calls(client, urls, some, member).items():
                        rows.append(measure(kind, count, timed, pids))
    return rows


def measure(
    kind: str, count: int, timed: dict[str, Call], pids: tuple[int, ...]
) -> dict[str, Any]:
    """Time each call in turn, so that a busy moment of the host affects them all.

    :param pids: whose processor time counts, with this process's own.
    :returns: of each call the median seconds, the mean processor seconds, and
        their ratios to direct: the median of the rounds', and that of the means.
    """
    often = dict.fromkeys(timed, ROUNDS[count])
    if kind == "list":
        often["Nova's own"] = OWN_LIST_ROUNDS[count]
    items = {name: call() for name, call in timed.items() if often[name] > 1}
    seconds: dict[str, list[float]] = {name: [] for name in timed}
    busy: dict[str, list[float]] = {name: [] for name in timed}
    with progress.progress(f"{kind} of {count}", ROUNDS[count]) as advance:
        for done in range(ROUNDS[count]):
            for name, call in timed.items():
                if done >= often[name]:
                    continue
                begin, used = time.perf_counter(), processor_seconds(pids)
                call()
                seconds[name].append(time.perf_counter() - begin)
                busy[name].append(processor_seconds(pids) - used)
            advance(done + 1)
    return {
        "kind": kind,
        "nodes": count,
        "rounds": often,
        "items": items,
        "seconds": {name: statistics.median(found) for name, found in seconds.items()},
        "least": {name: min(found) for name, found in seconds.items()},
        "processor": {name: statistics.mean(found) for name, found in busy.items()},
        "ratio": _ratios(seconds),
        "processor_ratio": {
            name: statistics.mean(found) / (statistics.mean(busy["direct"]) or math.nan)
            for name, found in busy.items()
        },
    }


def _ratios(found: dict[str, list[float]]) -> dict[str, float]:
    """The median of the ratios to direct, round by round."""
    return {
        name: statistics.median(
            one / direct for one, direct in zip(values, found["direct"], strict=False)
        )
        for name, values in found.items()
    }


def processor_seconds(pids: tuple[int, ...]) -> float:
    """What all threads of the processes have run (Linux, proc(5): schedstat).

    On a busy host the wall clock measures the other processes as well.
    """
    total = 0
    for pid in (*pids, os.getpid()):
        for thread in Path(f"/proc/{pid}/task").iterdir():
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                total += int((thread / "schedstat").read_text().split()[0])
    return total / 1e9


def lines(rows: list[dict[str, Any]]) -> list[str]:
    """The rows for a person."""
    head = ("call", "nodes", "direct", "proxy", "ratio", "CPU", "Nova's own", "ratio")
    form = "{:<5}{:>6}{:>12}{:>12}{:>7}{:>7}{:>13}{:>7}{:>11}"
    found = [form.format(*head, "refused")]
    for row in rows:
        seconds = {name: f"{one * 1000:.1f} ms" for name, one in row["seconds"].items()}
        ratio = {name: f"{one:.2f}" for name, one in row["ratio"].items()}
        cpu = f"{row['processor_ratio']['proxy']:.2f}"
        ours = (seconds["direct"], seconds["proxy"], ratio["proxy"], cpu)
        own = (seconds["Nova's own"], ratio["Nova's own"])
        told = (row["kind"], row["nodes"], *ours, *own, seconds["refused"])
        found.append(form.format(*told))
    worst = max(row["ratio"]["proxy"] for row in rows)
    word = "met" if worst <= GOAL else "missed"
    return [*found, f"at most {worst:.2f} times the direct calls: goal {GOAL} {word}"]
