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

"""tools/main_job/rounds.sh: there and back, also where one of the two is killed.

The phases and the rounds are the real ones; the window is a short one, and the
commands that look at the base are stubs.
"""

import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[3]
TIMEOUT_S = 30
UPGRADE = """#!/usr/bin/env bash
set -o errexit -o pipefail
room=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$room/deployments/lab.sh"
source "$room/phases.sh"
function migrate {
    echo rows >"$EVIDENCE_DIR/migration.json"
    [[ ! -e $EVIDENCE_DIR/stay-there ]] || sleep 60
    echo migrated >>"$CALLS"
}
function undo_migrate { echo undone >>"$CALLS"; }
function compute {
    change_option nova-compute DEFAULT compute_manager ours
    touch "$EVIDENCE_DIR/allocations.json"
    [[ ! -e $EVIDENCE_DIR/no-luck ]] || { echo "timeout $RESOURCES_TIMEOUT"; exit 1; }
    echo computed >>"$CALLS"
}
function undo_compute {
    put_option_back nova-compute DEFAULT compute_manager
    echo options back >>"$CALLS"
    [[ ! -e $EVIDENCE_DIR/stay ]] || { rm "$EVIDENCE_DIR/stay"; sleep 60; }
    echo compute undone >>"$CALLS"
}
phase migrate migrate "move nova_bm into Ironic"
phase compute compute "switch nova-compute"
phase end-maintenance false "end of maintenance"
case $1 in
    --list) list_phases ;;
    --to) run_phases "$2" ;;
    --rollback) undo_phases ;;
esac
"""
COMMAND = """#!/usr/bin/env bash
case "$1 $2" in
    "record "*) exit 0 ;;
    "lab service-log") echo vbmcd.log; exit 0 ;;
    "lab get-option") [[ -e $LAB/option ]] && cat "$LAB/option" || echo "$6"; exit 0 ;;
    "lab set-option") echo "$6" >"$LAB/option" ;;
    "lab unset-option") rm "$LAB/option" ;;
    "lab show"|"lab database-url") exit 0 ;;
    "sabotage choose")
        [[ $3 != nix ]] || { echo "ironic-sideways: sabotage nix: no" >&2; exit 2; }
        tr , '\n' <<<"$3"
        exit 0
        ;;
    "sabotage plan")
        echo "${AFTER:-migrate} ${UNTIL:-compute} ${LOOK:--} ${KIND:-mendable}"
        exit 0
        ;;
    "sabotage break") touch "$LAB/sabotage.json" ;;
    "sabotage mend") rm "$LAB/sabotage.json" ;;
    "sabotage judge")
        [[ -z $GREEN ]] || { echo "expected the verdict to name $3" >&2; exit 1; }
        echo "named: $3"
        ;;
    "evidence base") touch "${@: -1}" ;;
    "evidence way-back") [[ -z $RED ]] || { echo "flavors: lost" >&2; exit 1; } ;;
esac
echo "$1 $2" >>"$CALLS"
"""
RUN = """
set -o errexit -o pipefail
REPOSITORY={root}
source "$REPOSITORY/grenade/deployments/lab.sh"
source "$REPOSITORY/grenade/phases.sh"
source "$REPOSITORY/tools/main_job/rounds.sh"
ROUNDS=()
{choose} "{rounds}"
declare_rounds "${{ROUNDS[@]}}"
run_phases ""
"""


