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

# The window, after Grenade has upgraded all of its own projects; nova-compute runs
# again by then, and the window stops it.
#
# Called again, it resumes after the last completed phase.
#
# Grenade's style and variables.
# shellcheck disable=SC1091,SC2086,SC2154

echo "*********************************************************************"
echo "Begin $0"
echo "*********************************************************************"

set -o errexit

source $GRENADE_DIR/grenaderc
source $GRENADE_DIR/functions
source $TARGET_DEVSTACK_DIR/stackrc
source $TARGET_DEVSTACK_DIR/lib/nova
# shellcheck source=devstack/upgrade/checks.sh
source "$(dirname "$0")/checks.sh"

IRONIC_SIDEWAYS_DIR=${IRONIC_SIDEWAYS_DIR:-$DATA_DIR/ironic-sideways}
# shellcheck source=/dev/null
source "$IRONIC_SIDEWAYS_DIR/deployment"
host=$(iniget $NOVA_CONF DEFAULT host)
check_host "$BASE_COMPUTE_HOST" "$BASE_HOSTNAME" "$host"

printf 'export GRENADE_DIR=%q\n' "$GRENADE_DIR" >"$IRONIC_SIDEWAYS_DIR/grenade"

SIDEWAYS_REPOSITORY=$(cd "$(dirname "$0")/../.." && pwd)
# The target's unstack.sh looks for its plugins there; in Zuul it exists already.
if [[ ! -e $TARGET_RELEASE_DIR/ironic-sideways ]]; then
    ln -s "$SIDEWAYS_REPOSITORY" "$TARGET_RELEASE_DIR/ironic-sideways"
fi
# shellcheck source=grenade/summary.sh
source "$SIDEWAYS_REPOSITORY/grenade/summary.sh"
use_grenades_summary

set -o xtrace

export IRONIC_SIDEWAYS_DIR
window=("$SIDEWAYS_REPOSITORY/grenade/upgrade-ironic" --deployment devstack)
say "ironic-sideways: the window, with maintenance from begin-maintenance to end-maintenance"
# Set in Grenade's localrc: first a rollback is tried, from this phase.
if [[ ${IRONIC_SIDEWAYS_BACK_FROM:-} ]]; then
    "${window[@]}" --to "$IRONIC_SIDEWAYS_BACK_FROM"
    say "ironic-sideways: roll back from $IRONIC_SIDEWAYS_BACK_FROM, then the window again"
    "${window[@]}" --rollback
fi
"${window[@]}"
say "ironic-sideways: the window has ended, and nova-compute runs Nova's Ironic driver"

set +o xtrace
echo "*********************************************************************"
echo "SUCCESS: End $0"
echo "*********************************************************************"
