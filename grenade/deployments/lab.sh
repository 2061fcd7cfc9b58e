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

# The functions and variables that the phases use, on the lab (ironic_sideways/lab).
#
# Sourced. Needs a lab that is up in IRONIC_SIDEWAYS_LAB (default: .lab in this
# repository).

# The phases read the variables that are set here.
# shellcheck disable=SC2034

# shellcheck source=grenade/cloud.sh
source "$(dirname "${BASH_SOURCE[0]}")/../cloud.sh"

REPOSITORY=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
export IRONIC_SIDEWAYS_LAB=${IRONIC_SIDEWAYS_LAB:-$REPOSITORY/.lab}
export OS_CLIENT_CONFIG_FILE=$IRONIC_SIDEWAYS_LAB/etc/clouds.yaml
# A host's HTTP proxy is for the package registries, not for the lab's services.
export no_proxy=127.0.0.1${no_proxy:+,$no_proxy}
PATH=${IRONIC_SIDEWAYS_VENV:-$REPOSITORY/.venv}/bin:$PATH
EVIDENCE_DIR=$IRONIC_SIDEWAYS_LAB/evidence
LOCK_DIR=$IRONIC_SIDEWAYS_LAB
CACHE_DIR=${IRONIC_SIDEWAYS_CACHE:-$REPOSITORY/.cache}
# For pip and stevedore's cache of entry points; root's home is left alone.
export XDG_CACHE_HOME=${XDG_CACHE_HOME:-$CACHE_DIR}
# A lab from another environment than .venv must be resumed and rolled back with it.
IN_ENVIRONMENT=${IRONIC_SIDEWAYS_VENV:+IRONIC_SIDEWAYS_VENV=$IRONIC_SIDEWAYS_VENV }
RESUME=${RESUMED_BY:-${IN_ENVIRONMENT}IRONIC_SIDEWAYS_LAB=$IRONIC_SIDEWAYS_LAB $REPOSITORY/grenade/upgrade-ironic}
ROLL_BACK="${IN_ENVIRONMENT}IRONIC_SIDEWAYS_LAB=$IRONIC_SIDEWAYS_LAB $REPOSITORY/grenade/upgrade-ironic --rollback"
# Their secrets must appear in no log and no evidence.
SECRET_FILES=(
    "$IRONIC_SIDEWAYS_LAB/etc/secrets.json" "$IRONIC_SIDEWAYS_LAB/data/vbmc"
    "$IRONIC_SIDEWAYS_LAB/etc" "$IRONIC_SIDEWAYS_LAB/etc/database"
)
# The verdict subjects that this deployment has no evidence of.
LEFT_OUT=()
# A free node of the lab is deployed by network boot, without an agent. Kernels and
# ramdisks of net-booted instances go below ironic.conf's file_url_allowed_paths.
MIGRATE_OPTIONS=(
    --free-deploy-interface ramdisk
    --tftp-root "$IRONIC_SIDEWAYS_LAB/data/tftpboot"
    --instances-boot-from-disk
    --netboot-images "$IRONIC_SIDEWAYS_LAB/data/netboot-images"
)

# The files that a rollback must restore, one per line.
function base_files {
    local service
    printf '%s\n' "$IRONIC_SIDEWAYS_LAB"/etc/nova/{nova.conf,api-paste.ini} \
        "$IRONIC_SIDEWAYS_LAB"/etc/{nova,neutron}/policy.d/zz-maintenance.yaml
    for service in $(compute_services); do
        base_compute_config "$service"
    done
}

# The lab is used as root.
function as_root { # <command> [argument...]
    "$@"
}

# All tools are in one environment.
function in_tools { # <command> [argument...]
    "$@"
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

# It asks each API once a second until the lab goes down; no effect if it runs already.
function start_prober {
    start_service prober
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

# The files with the service's database connections.
function configuration_files { # <nova|ironic>
    echo "$IRONIC_SIDEWAYS_LAB/etc/$1/$1.conf"
}

function database_url { # <database>
    ironic-sideways lab database-url "$1"
}

function service_log { # <service>
    ironic-sideways lab service-log "$1"
}

# The base's nova-compute services, one per line. Each name is that of a service and of
# a configuration.
function compute_services {
    ironic-sideways lab show compute_services
}

function compute_host { # <compute service>
    get_option "$1" DEFAULT host
}

function base_compute_config { # <compute service>
    echo "$IRONIC_SIDEWAYS_LAB/etc/$1/nova.conf"
}

# Where the base compute hosts keep the kernels of net-booted instances.
function tftp_root {
    echo "$IRONIC_SIDEWAYS_LAB/data/tftpboot"
}

# In the service's configuration directory.
function policy_directory { # <nova|neutron>
    echo "$IRONIC_SIDEWAYS_LAB/etc/$1/policy.d"
}

function paste_file {
    echo "$IRONIC_SIDEWAYS_LAB/etc/nova/api-paste.ini"
}
