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

"""The state of a lab's services, as a table."""

import concurrent.futures
import time

from rich.console import Console
from rich.table import Table

from ironic_sideways.lab import checks, should_run
from ironic_sideways.lab.layout import Layout
from ironic_sideways.lab.supervision import ALIVE, State, Supervisor


def look(layout: Layout, states: dict[str, State]) -> dict[str, str]:
    """The state of every service that should run, checked in parallel."""
    gone = State("", "STOPPED", 0, 0, "")

    def one(name: str) -> str:
        return checks.look(layout, states.get(name, gone))

    names = should_run.load(layout)
    # oslo.messaging and eventlet hang when several threads use them at once.
    alone = [row.name for row in layout.services if row.topic and row.name in names]
    beside = [name for name in names if name not in alone]
    with concurrent.futures.ThreadPoolExecutor(len(names)) as pool:
        seen = dict(zip(beside, pool.map(one, beside), strict=True))
    return seen | {name: one(name) for name in alone}


def all_ready(layout: Layout) -> bool:
    """Whether every service that should run is ready."""
    states = Supervisor(layout).states()
    if any(name not in states for name in should_run.load(layout)):
        return False
    return set(look(layout, states).values()) == {checks.READY}


def show(layout: Layout, console: Console) -> bool:
    """Print the table; returns whether everything is as it should be."""
    states = Supervisor(layout).states()
    seen = look(layout, states)
    table = Table(title=f"lab {layout.number} in {layout.directory}")
    for column in ("service", "state", "since", "port", "log"):
        table.add_column(column, overflow="fold")
    right = True
    for row in layout.services:
        name = row.name
        state = states.get(name)
        alive = state is not None and state.state in ALIVE
        if row.group == "on demand" and not alive and name not in seen:
            continue
        answer = seen.get(name, "runs, expected stopped" if alive else "stopped")
        right = right and answer in (checks.READY, "stopped")
        style = {checks.READY: "green", "stopped": "dim"}.get(answer, "bold red")
        since = _clock(state.since) if state is not None and state.since else ""
        log = str(layout.log(name)) if layout.log(name).exists() else ""
        port = str(layout.port(row.listener)) if row.ports else ""
        table.add_row(name, f"[{style}]{answer}[/]", since, port, log)
    console.print(table)
    return right


def _clock(moment: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(moment))
