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

# The checks after the window, and the verdict, the same for every run.
#
# Sourced by tools/run_upgrade.sh and after-upgrade, after phases.sh and a deployment
# (REPOSITORY, IRONIC_SIDEWAYS_LAB, SECRET_FILES, LEFT_OUT). AGAIN_BY is the command
# that repeats the whole run.

function verify_workload {
    tell "$REPOSITORY/grenade/resources" verify post-upgrade
    # If hosts moved one after the other, each has its own window and its own leases.
    if [[ ! -d $EVIDENCE_DIR/increments ]]; then
        ironic-sideways evidence leases --directory "$EVIDENCE_DIR"
    fi
    ask_judges judges
}

# Run upstream's own programs that check a cloud; the verdict judges what they say.
function ask_judges { # <name of the evidence>
    local nova ironic
    # If hosts moved one after the other, each has its own evidence.
    [[ -e $EVIDENCE_DIR/migration.json ]] || return 0
    nova=$(configuration_files nova)
    ironic=$(configuration_files ironic)
    ironic-sideways evidence judges --os-cloud "$SYSTEM_CLOUD" \
        --nova-config "$nova" --ironic-config "$ironic" \
        --migration "$EVIDENCE_DIR/migration.json" --output "$EVIDENCE_DIR/$1.json"
}

# A first start may leave behind what prevents a second.
function start_again {
    local services service host since
    services=$(compute_services)
    mapfile -t services <<<"$services"
    base_options
    # On DevStack Ironic's two services start together.
    stop_service ironic-conductor ironic-api "${services[@]}"
    # A service that is being stopped reports itself up until it ends.
    since=$EPOCHSECONDS
    start_service ironic-conductor ironic-api "${services[@]}"
    # Until its own first report, Nova shows that of the previous process.
    for service in "${services[@]}"; do
        host=$(compute_host "$service")
        ironic-sideways wait-service --os-cloud "$ADMIN_CLOUD" --binary nova-compute \
            --host "$host" --since "$since" --timeout 120
    done
    ironic-sideways evidence snapshot "${SNAPSHOT_OPTIONS[@]}" \
        --ironic-cloud "$SYSTEM_CLOUD" --output "$EVIDENCE_DIR/restarted.json"
    tell echo "Ironic and ${services[*]}: restarted"
}

function operate {
    tell "$REPOSITORY/grenade/resources" operate
    ask_judges judges-again
}

# Ironic sets maintenance on a node whose BMC fails, even after the last trial.
function last_look {
    tell ironic-sideways evidence last-look --ironic-cloud "$SYSTEM_CLOUD" \
        --output "$EVIDENCE_DIR/last-look.json"
}

function collect_evidence {
    tell ironic-sideways evidence collect --logs "$IRONIC_SIDEWAYS_LAB/logs" \
        "${SECRET_FILES[@]/#/--secrets=}" --output "$EVIDENCE_DIR" --again-by "$AGAIN_BY"
}

# A phase that is repeated at each call: what a failed run gathered is incomplete. Its
# exit code is in PHASE_RESULT.
function gather_evidence {
    # phases.sh reads it.
    # shellcheck disable=SC2034
    PHASE_NAMES=()
    phase collect collect_evidence "gather logs"
    rm -f "$EVIDENCE_DIR/phases/collect.done"
    try_phases ""
}

function judge_evidence {
    record_left_out "${LEFT_OUT[@]}"
    ironic-sideways verdict "$EVIDENCE_DIR" --record --json "$EVIDENCE_DIR/verdict.json" |
        tee "$EVIDENCE_DIR/verdict.txt"
}

function report_evidence {
    ironic-sideways report "$EVIDENCE_DIR" | sed 's/^/report: /'
}

# Compute the verdict and write its page. JOB_RESULT is the verdict's; a page that cannot
# be written is a failure, but does not replace the verdict.
function judge_and_report {
    run_job judge_evidence
    # run_upgrade.sh reads it at its end.
    # shellcheck disable=SC2034
    JUDGED=yes
    local judged=$JOB_RESULT
    run_job report_evidence
    JOB_RESULT=$((judged ? judged : JOB_RESULT))
}
