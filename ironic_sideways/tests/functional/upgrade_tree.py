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

"""The scripts of the main job in a copied tree, with stubs for what they call.

The scripts are the real ones; a stub fails or stays where a test tells it to.
"""

import json
import os
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).parents[3]
TIMEOUT_S = 30
REAL = (
    "tools/run_upgrade.sh",
    "grenade/jobs.sh",
    "grenade/phases.sh",
    "grenade/printable.sh",
    "grenade/summary.sh",
    "grenade/proof.sh",
    "tools/main_job/increments.sh",
    "tools/main_job/trials.sh",
    "tools/main_job/rounds.sh",
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
        [[ "$*" != *" --light"* ]] || touch "$lab/light"
        ;;
    "lab running") [[ -e $lab/supervisord ]] ;;
    "lab down")
        rm -f "$lab"/{lab.json,supervisord,left-by-run,light}
        echo "nothing left"
        echo "down complete" >>"$CALLS"
        ;;
    "lab show")
        if [[ $3 != light ]]; then
            echo nova_bm
        elif [[ -e $lab/light ]]; then
            echo True
        else
            echo False
        fi
        ;;
    "sabotage choose")
        [[ $3 != nix ]] || { echo "ironic-sideways: sabotage nix: no" >&2; exit 2; }
        tr , '\n' <<<"$3"
        ;;
    "sabotage plan") echo migrate migrate - mendable ;;
    "evidence base") touch "${@: -1}" ;;
    "verdict "*) echo "verdict: ${VERDICT:-PASSED}" ;;
esac
"""


class Tree:
    """A copied tree, its lab, and what was called in it."""

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
