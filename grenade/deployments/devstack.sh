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

# The functions and variables that the phases use, on a DevStack that Grenade upgrades.
#
# Sourced. Needs the file that devstack/plugin.sh wrote to IRONIC_SIDEWAYS_DIR (default
# /opt/stack/data/ironic-sideways) when it built the base and, to call DevStack's own
# functions, the one that devstack/upgrade/upgrade.sh wrote there.

# The phases read the variables that are set here.
# shellcheck disable=SC2034

# shellcheck source=grenade/cloud.sh
source "$(dirname "${BASH_SOURCE[0]}")/../cloud.sh"

REPOSITORY=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
IRONIC_SIDEWAYS_DIR=${IRONIC_SIDEWAYS_DIR:-/opt/stack/data/ironic-sideways}
if [[ ! -r $IRONIC_SIDEWAYS_DIR/deployment ]]; then
    echo "$IRONIC_SIDEWAYS_DIR/deployment: not found; expected a DevStack built with \
the plugin ironic-sideways (or another IRONIC_SIDEWAYS_DIR)" >&2
    exit 1
fi
# shellcheck source=/dev/null
source "$IRONIC_SIDEWAYS_DIR/deployment"
export IRONIC_SIDEWAYS_DIR
export IRONIC_SIDEWAYS_LAB=$SIDEWAYS_HARDWARE
export OS_CLIENT_CONFIG_FILE=$IRONIC_SIDEWAYS_DIR/clouds.yaml
PATH=$DEVSTACK_VENV/bin:/usr/sbin:/sbin:$PATH
EVIDENCE_DIR=$IRONIC_SIDEWAYS_LAB/evidence
LOCK_DIR=$IRONIC_SIDEWAYS_DIR
CACHE_DIR=$IRONIC_SIDEWAYS_DIR/cache
IRONIC_CONF=/etc/ironic/ironic.conf
RESUME="$REPOSITORY/grenade/upgrade-ironic --deployment devstack"
ROLL_BACK="$RESUME --rollback"
# As in the lab, whose machines these are.
MIGRATE_OPTIONS=(
    --free-deploy-interface ramdisk
    --tftp-root "$IRONIC_SIDEWAYS_LAB/data/tftpboot"
    --instances-boot-from-disk
    --netboot-images "$IRONIC_SIDEWAYS_LAB/data/netboot-images"
)
# Their secrets must appear in no log and no evidence.
SECRET_FILES=("$IRONIC_SIDEWAYS_LAB/data/vbmc" "$IRONIC_SIDEWAYS_DIR")
# Verdict subjects without evidence here: only the lab has the proxy's users and clients.
LEFT_OUT=(proxy)
declare -A UNITS=(
    [ironic-api]=ir-api
    [ironic-conductor]=ir-cond
    [nova-api]=n-api
    [nova-compute]=n-cpu
    [nova-scheduler]=n-sch
)
# Seconds for a service to come up.
SERVICE_WAIT=180

# DevStack's functions run in a separate process: some have the same names as ours.
function devstack { # <function> [argument...]
    "$REPOSITORY/grenade/deployments/devstack/call" "$@"
}

function as_root { # <command> [argument...]
    sudo env OS_CLIENT_CONFIG_FILE="$OS_CLIENT_CONFIG_FILE" \
        IRONIC_SIDEWAYS_VENV="$SIDEWAYS_TOOLS" IRONIC_SIDEWAYS_CACHE="$CACHE_DIR" "$@"
}

# The machines' tools: Tempest is among them.
function in_tools { # <command> [argument...]
    "$SIDEWAYS_TOOLS/bin/$1" "${@:2}"
}

function base_files {
    printf '%s\n' "$NOVA_CONF" "$NOVA_CPU_CONF" "$NOVA_API_PASTE_INI" \
        "$(policy_directory nova)/zz-maintenance.yaml" "$(policy_directory neutron)/zz-maintenance.yaml"
}

function install_ironic {
    devstack join_ironic
}

function create_ironic_database {
    devstack init_ironic
    echo "ironic: schema created, no rows"
}

