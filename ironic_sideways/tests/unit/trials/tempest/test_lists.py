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

import re

import pytest

from ironic_sideways import exceptions
from ironic_sideways.report.tempest import bare
from ironic_sideways.trials.tempest import lists

A = "tempest.api.compute.a.T.test_a[id-1,smoke]"
B = "tempest.api.compute.a.T.test_b[id-2]"
C = "tempest.api.compute.a.T.test_c[id-3]"
LISTS = (lists.NOT_RUN, lists.LOG_IN, lists.NOT_ON_BASE)
#: module.Class.test_method
NAME = re.compile(r"[a-z_0-9.]+\.[A-Z]\w+\.test_\w+")


def excluded(name):
    return lists.Excluded(name, "why", "where")


def test_a_tests_name_is_without_its_attributes():
    assert bare(A) == "tempest.api.compute.a.T.test_a"
    assert bare("a.T.test_a") == "a.T.test_a"


def test_a_line_that_names_no_test_is_dead():
    assert lists.faults([A, B], [excluded("tempest.api.compute.a.T.test")]) == [
        "tempest.api.compute.a.T.test: no test has this name"
    ]


def test_a_line_that_is_there_twice_is_told_once():
    twice = [excluded(bare(A))] * 2

    assert lists.faults([A, B], twice) == [
        "tempest.api.compute.a.T.test_a: is in the list 2 times"
    ]


def test_a_list_without_fault_is_told_to_have_none():
    assert lists.faults([A, B], [excluded(bare(A))]) == []


@pytest.mark.parametrize("key", ["reason", "source", "tests"])
def test_a_group_says_why_and_where_and_what(tmp_path, key):
    group = {"reason": "why", "source": "where", "tests": ["a"]}
    del group[key]
    path = tmp_path / "list.yaml"
    path.write_text(f"- {group}\n")

    with pytest.raises(exceptions.SidewaysError, match=f"group 1: expected a {key}"):
        lists.excluded(path)


def test_a_line_of_the_selection_that_finds_no_test_is_named():
    with pytest.raises(exceptions.SidewaysError, match="no test matches test_d"):
        lists.chosen([A, B], ["test_a", "test_d"])


def test_what_several_lines_of_the_selection_find_runs_once():
    assert lists.chosen([B, A], ["test_a", "T"]) == [B, A]


def test_the_base_and_those_who_cannot_log_in_leave_more_out(monkeypatch):
    lines = {lists.NOT_RUN: [], lists.LOG_IN: ["test_b"], lists.NOT_ON_BASE: ["test_a"]}
    monkeypatch.setattr(
        lists,
        "excluded",
        lambda path=lists.NOT_RUN: [
            excluded(f"tempest.api.compute.a.T.{name}") for name in lines[path]
        ],
    )
    monkeypatch.setattr(lists, "patterns", lambda: ["compute"])

    names = [A, B, C]

    assert lists.choose(names, everything=True, base=False).wanted == [A, B, C]
    assert lists.choose(names, everything=False, base=False).wanted == [A, C]
    assert lists.choose(names, everything=False, base=True).wanted == [C]


@pytest.mark.parametrize("path", LISTS)
def test_a_line_is_of_what_is_considered(path):
    strange = [
        line.name
        for line in lists.excluded(path)
        if not line.name.startswith(lists.CONSIDERED)
    ]

    assert strange == []


def test_no_line_is_a_pattern_or_a_class():
    lines = [line for path in LISTS for line in lists.excluded(path)]

    assert [x.name for x in lines if not NAME.fullmatch(x.name)] == []


def test_j13_the_selection_is_of_tempest_api_compute():
    """The job of 2014 ran the smoke tests, which leave most of Nova's API out."""
    chosen = lists.patterns()

    assert chosen
    assert [one for one in chosen if "tempest\\.api\\.compute\\." not in one] == []
    assert any("servers" in one for one in chosen)
