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

# shellcheck source=grenade/cloud.sh
source "$(dirname "${BASH_SOURCE[0]}")/../cloud.sh"

REPOSITORY=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
export IRONIC_SIDEWAYS_LAB=${IRONIC_SIDEWAYS_LAB:-$REPOSITORY/.lab}
export OS_CLIENT_CONFIG_FILE=$IRONIC_SIDEWAYS_LAB/etc/clouds.yaml
# A proxy reaches the package registries, not this host's own services.
export no_proxy=127.0.0.1${no_proxy:+,$no_proxy}
PATH=${IRONIC_SIDEWAYS_VENV:-$REPOSITORY/.venv}/bin:$PATH
EVIDENCE_DIR=$IRONIC_SIDEWAYS_LAB/evidence
LOCK_DIR=$IRONIC_SIDEWAYS_LAB
CACHE_DIR=${IRONIC_SIDEWAYS_CACHE:-$REPOSITORY/.cache}
# Of pip, and of what lists Python's entry points; root's home stays as it is.
export XDG_CACHE_HOME=${XDG_CACHE_HOME:-$CACHE_DIR}
# A lab of another environment than .venv goes on and back with that one alone.
IN_ENVIRONMENT=${IRONIC_SIDEWAYS_VENV:+IRONIC_SIDEWAYS_VENV=$IRONIC_SIDEWAYS_VENV }
RESUME=${RESUMED_BY:-${IN_ENVIRONMENT}IRONIC_SIDEWAYS_LAB=$IRONIC_SIDEWAYS_LAB $REPOSITORY/grenade/upgrade-ironic}
ROLL_BACK="${IN_ENVIRONMENT}IRONIC_SIDEWAYS_LAB=$IRONIC_SIDEWAYS_LAB $REPOSITORY/grenade/upgrade-ironic --rollback"
# What must stand in no log and in no evidence.
SECRET_FILES=(
    "$IRONIC_SIDEWAYS_LAB/etc/secrets.json" "$IRONIC_SIDEWAYS_LAB/data/vbmc"
    "$IRONIC_SIDEWAYS_LAB/etc" "$IRONIC_SIDEWAYS_LAB/etc/database"
)
# Of the verdict's subjects, what this deployment has no evidence of.
LEFT_OUT=()
# A free node of the lab deploys by network boot without an agent. Kernels and
# ramdisks of net-booted instances go where ironic.conf's file_url_allowed_paths is.
MIGRATE_OPTIONS=(
    --free-deploy-interface ramdisk
    --tftp-root "$IRONIC_SIDEWAYS_LAB/data/tftpboot"
    --instances-boot-from-disk
    --netboot-images "$IRONIC_SIDEWAYS_LAB/data/netboot-images"
)

# What a way back must leave as it was, one a line.
function base_files {
    local service
    printf '%s\n' "$IRONIC_SIDEWAYS_LAB"/etc/nova/{nova.conf,api-paste.ini} \
        "$IRONIC_SIDEWAYS_LAB"/etc/{nova,neutron}/policy.d/maintenance.yaml
    for service in $(compute_services); do
        base_compute_config "$service"
    done
}

# Root is who uses the lab.
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

# Asks each API once a second until the lab goes; one that runs goes on.
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

# Those with the service's databases.
function configuration_files { # <nova|ironic>
    echo "$IRONIC_SIDEWAYS_LAB/etc/$1/$1.conf"
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

# Beside the service's own configuration.
function policy_directory { # <nova|neutron>
    echo "$IRONIC_SIDEWAYS_LAB/etc/$1/policy.d"
}

function paste_file {
    echo "$IRONIC_SIDEWAYS_LAB/etc/nova/api-paste.ini"
}
