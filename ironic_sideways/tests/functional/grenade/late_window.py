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

"""grenade/upgrade-ironic, late in a window of a lab that is not there."""

import subprocess
from pathlib import Path

from ironic_sideways.report import window

SCRIPT = Path(__file__).parents[4] / "grenade" / "upgrade-ironic"

#: Stands for ironic-sideways; fails where FAIL_AT says.
COMMAND = """#!/usr/bin/env bash
[[ $1 != record ]] || exit 0
echo "$*" >>"$CALLS"
case $* in
    "lab show compute_services") printf 'nova-compute\n%s' "$OTHERS" ;;
    "lab get-option nova-compute DEFAULT host") echo one ;;
    "lab get-option nova-compute-2 DEFAULT host") echo two ;;
    "lab get-option ironic deploy http_root "*) echo "$HTTP_ROOT" ;;
    "lab get-option nova-compute ironic status_code_retries 0") echo "$RETRIES" ;;
    "lab get-option "*) echo "${*: -1}" ;;
    "maintenance policy "*)
        touch "${@: -3:1}" "${@: -1}"
        for file in "${@: -3:1}" "${@: -1}"; do touch -d @9 "${file%/*}"; done ;;
esac
[[ -z $FAIL_AT || "$*" != *"$FAIL_AT"* ]]
"""


class Window:
    """The real script on a lab that is not there, all phases done but the last."""

    def __init__(self, directory: Path) -> None:
        self.calls_file = directory / "calls"
        self.phases = directory / "lab/evidence/phases"
        self.phases.mkdir(parents=True)
        stub = directory / "venv/bin/ironic-sideways"
        stub.parent.mkdir(parents=True)
        stub.write_text(COMMAND)
        stub.chmod(0o755)
        for name in (
            "ironic-nova-bm-migrate",
            "nova-bm-bind-ports",
            "nova-bm-clear-dhcp-options",
            "nova-bm-convert-allocations",
            "oslopolicy-policy-generator",
        ):
            tool = stub.with_name(name)
            tool.write_text('#!/bin/sh\necho "${0##*/} $*" >>"$CALLS"\n')
            tool.chmod(0o755)
        for name in window.WINDOW[:-1]:
            (self.phases / f"{name}.done").touch()
        self.environment = {
            "PATH": "/usr/bin:/bin",
            "IRONIC_SIDEWAYS_LAB": str(directory / "lab"),
            "IRONIC_SIDEWAYS_VENV": str(directory / "venv"),
            "CALLS": str(self.calls_file),
            "OTHERS": "",
            "RETRIES": "0",
        }

    def run(self, *words: str, fail_at: str = "") -> int:
        self.calls_file.write_text("")
        return subprocess.run(
            [str(SCRIPT), *words],
            env={**self.environment, "FAIL_AT": fail_at},
            capture_output=True,
            timeout=180,
        ).returncode

    def policies(self) -> list[str]:
        """The services whose policies are those of the window."""
        found = self.phases.parents[1].glob("etc/*/policy.d/zz-maintenance.yaml")
        return sorted(path.parents[1].name for path in found)

    def called(self, text: str) -> bool:
        return text in self.calls_file.read_text()
