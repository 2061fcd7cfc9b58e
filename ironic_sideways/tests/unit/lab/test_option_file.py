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

"""One option changes, every other line stays."""

from pathlib import Path

import pytest
from oslo_config import cfg

from ironic_sideways import exceptions
from ironic_sideways.lab import option_file

TEXT = """\
# top
[DEFAULT]
# why
host = a
long = one
  two

[other]
host = b
"""


def test_an_option_is_set_in_its_own_section_alone() -> None:
    assert option_file.with_option(TEXT, "other", "host", "c") == TEXT.replace(
        "host = b", "host = c"
    )


def test_a_value_of_several_lines_goes_as_a_whole() -> None:
    text = option_file.with_option(TEXT, "DEFAULT", "long", "three")

    assert text == TEXT.replace("long = one\n  two", "long = three")


def test_a_new_option_ends_its_section() -> None:
    text = option_file.with_option(TEXT, "DEFAULT", "new", "1")

    assert text == TEXT.replace("  two\n", "  two\nnew = 1\n")


def test_a_new_section_ends_the_file() -> None:
    text = option_file.with_option(TEXT, "more", "new", "1")

    assert text == TEXT + "\n[more]\nnew = 1\n"


def test_a_repeated_option_is_left_once() -> None:
    text = option_file.with_option("[a]\nx = 1\nx = 2\n", "a", "x", "3")

    assert text == "[a]\nx = 3\n"


def test_an_option_whose_name_begins_alike_stays() -> None:
    text = option_file.with_option("[a]\nxy = 1\n", "a", "x", "3")

    assert text == "[a]\nxy = 1\nx = 3\n"


def test_setting_twice_changes_nothing_more(tmp_path: Path) -> None:
    path = tmp_path / "x.conf"
    path.write_text(TEXT)

    option_file.set_option(path, "more", "new", "1")
    once = path.stat()
    option_file.set_option(path, "more", "new", "1")

    assert path.read_text() == TEXT + "\n[more]\nnew = 1\n"
    assert path.stat().st_ino == once.st_ino


def test_unsetting_restores_what_was_before_setting(tmp_path: Path) -> None:
    path = tmp_path / "x.conf"
    path.write_text(TEXT)
    option_file.set_option(path, "DEFAULT", "new", "1")

    assert path.read_text() != TEXT
    option_file.unset_option(path, "DEFAULT", "new")
    assert path.read_text() == TEXT


def test_oslo_config_reads_what_was_set(tmp_path: Path) -> None:
    path = tmp_path / "x.conf"
    path.write_text(TEXT)
    option_file.set_option(path, "new", "value", "a = b; c # d")
    conf = cfg.ConfigOpts()
    conf.register_opt(cfg.StrOpt("value"), "new")
    conf(["--config-file", str(path)])

    assert conf.new.value == "a = b; c # d"
    assert option_file.get_option(path, "new", "value") == "a = b; c # d"


def test_an_option_that_is_not_set_is_named(tmp_path: Path) -> None:
    path = tmp_path / "x.conf"
    path.write_text(TEXT)

    with pytest.raises(exceptions.SidewaysError, match=r"no option new in \[other\]"):
        option_file.get_option(path, "other", "new")


def test_the_file_stays_private(tmp_path: Path) -> None:
    path = tmp_path / "x.conf"
    path.write_text(TEXT)
    option_file.set_option(path, "other", "password", "x")

    assert path.stat().st_mode & 0o777 == 0o600


def test_a_default_stands_for_an_option_that_is_not_set(tmp_path: Path) -> None:
    path = tmp_path / "nova.conf"
    path.write_text("[DEFAULT]\nhost = one\n")

    assert option_file.get_option(path, "DEFAULT", "gone", "nothing") == "nothing"
    assert option_file.get_option(path, "DEFAULT", "host", "nothing") == "one"


@pytest.mark.parametrize("line", ["x = 1", "x=1", "x: 1", "x == 1", "x = = 1"])
def test_a_value_is_what_follows_the_first_sign(tmp_path: Path, line: str) -> None:
    path = tmp_path / "x.conf"
    path.write_text(f"[a]\nx = 0\n{line}\n  more\n")
    expected = line.removeprefix("x").lstrip()[1:].strip()

    assert option_file.get_option(path, "a", "x") == expected


def test_unsetting_takes_every_repetition_and_leaves_the_other_sections() -> None:
    text = "[a]\nx = 1\n# why\nx = 2\n  more\n[b]\nx = 3\n"

    assert option_file.with_option(text, "a", "x", None) == "[a]\n# why\n[b]\nx = 3\n"
