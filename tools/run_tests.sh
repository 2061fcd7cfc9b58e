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

# Every test on a fresh Debian 12 or 13 machine: what tox checks, then the main job
# after some rollbacks and sabotages, a short job with Nova's plain fake driver, and
# the operator's guide, command by command. Continues after a failure; the ledger at
# the end lists each result, the slowest tests, and what was left out.
#
# Usage: sudo tools/run_tests.sh [--no-lab] [--soak]
#
#   --no-lab   leave out the lab runs
#   --soak     also every rollback; each sabotage of a move in a window of its own,
#              which the verdict must name; two compute hosts in one window, with their
#              workers killed, and one host after the other; cleaning and another deploy
#              by the agent, a second conductor that takes over, and Nova's own compute
#              manager; the main job three times in a row in one directory, with all of
#              tempest.api.compute; once with OpenStack 2026.1, and once on the other
#              Debian release; 200 kills of the migration instead of 20, and more random
#              contents
#
# Needs what tools/prepare_host.sh needs, and the main job 8 GiB of memory. Logs
# are in .lab-tests/logs, the labs beside them, with the numbers 90 and 95. With 14 GiB
# of memory the main job runs beside the functional tests, and the other two labs beside
# each other.
#
# Exit codes: 0 all passed; 1 something failed; 2 bad usage; 130 Ctrl-C, 143
# SIGTERM, 129 SIGHUP (the lab of the run is taken down).

set -o errexit
set -o nounset
set -o pipefail

REPOSITORY=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
LOGS=$REPOSITORY/.lab-tests/logs
NUMBER=90
MEMORY=/proc/meminfo
# A record of locks that was cut short, and a rollback from the last phase that is killed
# halfway itself.
RISKIEST="begin-maintenance-killed,compute-back-killed"
# Sabotages that switch no machine; the verdict must name each.
CHEAPEST="takeover,allocation+old-driver"
WITH_LAB=yes
WITH_SOAK=""
LEDGER=()
LEFT_OUT=()
PASSED=0
FAILED=0
# By the name of a check: when it began and its job; of a lab run in progress, its directory.
declare -A BEGIN JOB_OF LAB_DIRECTORY
TOX=("$REPOSITORY/.venv/bin/tox" run --root "$REPOSITORY" --conf "$REPOSITORY/tox.ini" --colored no)
SIDE_BY_SIDE=(--numprocesses 2 --no-loadscope-reorder)
export PYTEST_ADDOPTS=--durations=10
# For uv, which tox calls, as in prepare_host.sh; root's home is left alone.
export XDG_CACHE_HOME=${XDG_CACHE_HOME:-$REPOSITORY/.cache}

# shellcheck source=grenade/jobs.sh
source "$REPOSITORY/grenade/jobs.sh"
# shellcheck source=grenade/printable.sh
source "$REPOSITORY/grenade/printable.sh"
# run_upgrade.sh itself waits for its phase, then takes its lab down.
STOP_SECONDS=300

function parse_arguments { # <argument>...
    while [[ $# -gt 0 ]]; do
        case $1 in
            --no-lab)
                WITH_LAB=""
                ;;
            --soak)
                WITH_SOAK=yes
                export IRONIC_SIDEWAYS_SOAK=yes
                ;;
            -h | --help)
                sed -n '/^# Every/,/^$/s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"
                exit 0
                ;;
            *)
                echo "run_tests: unknown option $1 (see --help)" >&2
                exit 2
                ;;
        esac
        shift
    done
    if [[ $WITH_SOAK && ! $WITH_LAB ]]; then
        echo "run_tests: --soak and --no-lab cannot be combined" >&2
        exit 2
    fi
}

function note { # <OK|FAILED> <seconds> <name> <figure>
    local line
    printf -v line '%-6s %5d s  %-20s %s' "$@"
    LEDGER+=("$line")
    if [[ $1 == OK ]]; then
        PASSED=$((PASSED + 1))
    else
        FAILED=$((FAILED + 1))
    fi
}

# A quiet check: its output goes to its log; if it fails, the end of it is shown.
function check { # <name> <command> <argument>...
    begin_check "$@"
    end_check "$1"
}

function begin_check { # <name> <command> <argument>...
    if [[ -t 1 ]]; then
        printf '%-20s ...\r' "$1"
    fi
    BEGIN[$1]=$EPOCHSECONDS
    start_job logged "$LOGS/$1.log" "${@:2}"
    JOB_OF[$1]=$JOB
}

