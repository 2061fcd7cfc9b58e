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

# The first and the last phase of the maintenance period, and their ways back.
#
# Sourced by upgrade-ironic after phases.sh and the deployment.

function begin_maintenance {
    local host hosts=()
    base_options
    for host in $(moving_hosts); do
        hosts+=(--compute-host "$host")
    done
    # A phase that is resumed must not take our own locks for what was before.
    if [[ ! -e $EVIDENCE_DIR/maintenance.json ]]; then
        ironic-sideways evidence snapshot "${SNAPSHOT_OPTIONS[@]}" "${SNAPSHOT_HOSTS[@]}" \
            --output "$EVIDENCE_DIR/before.json"
    fi
    forbid_unlock
    if ! tell ironic-sideways maintenance start --os-cloud "$ADMIN_CLOUD" \
        "${hosts[@]}" --nova-bm-db "$(database_url nova_bm)" \
        --record "$EVIDENCE_DIR/maintenance.json" "${MAINTENANCE_OPTIONS[@]}"; then
        # One that refused has changed nothing, and leaves no record.
        [[ -e $EVIDENCE_DIR/maintenance.json ]] || permit_unlock
        return 1
    fi
}

function undo_begin_maintenance {
    tell ironic-sideways maintenance end --os-cloud "$ADMIN_CLOUD" \
        --record "$EVIDENCE_DIR/maintenance.json"
    permit_unlock
    # The next try starts from what is so then.
    rm -f "$EVIDENCE_DIR/maintenance.json"
}

function end_maintenance {
    base_options
    ironic-sideways maintenance check --os-cloud "$ADMIN_CLOUD" \
        --record "$EVIDENCE_DIR/maintenance.json" --nova-bm-db "$(database_url nova_bm)"
    # What was so while all was locked cannot be seen again once that ends.
    if [[ ! -e $EVIDENCE_DIR/phases/unlocking ]]; then
        ironic-sideways evidence snapshot "${SNAPSHOT_OPTIONS[@]}" "${SNAPSHOT_HOSTS[@]}" \
            --ironic-cloud "$SYSTEM_CLOUD" --output "$EVIDENCE_DIR/after.json"
        ironic-sideways evidence compare --before "$EVIDENCE_DIR/before.json" \
            --after "$EVIDENCE_DIR/after.json"
        touch "$EVIDENCE_DIR/phases/unlocking"
    fi
    tell ironic-sideways maintenance end --os-cloud "$ADMIN_CLOUD" \
        --record "$EVIDENCE_DIR/maintenance.json"
    permit_unlock
    ironic-sideways evidence snapshot "${SNAPSHOT_OPTIONS[@]}" "${SNAPSHOT_HOSTS[@]}" \
        --output "$EVIDENCE_DIR/ended.json"
}

function undo_end_maintenance {
    [[ -e $EVIDENCE_DIR/phases/unlocking ]] || return 0
    forbid_unlock
    # Refuses where an owner has deleted their instance since it was unlocked.
    tell ironic-sideways maintenance resume --os-cloud "$ADMIN_CLOUD" \
        --record "$EVIDENCE_DIR/maintenance.json" --nova-bm-db "$(database_url nova_bm)"
    rm "$EVIDENCE_DIR/phases/unlocking"
}
