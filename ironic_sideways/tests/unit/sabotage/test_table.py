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

"""The sabotages: each is named by the verdict on evidence that shows it."""

import pytest

from ironic_sideways import exceptions
from ironic_sideways.report import window
from ironic_sideways.sabotage import table
from ironic_sideways.tests.unit.report import whole


@pytest.fixture
def evidence(tmp_path):
    directory = tmp_path / "evidence"
    directory.mkdir()
    whole.lay_down(directory)
    return directory


@pytest.mark.parametrize("sabotage", table.TABLE, ids=lambda sabotage: sabotage.name)
def test_a_verdict_that_stays_green_is_a_defect(evidence, sabotage):
    with pytest.raises(exceptions.SidewaysError, match="expected the verdict to name"):
        table.judged(sabotage, evidence)


@pytest.mark.parametrize("sabotage", table.TABLE, ids=lambda sabotage: sabotage.name)
def test_a_sabotage_is_done_in_the_window_and_seen_later(sabotage):
    order = window.WINDOW.index
    assert order(sabotage.after) < order(sabotage.until)


def test_a_node_of_nobody_is_named(evidence):
    whole.edit(evidence / "takeover.json", lambda d: d["others"].append("node-gone"))

    said = table.judged(table.find("deleted-row"), evidence)
    assert said.startswith("take-over: no node besides: Ironic has node-gone")


def test_a_driver_that_nobody_serves_is_named(evidence):
    def lose(document):
        document["nodes"][0]["online"] = None

    whole.edit(evidence / "takeover.json", lose)

    assert "no online conductor has it" in table.judged(
        table.find("unserved-driver"), evidence
    )


def test_a_machine_of_another_bmc_is_named(evidence):
    def swap(document):
        for node in document["nodes"]:
            node |= {"bmc": "127.0.0.9", "ports": []}

    def know(document):
        for machine in document["machines"]:
            machine["bmc"] = "127.0.0.1"

    whole.edit(evidence / "takeover.json", swap)
    whole.edit(evidence / "before.json", know)

    assert "BMC 127.0.0.9, its machine's: 127.0.0.1" in table.judged(
        table.find("bmc-addresses"), evidence
    )


def test_an_unknown_sabotage_is_bad_usage():
    with pytest.raises(exceptions.UsageError, match="expected one of bmc-addresses"):
        table.find("luck")
