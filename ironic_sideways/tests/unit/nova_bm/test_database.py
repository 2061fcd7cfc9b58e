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

import traceback
from pathlib import Path

import pytest

from ironic_sideways import exceptions
from ironic_sideways.nova_bm import database

URL = "mysql+pymysql://u:s3cret@db:3306/nova_bm"


def write(directory: Path, text: str, mode: int = 0o600) -> str:
    """A file with ``text``; the option value that names it."""
    (directory / "url").write_text(text)
    (directory / "url").chmod(mode)
    return f"@{directory / 'url'}"


def test_a_url_comes_from_the_option_a_file_or_a_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, URL + "\n")
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


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("mysql://u:x@s3cret@db/n", "write @ of a password as %40"),
        ("mysql://u:s3cret@s3cret@db/n", "write @ of a password as %40"),
        ("mysql://u:x@s3cret/y@db/n", "write @ of a password as %40"),
        ("mysql://u:x@s3cret?y@db/n", "write @ of a password as %40"),
        ("mysql://u%40v:x@s3cret@db/n", "write @ of a password as %40"),
        ("mysql://u:x@s3cret@db", "write @ of a password as %40"),
        ("mysql://u:x@db/n\nmysql://u:s3cret@db/n", "expected one line, found 2"),
        ("mysql://u:s3cret", "expected a database URL"),
        ("u:s3cret@db/n", "expected a database URL"),
        ("mysql:/u:s3cret@db/n", "expected a database URL"),
        ("mysql://u:s3cret@db:port/n", "expected a database URL"),
        ("s3cret://u:x@db/n", "what its scheme names is not supported"),
        ("mysql://u:s3cret@db:99999/n", "port 99999: expected 1 to 65535"),
        ("mysql://u:s3cret@db?x=y", "names no database"),
        ("mysql://u@db/n?password=s3cret", "password= in its query is not known here"),
        ("mysql://u:s3cret@db/n?charset=nope", "charset=nope"),
    ],
)
@pytest.mark.parametrize("place", ["argument", "file", "variable"])
def test_n1_no_part_of_what_may_be_a_password_is_shown(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    place: str,
    text: str,
    said: str,
) -> None:
    monkeypatch.setenv("THE_URL", text)
    places = {"argument": text, "variable": "$THE_URL"}
    if place == "file":
        places["file"] = write(tmp_path, text)
    with pytest.raises(exceptions.UsageError) as raised:
        database.resolve_url(places[place], "--nova-bm-db")
    assert said in str(raised.value)
    assert "s3cret" not in "".join(traceback.format_exception(raised.value))
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("text", "password"),
    [
        ("mysql://u:x%40y@db/n", "x@y"),
        ("mysql://u@corp:x@db/n", "x"),
        ("mysql://u:x/y:z?#%@db/n", "x/y:z?#%"),
        ("mysql://u:p\u00e4ss@db/n", "p\u00e4ss"),
    ],
)
def test_n1_a_password_that_can_be_told_apart_is_taken(
    text: str, password: str
) -> None:
    found = database.resolve_url(text, "-b")
    assert (found.password, found.host, found.database) == (password, "db", "n")


def test_n1_a_query_s_password_is_not_shown() -> None:
    url = database.resolve_url("mysql://u@db/n?ssl_key_password=s3cret", "-b")
    assert "s3cret" not in database.redacted(url)


@pytest.mark.parametrize(
    "text",
    ["mysql+mysqldb://u@db/n", "mariadb://u@db/n", "mysql+mysqlconnector://u@db/n"],
)
def test_n2_another_driver_s_url_is_pymysql_s(text: str) -> None:
    found = database.resolve_url(text + "?plugin=dbcounter&use_unicode=0", "-b")
    assert found.render_as_string() == "mysql+pymysql://u@db/n?charset=utf8mb4"


def test_n2_a_driver_that_is_none_is_named() -> None:
    with pytest.raises(exceptions.UsageError, match=r"-b: mysql\+foo: expected mysql"):
        database.resolve_url("mysql+foo://u:p@db/n", "-b")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o602])
def test_s10_a_url_s_file_is_its_owner_s_alone(tmp_path: Path, mode: int) -> None:
    with pytest.raises(exceptions.UsageError, match="chmod 600 it") as raised:
        database.resolve_url(write(tmp_path, URL, mode), "-b")
    assert str(raised.value).startswith(f"-b (file {tmp_path}/url): can be read")


def test_s10_a_password_among_the_arguments_is_warned_of(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("THE_URL", URL)
    for text in (write(tmp_path, URL), "$THE_URL", "mysql://u@db/n"):
        database.option_url(text, "-b")
    assert capsys.readouterr().err == ""
    assert database.option_url(URL, "-b").password == "s3cret"
    told = capsys.readouterr().err
    assert told.startswith("warning: -b: its password is in the process list")
    assert "@FILE" in told
    assert "s3cret" not in told
