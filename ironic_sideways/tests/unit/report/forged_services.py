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

"""Stories of APIs, logs, the proxy and Tempest, as documents would tell them."""

import itertools
import json
from pathlib import Path
from typing import Any

from ironic_sideways.report import logs, tempest
from ironic_sideways.tests.unit.report import example, probes, whole
from ironic_sideways.tests.unit.report.test_broken_moves import Forge, lines

#: Of a survivor that runs, and that no operation is on.
NODE = example.named("node", 4)


def flapping(service: str, of: int, *phases: str) -> Forge:
    """Of so many probes an API answers one, from a phase to the end of another."""
    begin, end = example.span(phases[0])[0], example.span(phases[-1])[1]

    def forge(directory: Path) -> None:
        path = directory / "api.jsonl"
        told = [json.loads(line) for line in path.read_text().splitlines()]
        others = [line for line in told if line["service"] != service]
        asked = [line for line in told if line["service"] == service]
        numbers = itertools.count(1)

        def answer(at: float) -> str | None:
            return "503" if begin < at < end and next(numbers) % of else None

        whole.write_lines(path, [*others, *probes.cut(asked, answer)])

    return forge


def logged(text: str) -> Forge:
    """The conductor tells of the survivor's node while others are operated."""
    line = whole.log_line(example.span("operate")[0] + 3, text, "ERROR")

    def forge(directory: Path) -> None:
        with (directory / "logs" / "ironic-conductor.log").open("a") as log:
            log.write(line)

    return forge


def told_as_grenade(directory: Path) -> None:
    """The lab's logs are gone, and its run names a command that has others."""
    told = {"command": "devstack/upgrade/upgrade.sh"}
    whole.edit(directory / "environment.json", lambda d: d.update(told))
    for name in logs.LAB:
        (directory / "logs" / f"{name}.log").unlink()


def never_began(phase: str) -> Forge:
    """The evidence of a phase is an earlier run's: this one did not get there."""
    return lines("events", lambda event: None if event["name"] == phase else event)


def earlier(directory: Path) -> None:
    """Tempest's results and the proxy's table are those of a run a day before."""
    day = 86400

    def alter(document: Any) -> None:
        for row in document if isinstance(document, list) else [document]:
            for key in row.keys() & {"time", "taken_at"}:
                row[key] -= day

    for name in ("proxy.json", "tempest/results.json"):
        whole.edit(directory / name, alter)


def fewer_tests(directory: Path) -> None:
    """One hundred tests are wanted, and one hundred ran."""

    def alter(document: Any) -> None:
        document.update(floor=100, tests=document["tests"][-101:])
        for name in document["counts"]:
            outcomes = [test["outcome"] for test in document["tests"]]
            document["counts"][name] = outcomes.count(name)

    for place in ("tempest", "tempest-base"):
        whole.edit(directory / place / "results.json", alter)


def own_list(directory: Path) -> None:
    """The tests are a list's that nobody knows, which has a floor of its own."""
    fewer_tests(directory)
    whole.edit(directory / tempest.AFTER, lambda d: d.update(list="mine"))


def left_out_since(directory: Path) -> None:
    """What passed on the base is on the list of those that do not run."""

    def alter(document: Any) -> None:
        told = {"outcome": "excluded", "reason": "it fails", "source": "seen"}
        document["tests"][0].update(told, seconds=None)
        document["tests"][0]["name"] = tempest.bare(document["tests"][0]["name"])
        document["counts"]["passed"] -= 1
        document["counts"]["excluded"] += 1

    whole.edit(directory / tempest.AFTER, alter)


def lacks(name: str, begin: float, seconds: float) -> Forge:
    """A log spans the run, and lacks so much of it."""

    def forge(directory: Path) -> None:
        path = directory / "logs" / f"{name}.log"
        kept = [
            line.text
            for line in logs.lines(directory, path.name)
            if not begin < line.time < begin + seconds
        ]
        path.write_text("\n".join(kept) + "\n")

    return forge


FORGED: dict[str, tuple[Forge, str, str]] = {
    "an API answers one call in nine through the window": (
        flapping("neutron", 9, "begin-maintenance", "end-maintenance"),
        "APIs",
        "neutron away in the window in all",
    ),
    "the lock could hardly be asked": (
        flapping("lock", 9, "begin-maintenance", "end-maintenance"),
        "APIs",
        "lock away in the window in all",
    ),
    "one of two workers of an API is broken since": (
        flapping("nova", 2, "restarted", "collect"),
        "APIs",
        "nova away after it in all",
    ),
    "power sync switches a survivor while others are operated": (
        logged(example.SWITCHED.format(node=NODE)),
        "logs",
        "no machine switched by power sync",
    ),
    "the conductor gives a survivor up while others are operated": (
        logged(f"Switching node to maintenance mode {NODE}"),
        "logs",
        "no node put in maintenance",
    ),
    "a survivor's BMC is not understood while others are operated": (
        logged(f"Failed to get power state for node {NODE}"),
        "logs",
        "no error of a node",
    ),
    "the lab's logs gone, told as Grenade's run": (
        told_as_grenade,
        "logs",
        "logs/nova-api.log",
    ),
    "the proxy tried by an earlier run": (
        never_began("proxy"),
        "agreement",
        "begun agree",
    ),
    "Tempest's results of an earlier run": (
        never_began("tempest"),
        "agreement",
        "begun agree",
    ),
    "Tempest's results of a day before": (
        earlier,
        "evidence",
        "moment of tempest/results.json",
    ),
    "the proxy's table of a day before": (earlier, "agreement", "asked agree"),
    "a floor of the run's own": (fewer_tests, "tempest", "enough tests ran"),
    "a list of tests of the run's own": (own_list, "tempest", "list of tests"),
    "a test that passed on the base left out since": (
        left_out_since,
        "tempest",
        "no test of the base is excluded",
    ),
    "a log of an API that lacks minutes of the run": (
        lacks("nova-api", example.span("takeover")[0], 60),
        "logs",
        "holes of logs/nova-api.log",
    ),
    "a log of the BMCs that lacks minutes of the run": (
        lacks("vbmcd", example.span("begin-maintenance")[0], 304),
        "logs",
        "holes of logs/vbmcd.log",
    ),
}
