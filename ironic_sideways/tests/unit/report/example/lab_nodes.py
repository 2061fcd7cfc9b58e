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

"""The nodes of a run in the lab, named as there."""

import contextlib
import uuid
from collections.abc import Iterator
from typing import Any

from ironic_sideways.evidence import tenants
from ironic_sideways.tests.unit.report.example import clock
from ironic_sideways.tests.unit.report.small_move import phases, small_cloud

#: A run's own is random: tenants' values here are made with this one.
DIGESTS = tenants.Digests(b"the key of no run")

STATES = (("ACTIVE", "on"), ("SHUTOFF", "off"), ("ACTIVE", "on"), ("ACTIVE", "on"))


def named(word: str, number: int) -> str:
    """A UUID that is the same in each run."""
    return str(uuid.uuid5(uuid.NAMESPACE_DNS, f"{word}-{number}.example.org"))


def cloud(nodes: int) -> dict[str, tuple[int, str | None, str | None, str]]:
    """``small_cloud.NODES`` of so many machines: half of them hold an instance."""
    found: dict[str, tuple[int, str | None, str | None, str]] = {}
    for number in range(1, nodes + 1):
        server: str | None = None
        status, power = None, "off"
        if number <= nodes // 2:
            server = named("server", number)
            status, power = STATES[(number - 1) % len(STATES)]
        found[named("node", number)] = (number, server, status, power)
    return found


@contextlib.contextmanager
def of(nodes: dict[str, Any]) -> Iterator[None]:
    """Let small_move lay down the evidence of these nodes, on the clock of BEGIN."""
    was = small_cloud.NODES, phases.BEGIN
    small_cloud.NODES, phases.BEGIN = nodes, clock.span("begin-maintenance")[0]
    try:
        yield
    finally:
        small_cloud.NODES, phases.BEGIN = was
