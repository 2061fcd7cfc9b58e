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

"""How fast ``ironic-nova-bm-migrate run`` loads, beside what it could be.

All contenders in turn on one private MariaDB, again and again, and the medians
compared: ratios hold on a noisy machine where seconds do not. Nothing passes or
fails by time.
"""

import argparse
import dataclasses
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from rich import console, table

from ironic_sideways.tests.bench import contents, rest
from ironic_sideways.tests.functional import mariadb

#: The peak of memory is looked at again with so many times the nodes.
GROWTH = 4
SERVER_SETTINGS = (
    "--innodb-buffer-pool-size=1G",
    "--innodb-log-file-size=1G",
    "--performance-schema=OFF",
)


@dataclasses.dataclass(frozen=True)
class Ended:
    """A process that ended well.

    :param peak_mb: its resident set at its largest.
    """

    text: str
    seconds: float
    peak_mb: float


#: Linux counts to a process's peak what its parent had when it was forked, and this
#: one reads records of 100,000 rows: a small one stands between.
_SMALL_PARENT = """
import resource, subprocess, sys
code = subprocess.call([sys.executable, "-m", *sys.argv[1:]])
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=sys.stderr)
sys.exit(code)
"""


def measured(*words: str) -> Ended:
    """Run a module of this Python and take its peak of memory.

    :raises RuntimeError: it failed; says what it printed.
    """
    started = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-c", _SMALL_PARENT, *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        text, errors = process.communicate()
    except BaseException:
        # The module that is measured is no child of this process.
        os.killpg(process.pid, signal.SIGKILL)
        raise
    seconds = time.perf_counter() - started
    if process.returncode:
        raise RuntimeError(
            f"{words[0]}: exit code {process.returncode}: {text}{errors}"
        )
    return Ended(text, seconds, int(errors.splitlines()[-1]) / 1024)


class Bench:
    """The databases, and the contenders upon them."""

    def __init__(self, server: mariadb.Server, directory: Path, nodes: int) -> None:
        self.nodes = nodes
        self.directory = directory
        self._server = server
        self._ironic = mariadb.create_ironic(server, "ironic", directory)
        contents.fill(server, "nova_bm", nodes)
        server.execute("CREATE DATABASE finished")
        for name in ("nova_bm", "ironic", "finished"):
            self._write_url(name)

    def _write_url(self, name: str) -> str:
        path = self.directory / f"{name}.url"
        path.touch(mode=0o600)
        path.write_text(self._server.url(name).render_as_string(hide_password=False))
        return f"@{path}"

    def _words(self, source: str) -> list[str]:
        return [
            *("--nova-bm-db", f"@{self.directory / source}.url"),
            *("--ironic-db", f"@{self.directory / 'ironic.url'}"),
            *("--node-arch", "x86_64", "--no-owner"),
            *("--instances-boot-from-disk", "--vifs-as-recorded"),
        ]

    def empty(self) -> None:
        """Remove what was loaded."""
        self._server.execute(
            "SET FOREIGN_KEY_CHECKS = 0",
            "TRUNCATE ports",
            "TRUNCATE nodes",
            database="ironic",
        )

    def run(self, source: str = "nova_bm") -> tuple[float, Ended]:
        """The seconds of ``run``'s load phase, and the whole process."""
        record = self.directory / "migration.json"
        ended = measured(
            *("ironic_sideways.cmd.migrate", "run", "--json"),
            *("--output", str(record)),
            *self._words(source),
        )
        return json.loads(record.read_text())["load_seconds"], ended

    def command(self, name: str) -> Ended:
        """``check``, ``verify`` or ``rollback`` as a whole."""
        words = self._words("nova_bm")
        if name == "rollback":
            words = words[2:4]
        return measured("ironic_sideways.cmd.migrate", name, "--json", *words)

    def keep_finished(self) -> None:
        """Copy what ``run`` wrote: the rows of the bare insert."""
        self._server.execute(
            *(
                f"CREATE TABLE finished.{t} AS SELECT * FROM {t}"  # noqa: S608
                for t in ("nodes", "ports")
            ),
            database="ironic",
        )

    def contender(self, name: str, source: str) -> float:
        """The seconds of one of ``contenders``."""
        files = (f"@{self.directory / database}.url" for database in (source, "ironic"))
        ended = measured("ironic_sideways.tests.bench.contenders", name, *files)
        return float(ended.text)

    def grow(self) -> float:
        """The peak of ``run`` with GROWTH times the nodes, in MB."""
        contents.fill(self._server, "grown", self.nodes * GROWTH)
        self._write_url("grown")
        return self.run("grown")[1].peak_mb

    def rest(self, nodes: int) -> float:
        """The seconds of enrolment through Ironic's API."""
        self.empty()
        return rest.enrol(self.directory, self._ironic, nodes)


