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

"""tools/run_upgrade.sh in each bad case: what is kept, taken down, judged, said.

The scripts are the real ones in a copied tree; the commands that they call are
stubs, which fail or stay where a test tells them to.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).parents[3]
TIMEOUT_S = 30
REAL = (
    "tools/run_upgrade.sh",
    "grenade/jobs.sh",
    "grenade/phases.sh",
    "grenade/proof.sh",
    "grenade/increments.sh",
    "grenade/rounds.sh",
    "grenade/cloud.sh",
    "grenade/resources",
    "grenade/deployments/lab.sh",
)
#: Ends with the phase that run_upgrade.sh looks for.
UPGRADE = """#!/usr/bin/env bash
set -o errexit -o pipefail
room=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$room/deployments/lab.sh"
source "$room/phases.sh"
take_lock "$IRONIC_SIDEWAYS_LAB"
function migrate { tell ironic-sideways stub-migrate; }
function end { tell ironic-sideways stub-end-maintenance; }
phase migrate migrate "move nova_bm into Ironic"
phase end-maintenance end "end of maintenance"
run_phases ""
"""
COMMAND = """#!/usr/bin/env bash
lab=$IRONIC_SIDEWAYS_LAB
if [[ $1 == record ]]; then
    echo "$5 $7 ${11}" >>"$lab/evidence/events"
    [[ $4 != --added ]] || echo "${*:4}" >"$lab/evidence/added"
    [[ $4 != --left-out ]] || echo "${*:4}" >"$lab/evidence/left-out"
    exit 0
fi
echo "$*" >>"$CALLS"
if [[ -n ${STAY_AT:-} && "$*" =~ $STAY_AT ]]; then
    echo $$ >"$CALLS.pid"
    read -r <"$CALLS.go"
    echo "went on" >>"$CALLS"
fi
due=${FAIL_AT:-}
[[ -z ${FAIL_AFTER:-} || -e $lab/evidence/phases/$FAIL_AFTER.done ]] || due=""
if [[ -n $due && "$*" == *$due* ]]; then
    echo "ironic-sideways: no luck with $1" >&2
    exit 3
fi
case "$1 $2" in
    "lab up")
        [[ ! -e $lab/evidence ]] || mv "$lab/evidence" "$lab/previous"
        mkdir "$lab/evidence"
        touch "$lab/lab.json" "$lab/supervisord"
        ;;
    "lab running") [[ -e $lab/supervisord ]] ;;
    "lab down")
        rm -f "$lab"/{lab.json,supervisord,left-by-run}
        echo "nothing left"
        echo "down complete" >>"$CALLS"
        ;;
    "lab show") echo nova_bm ;;
    "sabotage choose")
        [[ $3 != nix ]] || { echo "ironic-sideways: sabotage nix: no" >&2; exit 2; }
        tr , '\n' <<<"$3"
        ;;
    "sabotage plan") echo migrate migrate mendable ;;
    "evidence base") touch "${@: -1}" ;;
    "verdict "*) echo "verdict: ${VERDICT:-PASSED}" ;;
