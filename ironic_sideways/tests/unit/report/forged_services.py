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
from ironic_sideways.tests.unit.report import probes
from ironic_sideways.tests.unit.report.example import clock, lab_logs, lab_nodes
from ironic_sideways.tests.unit.report.small_move import files, log_files
from ironic_sideways.tests.unit.report.test_broken_moves import Forge, lines

#: Of a survivor that runs, and that no operation is on.
NODE = lab_nodes.named("node", 4)


def flapping(service: str, of: int, *phases: str) -> Forge:
    """Of so many probes an API answers one, from a phase to the end of another."""
    begin, end = clock.span(phases[0])[0], clock.span(phases[-1])[1]

    def forge(directory: Path) -> None:
        path = directory / "api.jsonl"
        told = [json.loads(line) for line in path.read_text().splitlines()]
        others = [line for line in told if line["service"] != service]
        asked = [line for line in told if line["service"] == service]
        numbers = itertools.count(1)

        def answer(at: float) -> str | None:
            return "503" if begin < at < end and next(numbers) % of else None

        files.write_lines(path, [*others, *probes.cut(asked, answer)])

    return forge


def logged(text: str) -> Forge:
    """The conductor tells of the survivor's node while others are operated."""
    line = log_files.log_line(clock.span("operate")[0] + 3, text, "ERROR")

    def forge(directory: Path) -> None:
        with (directory / "logs" / "ironic-conductor.log").open("a") as log:
            log.write(line)

    return forge


def told_as_grenade(directory: Path) -> None:
    """The lab's logs are gone, and its run names a command that has others."""
    told = {"command": "devstack/upgrade/upgrade.sh"}
    files.edit(directory / "environment.json", lambda d: d.update(told))
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
        files.edit(directory / name, alter)


def fewer_tests(directory: Path) -> None:
    """One hundred tests are wanted, and one hundred ran."""

    def alter(document: Any) -> None:
        document.update(floor=100, tests=document["tests"][-101:])
        for name in document["counts"]:
            outcomes = [test["outcome"] for test in document["tests"]]
            document["counts"][name] = outcomes.count(name)

    for place in ("tempest", "tempest-base"):
        files.edit(directory / place / "results.json", alter)


def own_list(directory: Path) -> None:
    """The tests are a list's that nobody knows, which has a floor of its own."""
    fewer_tests(directory)
    files.edit(directory / tempest.AFTER, lambda d: d.update(list="mine"))


def left_out_since(directory: Path) -> None:
    """What passed on the base is on the list of those that do not run."""

    def alter(document: Any) -> None:
        told = {"outcome": "excluded", "reason": "it fails", "source": "seen"}
        document["tests"][0].update(told, seconds=None)
        document["tests"][0]["name"] = tempest.bare(document["tests"][0]["name"])
        document["counts"]["passed"] -= 1
        document["counts"]["excluded"] += 1

    files.edit(directory / tempest.AFTER, alter)


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


def lasting(phase: str) -> tuple[float, float]:
    """When a phase began, and the seconds that it took."""
    begin, end = clock.span(phase)
    return begin, end - begin


def unheard(phase: str) -> Forge:
    """The BMCs' log has but the last command that each got in a phase."""
    begin, end = clock.span(phase)

    def alter(document: Any) -> None:
        seen: set[str] = set()
        for command in reversed(document["commands"]):
            told = begin < command["time"] < end and command["domain"] in seen
            seen.add(command["domain"])
            if told:
                document["commands"].remove(command)

    return lambda directory: files.edit(directory / "bmc.json", alter)


def logged_by(name: str, phase: str, end: float, process: int) -> Forge:
    """A process of a service tells something from a phase's begin on, and on."""
    begin = clock.span(phase)[0] + 2

    def forge(directory: Path) -> None:
        with (directory / "logs" / f"{name}.log").open("a") as log:
            log.writelines(
                log_files.log_line(moment, "told", process=process)
                for moment in range(round(begin), round(end), 2)
            )

    return forge


def one_process(name: str, *numbers: int) -> Forge:
    """These processes of a service were one: it was never started again."""

    def forge(directory: Path) -> None:
        path = directory / "logs" / f"{name}.log"
        text = path.read_text()
        for number in numbers:
            text = text.replace(f" {number} INFO", f" {numbers[0]} INFO")
        path.write_text(text)

    return forge


def logged_at(name: str, words: str, moment: float) -> Forge:
    """The log of a service has these lines at another moment."""

    def forge(directory: Path) -> None:
        path = directory / "logs" / f"{name}.log"
        lines = path.read_text().splitlines(keepends=True)
        for at, line in enumerate(lines):
            if words in line:
                lines[at] = log_files.log_line(moment, line.partition("[-] ")[2])
        path.write_text("".join(lines))

    return forge


