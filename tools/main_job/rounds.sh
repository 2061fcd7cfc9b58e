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

# Rounds: the window up to some phase, its rollback, and the proof that the base is
# as it was.
#
# Sourced by tools/run_upgrade.sh and tools/sabotage.sh after phases.sh and the
# deployment. A round is
#
#   PHASE              up to PHASE, then rolled back
#   PHASE-killed       PHASE is killed while it runs, then rolled back
#   PHASE-back-killed  the rollback from PHASE is killed while it runs, and repeated
#   sabotaged-NAME     a move broken on purpose, which the verdict must name
#                      (ironic_sideways/trials/sabotage), then rolled back; NAME+NAME: in
#                      several ways
#
# Its evidence is kept in $EVIDENCE_DIR/rollbacks/<round>.

# The file that appears in $EVIDENCE_DIR in the middle of a phase: its undo file, its
# record of rows written, or the mark that it has begun to end maintenance.
declare -A MIDDLE_OF=(
    [begin-maintenance]=maintenance.json
    [migrate]=migration.json
    [port-bindings]=port-bindings.json
    [compute]=allocations.json
    [end-maintenance]=phases/unlocking
)
# The file that disappears in the middle of a phase's rollback.
declare -A MIDDLE_BACK_OF=(
    [compute]=phases/nova-compute.compute_manager.value
)
# After these rounds the base is not only compared but used.
USED_AFTER=" compute-killed resources "
# Seconds that a phase waits for what a sabotage prevents: the verdict does not need the
# full timeout.
SABOTAGED_TIMEOUT=30
# Seconds until the middle of a phase, including all phases before it.
MIDDLE_TIMEOUT=1800
# Seconds until a killed session has ended.
KILL_TIMEOUT=60

UPGRADE=$REPOSITORY/grenade/upgrade-ironic

# Set ROUNDS from the value of --rollback-from.
function choose_rounds { # <each | round,...>
    local known round
    mapfile -t known < <(all_rounds)
    if [[ $1 == each ]]; then
        ROUNDS=("${known[@]}")
        return 0
    fi
    IFS=, read -ra ROUNDS <<<"$1"
    for round in "${ROUNDS[@]}"; do
        if [[ " ${known[*]} " != *" $round "* ]]; then
            echo "$(basename "$0"): --rollback-from $round: expected each, or some of \
${known[*]}" >&2
            exit 2
        fi
    done
}

# Every round: each phase that can be rolled back, and its kills.
function all_rounds {
    local name
    while read -r name _; do
        [[ $name == end-maintenance ]] || echo "$name"
        [[ -z ${MIDDLE_OF[$name]:-} ]] || echo "$name-killed"
        [[ -z ${MIDDLE_BACK_OF[$name]:-} ]] || echo "$name-back-killed"
    done < <("$UPGRADE" --list)
}

# Add the value of --sabotage to ROUNDS.
function choose_sabotages { # <each | windows | name[+name...],...>
    local chosen
    chosen=$(ironic-sideways sabotage choose "$1")
    mapfile -t chosen <<<"$chosen"
    ROUNDS+=("${chosen[@]/#/sabotaged-}")
}

# Declare a phase for each round; one_round finds its name in PHASE_RUNNING.
function declare_rounds { # <round>...
    local round
    LAST_ROUND=${*: -1}
    for round; do
        phase "back-from-$round" one_round "there and back: $round"
    done
}

function one_round {
    there_and_back "${PHASE_RUNNING#back-from-}"
}

function there_and_back { # <round>
    local phase=${1%-killed}
    phase=${phase%-back}
    SABOTAGE_KIND=mendable
    if [[ -e $EVIDENCE_DIR/base-before.json ]]; then
        # An earlier attempt failed: return to the state it began with.
        mend
        "$UPGRADE" --rollback
    else
        take_base base-before
    fi
    case $1 in
        sabotaged-*) sabotage "${1#sabotaged-}" ;;
        *-back-killed)
            "$UPGRADE" --to "$phase"
            kill_when in_the_middle_back "$phase" -- "$UPGRADE" --rollback
            ;;
        *-killed) kill_when in_the_middle "$phase" -- "$UPGRADE" --to "$phase" ;;
        *) "$UPGRADE" --to "$phase" ;;
    esac
    "$UPGRADE" --rollback
    if [[ $SABOTAGE_KIND == mendable ]]; then
        compare_base
    else
        # A machine was powered off or rebooted: its instance is not as before.
        "$REPOSITORY/grenade/resources" destroy
        "$REPOSITORY/grenade/resources" create
    fi
    "$REPOSITORY/grenade/resources" verify pre-upgrade
    if [[ $1 == sabotaged-* ]]; then
        tell cat "$EVIDENCE_DIR/phases/sabotaged.said"
    fi
    if [[ $USED_AFTER == *" $1 "* || $1 == "$LAST_ROUND" ]]; then
        "$REPOSITORY/grenade/resources" use
    fi
    keep_round "$1"
}

# Revert what a sabotage wrote, if any. A running conductor would act on rows that
# change under it.
function mend {
    if [[ -e $IRONIC_SIDEWAYS_LAB/sabotage.json ]]; then
        stop_service ironic-api ironic-conductor
        ironic-sideways sabotage mend
    fi
}

