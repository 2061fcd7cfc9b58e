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

"""Phases in time: tries, pauses, and phases that never ended."""

import pytest

from ironic_sideways.report.page import timeline
from ironic_sideways.tests.unit.report.small_move import files, phases


def found(*events):
    return timeline.tries(list(events))


def test_a_try_lasts_from_its_start_to_its_end():
    one = found(
        phases.phase("migrate", "started", 10), phases.phase("migrate", "ok", 14, 4)
    )

    assert [(t.begin, t.end, t.result) for t in one] == [(10, 14, "ok")]


def test_the_last_of_several_tries_counts(good):
    path = good / "events.jsonl"
    files.write_lines(
        path,
        [
            phases.phase("migrate", "failed", 14, 4),
            phases.phase("migrate", "ok", 30, 5),
        ],
    )

    (row,) = timeline.timeline(good).rows

    assert [one.result for one in row.tries] == ["failed", "ok"]
    assert row.last.seconds == 5


def test_a_phase_whose_end_was_never_written_is_red(good):
    files.write_lines(
        good / "events.jsonl",
        [phases.phase("migrate", "started", 10), phases.phase("other", "ok", 20, 1)],
    )

    assert [row.last.result for row in timeline.timeline(good).red] == ["unended"]


def test_a_start_after_a_start_means_that_the_first_never_ended():
    tries = found(
        phases.phase("migrate", "started", 10),
        phases.phase("migrate", "started", 20),
        phases.phase("migrate", "ok", 25, 5),
    )

    assert [one.result for one in tries] == ["unended", "ok"]


def test_a_long_pause_takes_little_of_the_axis():
    tries = found(phases.phase("a", "ok", 110, 10), phases.phase("b", "ok", 7210, 10))
    axis = timeline.Axis(tries)

    assert axis.percent(100) == 0
    assert axis.percent(7210) == 100
    assert axis.percent(110) == pytest.approx(100 * 10 / 24, abs=0.1)
    assert [round(seconds) for _x, seconds in axis.breaks] == [7090]


def test_percents_never_fall():
    tries = found(
        phases.phase("a", "ok", 110, 10),
        phases.phase("b", "ok", 300, 20),
        phases.phase("c", "ok", 900, 30),
    )
    axis = timeline.Axis(tries)
    percents = [axis.percent(moment) for moment in range(90, 910)]

    assert percents == sorted(percents)


def test_the_window_is_where_maintenance_was(good):
    line = timeline.timeline(good)
    rows = {row.name: row.last for row in line.rows}

    assert line.window == (
        line.axis.percent(rows["begin-maintenance"].begin),
        line.axis.percent(rows["end-maintenance"].end),
    )
