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

"""Work on many nodes at once: what is told of it, and when it needs a follow-up."""

import signal

import pytest

from ironic_sideways import exceptions
from ironic_sideways.cloud import in_parallel
from ironic_sideways.cmd import program

NODES = ["a", "b", "c"]


def ignore(done: int) -> None:
    """A bar that nobody sees."""


def refused(uuid: str) -> None:
    raise exceptions.SidewaysError(f"node {uuid}: refused")


def test_each_node_is_looked_at_and_counted() -> None:
    counted: list[int] = []

    found = in_parallel.look(NODES, str.upper, counted.append)

    assert found == {"a": "A", "b": "B", "c": "C"}
    assert counted == [1, 2, 3]


def test_each_refused_node_is_told_and_nothing_was_changed() -> None:
    told: list[str] = []
    with pytest.raises(exceptions.SidewaysError, match="2 of 3 nodes refused; nothing"):
        in_parallel.refuse({"a": "is busy", "c": "is gone"}, 3, told.append)
    assert told == ["node a: is busy", "node c: is gone"]
    in_parallel.refuse({}, 3, told.append)


def test_where_no_node_was_changed_the_refusal_is_the_nodes_own() -> None:
    with pytest.raises(exceptions.SidewaysError, match="node a: refused") as caught:
        in_parallel.change(["a"], refused, "again", ignore)
    assert caught.value.exit_code == 1


def test_where_one_was_changed_the_follow_up_names_the_other() -> None:
    changed: list[str] = []

    def work(uuid: str) -> None:
        if uuid == "a":
            changed.append(uuid)
        else:
            refused(uuid)

    with pytest.raises(
        exceptions.FollowUpNeeded, match=r"1 of 2 nodes done, then b: .*; again"
    ):
        in_parallel.change(["a", "b"], work, "again", ignore)
    assert changed == ["a"]


def test_a_first_change_that_may_have_been_made_needs_the_follow_up() -> None:
    def work(uuid: str) -> None:
        raise TimeoutError("no answer")

    with pytest.raises(
        exceptions.FollowUpNeeded, match="0 of 1 nodes done, then a: no answer; again"
    ):
        in_parallel.change(["a"], work, "again", ignore)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ValueError("no bar"), "no bar"),
        (KeyboardInterrupt(), "interrupted"),
        (program.Ended(signal.SIGTERM), "interrupted by SIGTERM"),
    ],
)
def test_a_progress_bar_that_raises_is_told_after_what_was_changed(error, said):
    def bar(done: int) -> None:
        raise error

    with pytest.raises(
        exceptions.FollowUpNeeded, match=rf"1 of 1 nodes done, then {said}; again"
    ):
        in_parallel.change(["a"], lambda uuid: None, "again", bar)
