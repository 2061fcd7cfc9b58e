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

"""tools/run_tests.sh: all is run, each failure is named, an end is in order."""

import os
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

import psutil
import pytest

from ironic_sideways.trials.sabotage import windows

REPOSITORY = Path(__file__).parents[3]
TIMEOUT_S = 30
STAY = """#!/bin/bash
trap 'echo "taken down" | tee "$ENDED"; exit 143' INT TERM HUP
echo $$ >"$PID"
read -r <"$GO"
"""

# The main job ends after the last of the tests has begun; no third lab begins before.
MEET = """#!/bin/bash
if [[ $* == *fake* ]]; then
    [[ -e $ENDED ]]
    exit
fi
for _ in {1..200}; do
    ! grep --silent functional-2026.1 "$WORDS" || { echo met; : >"$ENDED"; exit 0; }
    sleep 0.1
done
exit 1
"""
# The functional tests have ended where the main job begins.
REFUSE_TO_MEET = """#!/bin/bash
[[ $(tail -n 1 "$WORDS") == *functional-2026.1* || $* == *fake* ]] && echo met
"""
STAY_FUNCTIONAL = """#!/bin/bash
[[ $* == *tests/functional* ]] || exit 0
echo $$ >"$ENDED.part"
mv "$ENDED.part" "$(dirname "$ENDED")/beside"
read -r <"$GO"
"""


