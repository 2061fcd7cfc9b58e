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

"""All or nothing: faults, lost connections and concurrent runs."""

import datetime
import gc
import signal
import subprocess
import sys
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import URL

from ironic_sideways import waits
from ironic_sideways.migrate import classify, load, target, verify
from ironic_sideways.nova_bm import database, reader
from ironic_sideways.tests import rows
from ironic_sideways.tests.functional.conftest import Clouds
from ironic_sideways.tests.functional.migrate.children import Child
from ironic_sideways.tests.functional.migrate.test_kill import settle

NODES = 100
EMPTY: dict[str, list] = {"nodes": [], "ports": []}


@pytest.fixture
def many(clouds: Clouds) -> Clouds:
    """NODES nodes, every second one in use."""
    made = []
    for number in range(1, NODES + 1):
        used = number % 2
        made.append(rows.used_node(number) if used else rows.free_node(number))
        made.append(rows.plugged(number) if used else rows.interface(number))
    rows.insert(clouds.nova_bm, *made)
    return clouds


def test_a_load_holds_no_more_at_its_end_than_at_its_begin(
    many: Clouds, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What statements leave behind is let go of, though no collector runs."""
    batch, held = 5, []
    write = load.Loader.write

    def counted(self: load.Loader, verdicts: list[classify.Verdict]) -> None:
        assert not gc.isenabled()
        held.append(gc.get_count()[0])
        write(self, verdicts)

    monkeypatch.setattr(reader.read, "__defaults__", (batch,))
    monkeypatch.setattr(load.Loader, "write", counted)
    assert many.migrate("run") == 0
    assert len(held) == NODES / batch
    # The first two batches fill SQLAlchemy's caches.
    assert held[-1] < held[2] + len(held)


def start(clouds: Clouds, command: str, *more: str) -> subprocess.Popen:
    """The command in a process of its own."""
    return subprocess.Popen(
        [
            sys.executable,
            "-m",
            "ironic_sideways.cmd.migrate",
            *clouds.words(command, *more),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        # A caller in the background may ignore SIGINT: the default again.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def test_i05_a_fault_at_the_last_port_leaves_no_node(
    many: Clouds, capsys: pytest.CaptureFixture[str]
) -> None:
    many.sql(
        many.ironic,
        "CREATE TRIGGER fault BEFORE INSERT ON ports FOR EACH ROW IF NEW.address = "
        f"'{rows.mac(NODES)}' THEN SIGNAL SQLSTATE '45000' "
        "SET MESSAGE_TEXT = 'disk full'; END IF",
    )
    try:
        assert many.migrate("run") == 1
    finally:
        many.sql(many.ironic, "DROP TRIGGER fault")
    assert "refused rows, nothing was written: disk full" in capsys.readouterr().err
    assert many.ironic_rows() == EMPTY
    assert many.migrate("run") == 0


def test_i20_of_two_runs_one_works_and_the_other_says_who(
    many: Clouds, capsys: pytest.CaptureFixture[str]
) -> None:
    with database.engine(many.ironic).connect() as other, target.lock(other) as held:
        taken = datetime.datetime.now(datetime.UTC)
        # So long that "now" would be told from "since".
        held_for = sa.text(
            "SELECT time FROM information_schema.processlist WHERE id = :id"
        )
        waits.wait_for(
            lambda: other.execute(held_for, {"id": held.holder}).scalar_one(),
            lambda seconds: seconds >= 2,
            "the lock to be held for 2 seconds",
            30,
            interval=0.1,
        )
        assert many.migrate("run") == 1
        said = capsys.readouterr().err
        assert "another run works on database ironic: tester from " in said
        assert f"(connection {held.holder}) holds its lock since " in said
        since = datetime.datetime.fromisoformat(
            said.split("since ")[1].split(" UTC")[0]
        )
        # The server counts in whole seconds.
        assert since.replace(tzinfo=datetime.UTC) <= taken + datetime.timedelta(0, 1)
        assert many.ironic_rows() == EMPTY
    assert many.migrate("run") == 0


def test_two_runs_at_once_write_each_row_once(many: Clouds) -> None:
    logs = [many.directory / name for name in ("first.log", "second.log")]
    both = [Child(many.words("run"), log) for log in logs]
    codes = sorted(child.wait() for child in both)
    said = "".join(log.read_text() for log in logs)
    # The later one meets the lock, or comes when all is done.
    assert codes in ([0, 0], [0, 1])
    assert said.count(f"{NODES} nodes and {NODES} ports written") == 1
    assert ("another run works on" in said) == (codes == [0, 1])
    assert len(many.ironic_rows()["nodes"]) == NODES
    assert many.migrate("verify") == 0


@pytest.mark.parametrize(
    ("place", "code", "nodes", "words"),
    [
        ((load.Loader, "write"), 1, 0, "nothing was"),
        ((load, "commit"), 3, 0, "did not confirm the COMMIT"),
        ((verify, "verify"), 3, NODES, "were written but not verified"),
    ],
    ids=["load", "commit", "verify"],
)
def test_a_lost_connection_is_one_true_line(
    many: Clouds,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    place: tuple[Any, str],
    code: int,
    nodes: int,
    words: str,
) -> None:
    sound = getattr(*place)

    def losing(*given: Any, **named: Any) -> Any:
        many.server.execute(
            *(f"KILL {number}" for number in connections(many, many.ironic))
        )
        return sound(*given, **named)

    monkeypatch.setattr(*place, losing)
    assert many.migrate("run") == code
    said = capsys.readouterr().err
    assert words in said
    assert len(said.splitlines()) == 1
    assert len(many.ironic_rows()["nodes"]) == nodes
    monkeypatch.undo()
    assert many.migrate("run") == 0
    assert len(many.ironic_rows()["nodes"]) == NODES


def test_a_run_that_lost_its_lock_writes_nothing(
    many: Clouds, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    sound = load.Loader.write

    def losing(*given: Any) -> None:
        sound(*given)
        (holder,) = (
            number
            for number in connections(many, many.ironic)
            if number == lock_holder(many)
        )
        many.server.execute(f"KILL {holder}")

    monkeypatch.setattr(load.Loader, "write", losing)
    assert many.migrate("run") == 1
    assert "the lock of this run was lost" in capsys.readouterr().err
    assert many.ironic_rows() == EMPTY


def lock_holder(clouds: Clouds) -> int:
    """The connection that holds the lock."""
    with database.engine(clouds.ironic).connect() as connection:
        name = target.lock_name(connection)
        return connection.execute(sa.select(sa.func.is_used_lock(name))).scalar_one()


@pytest.mark.parametrize("command", ["run", "rollback", "check"])
@pytest.mark.parametrize(
    ("number", "code", "how"),
    [
        (signal.SIGHUP, 129, "interrupted by SIGHUP"),
        (signal.SIGINT, 130, "interrupted"),
        (signal.SIGTERM, 143, "interrupted by SIGTERM"),
    ],
)
def test_a_signal_in_the_middle_is_one_line_and_changes_nothing(
    many: Clouds, command: str, number: signal.Signals, code: int, how: str
) -> None:
    """The server keeps the command waiting until the signal has come."""
    if command == "rollback":
        assert many.migrate("run") == 0
    before = many.ironic_rows()
    record = many.directory / "record.json"
    more = [] if command == "rollback" else ["--output", str(record)]
    table = "conductors" if command == "check" else "ports"
    with database.engine(many.ironic).connect() as other:
        other.exec_driver_sql(f"LOCK TABLES {table} WRITE")
        process = start(many, command, *more)
        wait_until_blocked(many)
        process.send_signal(number)
        # PyMySQL's answer to a broken wait comes when the server lets go.
        other.exec_driver_sql("UNLOCK TABLES")
        said, _ = process.communicate(timeout=120)
    assert process.returncode == code
    assert said == f"ironic-nova-bm-migrate: {how}; nothing was changed\n"
    settle(many)
    assert many.ironic_rows() == before
    assert not list(many.directory.glob("*record.json*"))


def wait_until_blocked(clouds: Clouds) -> None:
    """Until a connection waits for a lock of ours."""
    query = sa.text(
        "SELECT COUNT(*) FROM information_schema.processlist "
        "WHERE state LIKE 'Waiting for table%'"
    )

    def waiting() -> int:
        with database.engine(clouds.server.url("mysql")).connect() as connection:
            return connection.execute(query).scalar_one()

    waits.wait_for(waiting, bool, "the command to wait for a table", 120)


def connections(clouds: Clouds, url: URL) -> list[int]:
    """The server's connections to one database."""
    with database.engine(clouds.server.url("mysql")).connect() as connection:
        return list(
            connection.scalars(
                sa.text("SELECT id FROM information_schema.processlist WHERE db = :db"),
                {"db": url.database},
            )
        )
