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

# Break a move in the lab in one defined way, and see that the verdict names it.
#
# Usage: IRONIC_SIDEWAYS_LAB=DIR tools/sabotage.sh [--list] NAME
#
# Needs a lab that is up with its workload, whose window has not begun. A sabotage
# that writes is taken back and the window rolled back; after one that switches a
# machine ("destructive" in the list) only a new lab is as before.
#
# Exit codes: 0 the verdict named it; 1 it did not, or a step failed; 2 bad usage.

set -o errexit -o pipefail

REPOSITORY=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
UPGRADE=$REPOSITORY/grenade/upgrade-ironic

function usage { # <exit code>
    sed -n '/^# Break/,/^$/s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"
    exit "$1"
}

# Name, phase before, phase to see it by, and whether a machine is switched.
function choose { # <name>
    local name after until kind
    while read -r name after until kind _; do
        if [[ $name == "$1" ]]; then
            NAME=$name AFTER=$after UNTIL=$until KIND=$kind
            return 0
        fi
    done < <(ironic-sideways sabotage list)
    echo "sabotage.sh: $1: unknown; see --list" >&2
    exit 2
}

function main { # <argument...>
    [[ $# -eq 1 ]] || usage 2
    [[ $1 != -h && $1 != --help ]] || usage 0
    # shellcheck source=grenade/deployments/lab.sh
    source "$REPOSITORY/grenade/deployments/lab.sh"
    if [[ $1 == --list ]]; then
        ironic-sideways sabotage list
        exit 0
    fi
    choose "$1"
    "$UPGRADE" --to "$AFTER"
    ironic-sideways sabotage break "$NAME"
    # A phase may see it as well, and fail: the verdict is asked all the same.
    TAKEOVER_TIMEOUT=${TAKEOVER_TIMEOUT:-60} "$UPGRADE" --to "$UNTIL" ||
        echo "phase $UNTIL or one before it failed; the verdict must tell why"
    ironic-sideways evidence collect --logs "$IRONIC_SIDEWAYS_LAB/logs" \
        "${SECRET_FILES[@]/#/--secrets=}" --output "$EVIDENCE_DIR"
    local result=0
    ironic-sideways sabotage judge "$NAME" || result=1
    if [[ $KIND == mendable ]]; then
        # A conductor would act on what is taken back below it.
        if [[ $UNTIL == takeover ]]; then
            stop_service ironic-api ironic-conductor
        fi
        ironic-sideways sabotage mend
        "$UPGRADE" --rollback
    fi
    return "$result"
}

main "$@"
