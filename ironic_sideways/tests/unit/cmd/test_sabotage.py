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

"""``ironic-sideways sabotage``: what it says of a change that is left."""

import types

import pytest

from ironic_sideways import exceptions
from ironic_sideways.cmd import main, sabotage
from ironic_sideways.trials.sabotage import table, windows


def fail(*words):
    raise exceptions.SidewaysError("Ironic node a has no port")


@pytest.mark.parametrize("words", [["break", "vif", "migrate"], ["mend"]])
def test_what_fails_half_way_names_what_takes_it_back(monkeypatch, capsys, words):
    changes = types.SimpleNamespace(mend=fail)
    scene = types.SimpleNamespace(changes=changes)
    monkeypatch.setattr(sabotage, "_scene", lambda args: scene)
    monkeypatch.setattr(windows, "done", fail)

    assert main.main(["sabotage", *words]) == 3
    said = capsys.readouterr().err
    assert "has begun; then: Ironic node a has no port; " in said
    assert said.count("\n") == 1


def test_one_that_nobody_knows_is_bad_usage(capsys):
    assert main.main(["sabotage", "break", "fire", "migrate"]) == 2
    assert "sabotage fire: expected one of bmc-addresses" in capsys.readouterr().err


def test_the_list_has_a_line_for_each(capsys):
    assert main.main(["sabotage", "list"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 1 + len(table.TABLE)


def test_a_plan_is_told_and_so_are_the_windows(capsys):
    assert main.main(["sabotage", "plan", "vif"]) == 0
    assert main.main(["sabotage", "choose", "vif,macs+bmc-addresses"]) == 0
    assert capsys.readouterr().out == (
        "migrate takeover - mendable\nvif\nmacs+bmc-addresses\n"
    )
