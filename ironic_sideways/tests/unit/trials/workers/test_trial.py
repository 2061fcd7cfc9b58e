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

"""A round that fails is a row, and does not fail the ones after it."""

import pytest

from ironic_sideways import exceptions
from ironic_sideways.trials.workers import consistency
from ironic_sideways.trials.workers.trial import Row, Trial, workload


def fail(_trial: object = None) -> Row:
    raise exceptions.SidewaysError("no valid host")


def test_what_a_failed_round_leaked_is_freed_and_told(trial: Trial) -> None:
    trial.server = {"uuid": "one"}

    assert not trial.round("in a reboot", fail)

    (row,) = trial.rows
    assert (row["ok"], row["detail"]) == (False, "no valid host")
    assert row["mended"] == "without an owner, undeployed: lost"
    assert trial.ironic.asked == [("lost", "deleted")]
    # Deleted with the rest: the next round boots another.
    assert trial.server is None


def test_a_mend_that_fails_keeps_the_rows(
    trial: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consistency, "settle", lambda *_: fail())

    trial.round("in a build", fail)
    trial.round("in a delete", fail)

    assert [row["mended"] for row in trial.rows] == ["no valid host"] * 2


def test_a_good_round_frees_nothing(trial: Trial) -> None:
    assert trial.round("in a build", lambda _trial: {"detail": "well", "kind": "build"})

    (row,) = trial.rows
    assert "mended" not in row
    assert row["done"] == {"kind": "build"}
    assert trial.ironic.asked == []


def test_what_cannot_be_deleted_at_the_end_is_a_row(
    trial: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    trial.clear()
    assert trial.rows == []

    monkeypatch.setattr(workload, "delete_servers", lambda *_: fail())
    trial.clear()

    (row,) = trial.rows
    assert (row["name"], row["ok"]) == ("nothing is left", False)


def test_a_server_is_booted_only_where_there_is_none(
    trial: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trial, "boot", lambda: {"uuid": "new"})
    assert trial.running() == {"uuid": "new"}
    trial.server = {"uuid": "one"}
    assert trial.running() == {"uuid": "one"}
