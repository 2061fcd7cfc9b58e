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


"""Retire archives nova_bm whole and drops it, or leaves it as it was."""

import contextlib
import gzip
import json
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import URL

from ironic_sideways.migrate import archive, retire
from ironic_sideways.nova_bm import database, schema
from ironic_sideways.tests import rows
from ironic_sideways.tests.functional.conftest import Clouds
from ironic_sideways.tests.functional.migrate import test_cases

KILLS = 6
TABLES = retire.TABLES


@pytest.fixture
def moved(clouds: Clouds) -> Clouds:
    """Rows of every odd kind in a latin1 nova_bm, and the sound ones moved."""
    name = clouds.nova_bm.database
    clouds.server.execute(f"ALTER DATABASE {name} CHARACTER SET latin1")
    clouds.sql(
        clouds.nova_bm,
        *(f"ALTER TABLE {t} CONVERT TO CHARACTER SET latin1" for t in TABLES),
    )
    rows.insert(
        clouds.nova_bm,
        rows.used_node(1, instance_name="Jürgen's \\ né€\n"),
        rows.plugged(1),
        rows.free_node(2),
        rows.interface(2),
        rows.free_node(3, deleted=1, uuid=None, pm_password=""),
        {"id": 4, "deleted": 1},
    )
    clouds.sql(
        clouds.nova_bm,
        "SET sql_mode = ''",
        "UPDATE bm_nodes SET deleted_at = '0000-00-00 00:00:00' WHERE id = 3",
    )
    assert clouds.migrate("run") == 0
    return clouds


def retired(clouds: Clouds, *more: str) -> int:
    return clouds.migrate("retire", "--archive", str(clouds.directory / "a.gz"), *more)


def contents(url: URL) -> dict[str, Any]:
    """The tables' definitions, and every value bit by bit."""
    with database.engine(url).connect() as connection:
        found: dict[str, Any] = {}
        for name in sa.inspect(connection).get_table_names():
            columns = schema.metadata.tables[name].columns.keys()
            shown = ", ".join(f"HEX({c}), CAST({c} AS CHAR)" for c in columns)
            found[name] = (
                connection.exec_driver_sql(f"SHOW CREATE TABLE {name}").one()[1],
                connection.exec_driver_sql(
                    f"SELECT {shown} FROM {name} ORDER BY 2"  # noqa: S608
                ).all(),
            )
        return found


def test_a_retired_nova_bm_can_be_restored_bit_by_bit(
    moved: Clouds, capsys: pytest.CaptureFixture[str]
) -> None:
    before = contents(moved.nova_bm)
    assert "4AFC7267656E" in str(before)
    assert retired(moved) == 0
    said = capsys.readouterr().out
    path = moved.directory / "a.gz"
    assert contents(moved.nova_bm) == {}
    assert path.stat().st_mode & 0o777 == 0o600
    subprocess.run(
        ["sha256sum", "--check", "--quiet", "a.gz.sha256"], cwd=path.parent, check=True
    )
    assert f"restore with: gunzip -c {path} | mariadb --host=127.0.0.1" in said
    assert "s3cret" not in said
    restore(moved, path)
    assert contents(moved.nova_bm) == before
    assert moved.migrate("verify") == 0


def restore(clouds: Clouds, path: Path) -> None:
    """What the printed command does."""
    subprocess.run(
        [*clouds.server.client("mariadb"), str(clouds.nova_bm.database)],
        input=gzip.decompress(path.read_bytes()),
        check=True,
    )


def test_retire_again_finds_nothing_to_do(
    moved: Clouds, capsys: pytest.CaptureFixture[str]
) -> None:
    assert retired(moved) == 0
    assert retired(moved) == 0
    assert "dropped before, nothing to do" in capsys.readouterr().out


def test_a_drop_that_broke_off_is_completed(moved: Clouds) -> None:
    path = moved.directory / "a.gz"
    assert retired(moved) == 0
    restore(moved, path)
    moved.sql(moved.nova_bm, "DROP TABLE bm_interfaces")
    assert retired(moved) == 0
    assert contents(moved.nova_bm) == {}


def test_s10_a_rest_stays_when_the_archive_is_not_the_one_that_was_written(
    moved: Clouds, capsys: pytest.CaptureFixture[str]
) -> None:
    path = moved.directory / "a.gz"
    assert retired(moved) == 0
    restore(moved, path)
    moved.sql(moved.nova_bm, "DROP TABLE bm_interfaces")
    left = contents(moved.nova_bm)
    path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes()), mtime=1))
    assert retired(moved) == 1
    assert "one of the two was changed" in capsys.readouterr().err
    assert contents(moved.nova_bm) == left


