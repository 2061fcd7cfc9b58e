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

"""The servers, character sets and rights that operators really have."""

from collections.abc import Iterator

import pytest

from ironic_sideways.nova_bm import database, schema
from ironic_sideways.tests import rows
from ironic_sideways.tests.functional.conftest import Clouds

SQL_MODES = {
    "non-strict": "",
    "strict": "STRICT_ALL_TABLES,NO_ZERO_DATE,NO_ZERO_IN_DATE",
    "other-syntax": "ANSI_QUOTES,NO_BACKSLASH_ESCAPES,PIPES_AS_CONCAT",
}
NAME = 'caf\u00e9 "back\\slash" \u00fc'


@pytest.fixture(params=sorted(SQL_MODES))
def server_mode(clouds: Clouds, request: pytest.FixtureRequest) -> Iterator[str]:
    """The SQL mode that the server gives to every new connection."""
    kept = "SET GLOBAL sql_mode = DEFAULT"
    clouds.server.execute(f"SET GLOBAL sql_mode = '{SQL_MODES[request.param]}'")
    yield request.param
    clouds.server.execute(kept)


def recreate(clouds: Clouds, collation: str) -> None:
    """An empty nova_bm in another character set or collation."""
    name = clouds.nova_bm.database
    clouds.server.execute(
        f"DROP DATABASE {name}", f"CREATE DATABASE {name} {collation}"
    )
    with database.engine(clouds.nova_bm).begin() as connection:
        schema.create(connection)


def fill(clouds: Clouds, **changed: object) -> None:
    """A node with an instance, and a free one."""
    rows.insert(
        clouds.nova_bm,
        rows.used_node(1, **changed),
        rows.plugged(1),
        rows.free_node(2),
        rows.interface(2),
    )


def test_a_move_is_the_same_in_every_sql_mode(clouds: Clouds, server_mode: str) -> None:
    fill(clouds, instance_name=NAME)
    clouds.sql(
        clouds.nova_bm,
        "SET sql_mode = ''",
        "UPDATE bm_nodes SET created_at = '0000-00-00 00:00:00'",
        "UPDATE bm_interfaces SET updated_at = '2014-00-00 00:00:00'",
    )
    for command in ("check", "run", "verify", "run"):
        assert clouds.migrate(command) == 0, command
    assert clouds.ironic_rows()["nodes"][0]["instance_name"] == NAME
    assert clouds.migrate("rollback") == 0


