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

"""Database URLs: where they come from, and that no password is shown."""

from pathlib import Path

import pytest

from ironic_sideways import exceptions
from ironic_sideways.nova_bm import database

URL = "mysql+pymysql://u:s3cret@db:3306/nova_bm"


def test_a_url_comes_from_the_option_a_file_or_a_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "url").write_text(URL + "\n")
    monkeypatch.setenv("NOVA_BM_URL", URL)
    found = {
        database.resolve_url(text, "-b")
        for text in (URL, f"@{tmp_path / 'url'}", "$NOVA_BM_URL")
    }
    assert len(found) == 1
    assert found.pop().password == "s3cret"


def test_the_url_of_2014_without_a_driver_is_understood() -> None:
    url = database.resolve_url("mysql://u:p@db/nova_bm?charset=utf8", "-b")
    assert url.drivername == "mysql+pymysql"
    assert url.query["charset"] == "utf8"


def test_a_shown_url_hides_its_password() -> None:
    shown = database.redacted(database.resolve_url(URL, "-b"))
    assert shown.startswith("mysql+pymysql://u:***@db:3306/nova_bm")


@pytest.mark.parametrize(
    "text",
    ["", "s3cret", "postgresql://u:s3cret@db/x", "mysql://u:s3cret@db", "$NO", "@/no"],
)
def test_what_is_no_url_of_a_mysql_database_is_one_line_without_the_password(
    text: str,
) -> None:
    with pytest.raises(exceptions.UsageError) as raised:
        database.resolve_url(text, "--nova-bm-db")
    assert str(raised.value).startswith("--nova-bm-db")
    assert "s3cret" not in str(raised.value)
    assert "\n" not in str(raised.value)