function end_check { # <name>
    local name=$1 status log=$LOGS/$1.log figure seconds
    await_job "${JOB_OF[$name]}"
    status=$JOB_RESULT
    seconds=$(seconds_of "$name")
    figure=$(figure_of "$log") || figure=""
    if [[ $status -eq 0 ]]; then
        note OK "$seconds" "$name" "$figure"
        printf '%-20s OK, %d s  %s\n' "$name" "$seconds" "$figure"
    else
        note FAILED "$seconds" "$name" "$figure (exit code $status, $log)"
        note_reason "$(grep --max-count 1 --extended-regexp '^(FAILED|ERROR) ' "$log")"
        printf '%-20s FAILED, %d s  %s; the end of %s:\n' \
            "$name" "$seconds" "$figure" "$log"
        tail -n 60 "$log" | printable
    fi
}

# Up to the job's last line of output: it may have ended long before it was awaited.
function seconds_of { # <name>
    local ended
    ended=$(stat --format %Y "$LOGS/$1.log")
    echo $((ended - BEGIN[$1]))
}

function logged { # <log> <command> <argument>...
    exec >"$1" 2>&1
    "${@:2}"
}

# Some readers see only the ledger: add the first of pytest's failures, or what a lab
# run ended with.
function note_reason { # <line, or nothing>
    local line
    line=$(printable <<<"$1")
    [[ ! $line ]] || LEDGER+=("    ${line:0:300}")
}

# pytest's last line, such as "1 failed, 412 passed in 9.87s".
function figure_of { # <log>
    grep --only-matching --extended-regexp '^([0-9]+ [a-z]+, )*[0-9]+ [a-z]+ in [0-9.]+s' "$1" |
        tail -n 1
}

# A lab run prints a line per phase itself. The lab that a failed run leaves up is taken
# down; its logs and evidence stay in its directory.
function run_lab { # <name> <directory> <argument>...
    begin_lab "" "$@"
    end_lab "$1"
}

function begin_lab { # <prefix of its lines> <name> <directory> <argument>...
    local prefix=$1 name=$2
    LAB_DIRECTORY[$name]=$REPOSITORY/.lab-tests/$3
    BEGIN[$name]=$EPOCHSECONDS
    set -- --directory "${LAB_DIRECTORY[$name]}" --number "$NUMBER" "${@:4}"
    printf '\n%s: tools/run_upgrade.sh %s\n' "$name" "$*"
    start_job upgrade_with_log "$LOGS/$name.log" "$prefix" "$@"
    JOB_OF[$name]=$JOB
}

function end_lab { # <name>
    local seconds status log=$LOGS/$1.log
    await_job "${JOB_OF[$1]}"
    status=$JOB_RESULT
    seconds=$(seconds_of "$1")
    if [[ $status -eq 0 ]]; then
        note OK "$seconds" "$1" "$(grep '^heartbeats lost' "$log" | tail -n 1)"
    else
        note FAILED "$seconds" "$1" "exit code $status, see $log"
        note_reason "$(grep --extended-regexp '^(verdict: FAILED|run_upgrade.sh:|    \| )' "$log" |
            tail --lines 1)"
        take_down "${LAB_DIRECTORY[$1]}"
    fi
    unset "LAB_DIRECTORY[$1]"
}

# The reader of the output ignores the signals that the run gets, to print its last lines.
function upgrade_with_log { # <log> <prefix of each line> <argument>...
    "$REPOSITORY/tools/run_upgrade.sh" "${@:3}" 2>&1 |
        ( trap '' HUP INT TERM; tee "$1" | sed --unbuffered "s/^/$2/" )
}

function take_down { # <directory>
    "$REPOSITORY/.venv/bin/ironic-sideways" lab down --directory "$1" ||
        echo "run_tests: the lab in $1 could not be taken down" >&2
}

# jobs.sh calls it when a job that a signal interrupted has ended. The run has taken
# down its lab, unless it was killed.
function on_interruption {
    local directory
    for directory in "${LAB_DIRECTORY[@]}"; do
        [[ ! -e $directory/lab.json ]] || take_down "$directory"
    done
    tell
    echo "run_tests: interrupted by SIG$INTERRUPTED"
}

# CPU time of all processes on this machine, including those that are not ours.
function cpu_seconds {
    awk -v hertz="$(getconf CLK_TCK)" '/^cpu / { print int(($2 + $3 + $4 + $7 + $8) / hertz) }' /proc/stat
}

function slowest_tests {
    find "$LOGS" -name '*.log' -exec cat {} + |
        grep --extended-regexp '^[0-9.]+s (call|setup|teardown) ' |
        sort --general-numeric-sort --reverse | head -n 10
}

