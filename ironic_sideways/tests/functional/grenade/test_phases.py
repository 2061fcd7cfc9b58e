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

"""grenade/phases.sh: resumed, recorded, undone; a failure is never lost."""

import subprocess
import sys
from pathlib import Path

import pytest

PHASES = Path(__file__).parents[4] / "grenade" / "phases.sh"

SCRIPT = f"""
set -o errexit -o pipefail
source {PHASES}
phase one first "the first"
phase two second "the second"
phase three third "the third"
function first {{ echo one >>"$RAN"; tell echo "1/1 done"; }}
function undo_first {{ echo undo-one >>"$RAN"; }}
function second {{ echo two >>"$RAN"; }}
function third {{ echo three >>"$RAN"; }}
function undo_third {{ echo undo-three >>"$RAN"; }}
"""


class Shell:
    def __init__(self, directory: Path) -> None:
        self.evidence = directory / "evidence"
        self.evidence.mkdir()
        self.ran_file = directory / "ran"
        self.ran_file.touch()
        self.recorded = directory / "recorded"
        stub = directory / "bin" / "ironic-sideways"
        stub.parent.mkdir()
        stub.write_text(f'#!/bin/bash\necho "$5 $7" >>{self.recorded}\n')
        self.figures = directory / "figures"
        with stub.open("a") as stream:
            stream.write(f'echo "$7 ${{11}}" >>{self.figures}\n')
        stub.chmod(0o755)
        self.environment = {
            "PATH": f"{stub.parent}:/usr/bin:/bin",
            "EVIDENCE_DIR": str(self.evidence),
            "RAN": str(self.ran_file),
        }

    def run(self, script: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["bash", "-c", SCRIPT + script],
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=180,
        )

    def ran(self) -> list[str]:
        return self.ran_file.read_text().split()


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path)


def test_phases_run_in_their_order_each_with_a_line_and_its_figure(shell):
    result = shell.run('run_phases ""')

    assert result.returncode == 0
    assert shell.ran() == ["one", "two", "three"]
    first, second, third = result.stdout.splitlines()
    assert "the first" in first and first.endswith("1/1 done")
    assert "the second" in second and "the third" in third


def test_a_phase_that_was_done_is_not_done_again(shell):
    shell.run('run_phases ""')

    result = shell.run('run_phases ""')

    assert result.returncode == 0
    assert shell.ran() == ["one", "two", "three"]
    assert result.stdout.count("already done") == 3


def test_a_failure_ends_the_run_with_the_lines_that_tell_why(shell):
    result = shell.run(
        'function second { echo "the disk is full" >&2; false; echo on >>"$RAN"; }\n'
        'run_phases ""; echo never'
    )

    assert result.returncode == 1
    assert shell.ran() == ["one"]
    assert "FAILED after" in result.stdout
    assert "    | the disk is full" in result.stdout
    assert "never" not in result.stdout


def test_s7_the_console_gets_no_escape_sequence_and_no_password(shell):
    said = r"'\e[2J\e]0;gone\a\xc3\xa4 amqp://a:hunter2x@b\r'"
    failed = shell.run(f"""
function first {{ tell echo -e {said}; }}
function second {{ echo -e {said} >&2; false; }}
run_phases ""
""")

    assert failed.stdout.count("amqp://a:***@b") == 2
    assert "\u00e4" in failed.stdout
    for text in (failed.stdout, shell.figures.read_text()):
        assert "hunter2x" not in text
        assert not {c for c in text if ord(c) < 32} - {"\n"}


def test_s7_what_a_failed_phase_says_is_masked_as_on_the_page(shell, tmp_path):
    python = tmp_path / "bin" / "python"
    python.write_text(
        f'#!/bin/bash\nPYTHONPATH={PHASES.parents[1]} {sys.executable} "$@"'
    )
    python.chmod(0o755)
    said = "--os-password hunter2x, mysql://nova:a/hunter2x@h, X-Auth-Token: hunter2x"

    failed = shell.run(
        f'function second {{ echo "{said}" >&2; false; }}\nrun_phases ""'
    )

    assert "--os-password ***" in failed.stdout
    for text in (failed.stdout, shell.figures.read_text()):
        assert "hunter2x" not in text


