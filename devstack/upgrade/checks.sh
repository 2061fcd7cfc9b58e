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

# Checks before anything is changed; the first that fails ends the run with one line.
#
# Sourced, after DevStack's functions (die, is_service_enabled), by devstack/plugin.sh
# and by what Grenade calls.

# shellcheck disable=SC2154

# The deploy ramdisk and the machines need Debian's packages, by Debian's names.
SIDEWAYS_DISTRIBUTIONS="bookworm trixie"
SIDEWAYS_OS_RELEASE=${SIDEWAYS_OS_RELEASE:-/etc/os-release}
# Services that the base must not have, and why.
SIDEWAYS_NO_OVN="tested only with Neutron's Open vSwitch agents"
declare -A SIDEWAYS_REFUSED=(
    [c-api]="Grenade's Cinder project boots a virtual server from a volume"
    [ovn-controller]=$SIDEWAYS_NO_OVN
    [ovn-northd]=$SIDEWAYS_NO_OVN
    [postgresql]="nova_bm is a MySQL database"
    [q-ovn-agent]=$SIDEWAYS_NO_OVN
    [tls-proxy]="the machines do not know DevStack's certificate authority"
)
# The window's first phase: its .begun file is there until the window is rolled back.
SIDEWAYS_FIRST_PHASE=deploy-ramdisk

# The functions of Grenade that this plugin calls.
GRENADE_FUNCTIONS=(
    devstack_localrc extract_localrc_section register_project_for_upgrade
)

function check_grenade {
    local name
    for name in "${GRENADE_FUNCTIONS[@]}"; do
        if [[ $(type -t "$name") != function ]]; then
            # An older Grenade may lack die as well.
            echo "ironic-sideways: ${GRENADE_DIR:-Grenade}: no function $name: too old;" \
                "expected stable/2025.1 or newer" >&2
            exit 1
        fi
    done
}

function check_variables { # <name>...
    local name
    for name; do
        if [[ -z ${!name:-} ]]; then
            die $LINENO "ironic-sideways: $name is not set: expected Grenade to set it"
        fi
    done
}

function check_distribution {
    local name
    # shellcheck disable=SC1090 # of the host
    name=$(source "$SIDEWAYS_OS_RELEASE" && echo "${VERSION_CODENAME:-$ID}")
    if [[ " $SIDEWAYS_DISTRIBUTIONS " != *" $name "* ]]; then
        die $LINENO "ironic-sideways: distribution $name: expected Debian 12 (bookworm) or 13 (trixie)"
    fi
}

function check_services {
    local service found="" reasons=""
    for service in $(printf '%s\n' "${!SIDEWAYS_REFUSED[@]}" | sort); do
        if is_service_enabled "$service"; then
            found+=" $service"
            if [[ $reasons != *"${SIDEWAYS_REFUSED[$service]}"* ]]; then
                reasons+="${reasons:+; }${SIDEWAYS_REFUSED[$service]}"
            fi
        fi
    done
    if [[ $found ]]; then
        die $LINENO "ironic-sideways: services$found are enabled, and must not be ($reasons): add" \
            "'disable_service$found' to local.conf (Grenade's: devstack.local.conf)"
    fi
}

# Without resource checks Grenade ends green, with nothing judged.
function check_verified {
    if [[ ${VERIFY_RESOURCES:-True} != True ]]; then
        die $LINENO "ironic-sideways: VERIFY_RESOURCES=$VERIFY_RESOURCES: expected True; without it" \
            "no instance is created and nothing is judged"
    fi
}

# A window that an earlier run began would be resumed where it stopped, or skipped.
function check_evidence { # <ironic-sideways' directory>
    local hardware=$1/hardware
    local begun=$hardware/evidence/phases/$SIDEWAYS_FIRST_PHASE.begun
    if [[ ${RUN_BASE:-True} == True && -e $hardware/lab.json && -e $begun ]]; then
        die $LINENO "ironic-sideways: $hardware/evidence: an earlier run has moved this cloud: take it down" \
            "with $TARGET_DEVSTACK_DIR/unstack.sh, or resume that run with ./grenade.sh -t"
    fi
}

# The move is between deployments of one release: upgrade first, then move sideways.
function check_sideways {
    if [[ $BASE_DEVSTACK_BRANCH != "$TARGET_DEVSTACK_BRANCH" ]]; then
        die $LINENO "ironic-sideways: base $BASE_DEVSTACK_BRANCH and target" \
            "$TARGET_DEVSTACK_BRANCH are different releases: expected the same; upgrade first, then move"
    fi
}

# Ironic's plugin expects Ironic on the base, where there is none.
function check_ironic_plugin {
    if [[ " ${UPGRADE_PROJECTS:-} " == *" ironic "* || ",${GRENADE_PLUGINS:-}," == *,ironic,* ]]; then
        die $LINENO "ironic-sideways: Ironic's own Grenade plugin is registered, which upgrades an" \
            "existing Ironic: remove 'enable_grenade_plugin ironic' from pluginrc"
    fi
}

# The machines, their bridge and nova_bm are on this host; a subnode has none of them.
function check_one_compute {
    local hosts
    hosts=$(openstack --os-cloud devstack-admin compute service list --service nova-compute \
        --format value --column Host)
    hosts=${hosts//$'\n'/ }
    if [[ $hosts == *" "* ]]; then
        die $LINENO "ironic-sideways: compute hosts $hosts: expected one: only the lab moves several" \
            "(tools/run_upgrade.sh --compute-hosts)"
    fi
}

# Nova's Ironic driver sees only the instances of its own CONF.host.
function check_host { # <host of nova-compute on the base> <host name then> <CONF.host now>
    local now
    now=$(hostname)
    if [[ $now != "$2" ]]; then
        die $LINENO "ironic-sideways: host name $now: was $2 when the base was built, and nova-compute" \
            "must keep it: hostnamectl set-hostname $2"
    fi
    if [[ ${3:-$now} != "$1" ]]; then
        die $LINENO "ironic-sideways: [DEFAULT] host is ${3:-$now}: was $1 on the base, and must not change"
    fi
}

# A variable of one side's DevStack, read in a separate process with an empty environment:
# a process reads stackrc only once, and values of one side would become the other's
# defaults.
function devstack_says { # <devstack> <variable>
    # shellcheck disable=SC2016 # the new process expands it
    env --ignore-environment HOME="$HOME" PATH="$PATH" bash -c \
        'source "$1/stackrc" >/dev/null; echo "${!2}"' bash "$1" "$2"
}

# The branches of Nova and Ironic, which a localrc may have set to different releases.
function check_releases {
    local base target ironic
    base=$(devstack_says "$BASE_DEVSTACK_DIR" NOVA_BRANCH)
    target=$(devstack_says "$TARGET_DEVSTACK_DIR" NOVA_BRANCH)
    ironic=${IRONIC_BRANCH:-$(devstack_says "$TARGET_DEVSTACK_DIR" TARGET_BRANCH)}
    if [[ $base != "$target" || $target != "$ironic" ]]; then
        die $LINENO "ironic-sideways: mixed releases: Nova is $base on the base and $target on the target," \
            "Ironic $ironic: expected one branch"
    fi
}
