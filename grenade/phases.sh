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
# A phase is a shell function; it runs as a job under errexit with its output in
# $EVIDENCE_DIR/phases/<name>.log, and may set its figure with `tell`. Its undo, if
# it has one, is the function undo_<function>.

# shellcheck source=grenade/jobs.sh
source "$(dirname "${BASH_SOURCE[0]}")/jobs.sh"
# shellcheck source=grenade/printable.sh
source "$(dirname "${BASH_SOURCE[0]}")/printable.sh"
# shellcheck source=grenade/summary.sh
source "$(dirname "${BASH_SOURCE[0]}")/summary.sh"

PHASE_NAMES=()
declare -A PHASE_FUNCTION PHASE_TEXT
# The phase that is running.
PHASE_RUNNING=""
PHASE_RESULT=0

# What stands for the value of an option that is not set.
NOT_SET="<not set>"

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

# Only one run at a time works on a deployment: the lock is held until this script and
# its jobs have ended. The scripts that a run calls work under the run's lock.
function take_lock { # <directory>
    if [[ ${IRONIC_SIDEWAYS_LOCKED:-} == "$1" ]]; then
        return 0
    fi
    mkdir -p "$1"
    # Anyone who can read the file can hold the lock.
    (umask 077; touch "$1/run.lock"; chmod 0600 "$1/run.lock")
    exec 9>>"$1/run.lock"
    if ! flock --nonblock 9; then
        echo "$(basename "$0"): $1: another run is active here (pid $(<"$1/run.lock")); \
wait until it ends, or choose another directory" >&2
        exit 1
    fi
    echo $$ >"$1/run.lock"
    export IRONIC_SIDEWAYS_LOCKED=$1
}

# Run a command; the last line it prints is the phase's figure. Its standard error
# goes to the end of the log: the last line of a failure is its reason.
function tell { # <command> [argument...]
    local result
    set +o errexit
    ( set -o errexit; "$@" ) 2>"$PHASE_FIGURE.errors" | tee "$PHASE_FIGURE"
    result=$?
    set -o errexit
    cat "$PHASE_FIGURE.errors" >&2
    : >"$PHASE_FIGURE.errors"
    return "$result"
}

# Keep what a command prints, for later phases and for a resumed run.
function remember { # <name> <command> [argument...]
    local value
    value=$("${@:2}")
    echo "$value" >"$EVIDENCE_DIR/phases/$1.value.new"
    mv "$EVIDENCE_DIR/phases/$1.value.new" "$EVIDENCE_DIR/phases/$1.value"
}

function recall { # <name>
    cat "$EVIDENCE_DIR/phases/$1.value"
}

# Set an option so that its old value, or that it was not set, can be restored. Only
# the first old value is kept: a resumed phase would find the one it has set itself.
function change_option { # <configuration> <section> <option> <value>
    if [[ ! -e $EVIDENCE_DIR/phases/$1.$3.value ]]; then
        remember "$1.$3" get_option "$1" "$2" "$3" "$NOT_SET"
    fi
    set_option "$@"
}