function take_base { # <name>
    local files
    base_options
    files=$(base_files)
    mapfile -t files <<<"$files"
    ironic-sideways evidence base "${SNAPSHOT_OPTIONS[@]}" \
        --ironic-db "$(database_url ironic)" \
        "${files[@]/#/--file=}" --tftp-root "$(tftp_root)" --output "$EVIDENCE_DIR/$1.json"
}

# Break the move, and check that the verdict says how. A phase may notice as well and
# fail; the verdict is still computed.
function sabotage { # <name[+name...]>
    local plan stages after until look broken="" result=0
    plan=$(ironic-sideways sabotage plan "$1")
    read -r stages until look SABOTAGE_KIND <<<"$plan"
    IFS=, read -ra stages <<<"$stages"
    for after in "${stages[@]}"; do
        reach "$after" "$1"
        ironic-sideways sabotage break "$1" "$after"
        broken=yes
    done
    [[ $after == "$until" ]] || reach "$until" "$1"
    [[ $look != look ]] || look_at_the_cloud
    ironic-sideways evidence collect --logs "$IRONIC_SIDEWAYS_LAB/logs" \
        "${SECRET_FILES[@]/#/--secrets=}" --output "$EVIDENCE_DIR"
    # Before it is reverted: some sabotages change the evidence.
    ironic-sideways sabotage judge "$1" >"$EVIDENCE_DIR/phases/sabotaged.said" || result=$?
    mend
    return "$result"
}

# The window up to a phase, which a sabotage may make fail.
function reach { # <phase> <name[+name...]>
    TAKEOVER_TIMEOUT=$SABOTAGED_TIMEOUT RESOURCES_TIMEOUT=$SABOTAGED_TIMEOUT \
        "$UPGRADE" --to "$1" && return
    if [[ -z $broken || ! -e $EVIDENCE_DIR/phases/$1.begun ]]; then
        echo "sabotage $2: a phase before $1 failed, which cannot be due to it" >&2
        return 1
    fi
    echo "phase $1 failed; the verdict must explain it"
}

# What the end of maintenance begins with; the phase itself cannot be rolled back.
function look_at_the_cloud {
    base_options
    ironic-sideways evidence snapshot "${SNAPSHOT_OPTIONS[@]}" \
        --ironic-cloud "$SYSTEM_CLOUD" --output "$EVIDENCE_DIR/after.json"
}

function in_the_middle { # <phase>
    local begun=$EVIDENCE_DIR/phases/$1.begun
    [[ -e $begun && $EVIDENCE_DIR/${MIDDLE_OF[$1]} -nt $begun ]]
}

function in_the_middle_back { # <phase>
    [[ ! -e $EVIDENCE_DIR/${MIDDLE_BACK_OF[$1]} ]]
}

# Run a command in its own session, and kill all of it with SIGKILL, as a power
# failure would, as soon as a test succeeds.
function kill_when { # <test> -- <command> [argument...]
    local test=() deadline
    deadline=$((SECONDS + MIDDLE_TIMEOUT))
    while [[ $1 != -- ]]; do
        test+=("$1")
        shift
    done
    shift
    local pid_file=$EVIDENCE_DIR/phases/session
    rm -f "$pid_file"
    # The session is not part of the job that a signal to the run ends.
    trap 'end_session "$pid_file"; exit 143' HUP INT TERM
    # shellcheck disable=SC2016
    setsid bash -c 'echo $$ >"$0"; exec "$@"' "$pid_file" "$@" 9>&- &
    until [[ -s $pid_file ]] && "${test[@]}"; do
        if [[ -s $pid_file ]] && ! kill -0 "$(<"$pid_file")" 2>/dev/null; then
            echo "$*: ended before its middle was seen (${test[*]})" >&2
            return 1
        fi
        if ((SECONDS > deadline)); then
            echo "$*: its middle was not reached within $MIDDLE_TIMEOUT s (${test[*]})" >&2
            end_session "$pid_file"
            return 1
        fi
        sleep 0.02
    done
    end_session "$pid_file"
    trap - HUP INT TERM
    wait || echo "$*: killed"
}

function end_session { # <file with its id>
    local deadline
    [[ -s $1 ]] || return 0
    deadline=$((SECONDS + KILL_TIMEOUT))
    # Repeated, for processes that were being forked meanwhile.
    while pkill -KILL --session "$(<"$1")"; do
        if ((SECONDS > deadline)); then
            echo "session $(<"$1"): still running $KILL_TIMEOUT s after SIGKILL:" \
                "$(pgrep --session "$(<"$1")" --list-full | head -n 3)" >&2
            return 1
        fi
        sleep 0.02
    done
}

function compare_base {
    take_base base-after
    tell ironic-sideways evidence way-back --heartbeat "$EVIDENCE_DIR/heartbeat.jsonl" \
        --before "$EVIDENCE_DIR/base-before.json" --after "$EVIDENCE_DIR/base-after.json" \
        --bmc-log "$(service_log vbmcd)"
}

function keep_round { # <round>
    local kept=$EVIDENCE_DIR/rollbacks/$1
    rm -rf "$kept"
    mkdir -p "$kept"
    cp -r "$EVIDENCE_DIR"/*.json "$EVIDENCE_DIR/phases" "$kept"
    rm -f "$EVIDENCE_DIR"/{base-before,base-after,verdict,after}.json
}