def test_a_rest_that_is_not_what_was_archived_stays(
    moved: Clouds, capsys: pytest.CaptureFixture[str]
) -> None:
    assert retired(moved) == 0
    restore(moved, moved.directory / "a.gz")
    moved.sql(moved.nova_bm, "DROP TABLE bm_interfaces", "UPDATE bm_nodes SET cpus = 1")
    assert retired(moved) == 1
    assert "table bm_nodes was changed" in capsys.readouterr().err
    assert set(contents(moved.nova_bm)) == {"bm_nodes", "migrate_version"}


def test_a_dry_run_changes_nothing(
    moved: Clouds, capsys: pytest.CaptureFixture[str]
) -> None:
    before = contents(moved.nova_bm)
    assert retired(moved, "--dry-run") == 0
    assert "would be dropped" in capsys.readouterr().out
    assert contents(moved.nova_bm) == before
    assert not list(moved.directory.glob("*a.gz*"))


def test_an_existing_file_is_not_overwritten(
    moved: Clouds, capsys: pytest.CaptureFixture[str]
) -> None:
    path = moved.directory / "a.gz"
    path.write_text("precious")
    assert retired(moved) == 1
    assert "is not overwritten" in capsys.readouterr().err
    assert path.read_text() == "precious"
    assert set(contents(moved.nova_bm)) == set(TABLES)


TAKE_OVER = (
    "UPDATE nodes SET power_state = 'power on', updated_at = NOW(), "
    "driver_internal_info = '{\"a\": 1}', properties = "
    "JSON_SET(properties, '$.vendor', 'x')"
)


def test_what_ironic_did_since_is_ironics_business(
    moved: Clouds, capsys: pytest.CaptureFixture[str]
) -> None:
    """Taken over, an instance deleted, a port of Ironic's own added."""
    moved.sql(moved.ironic, TAKE_OVER)
    assert moved.migrate("verify") == 1
    assert moved.migrate("verify", "--taken-over") == 0
    moved.sql(
        moved.ironic,
        "UPDATE nodes SET instance_uuid = NULL, instance_info = '{}', "
        "provision_state = 'available' WHERE instance_uuid IS NOT NULL",
        "UPDATE ports SET internal_info = '{}'",
    )
    assert moved.migrate("verify", "--taken-over") == 1
    capsys.readouterr()
    assert retired(moved) == 0
    assert "all 2; Ironic has changed 1 of them since" in (capsys.readouterr().out)


