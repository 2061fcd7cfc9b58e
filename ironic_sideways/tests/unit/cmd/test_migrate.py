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

"""What is said of an end that comes before the work, and of one that comes after."""

import errno
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ironic_sideways.cmd import migrate, program
from ironic_sideways.migrate import load, record, rollback, show, summary, work

URL = "mysql+pymysql://u:s3cret@localhost/x"
RUN = ["run", "-b", URL, "-i", URL, "--no-owner", "-a", "x86_64"]
FULL = OSError(errno.ENOSPC, "No space left on device")


def raising(error: BaseException) -> Callable[..., Any]:
    def fail(*_words: Any, **_more: Any) -> None:
        raise error

    return fail


def written(*_words: Any, **_more: Any) -> work.Run:
    return work.Run(summary.Summary(), load.Written(nodes=7, ports=9))


@pytest.mark.parametrize("error", [KeyboardInterrupt(), program.Ended(15), FULL])
def test_an_end_after_the_commit_never_says_that_nothing_changed(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: BaseException,
) -> None:
    monkeypatch.setattr(work, "run", written)
    monkeypatch.setattr(show, "verdicts", raising(error))
    assert migrate.main(RUN) == 3
    said = capsys.readouterr().err
    assert "has written 7 nodes" in said and "nothing" not in said


def test_a_record_that_finds_no_room_after_the_commit_needs_a_look(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    monkeypatch.setattr(work, "run", written)
    monkeypatch.setattr(record.Record, "finish", raising(FULL))
    assert migrate.main([*RUN, "--output", str(tmp_path / "migration.json")]) == 3
    assert "No space left" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("error", "code"),
    [(KeyboardInterrupt(), 130), (program.Ended(15), 143), (FULL, 1)],
)
def test_an_end_before_the_commit_says_that_nothing_changed(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: BaseException,
    code: int,
) -> None:
    monkeypatch.setattr(work, "run", raising(error))
    assert migrate.main(RUN) == code
    assert "nothing" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("more", "whose"),
    [
        ([], "this tool"),
        (["--run-id", "r7"], "run r7"),
        (["--service-host", "b", "--service-host", "a"], "compute host a, b"),
        (["--run-id", "r7", "--service-host", "a"], "run r7 of compute host a"),
    ],
)
def test_a_rollback_of_nothing_says_whose_rows_it_looked_for(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    more: list[str],
    whose: str,
) -> None:
    nothing = rollback.Removed((), 0, 0)
    monkeypatch.setattr(work, "undo", lambda *_words, **_more: nothing)
    assert migrate.main(["rollback", "-i", URL, *more]) == 0
    assert f"no rows of {whose}, nothing to remove" in capsys.readouterr().out
