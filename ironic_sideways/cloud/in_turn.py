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

"""Changes of a cloud's API that are made one after the other."""

from collections.abc import Callable, Iterable
from typing import Protocol, TypeVar

import keystoneauth1.exceptions
import openstack.exceptions
import requests

from ironic_sideways import exceptions


class Change(Protocol):
    """A change, perhaps an empty one; ``str`` names the thing, as in "flavor large"."""

    @property
    def in_parts(self) -> bool:
        """Whether it takes several calls: a failure may have left half of it."""

    def __bool__(self) -> bool: ...


Made = TypeVar("Made", bound=Change)

#: What openstacksdk raises for a cloud that refuses, fails or is not there.
ERRORS = (
    openstack.exceptions.SDKException,
    keystoneauth1.exceptions.ClientException,
    requests.exceptions.RequestException,
)


def apply(
    changes: Iterable[Made], make: Callable[[Made], None], things: str, follow_up: str
) -> int:
    """Make each change that is not empty; return how many there were.

    :param things: what all of them change, as in "flavors".
    :param follow_up: what to do when only some were made.
    :raises FollowUpNeeded: where some were made and others not, or perhaps one: no
        answer, a strange one or a server's error may come after the change.
    :raises SidewaysError: where the first was refused and nothing was changed.
    """
    todo = [change for change in changes if change]
    for done, change in enumerate(todo):
        try:
            make(change)
        except (Exception, KeyboardInterrupt) as error:
            said = (
                f"{change}: {exceptions.line(error)}; {done} of {len(todo)} {things} "
            )
            if done or change.in_parts or not _is_refusal(error):
                raise exceptions.FollowUpNeeded(
                    f"{said}changed; {follow_up}"
                ) from error
            raise exceptions.SidewaysError(f"{said}changed") from error
    return len(todo)


def _is_refusal(error: BaseException) -> bool:
    """Whether an API has answered that it did not do what it was asked."""
    return isinstance(error, openstack.exceptions.HttpException) and (
        400 <= (error.status_code or 0) < 500
    )
