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

# Move the base compute hosts one by one, each with its own window and verdict.
#
# Sourced by tools/run_upgrade.sh after phases.sh and the deployment.

# The subjects that are judged once for the whole cloud, or by their own phase.
JUDGED_ONCE=(restarted judges-again operations proxy tempest "last look")

# JOB_RESULT is that of the first host that failed, or 0.
function move_one_by_one {
    local services service host
    services=$(compute_services)
    for service in $services; do
        host=$(compute_host "$service")
        printf 'compute host %s:\n' "$host"
        run_job "$REPOSITORY/grenade/upgrade-ironic" --service-host "$host"
        if [[ $JOB_RESULT -ne 0 ]]; then
            ROLL_BACK+=" --service-host $host"
            return 0
        fi
        verify_increment "$host"
        [[ $JOB_RESULT -eq 0 ]] || return 0
    done
}

# The verification is a phase in the host's own evidence.
function verify_increment { # <host>
    local EVIDENCE_DIR=$EVIDENCE_DIR/increments/$1
    # shellcheck disable=SC2034 # phases.sh reads it
    PHASE_NAMES=()
    phase verify verify_workload "every instance after the move of $1"
    try_phases ""
    JOB_RESULT=$PHASE_RESULT
}

# JOB_RESULT is 0 when each host's verdict is green.
function judge_increments {
    local directory result=0
    for directory in "$EVIDENCE_DIR"/increments/*/; do
        printf 'compute host %s:\n' "$(basename "$directory")"
        run_job judge_increment "${directory%/}"
        [[ $JOB_RESULT -eq 0 ]] || result=$JOB_RESULT
    done
    JOB_RESULT=$result
}

function judge_increment { # <evidence of one host>
    ironic-sideways evidence collect --logs "$IRONIC_SIDEWAYS_LAB/logs" \
        "${SECRET_FILES[@]/#/--secrets=}" --output "$1"
    EVIDENCE_DIR=$1 record_left_out "${JUDGED_ONCE[@]}"
    local result=0
    ironic-sideways verdict "$1" --record || result=$?
    ironic-sideways report "$1" | sed 's/^/report: /'
    return "$result"
}
