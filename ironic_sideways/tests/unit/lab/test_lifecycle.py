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

import signal

import pytest

from ironic_sideways import exceptions
from ironic_sideways.cmd import main, program
from ironic_sideways.lab import bare_metal, lifecycle, preflight
from ironic_sideways.lab.record import LabRecord

ERRORS = [
    (exceptions.SidewaysError("glance died; its log:\n    the reason"), 1),
    (OSError(28, "No space left on device"), 1),
    (program.Ended(signal.SIGTERM), 143),
]


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
        record = LabRecord.new(0, 8, "nova_bm")
        (tmp_path / "lab").mkdir()
        record.save(tmp_path / "lab" / "lab.json")

    assert up(error, *(["--keep"] if kept else [])) == (3, [])
    assert "`lab down` takes it away" in capsys.readouterr().err


def test_a_lab_that_could_not_be_taken_down_asks_for_more(up):
    follow_up = exceptions.FollowUpNeeded("run `ironic-sideways lab down` again")

    assert up(OSError(28, "full"), down=follow_up) == (3, [0])


def test_a_lab_that_is_refused_is_no_change(up, tmp_path, capsys):
    record = LabRecord.new(0, 8, "nova_bm")
    (tmp_path / "lab").mkdir()
    record.save(tmp_path / "lab" / "lab.json")

    assert up(OSError(28, "full"), "--nodes", "9") == (1, [])
    assert "a lab is here with nodes 8, asked for 9" in capsys.readouterr().err


def test_a_lab_that_goes_in_part_asks_for_more(tmp_path, monkeypatch, capsys):
    def remove(*words):
        raise OSError(5, "no answer")

    monkeypatch.setattr(bare_metal, "remove", remove)
    (tmp_path / "lab").mkdir()

    assert main.main(["lab", "down", "--directory", str(tmp_path / "lab")]) == 3
    assert "; run `ironic-sideways lab down` again\n" in capsys.readouterr().err
