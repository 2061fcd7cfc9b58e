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

"""Heartbeats as drawn: losses where they were, other boots apart, a bound in size."""

import json
import re

import pytest

from ironic_sideways.evidence import heartbeat
from ironic_sideways.report.page import strips
from ironic_sideways.tests.unit.report import probes
from ironic_sideways.tests.unit.report.example import clock
from ironic_sideways.tests.unit.report.small_move import files, guests, small_cloud

SPAN = strips.Span(0, 100, 10, 90)
MACHINE = {"uuid": "n", "name": "bm", "mac": small_cloud.mac(1), "instance": "i"}


def strip(beats, boot_id="boot-1"):
    parsed = [heartbeat.Beat(**beat) for beat in beats]
    return strips.strip({**MACHINE, "boot_id": boot_id}, parsed, SPAN)


def ticks(path):
    return [int(x) for x in re.findall(r"M(\d+) ", path)]


def test_each_beat_is_a_tick_at_its_time():
    found = strip(guests.beats(range(1, 100), first=0))

    assert ticks(found.ticks) == [10 * second for second in range(1, 100)]
    assert (found.state, found.beats, found.lost) == ("beats", 99, 0)


def test_a_lost_beat_is_marked_where_it_is_missing():
    kept = [seq for seq in range(1, 100) if seq not in (40, 41)]
    found = strip(guests.beats(kept, first=0))

    assert found.losses == [(405.0, "40 to 41")]
    assert (found.state, found.lost) == ("lost", 2)
    assert "2 lost" in found.words


def test_another_boot_is_drawn_apart():
    first = guests.beats(range(1, 50), first=0)
    second = guests.beats(range(1, 40), boot_id="boot-2", first=60)
    found = strip(first + second)

    assert max(ticks(found.ticks)) == 490
    assert min(ticks(found.others)) == 610
    assert found.state == "booted"
    assert found.silences == [(490.0, 120.0)]


def test_a_machine_that_is_off_is_silent():
    found = strip([])

    assert (found.state, found.ticks, found.beats) == ("silent", "", 0)
    assert "no heartbeat" in found.words


def test_a_beat_again_is_no_second_beat():
    beats = guests.beats(range(1, 5), first=0)
    found = strip([*beats, {**beats[0], "again": True}])

    assert found.beats == 4


def test_however_many_beats_a_strip_has_a_bound():
    beats = [
        {**beat, "time": beat["seq"] / 100}
        for beat in guests.beats(range(1, 10_000), first=0)
    ]

    assert len(ticks(strip(beats).ticks)) <= strips.WIDTH + 1


def test_the_lost_of_all_machines_are_those_of_the_verdict(failed):
    found = strips.strips(failed)

    assert found.lost == 2
    states = {row.name: row.state for row in found.rows}
    assert states["bm-03"] == "booted"
    assert states["bm-04"] == "lost"


@pytest.mark.parametrize("name", ["before.json", "after.json"])
def test_who_was_heard_is_drawn_though_nobody_says_who_there_was(good, name):
    (good / name).unlink()

    assert [row.beats > 50 for row in strips.strips(good).rows].count(True) == 3


def test_an_api_that_is_away_is_drawn_in_its_phase(good):
    found = {api.name: api for api in strips.strips(good).apis}

    assert found["nova"].told == "away 4.0 s in scheduler"
    (phase,) = (one for one in strips.strips(good).phases if one[2] == "scheduler")
    ((x, width),) = found["nova"].gone
    assert phase[0] < x < x + width <= phase[0] + phase[1] + 14
    assert found["glance"].told == "always there" and found["glance"].gone == []
    assert all(api.ok for api in found.values())


def test_an_api_that_is_away_for_long_is_red_and_one_that_nobody_asked_too(good):
    path = good / "api.jsonl"
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    begin, end = clock.span("migrate")[0], clock.span("compute")[1]
    rows = [row for row in rows if row["service"] != "glance"]
    files.write_lines(path, probes.away(rows, "neutron", begin, end, "503"))
    found = {api.name: api for api in strips.strips(good).apis}

    assert [name for name, api in found.items() if not api.ok] == ["neutron", "glance"]
    assert found["glance"].told == "not probed" and found["glance"].probed == []


def test_probes_in_a_row_are_one_line_and_a_hole_parts_it(good):
    (nova,) = (api for api in strips.strips(good).apis if api.name == "nova")
    path = good / "api.jsonl"
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    begin, end = clock.span("migrate")
    files.write_lines(path, [one for one in rows if not begin < one["time"] < end])
    (holed,) = (api for api in strips.strips(good).apis if api.name == "nova")

    assert (len(nova.probed), len(holed.probed)) == (1, 2)