function tell {
    local load
    printf '\nThe slowest tests\n%s\n' "$(slowest_tests || echo none)"
    printf '\nThe ledger\n'
    printf '%s\n' "${LEDGER[@]}"
    read -r -a load </proc/loadavg
    printf 'total: %d s (CPU %d s, load average %s)\n' \
        "$SECONDS" $(($(cpu_seconds) - CPU_BEGIN)) "${load[*]:0:3}"
    [[ ${#LEFT_OUT[@]} -eq 0 ]] || printf 'left out: %s\n' "${LEFT_OUT[@]}"
    printf '\n%d passed, %d failed\n' "$PASSED" "$FAILED"
}

# Only in the long run; the short one reports it as left out.
function in_soak { # <check|run_lab> <name> [argument...]
    if [[ $WITH_SOAK ]]; then
        "$@"
    else
        LEFT_OUT+=("$2 (--soak)")
    fi
}

# The main job beside the functional tests was seen to use 6.5 GiB; 14 leaves a margin.
function room_for_two_labs {
    local total
    total=$(awk '/^MemTotal:/ { print $2 }' "$MEMORY")
    [[ $total -ge $((14 * 1024 * 1024)) ]]
}

function run_checks {
    check pep8 "${TOX[@]}" -e pep8
    check docs "${TOX[@]}" -e docs
    check releasenotes "${TOX[@]}" -e releasenotes
    check unit "${TOX[@]}" -e py3
}

# A lab mostly waits. The tests yield the CPU to it, since its time is judged as well.
# They share the unit tests' environment, so that OpenStack is installed only once.
FUNCTIONAL=(functional nice "${TOX[@]}" -e py3 -- "${SIDE_BY_SIDE[@]}" ironic_sideways/tests/functional)
# Also with Ironic and Nova of the newest stable branch, which Grenade's jobs use as base.
FUNCTIONAL_2026_1=(functional-2026.1 nice "${TOX[@]}" -e functional-2026.1)
# First the rollbacks, in the lab and with the instances of the main job.
MAIN_JOB=(main-job main --rollback-from "$RISKIEST" --sabotage "$CHEAPEST")
FAKE=(plain-fake-driver fake --base-driver fake --no-tempest --rollback-from compute)
# A separate lab, moved only with the commands of the operator's guide.
GUIDE=(upgrade-guide "${TOX[@]}" -e py3 -- ironic_sideways/tests/guide)

function run_labs_and_functional {
    if room_for_two_labs; then
        begin_lab "main-job | " "${MAIN_JOB[@]}"
        check "${FUNCTIONAL[@]}"
        begin_check "${FUNCTIONAL_2026_1[@]}"
        end_lab main-job
        begin_lab "plain-fake-driver | " "${FAKE[@]}"
        check "${GUIDE[@]}"
        end_lab plain-fake-driver
        end_check functional-2026.1
    else
        check "${FUNCTIONAL[@]}"
        check "${FUNCTIONAL_2026_1[@]}"
        run_lab "${MAIN_JOB[@]}"
        run_lab "${FAKE[@]}"
        check "${GUIDE[@]}"
    fi
}

function run_soak {
    local round
    in_soak run_lab each-way-back back --no-tempest --rollback-from each
    in_soak run_lab each-sabotage sabotage --no-tempest --sabotage each
    in_soak run_lab two-hosts-workers hosts --no-tempest --compute-hosts 2 --by-shape --workers 3
    in_soak run_lab host-after-host hosts --no-tempest --compute-hosts 2 --one-by-one
    in_soak run_lab real-deploys deploys --no-tempest --fail-over --deploys --stock-manager
    for round in 1 2 3; do
        in_soak run_lab "soak-$round" soak --nodes 10 --tempest-all
    done
    in_soak run_lab main-job-2026.1 main-2026.1 --release 2026.1
    in_soak check other-debian "$REPOSITORY/tools/other_debian.sh" \
        "$REPOSITORY/.lab-tests/other-debian" tools/run_upgrade.sh
}

function main { # <argument>...
    parse_arguments "$@"
    CPU_BEGIN=$(cpu_seconds)
    cd "$REPOSITORY"
    run_job "$REPOSITORY/tools/prepare_host.sh" --tests
    [[ $JOB_RESULT -eq 0 ]] || exit 1
    # Only this run's logs: the slowest tests are searched in all of them.
    rm --recursive --force "$LOGS"
    mkdir --parents "$LOGS"
    [[ $WITH_SOAK ]] ||
        LEFT_OUT+=("functional: 180 of 200 kills, most of the random contents (--soak)")
    run_checks
    if [[ $WITH_LAB ]]; then
        run_labs_and_functional
        run_soak
    else
        check "${FUNCTIONAL[@]}"
        check "${FUNCTIONAL_2026_1[@]}"
        LEFT_OUT+=("every lab run (--no-lab)")
    fi
    tell
    [[ $FAILED -eq 0 ]]
}

main "$@"
