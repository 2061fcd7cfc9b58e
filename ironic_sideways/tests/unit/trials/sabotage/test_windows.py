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

import json

import pytest

from ironic_sideways import exceptions
from ironic_sideways.report import window
from ironic_sideways.tests.unit.report.small_move import files
from ironic_sideways.trials.sabotage import table, windows


def judged(evidence, *names, of=("",)):
    """What the verdict says of the sabotages, which broke the things ``of``."""
    broken = {name: {"text": "", "things": list(of)} for name in names}
    files.write(evidence.parent / windows.RECORD, broken)
    return windows.judged([windows.find(name) for name in names], evidence.parent)


@pytest.mark.parametrize("sabotage", table.TABLE, ids=lambda sabotage: sabotage.name)
def test_a_verdict_that_stays_green_is_a_defect(evidence, sabotage):
    with pytest.raises(exceptions.SidewaysError, match="expected the verdict to name"):
        judged(evidence, sabotage.name)


@pytest.mark.parametrize("sabotage", table.TABLE, ids=lambda sabotage: sabotage.name)
def test_a_sabotage_is_done_in_the_window_and_seen_later(sabotage):
    order = window.WINDOW.index
    assert order(sabotage.after) < order(sabotage.until) + sabotage.looked


def test_a_node_of_nobody_is_named(evidence):
    files.edit(evidence / "takeover.json", lambda d: d["others"].append("node-gone"))

    (said,) = judged(evidence, "deleted-row", of=["node-gone"])
    assert said.startswith("take-over: no other nodes: Ironic has node-gone")


def test_a_driver_that_nobody_serves_is_named(evidence):
    def lose(document):
        document["nodes"][0]["online"] = None

    files.edit(evidence / "takeover.json", lose)

    (said,) = judged(evidence, "unserved-driver")
    assert "no online conductor manages it" in said


def test_a_machine_of_another_bmc_is_named(evidence):
    def swap(document):
        for node in document["nodes"]:
            node |= {"bmc": "127.0.0.9", "ports": []}

    def know(document):
        for machine in document["machines"]:
            machine["bmc"] = "127.0.0.1"

    files.edit(evidence / "takeover.json", swap)
    files.edit(evidence / "before.json", know)

    (said,) = judged(evidence, "bmc-addresses")
    assert "BMC 127.0.0.9, its machine's: 127.0.0.1" in said


def test_an_allocation_that_was_left_is_named(evidence):
    def leave(document):
        node = document["nodes"][0]
        node["allocations"] = {"server-run": {"VCPU": 1}}

    files.edit(evidence / "resources.json", leave)

    (said,) = judged(evidence, "allocation")
    assert said.startswith("resources: resources of node-run: is allocated to {'se")


def test_the_old_driver_is_named(evidence):
    def keep(document):
        document["loaded"]["driver"] = "baremetal.BareMetalDriver"

    files.edit(evidence / "resources.json", keep)

    (said,) = judged(evidence, "old-driver")
    assert said.startswith("resources: driver: baremetal.BareMetalDriver")


def test_another_node_than_the_broken_one_is_not_the_right_name(evidence):
    files.edit(evidence / "takeover.json", lambda d: d["others"].append("node-gone"))

    with pytest.raises(exceptions.SidewaysError, match="verdict to name node-other"):
        judged(evidence, "deleted-row", of=["node-gone", "node-other"])


def test_several_are_each_named_or_the_first_that_is_not_is_told(evidence):
    files.edit(evidence / "takeover.json", lambda d: d["others"].append("node-gone"))

    with pytest.raises(exceptions.SidewaysError, match=r"sabotage vif: expected"):
        judged(evidence, "deleted-row", "vif")
    assert len(judged(evidence, "deleted-row")) == 1
    assert json.loads((evidence / "verdict.json").read_text())["passed"] is False


@pytest.mark.parametrize(
    ("names", "why"),
    [
        ("vif+luck", "sabotage luck: expected one of"),
        ("vif+allocation", "expected sabotages of one window"),
        ("reboot+power-off", "expected sabotages of one window"),
        ("", "sabotage : expected one of"),
    ],
)
def test_what_cannot_be_done_together_is_bad_usage(names, why):
    with pytest.raises(exceptions.UsageError, match=why):
        windows.chosen(f"macs,{names}")


def test_each_is_every_sabotage_in_a_window_of_its_own():
    assert windows.chosen("each") == [sabotage.name for sabotage in table.TABLE]
    assert windows.chosen("vif+macs,old-driver") == ["vif+macs", "old-driver"]


def test_those_of_one_window_are_done_in_the_order_of_its_phases():
    every = windows.chosen("windows")
    assert every == ["takeover", "compute", "end"]
    names = {one.name for one in table.TABLE}
    alone = {one.name for one in table.TABLE if not one.window}
    together = {one.name for name in every for one in windows.together(name)}
    assert together | alone == names and not names & {*every}
    found = [one.after for one in windows.together("no-log+silence")]
    assert found == ["takeover", "resources"]


def test_what_one_window_shows_is_seen_after_one_phase():
    until = {(one.window, one.until) for one in table.TABLE if one.window}
    assert len(until) == len({window for window, _ in until})
    assert not any(one.destructive for one in table.TABLE if one.window)


def test_an_unknown_sabotage_is_bad_usage():
    with pytest.raises(exceptions.UsageError, match="expected one of bmc-addresses"):
        windows.find("luck")
