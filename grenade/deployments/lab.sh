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

# The deployment vocabulary of the phases, on the lab (ironic_sideways/lab).
#
# Sourced. Needs IRONIC_SIDEWAYS_LAB (the lab's directory; default .lab beside
# this repository's files) with a lab that is up.

# The phases read the variables that are set here.
# shellcheck disable=SC2034

REPOSITORY=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
export IRONIC_SIDEWAYS_LAB=${IRONIC_SIDEWAYS_LAB:-$REPOSITORY/.lab}
export OS_CLIENT_CONFIG_FILE=$IRONIC_SIDEWAYS_LAB/etc/clouds.yaml
# A proxy reaches the package registries, not this host's own services.
export no_proxy=127.0.0.1${no_proxy:+,$no_proxy}
PATH=${IRONIC_SIDEWAYS_VENV:-$REPOSITORY/.venv}/bin:$PATH
EVIDENCE_DIR=$IRONIC_SIDEWAYS_LAB/evidence
LOCK_DIR=$IRONIC_SIDEWAYS_LAB
CACHE_DIR=${IRONIC_SIDEWAYS_CACHE:-$REPOSITORY/.cache}
ADMIN_CLOUD="admin"
SYSTEM_CLOUD=system
MEMBER_CLOUD=demo
# Placement lets nobody but the role "service" reshape.
SERVICE_CLOUD=service
RESUME=${RESUMED_BY:-IRONIC_SIDEWAYS_LAB=$IRONIC_SIDEWAYS_LAB $REPOSITORY/grenade/upgrade-ironic}
ROLL_BACK="IRONIC_SIDEWAYS_LAB=$IRONIC_SIDEWAYS_LAB $REPOSITORY/grenade/upgrade-ironic --rollback"
# What must stand in no log and in no evidence.
SECRET_FILES=("$IRONIC_SIDEWAYS_LAB/etc/secrets.json" "$IRONIC_SIDEWAYS_LAB/data/vbmc")
# A free node of the lab deploys by network boot without an agent. Kernels and
# ramdisks of net-booted instances go where ironic.conf's file_url_allowed_paths is.
MIGRATE_OPTIONS=(
    --free-deploy-interface ramdisk
    --tftp-root "$IRONIC_SIDEWAYS_LAB/data/tftpboot"
    --netboot-images "$IRONIC_SIDEWAYS_LAB/data/netboot-images"
)

# What a way back must leave as it was, one a line.
function base_files {
    local service
    printf '%s\n' "$IRONIC_SIDEWAYS_LAB"/etc/nova/{nova.conf,api-paste.ini,policy.d/maintenance.yaml}
    for service in $(compute_services); do
        base_compute_config "$service"
    done
}

function base_driver {
    ironic-sideways lab show base_driver
}

# What depends on the base: the lab's machines can be asked for more than a real
# cloud's, and the plain fake driver has no resource provider of a node.
function base_options {
    local driver
    driver=$(base_driver)
    CONVERT_OPTIONS=()
    # A lab's member tries to delete his instances in the window: he must not.
    MAINTENANCE_OPTIONS=(--probe-cloud "$MEMBER_CLOUD")
    if [[ $driver == fake ]]; then
        CONVERT_OPTIONS=(--missing-ok)
        MAINTENANCE_OPTIONS=()
    fi
    SNAPSHOT_OPTIONS=(
        --os-cloud "$ADMIN_CLOUD" --base-driver "$driver"
        --machines "$IRONIC_SIDEWAYS_LAB/machines.json"
        --vbmc-config "$IRONIC_SIDEWAYS_LAB/data/vbmc"
        --heartbeat "$EVIDENCE_DIR/heartbeat.jsonl"
    )
}

function install_ironic {
    ironic-sideways lab install-ironic
}

function create_ironic_database {
    ironic-sideways lab create-ironic-database
}

function start_service { # <service>...
    ironic-sideways lab service start "$@"
}

function stop_service { # <service>...
    ironic-sideways lab service stop "$@"
}

function restart_service { # <service>...
    ironic-sideways lab service restart "$@"
}

function set_option { # <configuration> <section> <option> <value>
    ironic-sideways lab set-option "$1" "$2" "$3" "$4"
}

function get_option { # <configuration> <section> <option> [<where it is not set>]
    ironic-sideways lab get-option "$@"
}

function unset_option { # <configuration> <section> <option>
    ironic-sideways lab unset-option "$1" "$2" "$3"
}

function database_url { # <database>
    ironic-sideways lab database-url "$1"
}

function service_log { # <service>
    ironic-sideways lab service-log "$1"
}

# The base's nova-compute services, one a line. Such a name is a service and a
# configuration.
function compute_services {
    ironic-sideways lab show compute_services
}

function compute_host { # <compute service>
    get_option "$1" DEFAULT host
}

function base_compute_config { # <compute service>
    echo "$IRONIC_SIDEWAYS_LAB/etc/$1/nova.conf"
}

# Where the base compute hosts have their net-booted instances' kernels.
function tftp_root {
    echo "$IRONIC_SIDEWAYS_LAB/data/tftpboot"
}

function image_id { # <name>
    openstack --os-cloud "$ADMIN_CLOUD" image show --format value --column id "$1"
}

function node_owner {
    openstack --os-cloud "$ADMIN_CLOUD" project show --format value --column id admin
}

function paste_file {
    echo "$IRONIC_SIDEWAYS_LAB/etc/nova/api-paste.ini"
}

# An owner may unlock what he locked himself, and only a policy forbids it.
# nova-api reads the directory at each request; it stays, as one that is gone is
# not read again.
function forbid_unlock {
    local directory=$IRONIC_SIDEWAYS_LAB/etc/nova/policy.d
    mkdir -p "$directory"
    echo '"os_compute_api:os-lock-server:unlock": "rule:context_is_admin"' \
        >"$directory/maintenance.yaml"
}

function permit_unlock {
    rm -f "$IRONIC_SIDEWAYS_LAB/etc/nova/policy.d/maintenance.yaml"
}

function install_proxy {
    python -m ironic_sideways.proxy.install "$(paste_file)"
}

function remove_proxy {
    python -m ironic_sideways.proxy.install "$(paste_file)" --remove
}
