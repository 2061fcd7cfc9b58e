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

"""What the services and the phases of a small move logged."""

import datetime
import json
import time
from pathlib import Path

from ironic_sideways.hardware import vbmc_log
from ironic_sideways.report import log_holes, log_processes, window
from ironic_sideways.report import logs as logs_judged
from ironic_sideways.report import tempest as judged
from ironic_sideways.tests.unit.report.small_move import phases, small_cloud


def log_line(
    moment: float, text: str, level: str = "INFO", process: int | str = 42
) -> str:
    """As oslo.log writes it."""
    clock = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(moment))
    return f"{clock}.123 {process} {level} some.module [-] {text}\n"


def bmc_log(directory: Path) -> None:
    """What vbmcd tells of each power command."""
    path = directory / "logs" / "vbmcd.log"
    kept = [t for t in path.read_text().splitlines(True) if "VirtualBMC" not in t]
    words = {command: text for text, command in vbmc_log.COMMANDS.items()}
    for one in json.loads((directory / "bmc.json").read_text())["commands"]:
        moment = datetime.datetime.fromtimestamp(round(one["time"], 3), datetime.UTC)
        clock = moment.strftime("%Y-%m-%d %H:%M:%S,%f")[:-3]
        text = f"{words[one['command']]} called for domain {one['domain']}"
        kept.append(f"{clock} 42 DEBUG VirtualBMC [-] {text}\n")
    path.write_text("".join(kept))


#: What the window stops, by which phase, and what starts it there and then again.
STARTED = {
    "nova-compute": ("stop-compute", "compute", "restarted"),
    "ironic-conductor": (None, "start-ironic", "restarted"),
}


def processes(directory: Path) -> None:
    """Let each start be another process's, which says nothing while it is stopped."""
    tries = window.tries(directory)
    for name, (stopped, first, again) in STARTED.items():
        path = directory / "logs" / f"{name}.log"
        begin = tries[stopped][-1][1] if stopped else 0.0
        starts = tries[first][-1][0], tries[again][-1][1]
        kept = []
        for line in logs_judged.lines(directory, path.name):
            if not begin < line.time < starts[0]:
                process = 40 + sum(line.time > moment for moment in starts)
                number = log_processes.PROCESS.match(line.text)
                assert number
                at, to = number.span(1)
                kept.append(f"{line.text[:at]}{process}{line.text[to:]}\n")
        path.write_text("".join(kept))


def phase_logs(directory: Path) -> None:
    """What each phase left of its tries, as grenade/phases.sh begins each."""
    (directory / "phases").mkdir(exist_ok=True)
    told: dict[str, str] = {}
    for line in (directory / "events.jsonl").read_text().splitlines():
        event = json.loads(line)
        if event["kind"] == "phase":
            moment = time.gmtime(event["time"])
            header = time.strftime("--- %Y-%m-%dT%H:%M:%S+0000 ---\n", moment)
            begun = event["result"] == "started"
            name, text = event["name"], header if begun else f"{event['figure']}\n"
            told[name] = told.get(name, "") + text
    for name, text in told.items():
        (directory / "phases" / f"{name}.log").write_text(text)


def asked(directory: Path) -> None:
    """What nova-api tells of Tempest's requests, and of those to the proxy."""
    path, tries = directory / "logs" / "nova-api.log", window.tries(directory)
    tests = json.loads((directory / judged.AFTER).read_text())["tests"]
    rows = json.loads((directory / "proxy.json").read_text())
    for name, number, what in (
        ("proxy", len(rows), "os-baremetal-nodes"),
        ("tempest", len(tests), "servers"),
        ("tempest-base", len(tests), "servers"),
    ):
        text = f'127.0.0.1 "GET /v2.1/{what}" status: 200'
        line = log_line(tries[name][-1][0] + 1, text)
        path.write_text(path.read_text() + number * line)


def logs(directory: Path) -> None:
    """What the conductor and nova-compute tell of each node, in the window."""
    directory.mkdir()
    for name in (*logs_judged.BOTH, *logs_judged.LAB, *logs_judged.QUIET):
        step = 10 if name in log_holes.TELLS else 170
        told = [log_line(phases.BEGIN + at, "told") for at in range(-60, 111, step)]
        (directory / f"{name}.log").write_text("".join(told))
    adopted = (
        "During sync_power_state, node {} has no previous known state. "
        "Recording current state 'power off'."
    )
    for name, at, text in (
        ("ironic-conductor", 22, adopted),
        ("nova-compute", 46, "Final resource view: name={} phys_ram=1024MB"),
    ):
        path = directory / f"{name}.log"
        first, last = path.read_text().splitlines(keepends=True)
        told = [
            log_line(phases.BEGIN + at, text.format(node)) for node in small_cloud.NODES
        ]
        path.write_text("".join([first, *told, last]))


def switched(directory: Path) -> None:
    """What the conductor tells of each machine that it has switched."""
    before = json.loads((directory / "before.json").read_text())
    nodes = {machine["name"]: machine["uuid"] for machine in before["machines"]}
    begin = window.bounds(directory).operated
    with (directory / "logs" / "ironic-conductor.log").open("a") as log:
        for command in json.loads((directory / "bmc.json").read_text())["commands"]:
            word = f"power {command['command']}"
            if command["time"] > begin:
                told = f"Successfully set node {nodes[command['domain']]} power state"
                text = f"{told} to {word} by {word}."
                log.write(log_line(command["time"] + 1, text))
