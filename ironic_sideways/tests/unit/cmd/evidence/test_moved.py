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

"""What is waited for in the moved cloud, and what is recorded of it when it fails."""

import json
from pathlib import Path

import pytest

from ironic_sideways import exceptions
from ironic_sideways.cmd import connections, main
from ironic_sideways.evidence import proxy, takeover
from ironic_sideways.nova_bm import database

ROWS = [
    {"uuid": "node-1", "instance_uuid": "instance", "outcome": "migrate"},
    {"uuid": "node-2", "instance_uuid": None, "outcome": "present"},
    {"uuid": "node-3", "instance_uuid": "other", "outcome": "skip"},
]


@pytest.fixture
def migration(tmp_path: Path) -> Path:
    path = tmp_path / "migration.json"
    path.write_text(
        json.dumps({"started_at": "2026-01-01T00:00:00+00:00", "rows": ROWS})
    )
    return path


def run(*words: object) -> int:
    return main.main(["evidence", *map(str, words)])


def test_a_migration_is_summed_up(
    migration: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("migration", "--migration", migration) == 0
    said = capsys.readouterr().out
    assert said == "2 nodes moved and verified, 1 with an instance\n"


def test_a_migration_that_moved_nothing_is_bad_usage(
    migration: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    migration.write_text(json.dumps({"rows": ROWS[2:]}))
    assert run("migration", "--migration", migration) == 2
    assert "expected nodes that move, found none" in capsys.readouterr().err


@pytest.mark.parametrize("faults", [[], ["list: 500", "show: 404"]])
def test_what_the_proxy_does_not_do_is_one_line(
    migration: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    faults: list[str],
) -> None:
    monkeypatch.setattr(connections, "connect", lambda name: name)
    monkeypatch.setattr(
        proxy, "faults", lambda cloud, uuids: faults if uuids == MOVED else ["uuids"]
    )
    code = run("proxy", "--os-cloud", "admin", "--migration", migration)
    told = capsys.readouterr()
    assert code == bool(faults)
    said = told.err if faults else told.out
    assert ("list: 500; show: 404" if faults else "lists and shows 2 nodes") in said


MOVED = ["node-1", "node-2"]


def test_a_take_over_that_does_not_come_records_what_was_seen_last(
    migration: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def observe(engine, uuids, timeout, advance, found) -> None:
        found({"nodes": [{"uuid": uuids[0]}]})
        raise exceptions.WaitExpired("waited 1 s for take-over")

    monkeypatch.setattr(database, "option_url", lambda text, option: text)
    monkeypatch.setattr(database, "engine", lambda url: url)
    monkeypatch.setattr(takeover, "observe", observe)
    monkeypatch.setattr(takeover, "last_error", lambda log: "no ERROR in its log")
    monkeypatch.setattr(takeover, "forbidden_lines", lambda log, since: [])
    output = tmp_path / "takeover.json"
    words = ("--ironic-db=x", "--conductor-log=log", "--output", output)
    assert run("takeover", "--migration", migration, *words) == 1

    said = capsys.readouterr().err
    assert "waited 1 s for take-over; no ERROR in its log" in said
    recorded = {"forbidden": [], "nodes": [{"uuid": "node-1"}]}
    assert json.loads(output.read_text()) == recorded
