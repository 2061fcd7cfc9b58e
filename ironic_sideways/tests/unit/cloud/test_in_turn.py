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

import dataclasses

import keystoneauth1.exceptions
import openstack.exceptions
import pytest

from ironic_sideways import exceptions
from ironic_sideways.cloud import in_turn


@dataclasses.dataclass(frozen=True)
class Change:
    name: str
    number: int
    in_parts: bool = False

    def __bool__(self) -> bool:
        return bool(self.number)

    def __str__(self) -> str:
        return f"flavor {self.name}"


CHANGES = [Change("a", 1), Change("z", 0), Change("b", 2), Change("c", 3)]


NO_LUCK = openstack.exceptions.HttpException("no\nluck", http_status=409)


def failing_at(number: int, made: list[int], error: BaseException = NO_LUCK):
    def make(change: Change) -> None:
        if change.number == number:
            raise error
        made.append(change.number)

    return make


def test_each_change_that_is_not_empty_is_made_in_its_order() -> None:
    made: list[int] = []
    assert in_turn.apply(CHANGES, failing_at(4, made), "flavors", "try again") == 3
    assert made == [1, 2, 3]


def test_where_the_first_is_refused_nothing_was_changed() -> None:
    with pytest.raises(exceptions.SidewaysError) as caught:
        in_turn.apply(CHANGES, failing_at(1, []), "flavors", "try again")
    assert str(caught.value) == "flavor a: no luck; 0 of 3 flavors changed"
    assert caught.value.exit_code == 1


def test_where_a_later_one_fails_the_follow_up_is_named() -> None:
    made: list[int] = []
    with pytest.raises(exceptions.FollowUpNeeded, match=r"1 of 3 .*; try again"):
        in_turn.apply(CHANGES, failing_at(2, made), "flavors", "try again")
    assert made == [1]


def test_a_service_that_is_gone_in_the_middle_is_a_failure_like_another() -> None:
    gone = keystoneauth1.exceptions.ConnectFailure("Nova is gone")
    with pytest.raises(exceptions.FollowUpNeeded, match=r"is gone; 1 of 3 .*; again"):
        in_turn.apply(CHANGES, failing_at(2, [], gone), "flavors", "again")


def test_half_of_a_first_change_needs_the_follow_up_too() -> None:
    changes = [dataclasses.replace(change, in_parts=True) for change in CHANGES]
    with pytest.raises(exceptions.FollowUpNeeded, match=r"0 of 3 .*; try again"):
        in_turn.apply(changes, failing_at(1, []), "flavors", "try again")


@pytest.mark.parametrize(
    "error",
    [
        keystoneauth1.exceptions.ConnectTimeout("no answer"),
        openstack.exceptions.HttpException("no answer", http_status=504),
        openstack.exceptions.SDKException("no answer of an API"),
        TypeError("no answer that openstacksdk can read"),
        KeyboardInterrupt("no answer yet"),
    ],
)
def test_a_first_change_that_may_have_been_made_needs_the_follow_up(error) -> None:
    with pytest.raises(exceptions.FollowUpNeeded, match=r"no answer.*; try again"):
        in_turn.apply(CHANGES, failing_at(1, [], error), "flavors", "try again")
