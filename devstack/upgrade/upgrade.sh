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

# The window, when Grenade has upgraded all of its own projects; nova-compute runs
# again, and is stopped by it.
#
# Called again, it goes on after the last phase that was done.
#
# Grenade's style, and its variables.
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
check_sideways
host=$(iniget $NOVA_CONF DEFAULT host)
check_host "$BASE_COMPUTE_HOST" "$BASE_HOSTNAME" "$host"
base_nova=$(set +o xtrace; source $BASE_DEVSTACK_DIR/stackrc; echo $NOVA_BRANCH)
check_releases "$base_nova" "$NOVA_BRANCH" "${IRONIC_BRANCH:-$TARGET_BRANCH}"

printf 'export GRENADE_DIR=%q\n' "$GRENADE_DIR" >"$IRONIC_SIDEWAYS_DIR/grenade"

set -o xtrace

export IRONIC_SIDEWAYS_DIR
"$(dirname "$0")/../../grenade/upgrade-ironic" --deployment devstack

set +o xtrace
echo "*********************************************************************"
echo "SUCCESS: End $0"
echo "*********************************************************************"
