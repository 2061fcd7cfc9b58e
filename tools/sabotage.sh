#!/usr/bin/env bash
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

# Break a move in the lab in defined ways, and check that the verdict names each.
#
# Usage: IRONIC_SIDEWAYS_LAB=DIR tools/sabotage.sh --list | windows | NAME[+NAME...]...
#
# Needs a lab that is up with its workload, whose window has not begun. Names joined by +
# share one window, the others have one each. Afterwards what was broken is reverted, the
# window rolled back, and the base compared with its state before; after a sabotage that
# switches a machine ("alone" in the list) the workload is created again instead.
#
# Exit codes: 0 the verdict named each; 1 it did not, or a step failed; 2 bad usage.

set -o errexit -o pipefail

REPOSITORY=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

function usage { # <exit code>
    sed -n '/^# Break/,/^$/s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"
    exit "$1"
}

function main { # <argument...>
    local name
    [[ $# -gt 0 ]] || usage 2
    [[ $1 != -h && $1 != --help ]] || usage 0
    # shellcheck source=grenade/deployments/lab.sh
    source "$REPOSITORY/grenade/deployments/lab.sh"
    # shellcheck source=grenade/phases.sh
    source "$REPOSITORY/grenade/phases.sh"
    # shellcheck source=tools/main_job/rounds.sh
    source "$REPOSITORY/tools/main_job/rounds.sh"
    if [[ $1 == --list ]]; then
        ironic-sideways sabotage list
        exit 0
    fi
    ROUNDS=()
    for name; do
        choose_sabotages "$name"
    done
    take_lock "$LOCK_DIR"
    declare_rounds "${ROUNDS[@]}"
    # Comparing the base is enough here; using it takes long.
    LAST_ROUND=
    # A sabotage that was done before is repeated.
    for name in "${PHASE_NAMES[@]}"; do
        rm -f "$EVIDENCE_DIR/phases/$name.done"
    done
    run_phases ""
}

main "$@"