def test_a_net_booted_node_is_verified_and_retired_before_and_after_take_over(
    clouds: Clouds, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What take-over may change held something when it was written."""
    case = shutil.copytree(test_cases.CASES / "net-booted-kept", clouds.directory / "c")
    test_cases.prepare(case, clouds)
    monkeypatch.chdir(case)
    words = ("--tftp-root", "tftpboot", "--netboot-images", "images")
    assert clouds.migrate("run", *words) == 0
    assert clouds.migrate("verify", "--taken-over", *words) == 0
    assert retired(clouds, "--dry-run", *words) == 0
    clouds.sql(clouds.ironic, TAKE_OVER)
    assert clouds.migrate("verify", *words) == 1
    assert clouds.migrate("verify", "--taken-over", *words) == 0
    assert retired(clouds, *words) == 0
    assert contents(clouds.nova_bm) == {}


@pytest.mark.parametrize(
    ("where", "change", "words"),
    [
        ("ironic", "DELETE FROM ports", "Ironic lacks its port 52:54:00:00:00:01"),
        ("ironic", "UPDATE nodes SET uuid = UUID() WHERE instance_uuid IS NULL",
         "row 2 (node 0d"),
        ("nova_bm", "UPDATE bm_nodes SET memory_mb = 4096 WHERE id = 2",
         "from other contents"),
        ("nova_bm", "UPDATE bm_nodes SET task_state = 'building' WHERE id = 1",
         "Nova is working on the node"),
        ("nova_bm", "UPDATE bm_nodes SET deleted = 0 WHERE id = 4", "row 4"),
        ("nova_bm", "CREATE TRIGGER t BEFORE INSERT ON bm_nodes FOR EACH ROW "
         "SET NEW.cpus = 1", "triggers that the archive would not hold: t"),
        ("nova_bm", "ALTER TABLE bm_nodes ADD COLUMN place POINT", "place point"),
    ],
)  # fmt: skip
def test_retire_refuses_what_is_not_whole_in_ironic_or_in_the_archive(
    moved: Clouds,
    capsys: pytest.CaptureFixture[str],
    where: str,
    change: str,
    words: str,
) -> None:
    moved.sql(getattr(moved, where), change)
    assert retired(moved) == 1
    said = capsys.readouterr().err
    assert words in said
    assert len(said.splitlines()) == 1
    assert_whole(moved)


def assert_whole(clouds: Clouds) -> None:
    """nova_bm stands, and nothing lies in the archive's place."""
    with database.engine(clouds.nova_bm).connect() as connection:
        assert set(sa.inspect(connection).get_table_names()) == set(TABLES)
    assert not list(clouds.directory.glob("*a.gz*"))


def test_nova_bm_in_use_stays(
    moved: Clouds, capsys: pytest.CaptureFixture[str]
) -> None:
    with database.engine(moved.nova_bm).connect() as other:
        other.exec_driver_sql("SELECT 1")
        assert retired(moved) == 1
    assert "is in use by tester from " in capsys.readouterr().err
    assert_whole(moved)


def test_a_write_between_archive_and_drop_is_noticed(
    moved: Clouds, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    sound = archive.write

    def writing(*given: Any) -> Any:
        done = sound(*given)
        moved.sql(moved.nova_bm, "UPDATE bm_nodes SET cpus = 1 WHERE id = 2")
        return done

    monkeypatch.setattr(archive, "write", writing)
    assert retired(moved) == 1
    assert "table bm_nodes was changed while" in capsys.readouterr().err
    assert_whole(moved)


def test_a_disk_that_keeps_other_bytes_is_noticed(
    moved: Clouds, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    sound = archive.read

    def damaged(path: Path) -> Any:
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.write_bytes(content)
        return sound(path)

    monkeypatch.setattr(archive, "read", damaged)
    assert retired(moved) == 1
    assert "--archive" in capsys.readouterr().err
    assert_whole(moved)


@pytest.mark.parametrize("rights", ["SELECT", "SELECT, DROP", "SELECT, LOCK TABLES"])
def test_a_user_without_the_rights_is_told_which(
    moved: Clouds, capsys: pytest.CaptureFixture[str], rights: str
) -> None:
    moved.server.execute(
        "CREATE OR REPLACE USER retirer@'127.0.0.1' IDENTIFIED BY 'pw'",
        f"GRANT {rights} ON {moved.nova_bm.database}.* TO retirer@'127.0.0.1'",
    )
    own = moved.nova_bm
    moved.nova_bm = own.set(username="retirer", password="pw")
    assert retired(moved, "--dry-run") == 1
    said = capsys.readouterr().err
    assert "retire needs SELECT, LOCK TABLES and DROP on it" in said
    moved.nova_bm = own
    assert_whole(moved)


def test_select_lock_tables_and_drop_are_rights_enough(moved: Clouds) -> None:
    moved.server.execute(
        "CREATE OR REPLACE USER retirer@'127.0.0.1' IDENTIFIED BY 'pw'",
        f"GRANT SELECT, LOCK TABLES, DROP ON {moved.nova_bm.database}.* "
        "TO retirer@'127.0.0.1'",
    )
    moved.nova_bm = moved.nova_bm.set(username="retirer", password="pw")
    assert retired(moved) == 0


def test_a_part_of_nova_bm_is_not_retired(moved: Clouds) -> None:
    assert retired(moved, "--service-host", "compute-1") == 2
    assert_whole(moved)


def test_json_says_the_same(moved: Clouds, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert retired(moved, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["sha256"] == archive.checksum(moved.directory / "a.gz")
    assert found["rows"] == {"bm_interfaces": 2, "bm_nodes": 4, "migrate_version": 1}
    assert found["dropped"] == list(TABLES)
    assert (found["result"], found["equal"], found["changed"]) == ("done", 2, 0)


def test_a_kill_leaves_nova_bm_whole_or_the_archive(moved: Clouds) -> None:
    path = moved.directory / "a.gz"
    before = contents(moved.nova_bm)
    chance = random.Random(11)  # noqa: S311
    whole = 0.0
    for turn in range(KILLS):
        started = time.monotonic()
        process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "ironic_sideways.cmd.migrate",
                *moved.words("retire", "--archive", str(path)),
            ],
            stdout=subprocess.DEVNULL,
        )
        if turn:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(whole * chance.uniform(0.7, 1))
            process.send_signal(signal.SIGKILL)
        process.wait(120)
        whole = whole or time.monotonic() - started
        left = contents(moved.nova_bm)
        if left != before:
            moved.sql(moved.nova_bm, *(f"DROP TABLE {table}" for table in left))
            restore(moved, path)
        assert contents(moved.nova_bm) == before
        archive.remove(path)