def test_a_value_too_long_is_refused_and_never_cut_off(
    clouds: Clouds, server_mode: str, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(clouds)
    narrow = "ALTER TABLE nodes MODIFY resource_class VARCHAR({})"
    clouds.sql(clouds.ironic, narrow.format(4))
    try:
        assert clouds.migrate("run") == 1
    finally:
        clouds.sql(clouds.ironic, narrow.format(80))
    said = capsys.readouterr().err
    assert "nothing was written: Data too long for column 'resource_class'" in said
    assert len(said.splitlines()) == 1
    assert clouds.ironic_rows() == {"nodes": [], "ports": []}


@pytest.mark.parametrize(
    ("collation", "name"),
    [
        ("CHARACTER SET latin1", "caf\u00e9 \u00df"),
        ("CHARACTER SET latin1 COLLATE latin1_bin", "caf\u00e9 \u00df"),
        ("CHARACTER SET utf8mb3", "\u4e09 caf\u00e9"),
        ("CHARACTER SET utf8mb4 COLLATE utf8mb4_bin", "\U0001f984 \u4e09"),
    ],
)
def test_names_arrive_from_every_character_set(
    clouds: Clouds, collation: str, name: str
) -> None:
    recreate(clouds, collation)
    fill(clouds, instance_name=name)
    assert clouds.migrate("run") == 0
    assert clouds.ironic_rows()["nodes"][0]["instance_name"] == name


def test_a_name_that_ironics_tables_cannot_hold_is_refused_and_never_mangled(
    clouds: Clouds, capsys: pytest.CaptureFixture[str]
) -> None:
    recreate(clouds, "CHARACTER SET utf8mb4")
    fill(clouds, instance_name="\U0001f984")
    narrow = "ALTER TABLE nodes MODIFY instance_name VARCHAR(255) CHARACTER SET {}"
    clouds.sql(clouds.ironic, narrow.format("utf8mb3"))
    try:
        assert clouds.migrate("run") == 1
    finally:
        clouds.sql(clouds.ironic, narrow.format("utf8mb4"))
    said = capsys.readouterr().err
    assert "nothing was written: Incorrect string value" in said
    assert len(said.splitlines()) == 1


@pytest.fixture
def grant(clouds: Clouds):
    """Make a user who holds ``rights`` on one database and nothing else."""

    def grant(name: str, rights: str, where: str) -> dict[str, str]:
        clouds.server.execute(
            f"CREATE OR REPLACE USER {name}@'127.0.0.1' IDENTIFIED BY 'pw'",
            f"GRANT {rights} ON {where} TO {name}@'127.0.0.1'",
        )
        return {"username": name, "password": "pw"}

    return grant


def test_select_on_nova_bm_suffices_for_every_command(clouds: Clouds, grant) -> None:
    fill(clouds)
    name = clouds.nova_bm.database
    clouds.nova_bm = clouds.nova_bm.set(**grant("reader", "SELECT", f"{name}.*"))
    for command in ("check", "run", "verify", "run"):
        assert clouds.migrate(command) == 0, command


@pytest.mark.parametrize(
    ("command", "rights", "lacking"),
    [
        ("check", "SELECT", None),
        ("run", "SELECT, INSERT", "INSERT"),
        ("verify", "SELECT", None),
        ("rollback", "SELECT, DELETE", "DELETE"),
    ],
)
def test_the_rights_on_ironic_that_each_command_needs(
    clouds: Clouds,
    grant,
    capsys: pytest.CaptureFixture[str],
    command: str,
    rights: str,
    lacking: str | None,
) -> None:
    fill(clouds)
    if command in ("verify", "rollback"):
        assert clouds.migrate("run") == 0
    before = clouds.ironic_rows()
    administrator = clouds.ironic
    everything = f"{administrator.database}.*"
    if lacking:
        clouds.ironic = administrator.set(**grant("writer", "SELECT", everything))
        capsys.readouterr()
        assert clouds.migrate(command) == 1
        said = capsys.readouterr().err
        assert f"{lacking} command denied to user" in said
        assert len(said.splitlines()) == 1
        assert clouds.ironic_rows() == before
    clouds.ironic = administrator.set(**grant("writer", rights, everything))
    assert clouds.migrate(command) == 0, capsys.readouterr()


@pytest.mark.parametrize(
    ("rights", "where", "words"),
    [
        ("USAGE", "*.*", "Access denied for user"),
        ("SELECT", "{name}.bm_nodes", "bm_interfaces"),
        ("INSERT", "{name}.*", "SELECT command denied"),
    ],
)
def test_a_source_user_without_rights_is_one_line(
    clouds: Clouds,
    grant,
    capsys: pytest.CaptureFixture[str],
    rights: str,
    where: str,
    words: str,
) -> None:
    fill(clouds)
    where = where.format(name=clouds.nova_bm.database)
    clouds.nova_bm = clouds.nova_bm.set(**grant("nobody", rights, where))
    assert clouds.migrate("check") == 1
    said = capsys.readouterr().err
    assert words in said
    assert "nobody:***@" in said
    assert len(said.splitlines()) == 1


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ("postgresql://u:s3cret@h/name", "postgresql"),
        ("postgresql+psycopg2://u:s3cret@h/name", "postgresql"),
        ("sqlite:////tmp/name", "sqlite"),
        ("oracle://u:s3cret@h/name", "oracle"),
    ],
)
@pytest.mark.parametrize(
    ("command", "option"),
    [
        *((command, "-b") for command in ("check", "run", "verify")),
        *((command, "-i") for command in ("check", "run", "verify", "rollback")),
    ],
)
def test_another_database_server_is_refused_by_its_name(
    clouds: Clouds,
    capsys: pytest.CaptureFixture[str],
    option: str,
    value: str,
    name: str,
    command: str,
) -> None:
    assert clouds.migrate(command, option, value) == 2
    said = capsys.readouterr().err
    assert f"{name} is not supported, expected MySQL or MariaDB" in said
    assert "s3cret" not in said
    assert len(said.splitlines()) == 1


def test_a_single_node_moves_whatever_its_names_hold(
    clouds: Clouds, server_mode: str
) -> None:
    """Each value is then one that all rows have: a literal of the statement."""
    name = f"{NAME} 100 % %s it's"
    rows.insert(clouds.nova_bm, rows.used_node(1, instance_name=name), rows.plugged(1))
    for command in ("run", "verify"):
        assert clouds.migrate(command, "--resource-class", "it's 5 %\\") == 0, command
    assert clouds.ironic_rows()["nodes"][0]["instance_name"] == name
