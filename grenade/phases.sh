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

# How a phase is announced, timed, recorded and resumed.
#
# Sourced by upgrade-ironic. Needs: EVIDENCE_DIR, and ironic-sideways on PATH.
# A phase is a shell function; it runs in a subshell under errexit with its
# output in $EVIDENCE_DIR/phases/<name>.log, and may say one figure by `tell`.
# Its undo, if it has one, is the function undo_<function>.

PHASE_NAMES=()
declare -A PHASE_FUNCTION PHASE_TEXT

# The terminal, for progress bars of commands whose output goes to a log.
if [[ -t 2 ]]; then
    exec 3>&2
    export IRONIC_SIDEWAYS_TERMINAL=3
fi

function phase { # <name> <function> <text>
    PHASE_NAMES+=("$1")
    PHASE_FUNCTION[$1]=$2
    PHASE_TEXT[$1]=$3
}

# Run a command; the last line that it prints is the phase's figure.
function tell { # <command> [argument...]
    "$@" | tee "$PHASE_FIGURE"
}

# Keep what a command prints for later phases, and for a run that resumes.
function remember { # <name> <command> [argument...]
    local value
    value=$("${@:2}")
    echo "$value" >"$EVIDENCE_DIR/phases/$1.value"
}

function recall { # <name>
    cat "$EVIDENCE_DIR/phases/$1.value"
}

function phase_done { # <name>
    [[ -e $EVIDENCE_DIR/phases/$1.done ]]
}

function list_phases {
    local name state
    for name in "${PHASE_NAMES[@]}"; do
        state=-
        if phase_done "$name"; then
            state='done'
        fi
        printf '%-20s %-5s %s\n' "$name" "$state" "${PHASE_TEXT[$name]}"
    done
}

function known_phase { # <name>
    [[ -n ${PHASE_FUNCTION[$1]:-} ]]
}

function record_phase { # <name> <result> <seconds> <figure>
    ironic-sideways record --events "$EVIDENCE_DIR/events.jsonl" \
        --phase "$1" --result "$2" --seconds "$3" --figure "$4"
}

function seconds_since { # <EPOCHREALTIME>
    awk -v now="$EPOCHREALTIME" -v then="$1" 'BEGIN { printf "%.1f", now - then }'
}

# The lines of a failed phase's log that tell why; the last one is the reason.
function failed_lines { # <log>
    grep -v '^[[:space:]]*$' "$1" | tail -n 12
}

# Run a function as a phase. The caller must not be under `if`, `&&` or `||`:
# bash would then ignore errexit inside the function.
function run_logged { # <label> <name> <function>
    local label=$1 name=$2 function=$3 log=$EVIDENCE_DIR/phases/$2.log begin result figure
    mkdir -p "$EVIDENCE_DIR/phases"
    PHASE_FIGURE=$EVIDENCE_DIR/phases/$name.figure
    : >"$PHASE_FIGURE"
    : >>"$EVIDENCE_DIR/phases/$name.begun"
    if [[ -t 1 ]]; then
        printf '%s ...\r' "$label"
    fi
    record_phase "$name" started 0 ""
    begin=$EPOCHREALTIME
    set +o errexit
    ( set -o errexit -o pipefail; "$function" ) >>"$log" 2>&1
    result=$?
    set -o errexit
    PHASE_SECONDS=$(seconds_since "$begin")
    figure=$(tail -n 1 "$PHASE_FIGURE")
    rm -f "$PHASE_FIGURE"
    if ((result)); then
        printf '%s FAILED after %s s\n' "$label" "$PHASE_SECONDS"
        record_phase "$name" failed "$PHASE_SECONDS" "$(failed_lines "$log" | tail -n 1)"
        failed_lines "$log" | sed 's/^/    | /'
        return "$result"
    fi
    printf '%s %6s s  %s\n' "$label" "$PHASE_SECONDS" "$figure"
    record_phase "$name" ok "$PHASE_SECONDS" "$figure"
}

function run_phase { # <name>
    local name=$1 label
    printf -v label '  %-20s %-44s' "$name" "${PHASE_TEXT[$name]}"
    if phase_done "$name"; then
        printf '%s   done before\n' "$label"
        return 0
    fi
    run_logged "$label" "$name" "${PHASE_FUNCTION[$name]}"
    touch "$EVIDENCE_DIR/phases/$name.done"
}

function run_phases { # <last phase, or empty for all>
    local name
    for name in "${PHASE_NAMES[@]}"; do
        run_phase "$name"
        if [[ $name == "$1" ]]; then
            break
        fi
    done
}

# Undo, last phase first, what was done or begun.
function undo_phases {
    local index name label
    for ((index = ${#PHASE_NAMES[@]} - 1; index >= 0; index--)); do
        name=${PHASE_NAMES[index]}
        [[ -e $EVIDENCE_DIR/phases/$name.begun ]] || continue
        if declare -F "undo_${PHASE_FUNCTION[$name]}" >/dev/null; then
            printf -v label '  %-20s %-44s' "$name" "undo: ${PHASE_TEXT[$name]}"
            run_logged "$label" "undo-$name" "undo_${PHASE_FUNCTION[$name]}"
        fi
        rm -f "$EVIDENCE_DIR/phases/$name".{begun,done}
    done
}
