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

import json

import pytest

from ironic_sideways.evidence.compare import Check
from ironic_sideways.report.figures import Figure
from ironic_sideways.report.findings import Finding, Verdict
from ironic_sideways.report.page import headline

GOOD = Finding("logs", [Check("one", True, "")], "")
BAD = Finding("BMCs", [Check("two", False, "")], "")
AWAY = Finding("leases", [Check("three", False, "", absent=True)], "")


@pytest.mark.parametrize(
    ("findings", "told"),
    [
        ([GOOD, BAD], "1 of 2 subjects"),
        ([GOOD, BAD, AWAY], "1 of 3 subjects, 1 not reached"),
        ([AWAY], "0 of 1 subject, 1 not reached"),
        ([GOOD], "Every check passed"),
    ],
)
def test_the_page_begins_with_how_many_failed(tmp_path, findings, told) -> None:
    assert headline.sentence(tmp_path, Verdict(findings)) == told


@pytest.mark.parametrize(
    ("servers", "told"),
    [
        ([], "2 nodes moved to Ironic"),
        (["one"], "1 instance moved to Ironic, and survived"),
        (["one", "two"], "2 instances moved to Ironic, and survived"),
    ],
)
def test_a_run_that_passed_says_what_survived(tmp_path, servers, told) -> None:
    before = {
        "base_driver": "nova_bm",
        "providers": [{"uuid": "node-1"}, {"uuid": "node-2"}],
        "servers": [{"uuid": name, "node": "node-1"} for name in servers],
    }
    (tmp_path / "before.json").write_text(json.dumps(before))

    assert headline.sentence(tmp_path, Verdict([GOOD])) == told


@pytest.mark.parametrize(
    ("figure", "cell"),
    [
        (Figure("moved", 3.0), ("3", "", "", "plain")),
        (
            Figure("moved", None, " s", 900),
            ("not measured", "", "goal 15.0 min", "plain"),
        ),
        (Figure("moved", 300, " s", 900), ("300", "s", "goal 15.0 min", "ok")),
        (
            Figure("moved", 1200, " s", 900),
            ("20.0", "min", "goal 15.0 min, missed", "bad"),
        ),
        (Figure("memory", 2048, " MiB"), ("2.0", "GiB", "", "plain")),
        (Figure("heartbeats lost", 1, "", 0), ("1", "", "goal 0, missed", "red")),
    ],
)
def test_a_figure_is_told_as_a_person_says_it(figure, cell) -> None:
    (found,) = headline.cells([figure])

    assert (found.value, found.unit, found.note, found.state) == cell
    assert found.name == figure.name


def test_what_was_run_is_told_as_far_as_it_is_known() -> None:
    host = {"system": "Debian", "cpus": 1}
    environment = {"distributions": {"nova": "34"}, "host": host, "commit": ""}

    assert headline.facts(None) == []
    assert headline.facts(environment) == [
        *("nova 34", "ironic unknown", "Debian, 1 core"),
        "commit unknown",
    ]
