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

"""What is left of a lab that did not come up, or did not go."""

import os
import signal

import pytest

from ironic_sideways import exceptions
from ironic_sideways.cmd import main, program
from ironic_sideways.lab import bare_metal, lifecycle, preflight, status
from ironic_sideways.lab.bring_up import BringUp
from ironic_sideways.lab.record import LabRecord

ERRORS = [
    (exceptions.SidewaysError("glance died; its log:\n    the reason"), 1),
    (OSError(28, "No space left on device"), 1),
    (program.Ended(signal.SIGTERM), 143),
]


def made(directory):
    """A lab, of which nothing runs."""
    directory.mkdir()
    LabRecord.new(0, 8, "nova_bm").save(directory / "lab.json")
    return directory


def down(directory):
    return main.main(["lab", "down", "--directory", str(directory)])


@pytest.fixture
def up(tmp_path, monkeypatch):
    """Bring up a lab that fails by an error; the exit code, and what was taken down."""
    monkeypatch.setattr(preflight, "check_host", lambda *words: None)
    monkeypatch.setattr(preflight, "check_free", lambda *words: None)

    def up(error, *words, down=None):
        taken = []

        def fail(*words):
            raise error

        def take(layout, steps):
            taken.append(layout.number)
            if down:
                raise down

        monkeypatch.setattr(lifecycle, "_up", fail)
        monkeypatch.setattr(lifecycle, "_down", take)
        code = main.main(["lab", "up", "--directory", str(tmp_path / "lab"), *words])
        return code, taken

    return up


@pytest.mark.parametrize(("error", "code"), ERRORS)
def test_a_new_lab_that_fails_leaves_nothing(up, error, code):
    assert up(error) == (code, [0])


@pytest.mark.parametrize(("error", "code"), ERRORS)
@pytest.mark.parametrize("kept", [True, False])
def test_what_stays_of_a_lab_that_failed_asks_for_more(
    up, tmp_path, capsys, error, code, kept
):
    if not kept:
        made(tmp_path / "lab")

    assert up(error, *(["--keep"] if kept else [])) == (3, [])
    assert "`lab down` takes it away" in capsys.readouterr().err


def test_a_lab_that_could_not_be_taken_down_asks_for_more(up):
    follow_up = exceptions.FollowUpNeeded("run `ironic-sideways lab down` again")

    assert up(OSError(28, "full"), down=follow_up) == (3, [0])


def test_a_lab_that_is_refused_is_no_change(up, tmp_path, capsys):
    made(tmp_path / "lab")

    assert up(OSError(28, "full"), "--nodes", "9") == (1, [])
    assert "a lab is here with nodes 8, asked for 9" in capsys.readouterr().err


def test_a_lab_that_goes_in_part_asks_for_more(tmp_path, monkeypatch, capsys):
    def remove(*words):
        raise OSError(5, "no answer")

    monkeypatch.setattr(bare_metal, "remove", remove)
    directory = made(tmp_path / "lab")

    assert down(directory) == 3
    assert "; run `ironic-sideways lab down` again\n" in capsys.readouterr().err


@pytest.fixture(params=["full", "closed"])
def lose_output(request, monkeypatch):
    """Let no line be printed; the exit code of a command that does nothing else."""
    if request.param == "full":
        descriptor, code = os.open("/dev/full", os.O_WRONLY), 1
    else:
        read, descriptor = os.pipe()
        os.close(read)
        code = 128 + signal.SIGPIPE
    stream = os.fdopen(descriptor, "w")

    def lose_output():
        # Not before: pytest sets its own when the test begins.
        monkeypatch.setattr("sys.stdout", stream)
        return code

    return lose_output


def test_a_new_lab_that_nobody_reads_of_is_taken_down(up, lose_output):
    lose_output()
    assert up(OSError(5, "no answer")) == (1, [0])


def test_a_lab_that_is_up_already_is_not_changed_by_who_does_not_read_so(
    lose_output, tmp_path, monkeypatch
):
    made(tmp_path / "lab")
    monkeypatch.setattr(status, "all_ready", lambda layout: True)
    monkeypatch.setattr(lifecycle, "BringUp", None)

    words = ["lab", "up", "--directory", str(tmp_path / "lab")]
    code = lose_output()
    assert main.main(words) == code


def test_a_lab_goes_though_nobody_reads_of_it(lose_output, tmp_path, capsys):
    directory = made(tmp_path / "lab")
    lose_output()
    (directory / "etc").mkdir()

    assert down(directory) == 3
    assert [path.name for path in directory.iterdir()] == ["lock"]
    assert "the lab is gone; then: " in capsys.readouterr().err


def test_a_status_that_nobody_reads_is_none_that_is_wrong(
    lose_output, tmp_path, monkeypatch
):
    made(tmp_path / "lab")
    monkeypatch.setattr(status, "look", lambda *words: {})

    words = ["lab", "status", "--directory", str(tmp_path / "lab")]
    code = lose_output()
    assert main.main(words) == code


def test_what_an_earlier_lab_left_is_told_of_when_the_next_up_would_remove_it(
    tmp_path, monkeypatch, capsys
):
    def fail(self):
        raise exceptions.SidewaysError("glance died")

    for name in ("check_host", "check_free"):
        monkeypatch.setattr(preflight, name, lambda *words: None)
    monkeypatch.setattr(BringUp, "run", fail)
    evidence = tmp_path / "lab" / "evidence"
    evidence.mkdir(parents=True)
    (evidence / "events.jsonl").touch()

    assert main.main(["lab", "up", "--directory", str(tmp_path / "lab")]) == 3
    kept = tmp_path / "lab" / "previous"
    assert [path.name for path in (kept / "evidence").iterdir()] == ["events.jsonl"]
    assert f"glance died; move {kept} " in capsys.readouterr().err


def test_a_directory_with_files_of_somebody_else_becomes_no_lab(up, tmp_path, capsys):
    own = tmp_path / "lab" / "thesis.tex"
    own.parent.mkdir()
    own.touch()

    assert up(OSError(28, "full")) == (1, [])
    assert own.exists()
    assert "found thesis.tex" in capsys.readouterr().err


@pytest.mark.parametrize("name", [*lifecycle.STAYING, lifecycle.RUN_MARK])
def test_what_a_run_or_an_earlier_lab_left_is_in_no_labs_way(up, tmp_path, name):
    (tmp_path / "lab").mkdir()
    (tmp_path / "lab" / name).touch()

    assert up(OSError(28, "full"))[1] == [0]


def test_a_directory_that_is_no_lab_stays(tmp_path, capsys):
    (tmp_path / "etc").mkdir()

    assert down(tmp_path) == 0
    assert (tmp_path / "etc").exists()
    assert "no lab here, nothing to do" in capsys.readouterr().out


def test_a_lab_whose_record_cannot_be_read_goes(tmp_path):
    directory = made(tmp_path / "lab")
    (directory / "lab.json").write_text('{"colour": "blue"}')

    assert down(directory) == 0
    assert not (directory / "lab.json").exists()
