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

# Every test on a fresh Debian 12 machine: what tox checks, then the main job, and
# the short one on Nova's plain fake driver. Goes on after a failure; the ledger
# at the end names each.
#
# Usage: sudo tools/run_tests.sh [--no-lab] [--soak]
#
#   --no-lab   leave the lab runs out
#   --soak     also the main job three times in a row in one directory
#
# Needs what tools/prepare_host.sh needs, and the main job 8 GiB of memory. Logs
# are in .lab-tests/logs, the labs beside them, with the number 90.
#
# Exit codes: 0 all passed; 1 something failed; 2 bad usage; 130 interrupted.

set -o errexit
set -o nounset
set -o pipefail

REPOSITORY=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
LOGS=$REPOSITORY/.lab-tests/logs
NUMBER=90
WITH_LAB=yes
WITH_SOAK=""
LEDGER=()
PASSED=0
FAILED=0

function parse_arguments { # <argument>...
    while [[ $# -gt 0 ]]; do
        case $1 in
            --no-lab)
                WITH_LAB=""
                ;;
            --soak)
                WITH_SOAK=yes
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
        echo "run_tests: --soak runs the lab, --no-lab forbids it: choose one" >&2
        exit 2
    fi
}

function note { # <OK|FAILED> <seconds> <name> <figure>
    local line
    printf -v line '%-6s %5d s  %-18s %s' "$@"
    LEDGER+=("$line")
    if [[ $1 == OK ]]; then
        PASSED=$((PASSED + 1))
    else
        FAILED=$((FAILED + 1))
    fi
}

# A quiet check: its output goes to its log, the end of it here if it fails.
function check { # <name> <command> <argument>...
    local name=$1 begin=$SECONDS status=0 log=$LOGS/$1.log figure
    shift
    printf '%-18s ' "$name"
    "$@" >"$log" 2>&1 </dev/null || status=$?
    figure=$(figure_of "$log") || figure=""
    if [[ $status -eq 0 ]]; then
        note OK $((SECONDS - begin)) "$name" "$figure"
        echo "OK, $((SECONDS - begin)) s  $figure"
    else
        note FAILED $((SECONDS - begin)) "$name" "$figure (exit code $status, $log)"
        echo "FAILED, $((SECONDS - begin)) s  $figure; the end of $log:"
        tail -n 60 "$log"
    fi
}

# What pytest says last, as in "1 failed, 412 passed in 9.87s".
function figure_of { # <log>
    grep --only-matching --extended-regexp '^([0-9]+ [a-z]+, )*[0-9]+ [a-z]+ in [0-9.]+s' "$1" |
        tail -n 1
}

# A lab run speaks for itself, a line a phase. One that fails leaves its lab up,
# here for nobody: its logs and evidence stay in its directory.
function run_lab { # <name> <directory> <argument>...
    local name=$1 directory=$REPOSITORY/.lab-tests/$2 log=$LOGS/$1.log
    local begin=$SECONDS status=0
    shift 2
    set -- --directory "$directory" --number "$NUMBER" "$@"
    printf '\n%s: tools/run_upgrade.sh %s\n' "$name" "$*"
    "$REPOSITORY/tools/run_upgrade.sh" "$@" </dev/null 2>&1 | tee "$log" || status=$?
    if [[ $status -eq 0 ]]; then
        note OK $((SECONDS - begin)) "$name" "$(grep '^heartbeats lost' "$log" | tail -n 1)"
    else
        note FAILED $((SECONDS - begin)) "$name" "exit code $status, see $log"
        "$REPOSITORY/.venv/bin/ironic-sideways" lab down --directory "$directory" ||
            echo "run_tests: the lab in $directory could not be taken down" >&2
    fi
}

function tell {
    local line
    printf '\nThe ledger\n'
    for line in "${LEDGER[@]}"; do
        printf '%s\n' "$line"
    done
    printf 'total: %d s\n\n%d passed, %d failed\n' "$SECONDS" "$PASSED" "$FAILED"
}

function run_checks {
    local tox=("$REPOSITORY/.venv/bin/tox" run --root "$REPOSITORY" --conf "$REPOSITORY/tox.ini" --colored no)
    check pep8 "${tox[@]}" -e pep8
    check docs "${tox[@]}" -e docs
    check releasenotes "${tox[@]}" -e releasenotes
    check unit "${tox[@]}" -e py3
    # The same environment as of the unit tests: all of OpenStack once.
    check functional "${tox[@]}" -e py3 -- ironic_sideways/tests/functional
}

function run_labs {
    local round
    run_lab main-job main-job
    run_lab plain-fake-driver plain-fake-driver --base-driver fake
    if [[ $WITH_SOAK ]]; then
        for round in 1 2 3; do
            run_lab "soak-$round" soak
        done
    fi
}

function main { # <argument>...
    parse_arguments "$@"
    trap 'tell; echo "run_tests: interrupted"; exit 130' INT
    trap 'exit 143' TERM
    cd "$REPOSITORY"
    "$REPOSITORY/tools/prepare_host.sh" --tests
    mkdir --parents "$LOGS"
    run_checks
    if [[ $WITH_LAB ]]; then
        run_labs
    fi
    tell
    [[ $FAILED -eq 0 ]]
}

main "$@"
