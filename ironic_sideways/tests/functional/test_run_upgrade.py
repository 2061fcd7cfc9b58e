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

"""tools/run_upgrade.sh in each bad case: what is kept, taken down, judged, said."""

import re
from pathlib import Path

import pytest

from ironic_sideways.tests.functional import upgrade_tree


@pytest.fixture
def tree(tmp_path: Path) -> upgrade_tree.Tree:
    return upgrade_tree.Tree(tmp_path)


def line(output: str, start: str) -> str:
    (found,) = re.findall(rf"^ *{re.escape(start)} *(.*)$", output, re.M)
    return str(found)


def test_a_run_says_a_line_a_phase_and_leaves_no_lab(tree: upgrade_tree.Tree) -> None:
    done = tree.run("--number", "7", "--network", "10.99", "--nodes", "5")
    assert (done.returncode, done.stderr) == (0, "")
    names = re.findall(r"^  ([a-z-]+) .* s  .*$", done.stdout, re.M)
    assert names == [
        *("dummy-images", "workload", "migrate", "end-maintenance"),
        *("verify", "restarted", "operate", "proxy", "tempest", "last-look"),
        "collect",
    ]
    assert tree.called("lab up --number 7 --network 10.99 --nodes 5 --cache")
    assert tree.calls()[-4:] == [
        f"verdict {tree.lab}/evidence --record --json {tree.lab}/evidence/verdict.json",
        f"report {tree.lab}/evidence",
        "lab down",
        "down complete",
    ]
    assert line(done.stdout, "evidence:") == f"{tree.lab}/evidence"
    assert line(done.stdout, "total:").endswith("s, exit code 0")


def test_what_is_left_out_is_not_judged(tree: upgrade_tree.Tree) -> None:
    assert tree.run("--no-tempest").returncode == 0
    assert not tree.called("tempest --os-cloud")
    assert tree.left_out() == "--left-out tempest"


def test_light_machines_are_not_operated_on_and_the_verdict_says_so(
    tree: upgrade_tree.Tree,
) -> None:
    assert tree.run("--light", "--nodes", "1000").returncode == 0
    assert tree.called("lab up --light --nodes 1000 --cache")
    assert tree.left_out() == "--left-out operations judges-again tempest"
    assert tree.called("workload switch")
    assert not tree.called("operate")
    assert not tree.called("tempest --os-cloud")
    assert tree.called("evidence leases")
    assert tree.called("proxy check")


def test_a_resumed_run_knows_a_light_lab(tree: upgrade_tree.Tree) -> None:
    assert tree.run("--light", FAIL_AT="stub-migrate").returncode == 1
    assert tree.run("--resume").returncode == 0
    assert tree.left_out() == "--left-out operations judges-again tempest"


@pytest.mark.parametrize(
    "options",
    [
        ("--light", "--deploys"),
        ("--light", "--workers", "0"),
        ("--light", "--nodes", "1001"),
        ("--nodes", "101"),
    ],
)
def test_what_machines_cannot_do_is_refused(
    tree: upgrade_tree.Tree, options: tuple[str, ...]
) -> None:
    done = tree.run(*options)

    assert done.returncode == 2
    assert "light" in done.stderr or "expected a number from 5 to" in done.stderr
    assert tree.calls() == []


def test_a_whole_run_records_that_it_leaves_out_nothing(
    tree: upgrade_tree.Tree,
) -> None:
    assert tree.run().returncode == 0
    assert tree.left_out() == "--left-out"


def test_all_of_tempest_runs_after_the_move_and_the_selection_before(
    tree: upgrade_tree.Tree,
) -> None:
    assert tree.run("--tempest-all").returncode == 0
    assert tree.called("lab service start nova-metadata")
    before, after = (call for call in tree.calls() if call.startswith("tempest "))
    assert "--ironic-cloud" not in before and "--all" not in before.split()
    assert "--cache" in before
    assert "--ironic-cloud" in after and "--all" in after.split()


def test_the_agent_cleans_and_deploys_again_only_when_told_so(
    tree: upgrade_tree.Tree,
) -> None:
    assert tree.run("--no-tempest").returncode == 0
    assert not tree.called("workload clean_and_deploy")
    assert tree.run("--no-tempest", "--deploys").returncode == 0
    assert tree.called("workload clean_and_deploy --ironic-cloud")