@dataclasses.dataclass
class Measured:
    """Seconds of each repetition, and what was looked at once."""

    load: list[float] = dataclasses.field(default_factory=list)
    bare: list[float] = dataclasses.field(default_factory=list)
    orm2014: list[float] = dataclasses.field(default_factory=list)
    rest: float = 0.0
    peaks: list[float] = dataclasses.field(default_factory=list)
    commands: dict[str, Ended] = dataclasses.field(default_factory=dict)


def measure(bench: Bench, repetitions: int, rest_nodes: int) -> Measured:
    """Every contender once in each repetition."""
    found = Measured()
    for repetition in range(repetitions):
        say(f"repetition {repetition + 1} of {repetitions}")
        bench.empty()
        seconds, ended = bench.run()
        found.load.append(seconds)
        found.peaks.append(ended.peak_mb)
        if not repetition:
            bench.keep_finished()
            found.commands["run"] = ended
            for name in ("check", "verify", "rollback"):
                found.commands[name] = bench.command(name)
        for name, times in (("bare", found.bare), ("orm2014", found.orm2014)):
            bench.empty()
            source = "finished" if name == "bare" else "nova_bm"
            times.append(bench.contender(name, source))
        say(
            f"  load {found.load[-1]:.1f} s, bare INSERT {found.bare[-1]:.1f} s, "
            f"shape of 2014 {found.orm2014[-1]:.1f} s, peak {found.peaks[-1]:.0f} MB"
        )
    say(f"{rest_nodes} nodes through the REST API")
    found.rest = bench.rest(rest_nodes)
    return found


def say(what: str) -> None:
    """Progress, apart from the results."""
    print(what, file=sys.stderr, flush=True)


def show(found: Measured, nodes: int, rest_nodes: int) -> dict[str, Any]:
    """Print the tables; what the last line says to machines."""
    load, bare, orm = (
        statistics.median(times) for times in (found.load, found.bare, found.orm2014)
    )
    per_node = {
        "run's load": load / nodes,
        "bare multi-row INSERT": bare / nodes,
        "shape of the 2014 tool": orm / nodes,
        f"REST API ({rest_nodes} nodes)": found.rest / rest_nodes,
    }
    shown = table.Table(title=f"{nodes} nodes, {nodes * contents.PORTS_PER_NODE} ports")
    for heading in ("medians", "a node", "times run's load"):
        shown.add_column(heading, justify="left" if heading == "medians" else "right")
    for name, seconds in per_node.items():
        ratio = seconds / per_node["run's load"]
        shown.add_row(name, f"{seconds * 1e6:.0f} us", f"{ratio:.2f}")
    whole = table.Table(title="whole commands")
    for heading in ("command", "seconds", "peak MB"):
        whole.add_column(heading, justify="left" if heading == "command" else "right")
    for name, ended in found.commands.items():
        whole.add_row(name, f"{ended.seconds:.1f}", f"{ended.peak_mb:.0f}")
    screen = console.Console(width=100)
    screen.print(shown)
    screen.print(whole)
    return {
        "nodes": nodes,
        "repetitions": len(found.load),
        "load_over_bare_insert": round(load / bare, 2),
        "orm2014_over_load": round(orm / load, 2),
        "rest_over_load": round(found.rest / rest_nodes / (load / nodes), 1),
        "peak_mb": round(max(found.peaks), 1),
        "load_seconds": round(load, 2),
        "seconds": {n: round(e.seconds, 2) for n, e in found.commands.items()},
        "peaks_mb": {n: round(e.peak_mb, 1) for n, e in found.commands.items()},
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="tools/bench_migrate.sh")
    parser.add_argument("--nodes", type=int, default=100_000)
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--rest-nodes", type=int, default=200)
    parser.add_argument("--no-growth", action="store_true")
    parsed = parser.parse_args()
    # So that the server is stopped and its directory removed.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with (
        tempfile.TemporaryDirectory(prefix="bench-migrate-") as name,
        mariadb.running(Path(name), *SERVER_SETTINGS) as server,
    ):
        bench = Bench(server, Path(name), parsed.nodes)
        found = measure(bench, parsed.repetitions, parsed.rest_nodes)
        results = show(found, parsed.nodes, parsed.rest_nodes)
        if not parsed.no_growth:
            # The longest comes last: what was found before it is told by then.
            say(f"run with {GROWTH} times the nodes")
            bench.empty()
            results["peak_mb_grown"] = round(bench.grow(), 1)
            print(
                f"run with {parsed.nodes * GROWTH} nodes: {results['peak_mb_grown']} MB"
            )
        print(json.dumps(results))


if __name__ == "__main__":
    main()