class Tree:
    def __init__(self, directory: Path) -> None:
        self.root = directory / "tree"
        self.lab = directory / "lab"
        self.evidence = self.lab / "evidence"
        (self.evidence / "phases").mkdir(parents=True)
        self.calls_file = directory / "calls"
        self.calls_file.touch()
        names = (
            *("grenade/jobs.sh", "grenade/phases.sh"),
            *("grenade/printable.sh", "grenade/summary.sh", "grenade/cloud.sh"),
            *("grenade/deployments/lab.sh", "tools/main_job/rounds.sh"),
        )
        for name in names:
            target = self.root / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(REPOSITORY / name, target)
        self.write("grenade/upgrade-ironic", UPGRADE)
        self.write("grenade/resources", '#!/bin/sh\necho "resources $1" >>"$CALLS"\n')
        self.write(".venv/bin/ironic-sideways", COMMAND)

    def write(self, name: str, text: str) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)

    def start(
        self, rounds: str, choose: str = "choose_rounds", **more: str
    ) -> subprocess.Popen[str]:
        script = RUN.format(root=self.root, rounds=rounds, choose=choose)
        return subprocess.Popen(
            ["bash", "-c", script],
            env={
                "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
                "IRONIC_SIDEWAYS_LAB": str(self.lab),
                "LAB": str(self.lab),
                "CALLS": str(self.calls_file),
                "RED": "",
                "GREEN": "",
                **more,
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def run(self, rounds: str, **more: str) -> tuple[int, str]:
        running = self.start(rounds, **more)
        output, _ = running.communicate(timeout=TIMEOUT_S)
        return running.returncode, output

    def sabotage(self, words: str, **more: str) -> tuple[int, str]:
        return self.run(words, choose="choose_sabotages", **more)

    def calls(self) -> list[str]:
        return self.calls_file.read_text().splitlines()


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return Tree(tmp_path)


def test_a_round_looks_goes_there_and_back_looks_again_and_uses_the_base(tree):
    code, output = tree.run("migrate")
    assert code == 0, output
    assert tree.calls() == [
        "evidence base",
        *("migrated", "undone"),
        *("evidence base", "evidence way-back"),
        *("resources verify", "resources use"),
    ]
    assert "there and back: migrate" in output
    kept = tree.evidence / "rollbacks/migrate"
    assert (kept / "base-before.json").exists() and (kept / "phases").is_dir()
    assert not (tree.evidence / "base-before.json").exists()


def test_a_phase_is_killed_in_its_middle_and_undone(tree):
    (tree.evidence / "stay-there").touch()
    code, output = tree.run("migrate-killed")
    assert code == 0, output
    assert tree.calls()[1:2] == ["undone"]


def test_a_way_back_is_killed_in_its_middle_and_gone_on_with(tree):
    (tree.evidence / "stay").touch()
    code, output = tree.run("compute-back-killed")
    assert code == 0, output
    back = [call for call in tree.calls() if "undone" in call or "back" in call]
    assert back == [
        *("options back", "options back", "compute undone", "undone"),
        "evidence way-back",
    ]
    assert not (tree.lab / "option").exists()


def test_what_was_set_before_is_set_again(tree):
    (tree.lab / "option").write_text("theirs\n")
    code, output = tree.run("compute")
    assert code == 0, output
    assert (tree.lab / "option").read_text() == "theirs\n"


def test_a_phase_that_ends_before_its_middle_is_a_failure(tree):
    tree.write("grenade/upgrade-ironic", "#!/bin/sh\necho migrate\n")
    code, output = tree.run("migrate-killed")
    assert code == 1
    assert "ended before its middle was seen" in output


def test_a_middle_that_does_not_come_is_a_failure_and_leaves_nothing_behind(tree):
    rounds = tree.root / "tools/main_job/rounds.sh"
    rounds.write_text(rounds.read_text().replace("TIMEOUT=1800", "TIMEOUT=0"))
    (tree.evidence / "stay-there").touch()
    text = UPGRADE.replace('echo rows >"$EVIDENCE_DIR/migration.json"', "true")
    tree.write("grenade/upgrade-ironic", text)
    code, output = tree.run("migrate-killed")
    assert code == 1
    assert "its middle was not reached within 0 s" in output
    session = (tree.evidence / "phases/session").read_text().strip()
    words = ["pgrep", "--session", session]
    assert subprocess.run(words, capture_output=True).stdout == b""


def test_a_base_that_is_not_as_it_was_ends_the_rounds(tree):
    code, output = tree.run("migrate,compute", RED="yes")
    assert code == 1
    assert output.splitlines()[-1] == "    | flavors: lost"
    assert "resources use" not in tree.calls()


def test_a_round_that_failed_goes_back_first_and_keeps_its_first_look(tree):
    tree.run("compute", RED="yes")
    tree.calls_file.write_text("")
    code, output = tree.run("compute")
    assert code == 0, output
    assert tree.calls().count("evidence base") == 1


def test_each_has_every_phase_and_every_middle_but_no_end(tree):
    code, output = tree.run("each", RED="yes")
    assert code == 1
    code, output = tree.run("nowhere")
    assert code == 2
    assert output.splitlines()[-1].partition("some of")[2].split() == [
        *("migrate", "migrate-killed", "compute", "compute-killed"),
        *("compute-back-killed", "end-maintenance-killed"),
    ]


def test_a_signal_to_the_run_ends_what_was_to_be_killed(tree):
    (tree.evidence / "stay-there").touch()
    text = UPGRADE.replace('echo rows >"$EVIDENCE_DIR/migration.json"', "true")
    tree.write("grenade/upgrade-ironic", text)
    running = tree.start("migrate-killed")
    session = tree.evidence / "phases/session"
    begun = tree.evidence / "phases/migrate.begun"
    deadline = time.monotonic() + TIMEOUT_S
    while not begun.exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    running.send_signal(signal.SIGTERM)
    running.communicate(timeout=TIMEOUT_S)
    assert running.returncode == 143
    words = ["pgrep", "--session", session.read_text().strip()]
    assert subprocess.run(words, capture_output=True).stdout == b""


def test_a_sabotage_is_done_judged_taken_back_and_the_base_compared(tree):
    code, output = tree.sabotage("vif+macs,allocation")
    assert code == 0, output
    one = [
        *("evidence base", "migrated", "sabotage break", "computed"),
        *("evidence collect", "sabotage judge", "lab service", "sabotage mend"),
        *("options back", "compute undone", "undone"),
        *("evidence base", "evidence way-back", "resources verify"),
    ]
    calls = [call for call in tree.calls() if call[:7] not in ("lab set", "lab uns")]
    assert calls == [*one, *one, "resources use"]
    figures = [line for line in output.splitlines() if "named: " in line]
    assert len(figures) == 2 and "sabotaged-vif+macs" in figures[0]
    assert figures[0].endswith("named: vif+macs")
    assert (tree.evidence / "rollbacks/sabotaged-allocation/phases").is_dir()


def test_a_window_is_broken_phase_by_phase_and_then_looked_at(tree):
    code, output = tree.sabotage("end", AFTER="migrate,compute", LOOK="look")
    assert code == 0, output
    calls = [call for call in tree.calls() if call[:7] not in ("lab set", "lab uns")]
    assert calls[:7] == [
        *("evidence base", "migrated", "sabotage break", "computed", "sabotage break"),
        *("evidence snapshot", "evidence collect"),
    ]


def test_a_phase_that_sees_a_sabotage_and_fails_is_no_failure(tree):
    (tree.evidence / "no-luck").touch()
    code, output = tree.sabotage("vif")
    assert code == 0, output
    assert "computed" not in tree.calls() and "sabotage judge" in tree.calls()
    log = tree.evidence / "rollbacks/sabotaged-vif/phases/compute.log"
    assert "timeout 30" in log.read_text()


def test_a_phase_that_fails_before_is_a_failure_of_its_own(tree):
    (tree.evidence / "no-luck").touch()
    code, output = tree.sabotage("vif", UNTIL="end-maintenance")
    assert code == 1
    assert output.splitlines()[-1].endswith(
        "a phase before end-maintenance failed, which cannot be due to it"
    )
    assert "sabotage judge" not in tree.calls()


def test_a_verdict_that_does_not_name_a_sabotage_is_a_failure(tree):
    code, output = tree.sabotage("vif", GREEN="yes")
    assert code == 1
    assert output.splitlines()[-1] == "    | expected the verdict to name vif"
    assert not (tree.lab / "sabotage.json").exists()
    assert "evidence way-back" not in tree.calls()


def test_a_sabotage_that_was_cut_short_is_taken_back_first(tree):
    tree.sabotage("vif", GREEN="yes")
    (tree.lab / "sabotage.json").touch()
    tree.calls_file.write_text("")
    code, output = tree.sabotage("vif")
    assert code == 0, output
    assert tree.calls()[:2] == ["lab service", "sabotage mend"]
    assert tree.calls().index("undone") < tree.calls().index("migrated")


def test_after_a_switched_machine_the_workload_is_a_new_one(tree):
    code, output = tree.sabotage("reboot", KIND="destructive")
    assert code == 0, output
    assert tree.calls()[-4:] == [
        *("resources destroy", "resources create", "resources verify"),
        "resources use",
    ]
    assert "evidence way-back" not in tree.calls()


def test_an_unknown_sabotage_is_bad_usage(tree):
    code, output = tree.sabotage("nix")
    assert (code, tree.calls()) == (2, [])
    assert "sabotage nix" in output
