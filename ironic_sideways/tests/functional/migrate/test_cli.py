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

"""The command as an operator meets it: secrets, versions, bad input."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from ironic_sideways.cmd import migrate
from ironic_sideways.tests import rows
from ironic_sideways.tests.functional.conftest import Clouds


@pytest.fixture
def one(clouds: Clouds) -> Clouds:
    """One used node."""
    rows.insert(clouds.nova_bm, rows.used_node(1), rows.plugged(1))
    return clouds


def test_i13_no_password_need_be_an_argument_and_none_is_shown(one: Clouds) -> None:
    """As a file, as an environment variable; in output, record and errors."""
    record = one.directory / "migration.json"
    words = one.words("run", "--output", str(record), "--json")
    words[words.index("-b") + 1] = "$NOVA_BM_URL"
    url = one.nova_bm.render_as_string(hide_password=False)
    done = subprocess.run(
        [sys.executable, "-m", "ironic_sideways.cmd.migrate", *words],
        env={**os.environ, "NOVA_BM_URL": url},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    for secret in (one.server.password, "s3cret"):
        assert not any(secret in word for word in words)
        assert secret not in done.stdout + done.stderr + record.read_text()
    assert "tester:***@" in record.read_text()
    shown = re.sub(
        r'"digest": "[^"]*"', "", str(one.ironic_rows()["nodes"][0]["extra"])
    )
    assert "s3cret" not in shown


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("$NOBODY_S_URL", "u:***@127.0.0.1:1"),
        ("postgresql://u:s3cret@h/nova_bm", "postgresql is not supported"),
        ("mysql://u:s3cret@h", "names no database"),
        ("s3cret", "expected a database URL"),
        ("$NO_SUCH_VARIABLE", "the variable is not set"),
        ("@/no/such/file", "No such file"),
    ],
)
def test_a_bad_url_is_one_line_without_its_password(
    one: Clouds,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    value: str,
    words: str,
) -> None:
    monkeypatch.setenv("NOBODY_S_URL", "mysql://u:s3cret@127.0.0.1:1/nova_bm")
    assert one.migrate("check", "-b", value) in (1, 2)
    said = capsys.readouterr().err
    assert words in said
    assert "s3cret" not in said
    assert len(said.splitlines()) == 1


def test_i19_ironic_at_another_schema_version_is_refused(
    one: Clouds, capsys: pytest.CaptureFixture[str]
) -> None:
    one.sql(one.ironic, "RENAME TABLE alembic_version TO kept")
    try:
        assert one.migrate("run") == 1
        assert "found no Ironic schema; run 'ironic-dbsync create_schema'" in (
            capsys.readouterr().err
        )
        one.sql(
            one.ironic,
            "CREATE TABLE alembic_version AS SELECT 'abc' AS version_num",
        )
        assert one.migrate("run") == 1
        assert "found schema version abc; run 'ironic-dbsync upgrade'" in (
            capsys.readouterr().err
        )
    finally:
        one.sql(
            one.ironic,
            "DROP TABLE IF EXISTS alembic_version",
            "RENAME TABLE kept TO alembic_version",
        )
    assert one.ironic_rows() == {"nodes": [], "ports": []}


def test_i19_a_database_that_is_not_nova_bm_is_refused(
    one: Clouds, capsys: pytest.CaptureFixture[str]
) -> None:
    one.sql(one.nova_bm, "DROP TABLE bm_interfaces")
    assert one.migrate("check") == 1
    assert "tables missing: bm_interfaces" in capsys.readouterr().err


def test_select_on_nova_bm_is_right_enough(one: Clouds) -> None:
    name = one.nova_bm.database
    one.server.execute(
        "CREATE OR REPLACE USER reader@'127.0.0.1' IDENTIFIED BY 'pw'",
        f"GRANT SELECT ON {name}.* TO reader@'127.0.0.1'",
    )
    one.nova_bm = one.nova_bm.set(username="reader", password="pw")
    assert one.migrate("check") == 0
    assert one.migrate("run") == 0


def test_a_pin_of_ironic_is_honoured(one: Clouds, tmp_path: Path) -> None:
    config = tmp_path / "ironic.conf"
    config.write_text("[DEFAULT]\npin_release_version = 2026.1\n")
    assert one.migrate("run", "--ironic-config", str(config)) == 0
    from ironic.common import release_mappings

    pinned = release_mappings.RELEASE_MAPPING["2026.1"]["objects"]
    assert one.ironic_rows()["nodes"][0]["version"] in pinned["Node"]
    assert one.migrate("verify", "--ironic-config", str(config)) == 0


@pytest.mark.parametrize(
    "words",
    [
        ["--resource-class", "CUSTOM_BAREMETAL"],
        ["--nova-config", "/no/such/nova.conf"],
        ["--ironic-config", "/no/such/ironic.conf"],
        ["--tftp-root", "/no/such/tftpboot"],
        ["--netboot-url", "http://10.0.0.1/images"],
        ["--bmc-map", "/no/such/bmcs.csv"],
        ["--interface", "power=redfish"],
        ["--output", "/no/such/directory/migration.json"],
    ],
)
def test_a_bad_value_is_bad_usage_and_one_line(
    one: Clouds, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    assert one.migrate("run", *words) == 2
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 1
    assert words[0] in said[0]


def test_the_owner_is_asked_for(one: Clouds) -> None:
    words = [word for word in one.words("run") if word != "--no-owner"]
    with pytest.raises(SystemExit) as left:
        migrate.main(words)
    assert left.value.code == 2
