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

"""Each directory of tests/cases: rows, commands, and what must come of them.

nova_bm.sql    the source rows; its first line says what the case is about
database       character set and collation of the source (default: as in 2014)
ironic.sql     rows that Ironic has before
steps          commands, one a line, each after the exit code that it must have
expected.json  Ironic's rows at the end: all of them, the fields that matter
message        lines that the last command must say

All but the net-booted-* and the T2-* cases say --instances-boot-from-disk and
--vifs-as-recorded.

The commands run in a copy of the directory, whose path expected.json and *.conf
write as @HERE@. There nobody else may read the files that are named *.secret.
"""

import json
import re
import shlex
import shutil
from pathlib import Path
from typing import Any

import pytest

from ironic_sideways.nova_bm import database, schema
from ironic_sideways.tests.functional.conftest import Clouds

CASES = Path(__file__).parents[2] / "cases"
#: The 2014 job created its databases with the server's default of that time.
DEFAULT_DATABASE = "CHARACTER SET latin1 COLLATE latin1_swedish_ci"
#: Cases of the numbered defects that need more than rows have a test here.
ELSEWHERE = {
    "I13": "test_cli.py",
    "I19": "test_cli.py",
    "I21": "test_cases.py",
}


def statements(path: Path) -> list[str]:
    """The statements of an SQL file, without comments."""
    text = re.sub(r"^--.*\n", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return [part for part in re.split(r";\n", text) if part.strip()]


def field(row: dict[str, Any], name: str) -> Any:
    """A column, or with dots a key inside a JSON column; None when absent."""
    column, *keys = name.split(".")
    value = row[column]
    if isinstance(value, str) and value.startswith("{"):
        value = json.loads(value)
    for key in keys:
        value = value.get(key) if value else None
    return value if isinstance(value, (dict, int, type(None))) else str(value)


@pytest.mark.parametrize("case", sorted(CASES.iterdir()), ids=lambda path: path.name)
def test_case(
    case: Path,
    clouds: Clouds,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    prepare(case, clouds)
    if case.name.startswith(("net-booted", "T2")):
        clouds.decisions = ()
    case = shutil.copytree(case, clouds.directory / "case")
    for conf in case.glob("*.conf"):
        conf.write_text(conf.read_text().replace("@HERE@", str(case)))
    for secret in case.glob("*.secret"):
        secret.chmod(0o600)
    monkeypatch.chdir(case)
    for line in (case / "steps").read_text().splitlines():
        code, command, *options = shlex.split(line)
        capsys.readouterr()
        assert clouds.migrate(command, *options) == int(code), capsys.readouterr()
    shown = capsys.readouterr()
    if (case / "message").exists():
        said = squeeze(shown.out + shown.err)
        for line in (case / "message").read_text().splitlines():
            assert squeeze(line) in said
    compare(case, clouds)


def prepare(case: Path, clouds: Clouds) -> None:
    """Recreate the source in the case's collation, and fill both databases."""
    name = clouds.nova_bm.database
    own = case / "database"
    collation = own.read_text().strip() if own.exists() else DEFAULT_DATABASE
    clouds.server.execute(
        f"DROP DATABASE {name}", f"CREATE DATABASE {name} {collation}"
    )
    with database.engine(clouds.nova_bm).begin() as connection:
        schema.create(connection)
    clouds.sql(clouds.nova_bm, *statements(case / "nova_bm.sql"))
    if (case / "ironic.sql").exists():
        clouds.sql(clouds.ironic, *statements(case / "ironic.sql"))


def compare(case: Path, clouds: Clouds) -> None:
    """Compare Ironic's rows with expected.json."""
    text = (case / "expected.json").read_text(encoding="utf-8")
    expected = json.loads(text.replace("@HERE@", str(case)))
    found = clouds.ironic_rows()
    for table, wanted in expected.items():
        assert len(found[table]) == len(wanted), found[table]
        for row, values in zip(found[table], wanted, strict=True):
            assert {name: field(row, name) for name in values} == values


def squeeze(text: str) -> str:
    """Without the folds and frames of a table."""
    return re.sub(r"[\s│┃]+", " ", text)


def test_i21_every_defect_of_2014_has_a_test() -> None:
    covered = {path.name[:3] for path in CASES.iterdir()}
    here = Path(__file__).parent
    for number, file in ELSEWHERE.items():
        assert f"test_{number.lower()}_" in (here / file).read_text()
        covered.add(number)
    assert {f"I{number:02}" for number in range(1, 22)} <= covered
