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

from collections.abc import Callable, Sequence
from typing import TypeVar

import keystoneauth1.exceptions
import openstack.exceptions
import requests

from ironic_sideways import exceptions

Change = TypeVar("Change")

#: What openstacksdk raises for a cloud that refuses, fails or is not there.
ERRORS = (
    openstack.exceptions.SDKException,
    keystoneauth1.exceptions.ClientException,
    requests.exceptions.RequestException,
)


def apply(
    todo: Sequence[tuple[str, Change]],
    make: Callable[[Change], None],
    things: str,
    follow_up: str,
    in_parts: Callable[[Change], bool] = lambda change: False,
) -> int:
    """Make each change; return how many there were.

    :param todo: what each changes, as in "flavor large", and the change.
    :param things: what all of them change, as in "flavors".
    :param follow_up: what to do when only some were made.
    :param in_parts: whether a change takes several calls, so that a failure may
        have left half of it.
    :raises FollowUpNeeded: where some were made and others not.
    :raises SidewaysError: where the first failed and nothing was changed.
    """
    for done, (what, change) in enumerate(todo):
        try:
            make(change)
        except ERRORS as error:
            message = (
                f"{what}: {exceptions.line(error)}; {done} of {len(todo)} "
                f"{things} changed"
            )
            if done or in_parts(change):
                raise exceptions.FollowUpNeeded(f"{message}; {follow_up}") from error
            raise exceptions.SidewaysError(message) from error
        except KeyboardInterrupt as error:
            # This one may have been made, or not.
            raise exceptions.FollowUpNeeded(
                f"{what}: interrupted; {done} of {len(todo)} {things} changed; "
                f"{follow_up}"
            ) from error
    return len(todo)