class Tree:
    def __init__(self, directory: Path) -> None:
        self.root = directory
        self.words_file = directory / "words"
        self.ended = directory / "ended"
        self.pid = directory / "pid"
        os.mkfifo(directory / "go")
        for name in ("tools/run_tests.sh", "grenade/jobs.sh", "grenade/printable.sh"):
            (self.root / name).parent.mkdir(exist_ok=True)
            shutil.copy(REPOSITORY / name, self.root / name)
        self.write("tools/prepare_host.sh", "#!/bin/sh\n")
        for name in ("run_upgrade.sh", "other_debian.sh"):
            self.write(f"tools/{name}", '#!/bin/sh\necho "$*" >>"$WORDS"\n')
        self.write(".venv/bin/tox", "#!/bin/sh\necho 1 passed in 2.0s\n")
        self.write(".venv/bin/ironic-sideways", "#!/bin/sh\n")

    def write(self, name: str, text: str) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)

    def start(self, *options: str) -> subprocess.Popen[str]:
        script = self.root / "tools/run_tests.sh"
        return subprocess.Popen(
            ["env", "--default-signal", script, *options],
            env={
                "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
                "WORDS": str(self.words_file),
                "ENDED": str(self.ended),
                "PID": str(self.pid),
                "GO": str(self.root / "go"),
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def run(self, *options: str) -> tuple[int, str]:
        running = self.start(*options)
        output, _ = running.communicate(timeout=TIMEOUT_S)
        return running.returncode, output

    def wait_for_stay(self) -> None:
        deadline = time.monotonic() + TIMEOUT_S
        while not (self.pid.exists() and self.pid.read_text()):
            assert time.monotonic() < deadline
            time.sleep(0.02)


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return Tree(tmp_path)


def test_the_checks_then_the_main_job_then_the_plain_fake_driver(tree: Tree) -> None:
    code, output = tree.run()
    assert code == 0
    assert output.endswith("9 passed, 0 failed\n")
    main_job, fake = tree.words_file.read_text().splitlines()
    assert "--base-driver" not in main_job and "--no-tempest" not in main_job
    assert "--rollback-from begin-maintenance-killed,compute-back-killed" in main_job
    assert "--sabotage takeover,allocation+old-driver" in main_job
    assert "--base-driver fake --no-tempest --rollback-from compute" in fake


@pytest.mark.parametrize(("gib", "two"), [(16, True), (8, False)])
def test_the_main_job_runs_beside_the_tests_where_there_is_room_for_two_labs(
    tree: Tree, gib: int, two: bool
) -> None:
    memory = tree.root / "meminfo"
    memory.write_text(f"MemTotal:       {gib << 20} kB\n")
    script = tree.root / "tools/run_tests.sh"
    script.write_text(script.read_text().replace("/proc/meminfo", str(memory)))
    tree.write("tools/run_upgrade.sh", MEET if two else REFUSE_TO_MEET)
    tree.write(".venv/bin/tox", '#!/bin/sh\necho "$*" >>"$WORDS"\n')
    code, output = tree.run()
    assert code == 0, output
    told = [line.removeprefix("main-job | ") for line in output.splitlines()]
    assert "met" in told
    assert ("main-job | met" in output) == two


def test_a_signal_ends_the_main_job_and_the_check_beside_it(tree: Tree) -> None:
    tree.write("tools/run_upgrade.sh", STAY)
    tree.write(".venv/bin/tox", STAY_FUNCTIONAL)
    running = tree.start()
    tree.wait_for_stay()
    beside = tree.root / "beside"
    deadline = time.monotonic() + TIMEOUT_S
    while not beside.exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    running.send_signal(signal.SIGTERM)
    output, _ = running.communicate(timeout=TIMEOUT_S)
    assert running.returncode == 143
    assert "main-job | taken down" in output
    assert not psutil.pid_exists(int(beside.read_text()))


def test_s7_the_end_of_a_log_neither_acts_on_the_terminal_nor_tells_a_password(
    tree: Tree,
) -> None:
    said = r"FAILED a.py::\e[2J\e]0;gone\a - amqp://a:hunter2x@b\r"
    tree.write(".venv/bin/tox", f"#!/bin/bash\necho -e '{said}'\nexit 1\n")
    code, output = tree.run("--no-lab")
    assert code == 1
    assert "    FAILED a.py::]0;gone - amqp://a:***@b\n" in output
    assert "hunter2x" not in output
    assert not {c for c in output if ord(c) < 32} - {"\n"}


def test_the_soak_breaks_a_move_in_each_way(tree: Tree) -> None:
    code, output = tree.run("--soak")
    assert code == 0, output
    assert "--no-tempest --sabotage each\n" in tree.words_file.read_text()


def test_the_soak_tries_the_other_release_and_leaves_nothing_out(tree: Tree) -> None:
    code, output = tree.run("--soak")
    assert code == 0, output
    words = tree.words_file.read_text()
    assert "other-debian tools/run_upgrade.sh\n" in words
    [older] = re.findall(r".*--release 2026\.1.*", words)
    assert "/main-2026.1 " in older and "--no-tempest" not in older
    assert "left out" not in output


@pytest.mark.parametrize(
    ("options", "left_out"),
    [
        (
            [],
            {
                f"{name} (--soak)"
                for name in ("each-sabotage", "main-job-2026.1", "other-debian")
            },
        ),
        (["--no-lab"], {"every lab run (--no-lab)"}),
    ],
)
def test_what_a_short_run_leaves_out_is_said_at_its_end(
    tree: Tree, options: list[str], left_out: set[str]
) -> None:
    code, output = tree.run(*options)
    assert code == 0, output
    ledger = output[output.index("The ledger") :]
    told = set(re.findall(r"^left out: (.*)$", ledger, re.M))
    assert left_out <= told
    assert any("kills" in one for one in told)


def test_a_check_that_ended_while_another_was_awaited_took_no_longer(
    tree: Tree,
) -> None:
    """Its log is as old as its end; here it is a hundred seconds from its begin."""
    tree.write(
        ".venv/bin/tox",
        """#!/bin/bash
[[ $* != *functional-2026.1* ]] ||
    touch --date="@$((EPOCHSECONDS + 100))" /proc/self/fd/1
""",
    )

    _, output = tree.run()

    (line,) = re.findall(r"^OK +(\d+) s  functional-2026\.1", output, re.MULTILINE)
    assert 100 <= int(line) < 200


def test_the_slowest_tests_of_all_checks_and_the_load_are_told(tree: Tree) -> None:
    times = "".join(f"{n}.50s call     a.py::t{n}\n" for n in range(30))
    tree.write(".venv/bin/tox", f"#!/bin/sh\necho '{times}1.00s setup    b.py::t'\n")
    _, output = tree.run("--no-lab")
    slowest = output[output.index("The slowest tests") : output.index("The ledger")]
    assert len(re.findall(r"a\.py::t", slowest)) == 10
    assert slowest.index("29.50s call     a.py::t29") < slowest.index("a.py::t28")
    assert re.search(
        r"^total: \d+ s \(CPU \d+ s, load average [\d. ]+\)$", output, re.M
    )


def test_what_is_broken_in_ci_is_known_and_can_be_broken_together() -> None:
    text = (REPOSITORY / "tools/run_tests.sh").read_text()
    (words,) = re.findall(r'^CHEAPEST="(.*)"$', text, re.M)
    broken = [one for group in windows.chosen(words) for one in windows.together(group)]
    assert {*windows.together("takeover")} < {*broken}
    assert not any(one.destructive for one in broken)


def test_a_failure_is_named_and_the_rest_goes_on(tree: Tree) -> None:
    tree.write("tools/run_upgrade.sh", "#!/bin/sh\necho no luck\nexit 3\n")
    code, output = tree.run()
    assert code == 1
    assert "no luck" in output
    assert output.count("exit code 3") == 2
    assert output.endswith("7 passed, 2 failed\n")


@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)],
)
@pytest.mark.parametrize("to_all", [True, False])
def test_an_interruption_waits_for_the_lab_and_shows_its_end(
    tree: Tree, number: signal.Signals, code: int, to_all: bool
) -> None:
    tree.write("tools/run_upgrade.sh", STAY)
    running = tree.start()
    tree.wait_for_stay()
    if to_all:
        os.killpg(running.pid, number)
    else:
        running.send_signal(number)
    output, _ = running.communicate(timeout=TIMEOUT_S)
    assert running.returncode == code
    assert tree.ended.read_text() == "taken down\n"
    assert output.index("taken down") < output.index("The ledger")
    assert output.endswith(f"interrupted by {number.name}\n")


