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


"""The estimate of the window follows Ironic's settings, and says how."""

from pathlib import Path

import pytest

from ironic_sideways import exceptions
from ironic_sideways.migrate.preflight import window


def steps(nodes: int, active: int, **changed: int) -> dict[str, window.Step]:
    values = {
        "sync_local_state_interval": 180,
        "periodic_max_workers": 8,
        "sync_power_state_interval": 60,
        "sync_power_state_workers": 8,
    } | changed
    found = window.estimate(nodes, active, window.Settings(**values, origin="test"))
    return {step.name: step for step in found}


def test_take_over_of_a_hundred_nodes_takes_forty_minutes_at_the_defaults() -> None:
    step = steps(150, 100)["take-over"]
    assert step.seconds == 39 * 60
    assert "sync_local_state_interval" in step.shorten


def test_free_nodes_are_not_taken_over() -> None:
    assert steps(1000, 0)["take-over"].seconds == 0


def test_with_short_intervals_the_conductors_own_work_decides() -> None:
    found = steps(1000, 1000, sync_local_state_interval=1, periodic_max_workers=1000)
    assert found["take-over"].seconds == 1000 * window.TAKE_OVER_S
    assert found["take-over"].shorten == ""


def test_no_power_sync_is_said_and_not_a_division() -> None:
    step = steps(10, 5, sync_power_state_interval=0)["power sync"]
    assert "free nodes stay unavailable" in step.assumption


def test_take_over_and_power_sync_go_on_side_by_side() -> None:
    found = steps(100, 100)
    longest = max(found["take-over"].seconds, found["power sync"].seconds)
    rest = found["load and verify"].seconds + found["Nova's resource tracker"].seconds
    assert window.total(list(found.values())) == longest + rest


def test_the_settings_come_from_ironic_conf_or_are_ironics_defaults(
    tmp_path: Path,
) -> None:
    path = tmp_path / "ironic.conf"
    path.write_text("[conductor]\nsync_local_state_interval = 10\n")
    found = window.settings(str(path))
    assert (found.sync_local_state_interval, found.origin) == (10, str(path))
    default = window.settings(None)
    assert (default.periodic_max_workers, default.sync_local_state_interval) == (8, 180)
    assert default.origin == "Ironic's defaults"


def test_a_file_that_is_no_ironic_conf_is_bad_usage(tmp_path: Path) -> None:
    path = tmp_path / "ironic.conf"
    path.write_text("[conductor]\nsync_local_state_interval = soon\n")
    with pytest.raises(exceptions.UsageError, match=r"expected an ironic.conf"):
        window.settings(str(path))
