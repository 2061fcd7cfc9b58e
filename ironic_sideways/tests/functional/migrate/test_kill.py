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

"""SIGKILL at random points: the target is as before or complete, never partial.

A third of the kills fall before a command's first row is written, a third before it
sends the COMMIT, a third after that.
"""

import collections
import json
import os
import random
import time

import pytest
import sqlalchemy as sa

from ironic_sideways.migrate import target
from ironic_sideways.nova_bm import database
from ironic_sideways.tests import rows
from ironic_sideways.tests.functional.conftest import Clouds
from ironic_sideways.tests.functional.migrate import children
from ironic_sideways.tests.functional.migrate.children import Child
from ironic_sideways.tests.functional.migrate.test_rollback import OTHERS

NODES = 100
KILLS = 200 if os.environ.get("IRONIC_SIDEWAYS_SOAK") else 20
#: A mark, and the mark after which the time until it is up ends.
STAGES = [
    (children.BEFORE, children.INSIDE),
    (children.INSIDE, children.COMMIT),
    (children.COMMIT, None),
]


@pytest.fixture
def many(clouds: Clouds) -> Clouds:
    """NODES nodes, every second one in use, beside a node of somebody else's."""
    made = []
    for number in range(1, NODES + 1):
        used = number % 2
        made.append(rows.used_node(number) if used else rows.free_node(number))
        made.append(rows.plugged(number) if used else rows.interface(number))
    rows.insert(clouds.nova_bm, *made)
    clouds.sql(clouds.ironic, *OTHERS)
    return clouds


@pytest.mark.parametrize("command", ["run", "rollback"])
def test_a_kill_leaves_the_target_as_before_or_complete(
    many: Clouds, command: str
) -> None:
    seed = random.SystemRandom().randrange(2**32)
    print(f"seed {seed}")
    chance = random.Random(seed)  # noqa: S311
    other = "rollback" if command == "run" else "run"
    if command == "rollback":
        assert many.migrate("run") == 0
    whole = timed(many, command)
    assert many.migrate(other) == 0
    fell: collections.Counter[str] = collections.Counter()
    for number in range(KILLS):
        before = many.ironic_rows()
        child = start(many, command)
        told = kill(child, whole, chance, *STAGES[number % len(STAGES)])
        fell[told] += 1
        whole = as_fast_as(whole, child)
        settle(many)
        see_all_or_nothing(many, command, told, before)
        see_record(many)
        assert many.migrate(command) == 0, told
        assert nodes_of_ours(many) == (NODES if command == "run" else 0)
        assert many.migrate(other) == 0, told
    print(f"{KILLS} kills of {command} fell: {dict(fell)}")
    assert fell[children.BEFORE] and fell[children.INSIDE], fell
    assert fell[children.COMMIT] + fell[children.AFTER], fell


def start(clouds: Clouds, command: str) -> Child:
    """The command as a process; ``run`` with a record."""
    record = clouds.directory / "migration.json"
    record.unlink(missing_ok=True)
    more = ["--output", str(record)] if command == "run" else []
    return Child(clouds.words(command, *more), clouds.directory / "child.log")


def timed(clouds: Clouds, command: str) -> dict[str, float]:
    """Mark -> seconds, of one whole life of the command; its end too."""
    child = start(clouds, command)
    assert child.wait() == 0, (clouds.directory / "child.log").read_text()
    end = time.monotonic() - child.started
    return {children.BEFORE: 0.0, **child.times, "end": end}


def as_fast_as(whole: dict[str, float], child: Child) -> dict[str, float]:
    """The marks' times, of a machine that is less busy than when they were taken."""
    ratio = min(
        [1.0, *(child.times[mark] / whole[mark] for mark in child.times if whole[mark])]
    )
    return {mark: seconds * ratio for mark, seconds in whole.items()}


def kill(
    child: Child,
    whole: dict[str, float],
    chance: random.Random,
    stage: str,
    until: str | None,
) -> str:
    """Kill it at a random point of a stage; the mark that it had given last."""
    if stage != children.BEFORE:
        child.listen(time.monotonic() + children.TIMEOUT_S, lambda mark: mark == stage)
    rest = whole[until or "end"] - whole[stage]
    child.listen(time.monotonic() + chance.uniform(0, rest))
    child.kill()
    return child.told


def settle(clouds: Clouds) -> None:
    """Wait until the server has undone what the killed process had begun."""
    deadline = time.monotonic() + 60
    with database.engine(clouds.ironic).connect() as connection:
        name = target.lock_name(connection)
        while connection.execute(sa.select(sa.func.is_used_lock(name))).scalar():
            assert time.monotonic() < deadline, "the lock is still held"
            time.sleep(0.02)
            connection.rollback()
    others = (
        "SELECT COUNT(*) FROM information_schema.innodb_trx WHERE trx_rows_modified"
    )
    with database.engine(clouds.server.url("mysql")).connect() as connection:
        while connection.execute(sa.text(others)).scalar():
            assert time.monotonic() < deadline, "a transaction is still open"
            time.sleep(0.02)


def see_all_or_nothing(
    clouds: Clouds, command: str, told: str, before: dict[str, list[dict]]
) -> None:
    """The target is as before until the COMMIT, complete after it."""
    if told == children.AFTER:
        whole = True
    elif told == children.COMMIT:
        whole = nodes_of_ours(clouds) == (NODES if command == "run" else 0)
    else:
        whole = False
    if not whole:
        assert clouds.ironic_rows() == before, told
    elif command == "run":
        assert clouds.migrate("verify") == 0, told
    else:
        assert nodes_of_ours(clouds) == 0, told
        assert len(clouds.ironic_rows()["ports"]) == 1, told


def nodes_of_ours(clouds: Clouds) -> int:
    """Ironic's nodes without somebody else's one, which is always there."""
    nodes = clouds.ironic_rows()["nodes"]
    assert nodes[0]["driver"] == "redfish"
    return len(nodes) - 1


def see_record(clouds: Clouds) -> None:
    """The record is whole or absent."""
    record = clouds.directory / "migration.json"
    if record.exists():
        found = json.loads(record.read_text())
        assert len(found["rows"]) == NODES
        assert found["result"] == "done"
