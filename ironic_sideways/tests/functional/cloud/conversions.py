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

"""A conversion of allocations, its undo and its refusal, in a Placement."""

from pathlib import Path

import pytest

from ironic_sideways import exceptions
from ironic_sideways.cloud import allocations, placement

CLASS = "CUSTOM_BAREMETAL"


class Lines(list[str]):
    """What a person would have been told."""

    def __call__(self, line: str) -> None:
        self.append(line)


def plan(
    conversion: allocations.Conversion, *nodes: str, class_name: str = CLASS
) -> dict[str, str]:
    conversion.classes = dict.fromkeys(nodes, class_name)
    return conversion.plan(Lines())


def convert(
    conversion: allocations.Conversion, *nodes: str, class_name: str = CLASS
) -> dict[str, str]:
    outcomes = plan(conversion, *nodes, class_name=class_name)
    conversion.run(outcomes)
    return outcomes


def restore(api: placement.Placement, undo_file: Path) -> dict[str, str]:
    restoration = allocations.Restoration(api, undo_file)
    outcomes = restoration.plan(Lines())
    restoration.run(outcomes)
    return outcomes


def refusal(
    conversion: allocations.Conversion, *nodes: str, class_name: str = CLASS
) -> str:
    told = Lines()
    conversion.classes = dict.fromkeys(nodes, class_name)
    with pytest.raises(exceptions.SidewaysError, match="nothing was changed"):
        conversion.plan(told)
    return "\n".join(told)
