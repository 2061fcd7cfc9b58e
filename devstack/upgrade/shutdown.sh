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

# Before Grenade stops the base's services: check what the window needs, and save
# nova_bm. nova-compute stops with Nova; the machines keep running.
#
# Grenade's style and variables.
# shellcheck disable=SC1091,SC2086,SC2154

echo "*********************************************************************"
echo "Begin $0"
echo "*********************************************************************"

set -o errexit

source $GRENADE_DIR/grenaderc
source $GRENADE_DIR/functions
source $BASE_DEVSTACK_DIR/stackrc
source $BASE_DEVSTACK_DIR/lib/database
source $BASE_DEVSTACK_DIR/lib/nova
# shellcheck source=devstack/upgrade/checks.sh
source "$(dirname "$0")/checks.sh"

IRONIC_SIDEWAYS_DIR=${IRONIC_SIDEWAYS_DIR:-$DATA_DIR/ironic-sideways}
if [[ ! -r $IRONIC_SIDEWAYS_DIR/deployment ]]; then
    die $LINENO "$IRONIC_SIDEWAYS_DIR/deployment: not found: was the base built with" \
        "enable_plugin ironic-sideways?"
fi
# shellcheck source=/dev/null
source "$IRONIC_SIDEWAYS_DIR/deployment"
host=$(iniget $NOVA_CONF DEFAULT host)
check_host "$BASE_COMPUTE_HOST" "$BASE_HOSTNAME" "$host"

set -o xtrace

# nova_bm has the BMCs' passwords, as Ironic's database will: it must not go to Grenade's
# SAVE_DIR, which a gate publishes, and so register_db_to_save is not used.
initialize_database_backends
(
    umask 077
    # In the environment, not in a process's arguments or in the trace.
    set +o xtrace
    export MYSQL_PWD=$DATABASE_PASSWORD
    set -o xtrace
    mysqldump --single-transaction --user "$DATABASE_USER" --host "$DATABASE_HOST" \
        nova_bm >"$IRONIC_SIDEWAYS_DIR/nova_bm.sql.$BASE_RELEASE"
)

set +o xtrace
echo "*********************************************************************"
echo "SUCCESS: End $0"
echo "*********************************************************************"