esac
"""


class Tree:
    def __init__(self, directory: Path) -> None:
        self.root = directory / "tree"
        self.lab = directory / "lab"
        self.calls_file = directory / "calls"
        self.calls_file.touch()
        self.go = directory / "calls.go"
        os.mkfifo(self.go)
        for name in REAL:
            (self.root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(REPOSITORY / name, self.root / name)
        self.write("tools/prepare_host.sh", "#!/bin/sh\n")
        self.write("tools/fake_deploy_images.sh", "#!/bin/sh\n")
        self.write("tools/novaclient_7.sh", "#!/bin/sh\necho $1/bin/nova\n")
        self.write("grenade/upgrade-ironic", UPGRADE)
        self.write(".venv/bin/ironic-sideways", COMMAND)
        self.script = self.root / "tools/run_upgrade.sh"

    def write(self, name: str, text: str) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)

    def environment(self, **more: str) -> dict[str, str]:
        path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        return {"PATH": path, "CALLS": str(self.calls_file), **more}

    def words(self, *options: str) -> list[str]:
        return [str(self.script), "--directory", str(self.lab), *options]

    def run(self, *options: str, **more: str) -> subprocess.CompletedProcess[str]:
        return self.shell(*self.words(*options), **more)

    def shell(self, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            words,
            env=self.environment(**more),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
        )

    def start(self, *words: str, stay_at: str, **options: Any) -> subprocess.Popen[str]:
        """Start a run, and return when it is where it stays."""
        running = subprocess.Popen(
            # A caller in the background may ignore SIGINT: the default again.
            ["env", "--default-signal", *words],
            env=self.environment(STAY_AT=stay_at),
            stdin=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
            **{"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, **options},
        )
        self.wait_for_stay()
        return running

    def wait_for_stay(self) -> int:
        pid_file = Path(f"{self.calls_file}.pid")
        deadline = time.monotonic() + TIMEOUT_S
        while not (pid_file.exists() and pid_file.read_text()):
            assert time.monotonic() < deadline, self.calls()
            time.sleep(0.02)
        pid = int(pid_file.read_text())
        pid_file.unlink()
        return pid

    def let_go(self) -> None:
        self.go.write_text("go\n")

    def left_out(self) -> str:
        return (self.lab / "evidence" / "left-out").read_text().strip()

    def calls(self) -> list[str]:
        return self.calls_file.read_text().splitlines()

    def called(self, text: str) -> bool:
        return any(text in call for call in self.calls())

    def leave_a_lab(self, *files: str) -> None:
        (self.lab / "evidence").mkdir(parents=True)
        (self.lab / "evidence/earlier.json").write_text(json.dumps("earlier"))
        for name in files:
            (self.lab / name).touch()


@pytest.fixture
def tree(tmp_path: Path) -> Iterator[Tree]:
    yield Tree(tmp_path)


def line(output: str, start: str) -> str:
    (found,) = re.findall(rf"^ *{re.escape(start)} *(.*)$", output, re.M)
    return str(found)


def test_a_run_says_a_line_a_phase_and_leaves_no_lab(tree: Tree) -> None:
    done = tree.run("--number", "7", "--nodes", "5")
    assert (done.returncode, done.stderr) == (0, "")
    names = re.findall(r"^  ([a-z-]+) .* s  .*$", done.stdout, re.M)
    assert names == [
        *("dummy-images", "workload", "migrate", "end-maintenance"),
        *("verify", "operate", "proxy", "tempest", "collect"),
    ]
    assert tree.called("lab up --number 7 --nodes 5 --cache")
    assert tree.calls()[-4:] == [
        f"verdict {tree.lab}/evidence --record --json {tree.lab}/evidence/verdict.json",
        f"report {tree.lab}/evidence",
        "lab down",
        "down complete",
    ]
    assert line(done.stdout, "evidence:") == f"{tree.lab}/evidence"
    assert line(done.stdout, "total:").endswith("s, exit code 0")


def test_what_is_left_out_is_not_judged(tree: Tree) -> None:
    assert tree.run("--no-tempest").returncode == 0
    assert not tree.called("tempest --os-cloud")
    assert tree.left_out() == "--left-out tempest"


def test_a_whole_run_records_that_it_leaves_out_nothing(tree: Tree) -> None:
    assert tree.run().returncode == 0
    assert tree.left_out() == "--left-out"


def test_all_of_tempest_runs_after_the_move_and_the_selection_before(
    tree: Tree,
) -> None:
    assert tree.run("--tempest-all").returncode == 0
    assert tree.called("lab service start nova-metadata")
    before, after = (call for call in tree.calls() if call.startswith("tempest "))
    assert "--ironic-cloud" not in before and "--all" not in before.split()
    assert "--ironic-cloud" in after and "--all" in after.split()


def test_the_agent_cleans_and_deploys_again_only_when_told_so(tree: Tree) -> None:
    assert tree.run("--no-tempest").returncode == 0
    assert not tree.called("workload clean_and_deploy")
    assert tree.run("--no-tempest", "--deploys").returncode == 0
    assert tree.called("workload clean_and_deploy --ironic-cloud")


@pytest.mark.parametrize(
    "phase", ["workload verify", "workload operate", "proxy check", "tempest --"]
)
def test_a_failure_after_the_window_is_judged_all_the_same(
    tree: Tree, phase: str
) -> None:
    done = tree.run(FAIL_AT=phase, FAIL_AFTER="end-maintenance")
    assert done.returncode == 1
    assert "FAILED after" in done.stdout
    assert "    | ironic-sideways: no luck with" in done.stdout
    assert "verdict: PASSED" in done.stdout
    assert tree.called("evidence collect")
    assert not tree.called("lab down")
    assert "roll back" not in done.stdout
    assert line(done.stdout, "total:").endswith("exit code 1")


def test_a_resumed_run_collects_and_judges_anew(tree: Tree) -> None:
    tree.run(FAIL_AT="workload operate")
    done = tree.run("--resume")
    assert done.returncode == 0
    for what in ("evidence collect", "verdict"):
        assert sum(call.startswith(what) for call in tree.calls()) == 2
    assert tree.called("down complete")


def test_a_red_verdict_fails_a_run_without_fault(tree: Tree) -> None:
    done = tree.run(FAIL_AT="verdict")
    assert done.returncode == 1
    assert not tree.called("lab down")


def test_a_failure_in_the_window_can_be_rolled_back_or_resumed(tree: Tree) -> None:
    done = tree.run("--no-tempest", "--keep", FAIL_AT="stub-migrate")
    assert done.returncode == 1
    assert line(done.stdout, "roll back:").endswith("upgrade-ironic --rollback")
    resume = line(done.stdout, "resume:")
    assert resume == (
        f"{tree.script} --resume --directory {tree.lab} --no-tempest --keep"
    )

    again = tree.shell("bash", "-c", f"cd / && {resume}")
    assert again.returncode == 0
    assert again.stdout.count("done before") == 2
    assert (tree.lab / "lab.json").exists()


def test_a_failed_window_is_judged_and_ends_in_the_verdicts_line(tree: Tree) -> None:
    said = "FAILED: window: phase migrate: no luck | evidence: phases/migrate.log:3"
    done = tree.run(FAIL_AT="stub-migrate", VERDICT=said)
    assert done.returncode == 1
    assert tree.called("verdict")
    assert done.stdout.splitlines()[-1] == f"verdict: {said}"


def test_before_the_window_there_is_nothing_to_roll_back(tree: Tree) -> None:
    done = tree.run(FAIL_AT="workload create")
    assert done.returncode == 1
    assert tree.called("report ")
    assert "roll back" not in done.stdout
    assert "resume:" in done.stdout


def test_a_lab_that_is_refused_leaves_the_earlier_evidence(tree: Tree) -> None:
    tree.leave_a_lab()
    done = tree.run(FAIL_AT="lab up")
    assert done.returncode == 1
    assert (tree.lab / "evidence/earlier.json").exists()
    assert not (tree.lab / "left-by-run").exists()
    assert line(done.stdout, "total:").endswith("exit code 1")
    assert "evidence:" not in done.stdout


@pytest.mark.parametrize("supervisord", [[], ["supervisord"]])
def test_what_a_run_left_is_taken_down_even_if_it_is_half_dead(
    tree: Tree, supervisord: list[str]
) -> None:
    tree.leave_a_lab("lab.json", "left-by-run", *supervisord)
    assert tree.run().returncode == 0
    assert tree.calls()[0] == "lab down"
    assert (tree.lab / "previous/earlier.json").exists()


@pytest.mark.parametrize("supervisord", [[], ["supervisord"]])
def test_a_lab_that_no_run_left_is_not_touched(
    tree: Tree, supervisord: list[str]
) -> None:
    tree.leave_a_lab("lab.json", *supervisord)
    done = tree.run()
    assert (done.returncode, done.stdout, tree.calls()) == (1, "", [])
    assert done.stderr.count("\n") == 1
    assert "lab down --directory" in done.stderr
    assert (tree.lab / "evidence/earlier.json").exists()


def test_a_kept_lab_stays_up_after_a_resumed_run_which_says_so(tree: Tree) -> None:
    assert tree.run("--keep").returncode == 0
    done = tree.run("--resume")
    assert done.returncode == 0
    assert "The lab stays up" in done.stdout
    assert not tree.called("lab down")


def test_nothing_to_resume_is_refused(tree: Tree) -> None:
    done = tree.run("--resume")
    assert done.returncode == 1
    assert "no lab is up here" in done.stderr


@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)],
)
@pytest.mark.parametrize("where", ["lab up", "workload create", "stub-migrate"])
def test_a_signal_to_the_script_alone_ends_its_phase_and_its_lab(
    tree: Tree, number: signal.Signals, code: int, where: str
) -> None:
    running = tree.start(*tree.words(), stay_at=where)
    running.send_signal(number)
    output, _ = running.communicate(timeout=TIMEOUT_S)
    assert running.returncode == code
    assert not tree.called("went on")
    assert f"Interrupted by {number.name}." in output
    assert not (tree.lab / "lab.json").exists()
    if where != "lab up":
        assert tree.called("down complete")
        assert "INTERRUPTED after" in output
        events = (tree.lab / "evidence/events").read_text()
        assert f"interrupted {number.name}" in events


def test_a_second_interruption_does_not_end_the_taking_down(tree: Tree) -> None:
    running = tree.start(*tree.words(), stay_at="workload create|lab down")
    os.killpg(running.pid, signal.SIGINT)
    tree.wait_for_stay()
    assert tree.calls()[-1] == "lab down"
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        os.killpg(running.pid, number)
    tree.let_go()
    running.communicate(timeout=TIMEOUT_S)
    assert running.returncode == 130
    assert tree.calls()[-2:] == ["went on", "down complete"]


def test_the_lab_goes_down_though_tee_died_of_the_same_ctrl_c(
    tree: Tree, tmp_path: Path
) -> None:
    line_of_shell = f"{' '.join(tree.words())} 2>&1 | tee {tmp_path / 'log'}"
    running = tree.start("bash", "-c", line_of_shell, stay_at="workload create")
    os.killpg(running.pid, signal.SIGINT)
    running.communicate(timeout=TIMEOUT_S)
    wait_until_free(tree.lab / "run.lock")
    assert tree.called("down complete")
    assert not (tree.lab / "lab.json").exists()


def test_the_lab_goes_down_when_the_reader_of_the_output_is_gone(tree: Tree) -> None:
    running = tree.start(*tree.words(), stay_at="workload create")
    assert running.stdout is not None
    running.stdout.close()
    tree.let_go()
    assert running.wait(TIMEOUT_S) == 141
    assert tree.called("down complete")


def test_with_keep_an_interrupted_lab_stays_to_be_resumed(tree: Tree) -> None:
    running = tree.start(*tree.words("--keep"), stay_at="workload create")
    running.send_signal(signal.SIGINT)
    output, _ = running.communicate(timeout=TIMEOUT_S)
    assert running.returncode == 130
    assert "resume:" in output and "end it:" in output
    assert not tree.called("lab down")


def test_two_runs_do_not_work_in_one_lab(tree: Tree) -> None:
    running = tree.start(*tree.words(), stay_at="workload create")
    before = tree.calls()
    done = tree.run()
    assert (done.returncode, done.stdout) == (1, "")
    assert f"(pid {running.pid})" in done.stderr
    assert tree.calls() == before
    tree.let_go()
    running.communicate(timeout=TIMEOUT_S)
    assert running.returncode == 0


def wait_until_free(lock: Path) -> None:
    words = ["flock", "--wait", str(TIMEOUT_S), str(lock), "true"]
    subprocess.run(words, check=True, timeout=TIMEOUT_S)


@pytest.mark.parametrize(
    "options",
    [
        *(["--nodes", "3"], ["--nodes", "many"], ["--number", "100"], ["--nodes"]),
        *(["--directory", ""], ["--base-driver", "ironic"], ["--rollback-from"]),
        *(["--resume", "--nodes", "5"], ["--resume", "--base-driver", "fake"]),
        ["--deploys", "--base-driver", "fake"],
        *(["--sabotage"], ["--sabotage", "vif", "--base-driver", "fake"]),
    ],
)
def test_bad_usage_is_refused_in_one_line(tree: Tree, options: list[str]) -> None:
    done = tree.run(*options)
    assert (done.returncode, done.stdout, tree.calls()) == (2, "", [])
    assert done.stderr.count("\n") == 1
    assert any(option in done.stderr for option in options if option)


def test_what_a_run_does_more_is_recorded_before_it_begins(tree: Tree) -> None:
    done = tree.run("--by-shape", "--workers", "1", FAIL_AT="workload create")
    assert done.returncode == 1
    told = (tree.lab / "evidence" / "added").read_text()
    assert told == "--added exact-match workers\n"

    assert tree.run("--no-tempest").returncode == 0
    assert not (tree.lab / "evidence" / "added").exists()


def test_each_sabotage_is_a_round_before_the_move(tree: Tree) -> None:
    done = tree.run("--no-tempest", "--sabotage", "vif+macs,allocation")
    assert (done.returncode, done.stderr) == (0, "")
    rounds = re.findall(r"there and back: (\S+)", done.stdout)
    assert rounds == ["sabotaged-vif+macs", "sabotaged-allocation"]
    acts = [call for call in tree.calls() if call.startswith("sabotage break")]
    assert acts == ["sabotage break vif+macs", "sabotage break allocation"]
    after = [call for call in tree.calls() if call.startswith("proxy check")]
    assert tree.calls().index(acts[1]) < tree.calls().index(after[0])


def test_an_unknown_sabotage_is_refused_before_there_is_a_lab(tree: Tree) -> None:
    done = tree.run("--sabotage", "nix")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "ironic-sideways: sabotage nix: no\n"
    assert not tree.called("lab up")


@pytest.mark.parametrize("verb", ["verfy", ""])
def test_a_mistyped_verb_of_the_resources_is_bad_usage(tree: Tree, verb: str) -> None:
    done = tree.shell(str(tree.root / "grenade/resources"), verb)
    assert (done.returncode, tree.calls()) == (2, [])
    assert f"verb '{verb}': expected early_create" in done.stderr


def test_grenade_may_call_a_verb_that_has_nothing_to_do(tree: Tree) -> None:
    done = tree.shell(str(tree.root / "grenade/resources"), "early_create")
    assert (done.returncode, done.stderr, tree.calls()) == (0, "", [])
