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

import pytest

from ironic_sideways import exceptions, waits


def test_a_wait_returns_the_first_result_that_will_do():
    results = iter(["starting", "starting", "up", "never seen"])

    seen = waits.wait_for(
        lambda: next(results), lambda r: r == "up", "the service", 5, interval=0
    )

    assert seen == "up"


def test_an_expired_wait_says_what_it_waited_for_and_saw_last():
    with pytest.raises(exceptions.WaitExpired) as caught:
        waits.wait_for(
            lambda: "starting", lambda r: False, "the service", 0.01, interval=0.001
        )

    assert str(caught.value) == "waited 0.01 s for the service; seen last: starting"


def test_an_error_of_the_look_ends_the_wait_at_once():
    def look() -> None:
        raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        waits.wait_for(look, lambda r: False, "anything", 5)
