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

import io
from pathlib import Path

import pytest
from rich.console import Console

from ironic_sideways.lab import checks, should_run, status
from ironic_sideways.lab.layout import Layout
from ironic_sideways.lab.supervision import State

NAMES = ["mariadb", "keystone", "nova-conductor"]


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Layout:
    """One in which three services should run, and do."""
    layout = Layout(tmp_path)
    should_run.save(layout, NAMES)
    monkeypatch.setattr(status.Supervisor, "states", lambda self: states(*NAMES))
    monkeypatch.setattr(
        checks,
        "look",
        lambda layout, state: checks.READY if state.state == "RUNNING" else "is not up",
    )
    return layout


def states(*names: str) -> dict[str, State]:
    return {name: State(name, "RUNNING", 1795600800, 42, "") for name in names}


def shown(layout: Layout) -> tuple[bool, str]:
    console = Console(file=io.StringIO(), width=200)
    right = status.show(layout, console)
    return right, console.file.getvalue()


def test_a_lab_whose_services_all_answer_is_ready(lab) -> None:
    assert status.look(lab, states(*NAMES)) == dict.fromkeys(NAMES, checks.READY)
    assert status.all_ready(lab)
    right, table = shown(lab)
    assert right
    assert "2026-11-25" in table
    assert "keystone" in table


@pytest.mark.parametrize("away", NAMES)
def test_a_service_that_is_away_is_told(lab, monkeypatch, away) -> None:
    left = states(*(name for name in NAMES if name != away))
    monkeypatch.setattr(status.Supervisor, "states", lambda self: left)

    assert not status.all_ready(lab)
    assert status.look(lab, left)[away] == "is not up"
    right, table = shown(lab)
    assert not right
    assert "is not up" in table


def test_what_runs_and_should_not_is_told(lab, monkeypatch) -> None:
    more = states(*NAMES, "glance")
    monkeypatch.setattr(status.Supervisor, "states", lambda self: more)

    right, table = shown(lab)

    assert not right
    assert "runs, expected stopped" in table


def test_what_runs_on_demand_alone_is_shown_when_it_runs(lab, monkeypatch) -> None:
    assert "ironic-conductor-second" not in shown(lab)[1]

    more = states(*NAMES, "ironic-conductor-second")
    monkeypatch.setattr(status.Supervisor, "states", lambda self: more)

    assert "ironic-conductor-second" in shown(lab)[1]
