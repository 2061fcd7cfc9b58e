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

"""What nova-compute's first look at its nodes costs: each becomes a resource provider.

In a lab whose move is done: more free nodes are written into Ironic's database, of
a driver that no conductor serves, so that nothing but Nova and Placement works.
"""

import argparse
import contextlib
import json
import signal
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import psutil
import sqlalchemy as sa
from rich import console, table

from ironic_sideways import exceptions, waits
from ironic_sideways.lab import databases, record
from ironic_sideways.lab.layout import Layout
from ironic_sideways.lab.supervision import Supervisor

#: Who works when nova-compute reports.
SERVICES = ("nova-compute", "nova-conductor", "placement", "ironic-api", "mariadb")
#: Seconds to see all of them reported, and forgotten again.
TIMEOUT_S = 3600.0
#: The first field of the uuids of ours.
MARK = "be9c4000"

REPORTED = """
    SELECT COUNT(DISTINCT i.resource_provider_id) FROM inventories i
    JOIN resource_providers p ON p.id = i.resource_provider_id
    WHERE p.uuid LIKE :mark
"""
KNOWN = "SELECT COUNT(*) FROM resource_providers WHERE uuid LIKE :mark"


def count(placement: sa.Engine, query: str) -> int:
    with placement.connect() as connection:
        found = connection.execute(sa.text(query), {"mark": f"{MARK}-%"})
        return int(found.scalar_one())


@contextlib.contextmanager
def more_nodes(ironic: sa.Engine, number: int) -> Iterator[None]:
    """``number`` nodes like a free one.

    :raises SidewaysError: no node is free.
    """
    with ironic.connect() as connection:
        free = connection.execute(
            sa.text(
                "SELECT * FROM nodes WHERE provision_state = 'available' "
                "AND maintenance = 0 ORDER BY id LIMIT 1"
            )
        ).mappings()
        pattern = free.first()
    if pattern is None:
        raise exceptions.SidewaysError("Ironic has no available node to copy")
    columns = [name for name in pattern if name != "id"]
    statement = sa.text(
        f"INSERT INTO nodes ({', '.join(columns)}) "  # noqa: S608
        f"VALUES ({', '.join(f':{name}' for name in columns)})"
    )
    rows = [
        {**{name: pattern[name] for name in columns}, **_own(index)}
        for index in range(number)
    ]
    with ironic.begin() as connection:
        connection.execute(statement, rows)
    try:
        yield
    finally:
        with ironic.begin() as connection:
            connection.execute(
                sa.text("DELETE FROM nodes WHERE uuid LIKE :mark"),
                {"mark": f"{MARK}-%"},
            )


def _own(index: int) -> dict[str, str | None]:
    return {
        "uuid": f"{MARK}-{str(uuid.uuid4()).partition('-')[2]}",
        "name": f"bench-{index}",
        "driver": "fake-hardware",
        "power_state": "power off",
        "conductor_affinity": None,
    }


def cpu_seconds(lab: Supervisor) -> dict[str, float]:
    """Processor time of each service so far, its children included."""
    found = {}
    for name in SERVICES:
        state = lab.state(name)
        if not state.pid:
            raise exceptions.SidewaysError(
                f"service {name} is {state.state}; move the lab first, as by "
                "tools/run_upgrade.sh --keep"
            )
        leader = psutil.Process(state.pid)
        times = [one.cpu_times() for one in (leader, *leader.children(recursive=True))]
        found[name] = sum(one.user + one.system for one in times)
    return found


def measure(layout: Layout, number: int) -> dict[str, float]:
    """Add the nodes, wait until Placement has all; the processor time by service."""
    lab = Supervisor(layout)
    # Before anything is written: all of them run.
    cpu_seconds(lab)
    ironic = sa.create_engine(databases.url(layout, "ironic"))
    placement = sa.create_engine(databases.url(layout, "placement"))

    def reported() -> int:
        return count(placement, REPORTED)

    with more_nodes(ironic, number):
        # Not before it has begun: the pause between two looks is no work.
        waits.wait_for(reported, bool, "the first node", TIMEOUT_S, interval=0.2)
        first, before = reported(), cpu_seconds(lab)
        if first == number:
            raise exceptions.SidewaysError(
                f"all {number} nodes were reported at once: give more, --nodes 200"
            )
        waits.wait_for(
            reported, lambda seen: seen == number, f"{number} nodes", TIMEOUT_S
        )
        after = cpu_seconds(lab)
    waits.wait_for(
        lambda: count(placement, KNOWN),
        lambda seen: not seen,
        "Nova to forget them",
        TIMEOUT_S,
    )
    nodes = number - first
    return {name: (after[name] - before[name]) / nodes for name in SERVICES}


def main() -> None:
    """Measure and print; the last line is JSON."""
    parser = argparse.ArgumentParser(prog="tools/bench_resources.sh")
    parser.add_argument("--directory", type=Path, required=True)
    parser.add_argument("--nodes", type=int, default=200)
    parsed = parser.parse_args()
    if parsed.nodes < 1:
        parser.error(f"--nodes {parsed.nodes}: expected 1 or more")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        layout, _ = record.open_lab(parsed.directory)
        found = measure(layout, parsed.nodes)
    except exceptions.SidewaysError as error:
        print(f"bench_resources: {error}", file=sys.stderr)
        sys.exit(2 if isinstance(error, exceptions.UsageError) else 1)
    shown = table.Table(title=f"nova-compute's first look at {parsed.nodes} new nodes")
    shown.add_column("service")
    shown.add_column("CPU a node", justify="right")
    for name, seconds in found.items():
        shown.add_row(name, f"{1000 * seconds:.0f} ms")
    shown.add_row("all", f"{1000 * sum(found.values()):.0f} ms")
    console.Console(width=80).print(shown)
    rounded = {name: round(seconds, 4) for name, seconds in found.items()}
    print(json.dumps({"nodes": parsed.nodes, "cpu_seconds_a_node": rounded}))


if __name__ == "__main__":
    main()
