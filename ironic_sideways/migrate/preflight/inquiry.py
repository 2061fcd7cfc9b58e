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


"""What ``check`` and ``run`` may ask besides the two databases; read-only."""

from typing import Protocol

import sqlalchemy as sa

from ironic_sideways.migrate import classify


class Inquiry(Protocol):
    """One further check of the rows, batch by batch.

    :param knows_instances: whether it refuses free rows that have an instance.
    """

    knows_instances: bool

    def begin(self, source: sa.Connection) -> None:
        """Ask what is asked once.

        :param source: nova_bm.
        :raises SidewaysError: nobody answers.
        """

    def judge(self, verdicts: list[classify.Verdict]) -> None:
        """Refuse, or add notes to, these rows."""

    def end(self) -> list[str]:
        """What concerns no row: warnings."""
