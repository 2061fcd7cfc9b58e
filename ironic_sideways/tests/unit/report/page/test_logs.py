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

"""Excerpts: the line that is meant with its neighbours, and nothing from elsewhere."""

import pytest

from ironic_sideways.report.page import logs


@pytest.fixture
def directory(tmp_path):
    (tmp_path / "a.log").write_text("".join(f"line {n}\n" for n in range(1, 101)))
    return tmp_path


def shown(found):
    assert found is not None
    return found.lines


def test_the_line_is_shown_with_those_about_it(directory):
    found = logs.excerpt(directory, "a.log:50", "why")

    assert [number for number, _text, _hit in shown(found)] == list(range(46, 55))
    assert [text for _n, text, hit in shown(found) if hit] == ["line 50"]


@pytest.mark.parametrize("number", [1, 100])
def test_at_either_end_there_are_fewer(directory, number):
    found = logs.excerpt(directory, f"a.log:{number}", "why")

    assert [text for _n, text, hit in shown(found) if hit] == [f"line {number}"]


@pytest.mark.parametrize("where", ["b.log:1", "../a.log:1", "/etc/passwd:1", "."])
def test_what_is_no_file_of_the_evidence_is_not_shown(directory, where):
    below = directory / "below"
    below.mkdir()

    assert logs.excerpt(below, where, "why") is None


def test_a_tail_ends_with_the_last_line_that_says_something(directory):
    (directory / "b.log").write_text("first\nreason\n\n\n")

    found = logs.tail(directory, "b.log", "why")

    assert shown(found) == [(1, "first", False), (2, "reason", True)]


def test_control_characters_and_endless_lines_are_cut():
    assert logs.clean("\x1b[31mred\x1b[0m\x00\n") == "red"
    assert len(logs.clean("x" * 10_000)) < 500


def test_levels_are_counted(directory):
    (directory / "logs").mkdir()
    (directory / "logs" / "n.log").write_text("1 ERROR x\n2 WARNING y\n3 INFO z\n")

    (found,) = logs.logs(directory)

    assert found.levels == {"ERROR": 1, "WARNING": 1}
    assert found.lines == 3
