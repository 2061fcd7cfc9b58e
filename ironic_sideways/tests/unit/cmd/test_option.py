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

"""``ironic-sideways option``: one option of whatever ini file."""

import io
from pathlib import Path

import pytest

from ironic_sideways.cmd import main

TEXT = "[DEFAULT]\n# why\nhost = old\n\n[ironic]\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "nova.conf"
    path.write_text(TEXT)
    return path


def test_an_option_is_printed(file, capsys):
    assert main.main(["option", "get", str(file), "DEFAULT", "host"]) == 0
    assert capsys.readouterr().out == "old\n"


def test_one_that_is_not_set_is_what_was_asked_for(file, capsys):
    assert main.main(["option", "get", str(file), "DEFAULT", "debug", "NOT SET"]) == 0
    assert capsys.readouterr().out == "NOT SET\n"


def test_one_that_is_not_set_is_an_error_without_that(file, capsys):
    assert main.main(["option", "get", str(file), "DEFAULT", "debug"]) == 1
    assert "no option debug in [DEFAULT]" in capsys.readouterr().err


def test_a_changed_option_leaves_every_other_line(file):
    assert main.main(["option", "set", str(file), "DEFAULT", "host", "new"]) == 0
    assert file.read_text() == TEXT.replace("old", "new")


def test_a_password_comes_by_standard_input(file, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("secret\n"))
    assert main.main(["option", "set", str(file), "ironic", "password", "-"]) == 0
    assert file.read_text() == f"{TEXT}password = secret\n"


def test_an_option_is_taken_away(file):
    assert main.main(["option", "unset", str(file), "DEFAULT", "host"]) == 0
    assert "host" not in file.read_text()


@pytest.mark.parametrize("words", [["get"], ["set", "new"], ["unset"]])
def test_a_file_that_is_not_there_is_bad_usage(tmp_path, words, capsys):
    verb, *value = words
    path = tmp_path / "cinder.conf"
    assert main.main(["option", verb, str(path), "DEFAULT", "host", *value]) == 2
    assert f"{path}: expected an ini file" in capsys.readouterr().err
    assert not path.exists()
