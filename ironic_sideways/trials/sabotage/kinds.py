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

"""What a row of the table of sabotages says, and what those of one window share."""

import dataclasses
import functools
import re
from collections.abc import Callable

from ironic_sideways.trials.sabotage import acts


@dataclasses.dataclass(frozen=True)
class Sabotage:
    """One way to break a move.

    :param says: a pattern that the failed check's reason holds.
    :param after: the phase after which it is done.
    :param until: the phase by which it must be visible.
    :param looked: the look at the whole cloud shows it, which the end of maintenance
        begins with (after.json).
    :param subject: of the verdict; ``check`` is a pattern of the check that fails.
    :param state: of that check: ``absent`` where evidence itself is gone.
    :param window: those of one name are done in one window and hide none of the others:
        each has a node, an instance, a service or a check of its own. Empty: alone.
    :param destructive: a machine is switched: only a new workload restores the base.
    """

    name: str
    text: str
    act: Callable[[acts.Scene], acts.Broken]
    says: str
    after: str = "migrate"
    until: str = "takeover"
    subject: str = "take-over"
    check: str = r"row of .*"
    state: str = "failed"
    looked: bool = False
    window: str = "takeover"
    destructive: bool = False

    @property
    def named_by(self) -> str:
        """The subject and the check, as a person reads them."""
        check = re.sub(r"\.\*|\\S\*", "...", self.check).replace("\\", "")
        return f"{self.subject}: {check}"


#: Of those that the look at the end of the window shows.
at_the_end = functools.partial(
    Sabotage,
    after="resources",
    until="resources",
    subject="survival",
    looked=True,
    window="end",
)
as_moved = functools.partial(at_the_end, check=r"ironic node .* as moved")
of_node = functools.partial(at_the_end, check=r"ironic node \S*")
of_instance = functools.partial(at_the_end, check=r"instance \S*")
in_maintenance = functools.partial(at_the_end, subject="maintenance")
in_compute = functools.partial(
    Sabotage,
    after="compute",
    until="resources",
    subject="resources",
    check=r"resources of .*",
    window="compute",
)
