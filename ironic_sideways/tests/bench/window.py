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

"""How the window grows with the nodes: whole runs of the main job with light machines.

While tools/run_upgrade.sh runs, this looks once a second what the lab's services and
the run's own processes have used, and divides it among the phases afterwards.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from rich import console, table

from ironic_sideways.evidence import events
from ironic_sideways.lab import layout, processes
from ironic_sideways.lab.supervision import Supervisor
from ironic_sideways.tests.bench import loglog, usage

REPOSITORY = Path(__file__).parents[3]
#: Seconds between two looks.
INTERVAL = 1.0
#: The way back that is gone in the middle: from the phase with the most to undo.
BACK_FROM = "compute"
#: Seconds that two phases wait for what grows with the nodes: no reason to fail here.
PATIENCE = {"TAKEOVER_TIMEOUT": "1800", "RESOURCES_TIMEOUT": "1800"}


def run(lab: Path, number: int, nodes: int) -> tuple[int, list[usage.Sample]]:
    """A whole run of the main job; its exit code, and what was used meanwhile."""
    words = [
        *(str(REPOSITORY / "tools" / "run_upgrade.sh"), "--light", "--no-tempest"),
        *("--directory", str(lab), "--number", str(number)),
        *("--nodes", str(nodes), "--servers", str(max(4, nodes // 2))),
        *("--rollback-from", BACK_FROM),
    ]
    job = subprocess.Popen(words, stdout=sys.stderr, env={**os.environ, **PATIENCE})
    supervisor = Supervisor(layout.Layout(lab, number, light=True))
    samples = []
    try:
        while job.poll() is None:
            samples.append(usage.sample(supervisor, job.pid))
            time.sleep(INTERVAL)
    except BaseException:
        # It takes its lab down.
        job.send_signal(signal.SIGINT)
        job.wait()
        raise
    return job.returncode, samples


def rows(lab: Path, nodes: int, samples: list[usage.Sample]) -> list[dict[str, Any]]:
    """A row a phase; those of the way there and back begin with its name."""
    found = []
    evidence = lab / "evidence"
    for path in sorted(evidence.rglob("events.jsonl")):
        where = path.parent.relative_to(evidence)
        prefix = f"{where.name}/" if where.name else ""
        for name, begin, end in usage.phases(events.read(path)):
            row = {"nodes": nodes, "phase": prefix + name}
            found.append(row | usage.between(samples, begin, end))
    for row in found:
        events.append(evidence / "events.jsonl", "bench", **row)
    return found


def growth(found: list[dict[str, Any]]) -> dict[str, float]:
    """By phase: the seconds at the most nodes, over those at the next fewer."""
    by_phase: dict[str, dict[int, float]] = {}
    for row in found:
        by_phase.setdefault(row["phase"], {})[row["nodes"]] = row["seconds"]
    return {
        phase: round(seconds[most] / max(seconds[fewer], INTERVAL), 2)
        for phase, seconds in by_phase.items()
        if len(seconds) > 1
        for fewer, most in [sorted(seconds)[-2:]]
    }


def show(found: list[dict[str, Any]]) -> None:
    numbers = sorted({row["nodes"] for row in found})
    grown = growth(found)
    shown = table.Table(title="The window by nodes: seconds, CPU seconds of all, calls")
    shown.add_column("phase")
    for nodes in numbers:
        shown.add_column(f"{nodes} nodes", justify="right")
    shown.add_column("growth", justify="right")
    for phase in dict.fromkeys(row["phase"] for row in found):
        cells = []
        for nodes in numbers:
            mine = [r for r in found if (r["phase"], r["nodes"]) == (phase, nodes)]
            cells.append(
                " / ".join(
                    (
                        f"{mine[-1]['seconds']:.1f}",
                        f"{sum(mine[-1]['cpu'].values()):.1f}",
                        str(sum(mine[-1]["calls"].values())),
                    )
                )
                if mine
                else ""
            )
        shown.add_row(phase, *cells, f"{grown[phase]:.1f}" if phase in grown else "")
    console.Console(width=120).print(shown)


def main() -> None:
    """Measure and print; the last line is JSON."""
    parser = argparse.ArgumentParser(prog="tools/bench_window.sh")
    parser.add_argument("--nodes", type=int, nargs="+", default=[10, 100, 1000])
    parser.add_argument("--directory", type=Path, default=REPOSITORY / ".lab")
    parser.add_argument("--number", type=int, default=0)
    parser.add_argument("--picture", type=Path)
    parsed = parser.parse_args()
    if not all(5 <= nodes <= layout.MAX_LIGHT_NODES for nodes in parsed.nodes):
        parser.error(f"--nodes: expected 5 to {layout.MAX_LIGHT_NODES} each")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    lab = parsed.directory.absolute()
    found, failed = [], []
    for nodes in sorted(parsed.nodes):
        load = os.getloadavg()[0]
        code, samples = run(lab, parsed.number, nodes)
        mine = rows(lab, nodes, samples)
        found += [{**row, "load": round(load, 1)} for row in mine]
        if code:
            failed.append(nodes)
            processes.kill(processes.of_lab(lab))
    show(found)
    if parsed.picture:
        parsed.picture.write_text(loglog.draw(found))
    print(json.dumps({"failed": failed, "growth": growth(found), "rows": found}))
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
