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

"""What the verdict says of one subject."""

import dataclasses

from ironic_sideways.evidence.compare import Check


@dataclasses.dataclass(frozen=True)
class Finding:
    """One line of the ledger, made of the checks of one subject."""

    name: str
    checks: list[Check]
    figure: str

    @property
    def ok(self) -> bool:
        return bool(self.checks) and all(check.ok for check in self.checks)

    @property
    def failures(self) -> list[Check]:
        return [check for check in self.checks if not check.ok]


def broken(name: str, why: str) -> Finding:
    """The finding on a subject whose evidence is absent or malformed."""
    return Finding(name, [Check("evidence", False, why)], "no evidence that counts")
