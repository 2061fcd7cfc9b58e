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

"""How fast a conductor takes over the nodes that a move leaves it with.

Every setting starts a real conductor on the same ACTIVE nodes, all of them not
taken over, and looks how many are after each second. An operator waits for this
with the maintenance window open.
"""

import argparse
import dataclasses
import json
import math
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import sqlalchemy as sa
from rich import console, table
from sqlalchemy.engine import URL

from ironic_sideways.migrate import target
from ironic_sideways.nova_bm import database
from ironic_sideways.tests.bench import conductor, contents
from ironic_sideways.tests.functional import mariadb

POLL_S = 1.0


@dataclasses.dataclass(frozen=True)
class Setting:
    """What is tried.

    :param slice_s: how long it is watched at most, in seconds.
    """

    name: str
    options: dict[str, int]
    slice_s: float

    @property
    def interval(self) -> int:
        """Seconds between two looks for nodes to take over."""
        return self.options.get("sync_local_state_interval", 180)

    @property
    def workers(self) -> int:
        """Nodes taken over at one look."""
        return self.options.get("periodic_max_workers", 8)

    def expected(self, nodes: int) -> float:
        """Seconds that ``nodes`` need if only the interval and the workers bind."""
        return math.ceil(nodes / self.workers) * self.interval


def _setting(name: str, interval: int, workers: int, slice_s: float) -> Setting:
    return Setting(
        name,
        {
            "sync_local_state_interval": interval,
            "periodic_max_workers": workers,
            "sync_power_state_interval": 120,
            "workers_pool_size": 300,
        },
        slice_s,
    )


SETTINGS = (
    Setting("defaults of Ironic", {}, 400),
    _setting("10 s, 8 workers", 10, 8, 120),
    _setting("10 s, 25 workers", 10, 25, 120),
    _setting("10 s, 50 workers", 10, 50, 600),
    _setting("10 s, 100 workers", 10, 100, 600),
    _setting("5 s, 50 workers", 5, 50, 600),
)


@dataclasses.dataclass
class Pace:
    """What one setting gave.

    :param curve: (seconds since the conductor was online, nodes taken over).
    :param cpu: the conductor's processor seconds meanwhile.
    """

    setting: Setting
    curve: list[tuple[float, int]]
    cpu: float
    failed: int

    @property
    def taken(self) -> int:
        """Nodes taken over in the slice."""
        return self.curve[-1][1]

    @property
    def seconds(self) -> float:
        """When the last of them was."""
        return next(when for when, count in self.curve if count == self.taken)

    @property
    def per_look(self) -> float:
        """Nodes a look for them, by how many looks there were."""
        looks = max(1, round(self.seconds / self.setting.interval))
        return self.taken / looks


def measure(directory: Path, url: URL, setting: Setting, nodes: int) -> Pace:
    """Start a conductor on nodes that nobody has taken over; watch it."""
    with (
        database.engine(url).connect() as connection,
        conductor.running(
            directory, url, setting.options, program="ironic-conductor"
        ) as running,
    ):
        _forget(connection)
        conductor.wait_online(connection, running)
        started = time.monotonic()
        cpu = running.cpu_seconds()
        curve = [(0.0, 0)]
        while curve[-1][1] < nodes and curve[-1][0] < setting.slice_s:
            time.sleep(POLL_S)
            curve.append((time.monotonic() - started, _taken(connection)))
            if running.process.poll() is not None:
                raise RuntimeError(f"the conductor ended: {running.last_words()}")
        used = running.cpu_seconds() - cpu
        failed = _count(connection, target.nodes.c.last_error.is_not(None))
    return Pace(setting, curve, used, failed)


def _forget(connection: sa.Connection) -> None:
    """Make the nodes what ``run`` left them, and no conductor known."""
    nodes = target.nodes
    connection.execute(
        nodes.update().values(
            conductor_affinity=None, power_state=None, last_error=None, reservation=None
        )
    )
    connection.execute(
        target.conductors.update().values(online=False, updated_at="2014-01-01")
    )
    connection.commit()