function put_option_back { # <configuration> <section> <option>
    local value
    [[ -e $EVIDENCE_DIR/phases/$1.$3.value ]] || return 0
    value=$(recall "$1.$3")
    if [[ $value == "$NOT_SET" ]]; then
        unset_option "$1" "$2" "$3"
    else
        set_option "$1" "$2" "$3" "$value"
    fi
    rm "$EVIDENCE_DIR/phases/$1.$3.value"
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
        elif [[ -e $EVIDENCE_DIR/phases/$name.begun ]]; then
            state=begun
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

# The commands that a red verdict shows, even when computed later from saved artifacts.
function record_commands { # <to resume> <to roll back>
    ironic-sideways record --events "$EVIDENCE_DIR/events.jsonl" \
        --go-on-by "$1" --go-back-by "$2"
}

# A verdict on saved artifacts must also know what this run was told to leave out.
function record_left_out { # [subject...]
    ironic-sideways record --events "$EVIDENCE_DIR/events.jsonl" --left-out "$@"
}

# The run's optional checks are judged: missing if the run ended before them.
function record_added { # <subject...>
    ironic-sideways record --events "$EVIDENCE_DIR/events.jsonl" --added "$@"
}

function seconds_since { # <EPOCHREALTIME>
    awk -v now="$EPOCHREALTIME" -v then="$1" 'BEGIN { printf "%.1f", now - then }'
}

# The lines of a failed attempt that explain it; the last one is the reason.
function failed_lines { # <log> <bytes of earlier attempts>
    local lines masked
    lines=$(tail -c "+$(($2 + 1))" "$1" | awk 'NF' | tail -n 12 | printable)
    masked=$(python -m ironic_sideways.masking <<<"$lines" 2>/dev/null) || masked=$lines
    echo "$masked"
}

function phase_body { # <function>
    exec >>"$PHASE_LOG" 2>&1
    set -o errexit -o pipefail
    # Otherwise Python would print an error before the lines that led to it.
    export PYTHONUNBUFFERED=1
    "$1"
}

# Run a function as a phase; its exit code is in PHASE_RESULT.
function run_logged { # <label> <name> <function>
    local label=$1 name=$2 function=$3 earlier figure lines
    mkdir -p "$EVIDENCE_DIR/phases"
    PHASE_LOG=$EVIDENCE_DIR/phases/$name.log
    PHASE_FIGURE=$EVIDENCE_DIR/phases/$name.figure
    : >"$PHASE_FIGURE"
    : >>"$EVIDENCE_DIR/phases/$name.begun"
    printf -- '--- %(%FT%T%z)T ---\n' -1 >>"$PHASE_LOG"
    earlier=$(stat --format %s "$PHASE_LOG")
    if [[ -t 1 ]]; then
        printf '%s ...\r' "$label"
    fi
    record_phase "$name" started 0 ""
    PHASE_BEGIN=$EPOCHREALTIME
    PHASE_LABEL=$label
    PHASE_RUNNING=$name
    run_job phase_body "$function"
    PHASE_RUNNING=""
    PHASE_RESULT=$JOB_RESULT
    PHASE_SECONDS=$(seconds_since "$PHASE_BEGIN")
    figure=$(tail -n 1 "$PHASE_FIGURE" | printable)
    rm -f "$PHASE_FIGURE" "$PHASE_FIGURE.errors"
    if ((PHASE_RESULT)); then
        lines=$(failed_lines "$PHASE_LOG" "$earlier")
        lines=${lines:-exit code $PHASE_RESULT, no output}
        say "$label FAILED after $PHASE_SECONDS s"
        say "    | ${lines//$'\n'/$'\n    | '}"
        record_phase "$name" failed "$PHASE_SECONDS" "${lines##*$'\n'}"
        return 0
    fi
    say "$(printf '%s %6s s  %s' "$label" "$PHASE_SECONDS" "$figure")"
    record_phase "$name" ok "$PHASE_SECONDS" "$figure"
}

# jobs.sh calls it when a job that a signal interrupted has ended.
function on_interruption {
    [[ $PHASE_RUNNING ]] || return 0
    PHASE_SECONDS=$(seconds_since "$PHASE_BEGIN")
    say "$PHASE_LABEL INTERRUPTED after $PHASE_SECONDS s"
    if [[ -e $PHASE_FIGURE.errors ]]; then
        cat "$PHASE_FIGURE.errors" >>"$PHASE_LOG"
    fi
    rm -f "$PHASE_FIGURE" "$PHASE_FIGURE.errors"
    record_phase "$PHASE_RUNNING" interrupted "$PHASE_SECONDS" "SIG$INTERRUPTED"
}

function run_phase { # <name>
    local name=$1 label
    printf -v label '  %-20s %-44s' "$name" "${PHASE_TEXT[$name]}"
    PHASE_RESULT=0
    if phase_done "$name"; then
        say "$label   already done"
        return 0
    fi
    run_logged "$label" "$name" "${PHASE_FUNCTION[$name]}"
    if ((PHASE_RESULT == 0)); then
        touch "$EVIDENCE_DIR/phases/$name.done"
    fi
}

# Run phases up to the first that fails; the exit code of the last one that ran is in
# PHASE_RESULT. Do not call it under `if`, `&&` or `||`: bash would then ignore
# errexit inside the phases.
function try_phases { # <last phase, or empty for all>
    local name
    for name in "${PHASE_NAMES[@]}"; do
        run_phase "$name"
        if ((PHASE_RESULT)) || [[ $name == "$1" ]]; then
            break
        fi
    done
}

# The same, for a script that ends when a phase fails.
function run_phases { # <last phase, or empty for all>
    try_phases "$1"
    [[ $PHASE_RESULT -eq 0 ]]
}

# Undo the phases that are done or have begun, last first.
function undo_phases {
    local index name label
    for ((index = ${#PHASE_NAMES[@]} - 1; index >= 0; index--)); do
        name=${PHASE_NAMES[index]}
        [[ -e $EVIDENCE_DIR/phases/$name.begun ]] || continue
        if declare -F "undo_${PHASE_FUNCTION[$name]}" >/dev/null; then
            printf -v label '  %-20s %-44s' "$name" "undo: ${PHASE_TEXT[$name]}"
            run_logged "$label" "undo-$name" "undo_${PHASE_FUNCTION[$name]}"
            [[ $PHASE_RESULT -eq 0 ]] || return 1
        fi
        rm -f "$EVIDENCE_DIR/phases/$name".{begun,done}
    done
}
