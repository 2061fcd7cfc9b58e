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

"""tools/run_upgrade.sh interrupted, or begun twice: its phase and its lab end."""

import os
import signal
import subprocess
from pathlib import Path

import pytest

from ironic_sideways.tests.functional import upgrade_tree


@pytest.fixture
def tree(tmp_path: Path) -> upgrade_tree.Tree:
    return upgrade_tree.Tree(tmp_path)


def wait_until_free(lock: Path) -> None:
    words = ["flock", "--wait", str(upgrade_tree.TIMEOUT_S), str(lock), "true"]
    subprocess.run(words, check=True, timeout=upgrade_tree.TIMEOUT_S)


@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)],
)
@pytest.mark.parametrize("where", ["lab up", "workload create", "stub-migrate"])
def test_a_signal_to_the_script_alone_ends_its_phase_and_its_lab(
    tree: upgrade_tree.Tree, number: signal.Signals, code: int, where: str
) -> None:
    running = tree.start(*tree.words(), stay_at=where)
    running.send_signal(number)
    output, _ = running.communicate(timeout=upgrade_tree.TIMEOUT_S)
    assert running.returncode == code
    assert not tree.called("went on")
    assert f"Interrupted by {number.name}." in output
    assert not (tree.lab / "lab.json").exists()
    if where != "lab up":
        assert tree.called("down complete")
        assert "INTERRUPTED after" in output
        events = (tree.lab / "evidence/events").read_text()
        assert f"interrupted {number.name}" in events


def test_a_second_interruption_does_not_end_the_taking_down(
    tree: upgrade_tree.Tree,
) -> None:
    running = tree.start(*tree.words(), stay_at="workload create|lab down")
    os.killpg(running.pid, signal.SIGINT)
    tree.wait_for_stay()
    assert tree.calls()[-1] == "lab down"
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        os.killpg(running.pid, number)
    tree.let_go()
    running.communicate(timeout=upgrade_tree.TIMEOUT_S)
    assert running.returncode == 130
    assert tree.calls()[-2:] == ["went on", "down complete"]


def test_the_lab_goes_down_though_tee_died_of_the_same_ctrl_c(
    tree: upgrade_tree.Tree, tmp_path: Path
) -> None:
    line_of_shell = f"{' '.join(tree.words())} 2>&1 | tee {tmp_path / 'log'}"
    running = tree.start("bash", "-c", line_of_shell, stay_at="workload create")
    os.killpg(running.pid, signal.SIGINT)
    running.communicate(timeout=upgrade_tree.TIMEOUT_S)
    wait_until_free(tree.lab / "run.lock")
    assert tree.called("down complete")
    assert not (tree.lab / "lab.json").exists()


def test_the_lab_goes_down_when_the_reader_of_the_output_is_gone(
    tree: upgrade_tree.Tree,
) -> None:
    running = tree.start(*tree.words(), stay_at="workload create")
    assert running.stdout is not None
    running.stdout.close()
    tree.let_go()
    assert running.wait(upgrade_tree.TIMEOUT_S) == 141
    assert tree.called("down complete")


def test_with_keep_an_interrupted_lab_stays_to_be_resumed(
    tree: upgrade_tree.Tree,
) -> None:
    running = tree.start(*tree.words("--keep"), stay_at="workload create")
    running.send_signal(signal.SIGINT)
    output, _ = running.communicate(timeout=upgrade_tree.TIMEOUT_S)
    assert running.returncode == 130
    assert "resume:" in output and "end it:" in output
    assert not tree.called("lab down")


def test_two_runs_do_not_work_in_one_lab(tree: upgrade_tree.Tree) -> None:
    running = tree.start(*tree.words(), stay_at="workload create")
    before = tree.calls()
    done = tree.run()
    assert (done.returncode, done.stdout) == (1, "")
    assert f"(pid {running.pid})" in done.stderr
    assert tree.calls() == before
    tree.let_go()
    running.communicate(timeout=upgrade_tree.TIMEOUT_S)
    assert running.returncode == 0
