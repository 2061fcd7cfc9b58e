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

"""Rollback removes exactly what its run wrote, or says what has changed."""

import json
import re
import subprocess

import pytest

from ironic_sideways.tests import rows
from ironic_sideways.tests.functional.conftest import Clouds

OTHERS = (
    "INSERT INTO nodes (id, uuid, driver, conductor_group, protected, version, extra) "
    "VALUES (7, '0f000000-0000-4000-8000-000000000001', 'redfish', '', 0, '1.44', "
    '\'{"nova_bm": "a note of somebody"}\')',
    "INSERT INTO ports (uuid, address, node_id, version) VALUES "
    "('0f000000-0000-4000-8000-000000000002', '02:00:00:00:00:01', 7, '1.16')",
)


@pytest.fixture
def moved(clouds: Clouds) -> Clouds:
    """A used and a free node, moved beside a node of somebody else's."""
    rows.insert(
        clouds.nova_bm,
        rows.used_node(1),
        rows.plugged(1),
        rows.free_node(2),
        rows.interface(2),
    )
    clouds.sql(clouds.ironic, *OTHERS)
    assert clouds.migrate("run") == 0
    return clouds


def test_after_run_and_rollback_the_database_is_equal_to_before(moved: Clouds) -> None:
    assert moved.migrate("rollback") == 0
    after = moved.ironic_rows()
    moved.sql(moved.ironic, "DELETE FROM ports", "DELETE FROM nodes", *OTHERS)
    before = moved.ironic_rows()
    after["ports"][0].pop("id")
    before["ports"][0].pop("id")
    assert after == before


def dump(clouds: Clouds) -> str:
    """Ironic's whole database as mariadb-dump writes it, but for AUTO_INCREMENT."""
    done = subprocess.run(
        [
            *clouds.server.client("mariadb-dump"),
            "--skip-comments",
            "--skip-extended-insert",
            "--order-by-primary",
            str(clouds.ironic.database),
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    return re.sub(r" AUTO_INCREMENT=\d+", "", done.stdout)


def test_after_runs_in_parts_and_their_rollbacks_the_dumps_are_equal(
    clouds: Clouds,
) -> None:
    rows.insert(
        clouds.nova_bm,
        rows.used_node(1),
        rows.plugged(1),
        rows.free_node(2),
        rows.interface(2),
    )
    clouds.sql(clouds.ironic, *OTHERS)
    record = clouds.directory / "run.json"
    seen = [dump(clouds)]
    runs = []
    for number in (1, 2):
        words = ("--node", rows.node_uuid(number), "--output", str(record))
        assert clouds.migrate("run", *words) == 0
        runs.append(json.loads(record.read_text())["run_id"])
        seen.append(dump(clouds))
    assert len(set(seen)) == 3
    # The second run's rows go first, and then the first one's.
    for run_id, expected in ((runs[1], seen[1]), (runs[0], seen[0])):
        assert clouds.migrate("rollback", "--run-id", run_id) == 0
        assert dump(clouds) == expected


def test_a_second_rollback_has_nothing_to_do(
    moved: Clouds, capsys: pytest.CaptureFixture[str]
) -> None:
    assert moved.migrate("rollback") == 0
    assert moved.migrate("rollback") == 0
    assert "nothing to remove" in capsys.readouterr().out


def test_a_dry_run_removes_nothing(moved: Clouds) -> None:
    before = moved.ironic_rows()
    assert moved.migrate("rollback", "--dry-run") == 0
    assert moved.ironic_rows() == before


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("UPDATE nodes SET power_state = 'power on' WHERE id > 7", "(power_state)"),
        ("UPDATE nodes SET owner = 'x' WHERE id > 7", "(content)"),
        ("UPDATE nodes SET updated_at = NOW() WHERE id > 7", "(updated_at)"),
        ("UPDATE nodes SET reservation = 'c' WHERE id > 7", "reservation"),
        ("UPDATE nodes SET description = 'x' WHERE id > 7", "(content)"),
        ("UPDATE ports SET name = NULL, address = '02:00:00:00:00:09' "
         "WHERE node_id > 7 LIMIT 1", "port "),
        ("DELETE FROM ports WHERE node_id > 7 LIMIT 1", "a port was removed"),
        ("INSERT INTO ports (uuid, address, node_id) SELECT UUID(), "
         "'02:00:00:00:00:09', MAX(id) FROM nodes", "was added"),
        ("INSERT INTO node_traits (node_id, trait) SELECT MAX(id), 'HW_X' FROM nodes",
         "has node_traits"),
    ],
)  # fmt: skip
def test_rows_that_ironic_has_changed_are_named_and_nothing_is_removed(
    moved: Clouds, capsys: pytest.CaptureFixture[str], change: str, words: str
) -> None:
    moved.sql(moved.ironic, change)
    before = moved.ironic_rows()
    assert moved.migrate("rollback") == 1
    said = capsys.readouterr().err
    assert "nothing was removed" in said
    assert words in said
    assert moved.ironic_rows() == before
    moved.sql(moved.ironic, "DELETE FROM node_traits")


def test_what_take_over_writes_is_accepted_when_asked(
    moved: Clouds, capsys: pytest.CaptureFixture[str]
) -> None:
    moved.sql(
        moved.ironic,
        "INSERT INTO conductors (id, hostname, drivers, online, updated_at) "
        "VALUES (3, 'ironic-1', '[]', 0, NOW())",
        "UPDATE nodes SET power_state = 'power on', conductor_affinity = 3, "
        "updated_at = NOW(), driver_internal_info = '{\"a\": 1}' WHERE id > 7",
    )
    # The power sync caches the BMC's vendor among the properties.
    moved.sql(
        moved.ironic,
        "UPDATE nodes SET properties = JSON_SET(properties, '$.vendor', 'unknown')"
        " WHERE id > 7",
    )
    assert moved.migrate("rollback") == 1
    assert "Ironic has changed rows" in capsys.readouterr().err
    assert moved.migrate("rollback", "--taken-over") == 0
    assert [row["id"] for row in moved.ironic_rows()["nodes"]] == [7]


def test_take_over_does_not_excuse_a_change_of_content(moved: Clouds) -> None:
    moved.sql(moved.ironic, "UPDATE nodes SET instance_uuid = NULL WHERE id > 7")
    assert moved.migrate("rollback", "--taken-over") == 1


def test_one_of_several_runs_is_undone_by_its_name(
    moved: Clouds, capsys: pytest.CaptureFixture[str]
) -> None:
    rows.insert(moved.nova_bm, rows.free_node(3), rows.interface(3))
    record = moved.directory / "second.json"
    assert moved.migrate("run", "--output", str(record)) == 0
    assert moved.migrate("rollback") == 1
    assert "2 runs wrote to this database" in capsys.readouterr().err
    run_id = json.loads(record.read_text())["run_id"]
    assert moved.migrate("rollback", "--run-id", run_id) == 0
    assert [row["uuid"] for row in moved.ironic_rows()["nodes"]][1:] == [
        rows.node_uuid(1),
        rows.node_uuid(2),
    ]
