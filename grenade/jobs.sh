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

# A job is a command that ends when the script that runs it is told to end.
#
# Sourced by phases.sh and tools/run_tests.sh. Bash handles a signal only when its
# foreground command has ended, perhaps an hour later, but interrupts `wait` at once.
# A job is therefore a background process group of its own, and gets the signal that
# the script got. A script that has something to do before it exits defines the
# function on_interruption; its EXIT trap runs as well.

# The signal that ended this script, for its EXIT trap.
# shellcheck disable=SC2034
INTERRUPTED=""
# The process group of the job that was started last.
JOB=""
JOB_RESULT=0
# Seconds a job has to clean up before it is killed.
STOP_SECONDS=60

function job_body { # <command> [argument...]
    # Otherwise a program that configures the terminal would be stopped in the background.
    trap '' TTIN TTOU
    "$@"
}

function start_job { # <command> [argument...]
    set -o monitor
    job_body "$@" </dev/null &
    JOB=$!
    set +o monitor
}

# The exit code is in JOB_RESULT: a call under `if` or `||` would switch off errexit
# inside the job.
function await_job { # <job>
    JOB_RESULT=0
    wait "$1" || JOB_RESULT=$?
}

function run_job { # <command> [argument...]
    start_job "$@"
    await_job "$JOB"
}

function stop_job { # <process group> <signal>
    local deadline
    deadline=$((SECONDS + STOP_SECONDS))
    kill -s "$2" -- "-$1" 2>/dev/null || return 0
    kill -s CONT -- "-$1" 2>/dev/null
    while kill -0 -- "-$1" 2>/dev/null; do
        if [[ $SECONDS -ge $deadline ]]; then
            echo "$(basename "$0"): process group $1 did not end within $STOP_SECONDS s: killed" >&2
            kill -s KILL -- "-$1"
            return 0
        fi
        sleep 0.1
    done
}

function interrupted { # <signal> <exit code> [signal for the job]
    # Neither a second Ctrl-C nor a closed pipe ends the clean-up.
    trap '' HUP INT PIPE TERM
    set +o errexit
    INTERRUPTED=$1
    local job
    for job in $(jobs -p); do
        stop_job "$job" "${3:-$1}"
    done
    if declare -F on_interruption >/dev/null; then
        on_interruption
    fi
    exit "$2"
}

trap 'interrupted HUP 129' HUP
trap 'interrupted INT 130' INT
trap 'interrupted PIPE 141 TERM' PIPE
trap 'interrupted TERM 143' TERM