def errors(level: str, number: int) -> Forge:
    """A service says so often in the window that it cannot go on, and names nothing."""
    begin = clock.span("takeover")[0]
    text = "Unhandled error: the connection was lost"

    def forge(directory: Path) -> None:
        with (directory / "logs" / "nova-conductor.log").open("a") as log:
            for at in range(number):
                log.write(log_files.log_line(begin + at, text, level))

    return forge


def down_before(directory: Path) -> None:
    """nova-scheduler was down already when maintenance began, and is."""

    def alter(document: Any) -> None:
        for one in document["services"]:
            if one["binary"] == "nova-scheduler":
                one["state"] = "down"

    for look in ("before", "after", "ended", "restarted"):
        files.edit(directory / f"{look}.json", alter)


def shorter(directory: Path) -> None:
    """Leases are of one minute since Ironic told Neutron's DHCP."""
    path = directory / "leases.jsonl"
    leases = [json.loads(line) for line in path.read_text().splitlines()]
    for lease in leases:
        if lease["time"] > clock.span("dhcp-options")[1]:
            lease["expires"] = lease["time"] + 70
    files.write_lines(path, leases)


def not_searched(directory: Path) -> None:
    """A password is too short to be found in the evidence."""
    told = {"too_short": ["database-nova"]}
    files.edit(directory / "secrets.json", lambda d: d.update(told))


def busy(directory: Path) -> None:
    """A row of nova_bm was being deployed when maintenance began."""
    files.edit(
        directory / "maintenance.json",
        lambda d: d["rows"][-1].update(task_state="deploying"),
    )


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
        logged(lab_logs.SWITCHED.format(node=NODE)),
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
    "the proxy's table of a day before": (earlier, "agreement", "proxied agree"),
    "a floor of the run's own": (fewer_tests, "tempest", "enough tests ran"),
    "a list of tests of the run's own": (own_list, "tempest", "list of tests"),
    "a test that passed on the base left out since": (
        left_out_since,
        "tempest",
        "no test of the base is excluded",
    ),
    "a log of an API that lacks minutes of the run": (
        lacks("nova-api", clock.span("takeover")[0], 60),
        "logs",
        "holes of logs/nova-api.log",
    ),
    **{
        f"a log of {name} that lacks a minute in the window": (
            lacks(name, clock.span("takeover")[0], 60),
            "logs",
            f"holes of logs/{name}.log",
        )
        for name in ("keystone", "neutron", "glance", "placement")
    },
    "a log of the conductor that lacks the operations": (
        lacks("ironic-conductor", *lasting("operate")),
        "logs",
        "holes of logs/ironic-conductor.log",
    ),
    "nova-compute dies while Tempest runs": (
        logged_by("nova-compute", "tempest", clock.span("tempest")[1], 43),
        "logs",
        "one process of nova-compute",
    ),
    "the conductor dies while Tempest runs": (
        logged_by("ironic-conductor", "tempest", clock.span("tempest")[1], 43),
        "logs",
        "one process of ironic-conductor",
    ),
    "a nova-compute that was not stopped": (
        logged_by("nova-compute", "flavors", clock.span("scheduler")[1], 40),
        "logs",
        "nova-compute stopped",
    ),
    "a nova-compute of before that is still there": (
        one_process("nova-compute", 40, 41),
        "logs",
        "nova-compute started by compute",
    ),
    "Ironic started before the data was moved, as its log has it": (
        logged_by("ironic-conductor", "flavors", clock.span("migrate")[1], 41),
        "logs",
        "ironic-conductor stopped",
    ),
    **{
        f"a second start of {name} that started nothing": (
            one_process(name, 41, 42),
            "logs",
            f"{name} started by restarted",
        )
        for name in ("nova-compute", "ironic-conductor")
    },
    "an error over and over, which names no node": (
        errors("ERROR", 31),
        "logs",
        "no storm of errors",
    ),
    "a service that an error ended": (
        errors("CRITICAL", 1),
        "logs",
        "no critical error",
    ),
    "nodes taken over after the take-over was seen": (
        logged_at("ironic-conductor", "has no previous", clock.span("compute")[0]),
        "logs",
        f"take-over logged {NODE}",
    ),
    "nodes reported after the report was seen": (
        logged_at("nova-compute", "Final resource", clock.span("verify")[0]),
        "logs",
        f"resources logged {NODE}",
    ),
    "a scheduler that was down before and is": (
        down_before,
        "agreement",
        "at rest agree",
    ),
    "leases of a minute since the move": (shorter, "agreement", "addresses agree"),
    "a password that was not searched for": (
        not_searched,
        "logs",
        "secrets searched for",
    ),
    "a row of nova_bm in a deploy": (
        busy,
        "migration",
        "every row of nova_bm accounted for",
    ),
    "power commands of the operations that the BMCs' log lacks": (
        unheard("operate"),
        "agreement",
        "switched agree",
    ),
    "a log of the BMCs that lacks minutes of the run": (
        lacks("vbmcd", clock.span("begin-maintenance")[0], 304),
        "logs",
        "holes of logs/vbmcd.log",
    ),
}
