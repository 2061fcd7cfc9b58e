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

# Which compute hosts a window moves, and where the evidence of earlier ones is.
#
# Sourced by upgrade-ironic after phases.sh and the deployment. A window that moves
# one of several hosts has its own evidence directory, increments/HOST below the one
# of the whole cloud.

# upgrade-ironic and maintenance.sh read what is set here.
# shellcheck disable=SC2034

SERVICES=()
HOST_OPTIONS=()
ROLLBACK_OPTIONS=()
SNAPSHOT_HOSTS=()
SHARDED=

# Set SERVICES, the compute services that move, and what depends on them.
function choose_hosts { # <host, or empty for all>
    local known service host wanted=$1
    known=$(compute_services)
    for service in $known; do
        host=$(compute_host "$service")
        if [[ -z $wanted || $host == "$wanted" ]]; then
            SERVICES+=("$service")
            HOST_OPTIONS+=(--nova-config "$(base_compute_config "$service")")
        fi
    done
    if [[ ${#SERVICES[@]} -eq 0 ]]; then
        echo "upgrade-ironic: --service-host $wanted: no base compute host of that name" >&2
        exit 2
    fi
    # Otherwise Nova's hash ring would redistribute the free nodes.
    if [[ $(wc -w <<<"$known") -gt 1 ]]; then
        SHARDED=yes
        HOST_OPTIONS+=(--shard-by-service-host)
    fi
    INCREMENTS=$EVIDENCE_DIR/increments
    if [[ $wanted ]]; then
        HOST_OPTIONS+=(--service-host "$wanted")
        # Another host's nodes may already be in use in Ironic.
        ROLLBACK_OPTIONS=(--service-host "$wanted")
        SNAPSHOT_HOSTS=(--compute-host "$wanted")
        use_increment "$wanted"
    fi
    name_migrations
}

# From here on the evidence is the host's own; what is recorded all the time is shared.
function use_increment { # <host>
    local name
    EVIDENCE_DIR=$INCREMENTS/$1
    mkdir -p "$EVIDENCE_DIR/phases"
    for name in api heartbeat leases; do
        ln -sfn "../../$name.jsonl" "$EVIDENCE_DIR/$name.jsonl"
    done
    RESUME+=" --service-host $1"
    ROLL_BACK+=" --service-host $1"
}

# The records of all hosts moved so far, including this window's.
function name_migrations {
    local record
    MIGRATIONS=(--migration "$EVIDENCE_DIR/migration.json")
    for record in "$INCREMENTS"/*/migration.json; do
        if [[ -e $record && $record != "$EVIDENCE_DIR/migration.json" ]]; then
            MIGRATIONS+=(--migration "$record")
        fi
    done
}

# The compute hosts that this window moves, one per line.
function moving_hosts {
    local service
    for service in "${SERVICES[@]}"; do
        compute_host "$service"
    done
}

# Whether another window of this cloud has ended: Ironic is in use already.
function moved_before {
    local mark
    for mark in "$INCREMENTS"/*/phases/end-maintenance.done; do
        if [[ -e $mark && $mark != "$EVIDENCE_DIR"/* ]]; then
            return 0
        fi
    done
    return 1
}