@pytest.mark.parametrize("text", ["\u009b2J", "\u202egpj", "\u2066x", "\u061cx"])
def test_s7_no_character_of_unicode_acts_on_the_console(shell, text):
    """Without the package, too."""
    failed = shell.run(f"""
function first {{ tell echo 'a {text} \u00e4'; }}
function second {{ echo '{text} mysql://nova:a/hunter2x@h' >&2; false; }}
run_phases ""
""")

    assert text[0] not in failed.stdout and text[1:] in failed.stdout
    assert "hunter2x" not in failed.stdout
    assert "\u00e4" in failed.stdout


@pytest.mark.parametrize(
    "said",
    [
        r"\xc2\xc2\x9b\x9b2J",
        r"\xc2\x01\x9b2J",
        r"\xc2\x1b[m\x9b2J",
        r"\xe2\x80\xe2\x80\xae\xae2J",
        r"\xe2\x81\xe2\x80\x8b\xa62J",
        r"\xf3\xa0\x81\x812J",
    ],
)
def test_s7_no_bytes_around_a_character_make_another_when_it_is_gone(shell, said):
    failed = shell.run(f"""
function first {{ tell echo -e '{said}'; }}
function second {{ echo -e ':/\\x01/a:hunter2x@b {said}' >&2; false; }}
run_phases ""
""")

    assert failed.stdout.count("2J") == 2 and "hunter2x" not in failed.stdout
    assert not {c for c in failed.stdout if not (c.isprintable() or c in "\n\t")}


def test_a_failing_command_in_front_of_a_pipe_fails_its_phase(shell):
    result = shell.run('function second { tell false; }\nrun_phases ""')

    assert result.returncode == 1
    assert shell.ran() == ["one"]


def test_a_run_resumes_at_the_phase_that_failed(shell):
    shell.run('function second { false; }\nrun_phases ""')

    result = shell.run('run_phases ""')

    assert result.returncode == 0
    assert shell.ran() == ["one", "two", "three"]


def test_a_run_stops_after_the_phase_that_is_named(shell):
    shell.run("run_phases two")

    assert shell.ran() == ["one", "two"]


def test_undo_goes_backwards_over_what_was_begun(shell):
    shell.run('function third { echo half >>"$RAN"; false; }\nrun_phases ""')

    result = shell.run("undo_phases")

    assert result.returncode == 0
    assert shell.ran() == ["one", "two", "half", "undo-three", "undo-one"]


def test_after_an_undo_all_can_be_done_anew(shell):
    shell.run('run_phases ""; undo_phases; : >"$RAN"; run_phases ""')

    assert shell.ran() == ["one", "two", "three"]


def test_start_and_end_of_each_phase_are_recorded(shell):
    shell.run('function third { false; }\nrun_phases ""')

    assert shell.recorded.read_text().splitlines() == [
        "one started",
        "one ok",
        "two started",
        "two ok",
        "three started",
        "three failed",
    ]


def test_what_is_remembered_outlives_the_run(shell):
    shell.run("function first { remember color echo blue; }\nrun_phases one")

    assert shell.run("recall color").stdout == "blue\n"


def test_what_cannot_be_found_out_is_not_remembered(shell):
    result = shell.run(
        'function first { remember color false; echo on >>"$RAN"; }\nrun_phases one'
    )

    assert result.returncode == 1
    assert shell.ran() == []


def test_the_reason_is_the_last_error_whatever_was_printed_beside_it(shell):
    result = shell.run(
        "function command { echo the reason >&2; seq 1000; return 3; }\n"
        "function second { tell command; }\n"
        'run_phases ""'
    )

    assert result.returncode == 1
    assert result.stdout.splitlines()[-1] == "    | the reason"
    assert shell.figures.read_text().splitlines()[-1] == "failed the reason"