@pytest.mark.parametrize("whole", [False, True])
def test_leases_are_looked_at_in_a_window_and_not_in_the_whole_of_several(
    tree: upgrade_tree.Tree, whole: bool
) -> None:
    evidence = tree.lab / "evidence"
    (evidence / "increments" if whole else evidence).mkdir(parents=True)
    script = (
        f"REPOSITORY={tree.root} EVIDENCE_DIR={evidence}; tell() {{ :; }}; "
        f"ironic-sideways() {{ echo $*; }}; . {tree.root}/grenade/proof.sh; "
        "verify_workload"
    )

    done = tree.shell("bash", "-c", script)

    looked = "" if whole else f"evidence leases --directory {evidence}\n"
    assert (done.returncode, done.stdout) == (0, looked)


@pytest.mark.parametrize(
    "phase", ["workload verify", "workload operate", "proxy check", "tempest --"]
)
def test_a_failure_after_the_window_is_judged_all_the_same(
    tree: upgrade_tree.Tree, phase: str
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


def test_a_resumed_run_collects_and_judges_anew(tree: upgrade_tree.Tree) -> None:
    tree.run(FAIL_AT="workload operate")
    done = tree.run("--resume")
    assert done.returncode == 0
    for what in ("evidence collect", "verdict"):
        assert sum(call.startswith(what) for call in tree.calls()) == 2
    assert tree.called("down complete")


def test_a_red_verdict_fails_a_run_without_fault(tree: upgrade_tree.Tree) -> None:
    done = tree.run(FAIL_AT="verdict")
    assert done.returncode == 1
    assert not tree.called("lab down")


def test_a_failure_in_the_window_can_be_rolled_back_or_resumed(
    tree: upgrade_tree.Tree,
) -> None:
    done = tree.run("--no-tempest", "--keep", FAIL_AT="stub-migrate")
    assert done.returncode == 1
    assert line(done.stdout, "roll back:").endswith("upgrade-ironic --rollback")
    resume = line(done.stdout, "resume:")
    assert resume == (
        f"{tree.script} --resume --directory {tree.lab} --no-tempest --keep"
    )

    again = tree.shell("bash", "-c", f"cd / && {resume}")
    assert again.returncode == 0
    assert again.stdout.count("already done") == 2
    assert (tree.lab / "lab.json").exists()


def test_a_failed_window_is_judged_and_ends_in_the_verdicts_line(
    tree: upgrade_tree.Tree,
) -> None:
    said = "FAILED: window: phase migrate: no luck | evidence: phases/migrate.log:3"
    done = tree.run(FAIL_AT="stub-migrate", VERDICT=said)
    assert done.returncode == 1
    assert tree.called("verdict")
    assert done.stdout.splitlines()[-1] == f"verdict: {said}"


def test_before_the_window_there_is_nothing_to_roll_back(
    tree: upgrade_tree.Tree,
) -> None:
    done = tree.run(FAIL_AT="workload create")
    assert done.returncode == 1
    assert tree.called("report ")
    assert "roll back" not in done.stdout
    assert "resume:" in done.stdout


def test_a_lab_that_is_refused_leaves_the_earlier_evidence(
    tree: upgrade_tree.Tree,
) -> None:
    tree.leave_a_lab()
    done = tree.run(FAIL_AT="lab up")
    assert done.returncode == 1
    assert (tree.lab / "evidence/earlier.json").exists()
    assert not (tree.lab / "left-by-run").exists()
    assert line(done.stdout, "total:").endswith("exit code 1")
    assert "evidence:" not in done.stdout


@pytest.mark.parametrize("supervisord", [[], ["supervisord"]])
def test_what_a_run_left_is_taken_down_even_if_it_is_half_dead(
    tree: upgrade_tree.Tree, supervisord: list[str]
) -> None:
    tree.leave_a_lab("lab.json", "left-by-run", *supervisord)
    assert tree.run().returncode == 0
    assert tree.calls()[0] == "lab down"
    assert (tree.lab / "previous/earlier.json").exists()


@pytest.mark.parametrize("supervisord", [[], ["supervisord"]])
def test_a_lab_that_no_run_left_is_not_touched(
    tree: upgrade_tree.Tree, supervisord: list[str]
) -> None:
    tree.leave_a_lab("lab.json", *supervisord)
    done = tree.run()
    assert (done.returncode, done.stdout, tree.calls()) == (1, "", [])
    assert done.stderr.count("\n") == 1
    assert "lab down --directory" in done.stderr
    assert (tree.lab / "evidence/earlier.json").exists()


def test_a_kept_lab_stays_up_after_a_resumed_run_which_says_so(
    tree: upgrade_tree.Tree,
) -> None:
    assert tree.run("--keep").returncode == 0
    done = tree.run("--resume")
    assert done.returncode == 0
    assert "The lab stays up" in done.stdout
    assert not tree.called("lab down")


def test_nothing_to_resume_is_refused(tree: upgrade_tree.Tree) -> None:
    done = tree.run("--resume")
    assert done.returncode == 1
    assert "no lab is up here" in done.stderr


@pytest.mark.parametrize(
    "options",
    [
        *(
            ["--nodes", "3"],
            ["--nodes", "many"],
            ["--number", "100"],
            ["--network"],
            ["--nodes"],
        ),
        *(["--directory", ""], ["--base-driver", "ironic"], ["--rollback-from"]),
        *(["--resume", "--nodes", "5"], ["--resume", "--base-driver", "fake"]),
        ["--deploys", "--base-driver", "fake"],
        *(["--sabotage"], ["--sabotage", "vif", "--base-driver", "fake"]),
    ],
)
def test_bad_usage_is_refused_in_one_line(
    tree: upgrade_tree.Tree, options: list[str]
) -> None:
    done = tree.run(*options)
    assert (done.returncode, done.stdout, tree.calls()) == (2, "", [])
    assert done.stderr.count("\n") == 1
    assert any(option in done.stderr for option in options if option)


def test_what_a_run_does_more_is_recorded_before_it_begins(
    tree: upgrade_tree.Tree,
) -> None:
    done = tree.run("--by-shape", "--workers", "1", FAIL_AT="workload create")
    assert done.returncode == 1
    told = (tree.lab / "evidence" / "added").read_text()
    assert told == "--added exact-match workers\n"

    assert tree.run("--no-tempest").returncode == 0
    assert not (tree.lab / "evidence" / "added").exists()


def test_each_sabotage_is_a_round_before_the_move(tree: upgrade_tree.Tree) -> None:
    done = tree.run("--no-tempest", "--sabotage", "vif+macs,allocation")
    assert (done.returncode, done.stderr) == (0, "")
    rounds = re.findall(r"there and back: (\S+)", done.stdout)
    assert rounds == ["sabotaged-vif+macs", "sabotaged-allocation"]
    acts = [call for call in tree.calls() if call.startswith("sabotage break")]
    names = ("vif+macs", "allocation")
    assert acts == [f"sabotage break {name} migrate" for name in names]
    after = [call for call in tree.calls() if call.startswith("proxy check")]
    assert tree.calls().index(acts[1]) < tree.calls().index(after[0])


def test_an_unknown_sabotage_is_refused_before_there_is_a_lab(
    tree: upgrade_tree.Tree,
) -> None:
    done = tree.run("--sabotage", "nix")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "ironic-sideways: sabotage nix: no\n"
    assert not tree.called("lab up")


def test_another_release_has_its_own_environment_from_the_lab_to_the_way_back(
    tree: upgrade_tree.Tree,
) -> None:
    tree.write("tools/prepare_host.sh", '#!/bin/sh\necho "prepare $*" >>"$CALLS"\n')
    (tree.root / ".venv").rename(tree.root / ".venv-2026.1")

    done = tree.run("--release", "2026.1", FAIL_AT="stub-migrate")

    assert done.returncode == 1
    assert tree.calls()[0] == "prepare --release 2026.1"
    assert tree.called("lab up") and tree.called("stub-migrate")
    own = f"{tree.root}/.venv-2026.1"
    assert "--release 2026.1" in line(done.stdout, "resume:")
    assert f"IRONIC_SIDEWAYS_VENV={own} " in line(done.stdout, "roll back:")
    assert line(done.stdout, "end it:").startswith(f"{own}/bin/ironic-sideways ")


def test_a_release_that_is_none_is_refused(tree: upgrade_tree.Tree) -> None:
    done = tree.run("--release", "2014.2")
    assert done.returncode == 2
    assert "--release 2014.2: expected 2026.1 or 2026.2" in done.stderr
    assert tree.calls() == []
