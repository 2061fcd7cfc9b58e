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

"""Bounded waits: what is waited for, for how long, and what was seen last."""

from collections.abc import Callable
from typing import TypeVar

import tenacity

from ironic_sideways import exceptions

T = TypeVar("T")


def wait_for(
    look: Callable[[], T],
    done: Callable[[T], bool],
    what: str,
    timeout: float,
    interval: float = 0.5,
    seen: Callable[[T], str] = str,
) -> T:
    """Call ``look`` until ``done`` says that its result will do; return it.

    :param look: reads the state; what it raises ends the wait.
    :param what: what is waited for, as in "timed out waiting for <what>".
    :param timeout: seconds, in all.
    :param interval: seconds between two looks.
    :param seen: how a result is told to a person.
    :raises WaitExpired: after ``timeout``, with what was seen last.
    """

    def give_up(state: tenacity.RetryCallState) -> T:
        assert state.outcome is not None
        last = seen(state.outcome.result())
        raise exceptions.WaitExpired(
            f"waited {timeout:g} s for {what}; seen last: {last}"
        )

    retry = tenacity.Retrying(
        retry=tenacity.retry_if_result(lambda result: not done(result)),
        stop=tenacity.stop_after_delay(timeout),
        wait=tenacity.wait_fixed(interval),
        retry_error_callback=give_up,
    )
    return retry(look)


def wait_for_none(
    look: Callable[[], dict[str, str]], what: str, timeout: float, interval: float = 0.5
) -> None:
    """As ``wait_for``, until ``look`` finds no fault; it tells each thing's fault."""
    wait_for(
        look,
        lambda found: not found,
        what,
        timeout,
        interval,
        seen=lambda found: "; ".join(f"{thing} {why}" for thing, why in found.items()),
    )