def test_a_second_failure_is_told_by_its_own_lines(shell):
    shell.run('function second { echo full >&2; false; }\nrun_phases ""')

    result = shell.run("function second { false; }\nrun_phases two")

    assert "full" not in result.stdout
    assert result.stdout.splitlines()[-1] == "    | exit code 1, no output"
    assert "full" in (shell.evidence / "phases/two.log").read_text()


def test_errexit_holds_inside_what_a_phase_tells(shell):
    result = shell.run(
        'function command { false; echo on >>"$RAN"; }\n'
        'function first { tell command; }\nrun_phases ""'
    )

    assert result.returncode == 1
    assert shell.ran() == []


def test_the_caller_may_go_on_after_a_failure(shell):
    result = shell.run(
        'function second { return 3; }\ntry_phases ""; echo "then $PHASE_RESULT"'
    )

    assert result.stdout.splitlines()[-1] == "then 3"
    assert shell.ran() == ["one"]


def test_an_undo_that_fails_ends_the_undoing(shell):
    result = shell.run(
        'function undo_third { false; }\nrun_phases ""\nundo_phases; echo never'
    )

    assert result.returncode == 1
    assert "never" not in result.stdout
    assert "undo-one" not in shell.ran()
    assert (shell.evidence / "phases/three.done").exists()


LOCK = 'take_lock "$EVIDENCE_DIR"\n'


def test_a_lock_that_is_held_refuses_another_run_by_its_pid(shell):
    result = shell.run(
        LOCK + f"env -u IRONIC_SIDEWAYS_LOCKED bash -c "
        f"'source {PHASES}; take_lock \"$EVIDENCE_DIR\"; echo in' || true\n"
        'echo "refused to $$"'
    )

    assert "in" not in result.stdout.splitlines()
    pid = result.stdout.removeprefix("refused to ").strip()
    assert f"(pid {pid})" in result.stderr


def test_what_a_run_calls_works_under_the_lock_of_the_run(shell):
    result = shell.run(
        LOCK + f"bash -c 'source {PHASES}; take_lock \"$EVIDENCE_DIR\"; echo in'"
    )

    assert (result.returncode, result.stdout) == (0, "in\n")


@pytest.mark.parametrize("there", ["", 'umask 022; touch "$EVIDENCE_DIR/run.lock"\n'])
def test_a_lock_is_its_owners_alone(shell, there):
    """flock(2) asks for no permission to write: who may read may hold it."""
    shell.run("umask 022\n" + there + LOCK)

    assert (shell.evidence / "run.lock").stat().st_mode & 0o777 == 0o600


def test_a_lock_ends_with_its_holder(shell):
    shell.run(LOCK + "kill -KILL $$")

    assert shell.run(LOCK).returncode == 0


def test_a_list_tells_what_was_begun_from_what_never_ran(shell):
    result = shell.run(
        'function second { false; }\ntry_phases "" >/dev/null\nlist_phases'
    )

    states = [line.split()[:2] for line in result.stdout.splitlines()]
    assert states == [["one", "done"], ["two", "begun"], ["three", "-"]]


def test_who_watches_gets_each_phases_line_and_the_log_does_too(shell):
    summary = shell.evidence.parent / "summary"
    shell.environment["IRONIC_SIDEWAYS_SUMMARY"] = "6"

    result = shell.run(f"""exec 6>{summary}
function third {{ echo "no such driver" >&2; return 1; }}
try_phases ""
try_phases ""
""")

    lines = summary.read_text().splitlines()
    assert result.stdout.splitlines() == lines
    failed, reason = lines[2:4]
    assert failed.split()[0] == "three"
    assert "FAILED after" in failed
    assert reason == "    | no such driver"
    assert [line.split()[-2:] for line in lines[4:6]] == [["already", "done"]] * 2
