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

"""What bench_window.sh makes of a run: a row a phase, and how it grew."""

import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest

from ironic_sideways.evidence import events
from ironic_sideways.tests.bench import loglog, usage, window


def sample(moment: float, cpu: dict[str, float], calls: int = 0) -> usage.Sample:
    memory = dict.fromkeys(cpu, 5 << 20)
    return usage.Sample(moment, cpu, memory, {"nova-api": calls})


def test_what_was_used_is_divided_among_the_phases() -> None:
    samples = [
        sample(0, {"mariadb": 1.0}, 5),
        sample(1, {"mariadb": 2.0, "nova-api": 7.0}, 9),
        # It was restarted.
        sample(2, {"mariadb": 4.0, "nova-api": 3.0}, 12),
        sample(9, {"mariadb": 9.0, "nova-api": 3.5}, 99),
    ]

    assert usage.between(samples, 0.5, 2.5) == {
        "seconds": 2.0,
        "cpu": {"mariadb": 3.0, "nova-api": 10.0},
        "calls": {"nova-api": 7},
        "memory_mb": {"mariadb": 5, "nova-api": 5},
    }


def test_a_phase_that_failed_first_counts_from_its_last_start() -> None:
    told = [
        {"kind": "phase", "name": "a", "result": "started", "time": 1},
        {"kind": "phase", "name": "a", "result": "failed", "time": 2},
        {"kind": "phase", "name": "a", "result": "started", "time": 3},
        {"kind": "left-out", "time": 4},
        {"kind": "phase", "name": "a", "result": "ok", "time": 5},
    ]

    assert list(usage.phases(told)) == [("a", 3, 5)]


def test_calls_are_counted_where_they_are_written(tmp_path: Path) -> None:
    log = tmp_path / "nova-api.log"
    assert usage._calls(log) == 0
    line = "[pid: 1] GET /v2.1/ => generated 5 bytes in 3 msecs\n"
    log.write_text(f"starting\n{line}")
    assert usage._calls(log) == 1
    with log.open("a") as stream:
        stream.write(line * 2)
    assert usage._calls(log) == 3
    log.write_text(line)

    assert usage._calls(log) == 1


def test_rows_of_both_ways_are_added_to_the_runs_events(tmp_path: Path) -> None:
    evidence = tmp_path / "evidence"
    for path in (evidence, evidence / "rollbacks" / "compute"):
        for result in ("started", "ok"):
            phase: dict[str, Any] = {"name": "migrate", "result": result}
            events.append(path / "events.jsonl", "phase", **phase)
    window.rows(tmp_path, 10, [])
    told = events.read(evidence / "events.jsonl")

    found = [(e["phase"], e["nodes"]) for e in told if e["kind"] == "bench"]
    assert found == [("migrate", 10), ("compute/migrate", 10)]


def row(nodes: int, seconds: float) -> dict[str, Any]:
    return {"phase": "a<b", "nodes": nodes, "seconds": seconds}


def test_growth_is_that_of_the_last_step() -> None:
    found = [row(1000, 30), row(10, 2), row(100, 5), {**row(10, 1), "phase": "once"}]

    assert window.growth(found) == {"a<b": 6.0}


def test_the_picture_has_a_line_a_phase() -> None:
    drawn = ET.fromstring(  # noqa: S314 - our own
        loglog.draw([row(10, 1), row(1000, 100), {**row(10, 0), "phase": "other"}])
    )
    found = drawn.findall("{http://www.w3.org/2000/svg}polyline")
    points = [point.split(",") for point in found[0].attrib["points"].split()]

    assert len(found) == 2
    assert float(points[0][0]) < float(points[1][0])
    assert float(points[0][1]) > float(points[1][1])
    assert drawn.findall("{http://www.w3.org/2000/svg}text")[-1].text in (
        "a<b",
        "other",
    )


@pytest.mark.parametrize("nodes", ["4", "1001"])
def test_a_number_that_no_light_lab_has_is_refused(
    nodes: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", ["bench", "--nodes", nodes])
    with pytest.raises(SystemExit, match="2"):
        window.main()
