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

# The first and the last phase of the maintenance window, and their undo.
#
# Sourced by upgrade-ironic after phases.sh and the deployment.

# Only a policy forbids what a lock does not: snapshots, a rename, changes to ports, and an
# unlock by the owner. Nova and Neutron check their policy directories at each request. The
# directories are kept afterwards: one that was removed and created again is not read.
function forbid_changes { # <option that names a moving host>...
    local nova neutron
    nova=$(policy_directory nova)
    neutron=$(policy_directory neutron)
    mkdir -p "$nova" "$neutron"
    remember neutron-rules oslopolicy-policy-generator --namespace neutron \
        --config-file "$(dirname "$neutron")/neutron.conf"
    ironic-sideways maintenance policy --os-cloud "$ADMIN_CLOUD" "$@" \
        --neutron-rules "$EVIDENCE_DIR/phases/neutron-rules.value" \
        --nova "$nova/zz-maintenance.yaml" --neutron "$neutron/zz-maintenance.yaml"
    # Newer than when a service may have read them half written.
    touch "$nova" "$neutron"
    [[ -z $PROBED ]] ||
        ironic-sideways maintenance probe --os-cloud "$MEMBER_CLOUD"
}

function permit_changes { # [option of the probe...]
    local service directory
    for service in nova neutron; do
        directory=$(policy_directory $service)
        # And the temporary file that a killed writer left behind.
        rm -f "$directory"/zz-maintenance.yaml "$directory"/.zz-maintenance.yaml.*.new
        # Newer than at any earlier read, whatever the clock's resolution.
        [[ ! -d $directory ]] || touch "$directory"
    done
    [[ -z $PROBED ]] ||
        ironic-sideways maintenance probe --permitted --os-cloud "$MEMBER_CLOUD" "$@"
}

function name_moving_hosts {
    local host
    MOVING=()
    for host in $(moving_hosts); do
        MOVING+=(--compute-host "$host")
    done
}

function begin_maintenance {
    start_prober
    base_options
    name_moving_hosts
    forbid_changes "${MOVING[@]}"
    # A resumed phase must not record our own locks as the state before.
    if [[ ! -e $EVIDENCE_DIR/maintenance.json ]]; then
        ironic-sideways evidence snapshot "${SNAPSHOT_OPTIONS[@]}" "${SNAPSHOT_HOSTS[@]}" \
            --output "$EVIDENCE_DIR/before.json"
    fi
    if ! tell ironic-sideways maintenance start --os-cloud "$ADMIN_CLOUD" \
        "${MOVING[@]}" --nova-bm-db "$(database_url nova_bm)" \
        --record "$EVIDENCE_DIR/maintenance.json" "${MAINTENANCE_OPTIONS[@]}"; then
        # Without a record it has changed nothing.
        [[ -e $EVIDENCE_DIR/maintenance.json ]] || permit_changes
        return 1
    fi
}

function undo_begin_maintenance {
    base_options
    tell ironic-sideways maintenance end --os-cloud "$ADMIN_CLOUD" \
        --record "$EVIDENCE_DIR/maintenance.json"
    permit_changes
    # The next attempt starts from the state it finds.
    rm -f "$EVIDENCE_DIR"/{maintenance,accepted}.json
}

function end_maintenance {
    base_options
    ironic-sideways maintenance check --os-cloud "$ADMIN_CLOUD" \
        --record "$EVIDENCE_DIR/maintenance.json" --nova-bm-db "$(database_url nova_bm)"
    # The state under the locks cannot be recorded once they are released.
    if [[ ! -e $EVIDENCE_DIR/phases/unlocking ]]; then
        ironic-sideways evidence snapshot "${SNAPSHOT_OPTIONS[@]}" "${SNAPSHOT_HOSTS[@]}" \
            --ironic-cloud "$SYSTEM_CLOUD" --output "$EVIDENCE_DIR/after.json"
        ironic-sideways evidence compare --before "$EVIDENCE_DIR/before.json" \
            --after "$EVIDENCE_DIR/after.json"
        touch "$EVIDENCE_DIR/phases/unlocking"
    fi
    tell ironic-sideways maintenance end --os-cloud "$ADMIN_CLOUD" \
        --record "$EVIDENCE_DIR/maintenance.json"
    permit_changes --record "$EVIDENCE_DIR/maintenance.json"
    ironic-sideways evidence snapshot "${SNAPSHOT_OPTIONS[@]}" "${SNAPSHOT_HOSTS[@]}" \
        --output "$EVIDENCE_DIR/ended.json"
}

function undo_end_maintenance {
    [[ -e $EVIDENCE_DIR/phases/unlocking ]] || return 0
    base_options
    name_moving_hosts
    forbid_changes "${MOVING[@]}"
    # Refuses if an owner has deleted their instance since it was unlocked.
    tell ironic-sideways maintenance resume --os-cloud "$ADMIN_CLOUD" \
        --record "$EVIDENCE_DIR/maintenance.json" --nova-bm-db "$(database_url nova_bm)"
    rm "$EVIDENCE_DIR/phases/unlocking"
}