# The hardware's supervisor runs it until unstack.sh.
function start_prober {
    sudo "$SIDEWAYS_TOOLS/bin/ironic-sideways" lab service start \
        --directory "$SIDEWAYS_HARDWARE" prober
}

function unit_of { # <service>
    if [[ -z ${UNITS[$1]:-} ]]; then
        echo "service '$1': expected one of ${!UNITS[*]}" >&2
        return 1
    fi
    echo "devstack@${UNITS[$1]}.service"
}

function start_service { # <service>...
    local service unit since
    since=$EPOCHSECONDS
    for service; do
        unit=$(unit_of "$service")
        case $service in
            # Ironic's own function starts both, and waits for both.
            ironic-conductor) ;;
            ironic-api) devstack start_ironic ;;
            *) sudo systemctl start "$unit" ;;
        esac
    done
    for service; do
        await_service "$service" "$since"
    done
}

function stop_service { # <service>...
    local service unit
    for service; do
        unit=$(unit_of "$service")
        sudo systemctl stop "$unit"
    done
}

function restart_service { # <service>...
    stop_service "$@"
    start_service "$@"
}

function await_service { # <service> <started at>
    local binary=$1
    case $1 in
        ironic-*) return 0 ;;
        # It has no service record of its own; it must be up to show another's.
        nova-api)
            ironic-sideways wait-service --os-cloud "$ADMIN_CLOUD" --binary nova-scheduler \
                --host "$BASE_HOSTNAME" --timeout "$SERVICE_WAIT"
            return
            ;;
    esac
    ironic-sideways wait-service --os-cloud "$ADMIN_CLOUD" --binary "$binary" \
        --host "$BASE_COMPUTE_HOST" --since "$2" --timeout "$SERVICE_WAIT"
}

# DevStack recreates nova-cpu.conf from nova.conf whenever its own function starts
# nova-compute: an option of nova-compute goes into both.
function configuration_files { # <configuration>
    case $1 in
        nova) echo "$NOVA_CONF" ;;
        nova-compute) printf '%s\n' "$NOVA_CPU_CONF" "$NOVA_CONF" ;;
        ironic) echo "$IRONIC_CONF" ;;
        *)
            echo "configuration '$1': expected nova, nova-compute or ironic" >&2
            return 1
            ;;
    esac
}

function set_option { # <configuration> <section> <option> <value>
    local file files
    files=$(configuration_files "$1")
    for file in $files; do
        ironic-sideways option set "$file" "$2" "$3" "$4"
    done
}

function get_option { # <configuration> <section> <option> [<where it is not set>]
    local files
    files=$(configuration_files "$1")
    ironic-sideways option get "${files%%$'\n'*}" "${@:2}"
}

function unset_option { # <configuration> <section> <option>
    local file files
    files=$(configuration_files "$1")
    for file in $files; do
        ironic-sideways option unset "$file" "$2" "$3"
    done
}

function database_url { # <database>
    if [[ ! -e $IRONIC_SIDEWAYS_DIR/$1.url ]]; then
        echo "database '$1': expected its URL in $IRONIC_SIDEWAYS_DIR/$1.url" >&2
        return 1
    fi
    echo "@$IRONIC_SIDEWAYS_DIR/$1.url"
}

# The drop-ins of devstack/plugin.sh make both services log to a file as well.
function service_log { # <service>
    echo "$IRONIC_SIDEWAYS_LAB/logs/$1.log"
}

# The base's nova-compute services, one per line.
function compute_services {
    echo nova-compute
}

function compute_host { # <compute service>
    echo "$BASE_COMPUTE_HOST"
}

function base_compute_config { # <compute service>
    echo "$NOVA_CPU_CONF"
}

# Where the base compute host keeps the kernels of net-booted instances.
function tftp_root {
    echo "$IRONIC_SIDEWAYS_LAB/data/tftpboot"
}

# In the service's configuration directory, a sibling of Nova's.
function policy_directory { # <nova|neutron>
    echo "$(dirname "$(dirname "$NOVA_CONF")")/$1/policy.d"
}

function paste_file {
    echo "$NOVA_API_PASTE_INI"
}
