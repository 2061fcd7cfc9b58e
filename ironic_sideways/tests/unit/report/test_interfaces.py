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

"""A node has the interfaces that its window asked for, and else the migration's own."""

import pytest

from ironic_sideways.evidence import snapshot
from ironic_sideways.migrate import mapping
from ironic_sideways.report import checks, interfaces
from ironic_sideways.tests.unit.report.small_move import files


def test_the_plain_ones_are_the_migrations_and_each_is_recorded():
    assert interfaces.PLAIN == mapping.PLAIN_INTERFACES
    assert set(snapshot.INTERFACES) == set(interfaces.PLAIN)


@pytest.mark.parametrize(
    ("told", "had", "good"),
    [
        ("ipmitool-socat", "ipmitool-socat", True),
        ("ipmitool-socat", "no-console", False),
    ],
)
def test_what_was_asked_for_is_what_a_node_has(evidence, told, had, good):
    note = evidence / interfaces.ASKED
    note.write_text(f"{note.read_text().strip()} '--interface' 'console={told}'\n")

    def alter(document):
        for node in document["ironic_nodes"]:
            node["interfaces"]["console"] = had

    for name in ("after", "restarted"):
        files.edit(evidence / f"{name}.json", alter)

    assert checks.check_survival(evidence).ok == good