def test_an_interrupted_check_ends_at_once(tree: Tree) -> None:
    tree.write(".venv/bin/tox", STAY)
    running = tree.start("--no-lab")
    tree.wait_for_stay()
    running.send_signal(signal.SIGTERM)
    running.communicate(timeout=TIMEOUT_S)
    assert running.returncode == 143
    assert tree.ended.exists()


def test_the_ledger_tells_the_first_failure_of_a_check(tree: Tree) -> None:
    tree.write(
        ".venv/bin/tox",
        "#!/bin/sh\necho 'ERROR a.py::b - no lab'\necho 'FAILED a.py::c'\nexit 1\n",
    )

    code, output = tree.run("--no-lab")

    assert code == 1
    ledger = output[output.index("The ledger") :]
    assert "    ERROR a.py::b - no lab\n" in ledger
    assert "FAILED a.py::c" not in ledger


@pytest.mark.parametrize(
    ("printed", "told"),
    [
        ("    | a fault\\nverdict: FAILED: proxy: list: 500", "verdict: FAILED: proxy"),
        ("    | the lines before\\n    | a fault", "    | a fault"),
        ("run_upgrade.sh: no room", "run_upgrade.sh: no room"),
    ],
)
def test_the_ledger_tells_what_a_lab_run_ended_with(
    tree: Tree, printed: str, told: str
) -> None:
    script = f"#!/bin/sh\nprintf '{printed}\\ntotal: 9 s\\n'\nexit 1\n"
    tree.write("tools/run_upgrade.sh", script)

    _code, output = tree.run()

    ledger = output[output.index("The ledger") :]
    assert ledger.count(f"\n    {told}") == 2


def test_tox_takes_what_the_preparation_has_downloaded(tree: Tree) -> None:
    tree.write(".venv/bin/tox", '#!/bin/sh\necho "$XDG_CACHE_HOME" >>"$WORDS"\n')

    tree.run("--no-lab")

    assert set(tree.words_file.read_text().split()) == {str(tree.root / ".cache")}
