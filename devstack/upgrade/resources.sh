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

# Grenade's resource verbs on the instances that must survive; grenade/resources does
# the work.
#
# Grenade's style and variables.
# shellcheck disable=SC1091,SC2086,SC2154

set -o errexit

source $GRENADE_DIR/grenaderc
source $GRENADE_DIR/functions
# shellcheck source=devstack/upgrade/checks.sh
source "$(dirname "$0")/checks.sh"
# shellcheck source=devstack/upgrade/tempest.sh
source "$(dirname "$0")/tempest.sh"

export IRONIC_SIDEWAYS_DIR=${IRONIC_SIDEWAYS_DIR:-$DATA_DIR/ironic-sideways}
export DEPLOYMENT=devstack
SIDEWAYS_GRENADE=$(cd "$(dirname "$0")/../../grenade" && pwd)
# shellcheck source=grenade/summary.sh
source "$SIDEWAYS_GRENADE/summary.sh"
use_grenades_summary

# Like Grenade, which empties its own record for each run. The processes that collect
# API answers, heartbeats and leases keep their files open: those stay.
function begin_evidence {
    local evidence=$IRONIC_SIDEWAYS_DIR/hardware/evidence
    local previous=$IRONIC_SIDEWAYS_DIR/hardware/previous/evidence
    rm -rf "$previous"
    mkdir -p "$previous" "$evidence"
    find "$evidence" -mindepth 1 -maxdepth 1 ! -name api.jsonl ! -name heartbeat.jsonl ! -name leases.jsonl \
        -exec mv -t "$previous" {} +
}

set -o xtrace

case $1 in
    early_create) check_one_compute ;;
    create)
        begin_evidence
        "$SIDEWAYS_GRENADE/resources" create
        ;;
    verify)
        if [[ $2 == post-upgrade ]]; then
            # The verdict first: no later failure can prevent it.
            "$SIDEWAYS_GRENADE/after-upgrade" judge
            if [[ -e $TARGET_RELEASE_DIR/tempest/etc/tempest.conf ]]; then
                configure_tempest_for_ironic "$TARGET_RELEASE_DIR/tempest/etc/tempest.conf"
            fi
        else
            "$SIDEWAYS_GRENADE/resources" verify "$2"
        fi
        ;;
    verify_noapi) "$SIDEWAYS_GRENADE/resources" verify_noapi "${2:-}" ;;
    destroy) "$SIDEWAYS_GRENADE/resources" destroy ;;
    force_destroy)
        set +o errexit
        "$SIDEWAYS_GRENADE/resources" destroy
        ;;
esac

set +o xtrace
echo "SUCCESS: $0 $*"
