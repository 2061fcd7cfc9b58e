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

"""What a person reads of a run: greppable lines, figures and what comes next."""

import pytest

from ironic_sideways.migrate import classify, load, show, summary, verify, work
from ironic_sideways.tests import rows, samples


@pytest.fixture(autouse=True)
def _no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)


def verdict(number: int, outcome: classify.Outcome, **more: list) -> classify.Verdict:
    source = samples.source(rows.free_node(number), rows.interface(number))
    return classify.Verdict(source, outcome, **more)  # type: ignore[arg-type]


REFUSED = verdict(1, classify.Outcome.REFUSE, reasons=["no BMC", "no MAC"])
NOTED = verdict(2, classify.Outcome.MIGRATE, notes=["no VIF"])


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.2, "1 s"), (89, "89 s"), (90, "2 min"), (5399, "90 min"), (5400, "1.5 h")],
)
def test_a_duration_is_told_as_a_person_says_it(seconds: float, said: str) -> None:
    assert show.duration(seconds) == said
    assert (show.several(1, "node"), show.several(0, "node")) == ("1 node", "0 nodes")


def test_each_reason_and_note_is_a_line_that_names_the_row(
    capsys: pytest.CaptureFixture[str],
) -> None:
    found = summary.Summary(refused=[REFUSED], noted=[NOTED], warnings=["look"])
    found.counts[classify.Outcome.REFUSE] = 3
    found.counts["noted"] = 1
    show.verdicts(found)
    lines = capsys.readouterr().out.splitlines()
    where = f"row 1, node {rows.node_uuid(1)}, host compute-1"
    assert lines[:2] == [f"refuse: {where}: no BMC", f"refuse: {where}: no MAC"]
    assert lines[2].startswith("note: row 2, ") and lines[2].endswith(": no VIF")
    assert lines[3].startswith("... and 2 more such rows; --output FILE")
    assert lines[4] == "warning: look"


def test_lines_are_folded_below_themselves_where_the_width_is_known(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    found = summary.Summary(refused=[REFUSED])
    found.counts[classify.Outcome.REFUSE] = 1
    show.verdicts(found)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) > 2 and max(map(len, lines)) <= 40
    assert lines[1].startswith("    ")


@pytest.mark.parametrize(
    ("planned", "refused", "different", "dry_run", "said"),
    [
        (0, 1, 0, False, "next: repair these rows, or decide by the options named"),
        (2, 0, 0, True, "next: the same without --dry-run"),
        (2, 0, 0, False, "undo with: ironic-nova-bm-migrate rollback"),
        (2, 0, 1, False, "verify: 1 node equal, 1 different"),
        (0, 0, 0, False, "verify: 1 node equal, 0 different"),
    ],
)
def test_a_run_ends_in_what_comes_next(
    capsys: pytest.CaptureFixture[str],
    planned: int,
    refused: int,
    different: int,
    dry_run: bool,
    said: str,
) -> None:
    done = work.Run(summary.Summary(), load.Written(planned, planned))
    done.summary.counts[classify.Outcome.MIGRATE] = planned
    done.summary.counts[classify.Outcome.REFUSE] = refused
    done.verified = verify.Result(equal=1, different=different)
    show.run("run-1", done, dry_run=dry_run)
    assert capsys.readouterr().out.splitlines()[-1].startswith(said)