def _taken(connection: sa.Connection) -> int:
    return _count(connection, target.nodes.c.conductor_affinity.is_not(None))


def _count(connection: sa.Connection, which: sa.ColumnElement[bool]) -> int:
    nodes = target.nodes
    query = sa.select(sa.func.count()).select_from(nodes).where(which)
    found = connection.execute(query).scalar_one()
    connection.rollback()
    return found


def import_nodes(server: mariadb.Server, directory: Path, nodes: int) -> URL:
    """Move ``nodes`` used nodes with the tool, then take their BMCs from them."""
    ironic = mariadb.create_ironic(server, "ironic", directory)
    contents.fill(server, "nova_bm", nodes, used_every=1)
    words = []
    for option, name in (("--nova-bm-db", "nova_bm"), ("--ironic-db", "ironic")):
        path = directory / f"{name}.url"
        path.touch(mode=0o600)
        path.write_text(server.url(name).render_as_string(hide_password=False))
        words += [option, f"@{path}"]
    subprocess.run(
        [
            *(sys.executable, "-m", "ironic_sideways.cmd.migrate", "run", *words),
            *("--node-arch", "x86_64", "--no-owner"),
            *("--instances-boot-from-disk", "--vifs-as-recorded"),
        ],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    columns = ", ".join(
        f"{kind}_interface = '{name}'" for kind, name in conductor.INTERFACES.items()
    )
    server.execute(
        f"UPDATE nodes SET driver = 'fake-hardware', {columns}",  # noqa: S608
        database="ironic",
    )
    return ironic


def show(paces: list[Pace], nodes: int) -> None:
    """The table for people, the last line for machines."""
    shown = table.Table(title=f"take-over of {nodes} active nodes, one conductor")
    for heading in (
        "[conductor]",
        "nodes",
        "in",
        "nodes a look",
        "CPU a node",
        f"minutes for {nodes}",
        "by the formula",
    ):
        shown.add_column(heading, justify="right")
    results = []
    for pace in paces:
        pending = nodes - pace.taken
        rate = pace.taken / pace.seconds if pace.seconds else 0.0
        minutes = (pace.seconds + (pending / rate if pending else 0.0)) / 60
        formula = pace.setting.expected(nodes) / 60
        shown.add_row(
            pace.setting.name,
            str(pace.taken),
            f"{pace.seconds:.0f} s",
            f"{pace.per_look:.1f}",
            f"{1000 * pace.cpu / max(1, pace.taken):.0f} ms",
            f"{minutes:.1f}" + (" (by its pace)" if pending else ""),
            f"{formula:.1f}",
        )
        results.append(
            {
                "sync_local_state_interval": pace.setting.interval,
                "periodic_max_workers": pace.setting.workers,
                "nodes": pace.taken,
                "seconds": round(pace.seconds, 1),
                "cpu_seconds": round(pace.cpu, 1),
                "failed": pace.failed,
                "minutes": round(minutes, 2),
                "formula_minutes": round(formula, 2),
            }
        )
    console.Console(width=120).print(shown)
    print(json.dumps({"nodes": nodes, "settings": results}))


def main() -> None:
    """Measure each setting in turn and print."""
    parser = argparse.ArgumentParser(prog="tools/bench_takeover.sh")
    parser.add_argument("--nodes", type=int, default=1000)
    parser.add_argument("--setting", action="append", metavar="NAME")
    parsed = parser.parse_args()
    # So that the server is stopped and its directory removed.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with (
        tempfile.TemporaryDirectory(prefix="bench-takeover-") as name,
        mariadb.running(Path(name)) as server,
    ):
        url = import_nodes(server, Path(name), parsed.nodes)
        paces = []
        for setting in SETTINGS:
            if parsed.setting and setting.name not in parsed.setting:
                continue
            print(f"{setting.name}: at most {setting.slice_s:.0f} s", file=sys.stderr)
            paces.append(measure(Path(name), url, setting, parsed.nodes))
            print(paces[-1].curve[-1], paces[-1].failed, file=sys.stderr)
        show(paces, parsed.nodes)


if __name__ == "__main__":
    main()
