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

# What must be so before anything is changed: one line for each that is not.
#
# Sourced, after Grenade's functions (die is DevStack's).

# shellcheck disable=SC2154

# The functions of Grenade that this plugin calls.
GRENADE_FUNCTIONS=(
    devstack_localrc register_project_for_upgrade
    resource_get resource_save
)

function check_grenade {
    local name
    for name in "${GRENADE_FUNCTIONS[@]}"; do
        if [[ $(type -t "$name") != function ]]; then
            # Older ones may lack die, too.
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
            die $LINENO "ironic-sideways: $name is not set: expected it of Grenade"
        fi
    done
}

# The move is between deployments of one release: first upgrade, then go sideways.
function check_sideways {
    if [[ $BASE_DEVSTACK_BRANCH != "$TARGET_DEVSTACK_BRANCH" ]]; then
        die $LINENO "ironic-sideways: base $BASE_DEVSTACK_BRANCH and target" \
            "$TARGET_DEVSTACK_BRANCH are different releases: expected the same; upgrade first, then move"
    fi
}

# It expects Ironic on the base, where there is none.
function check_ironic_plugin {
    if [[ " ${UPGRADE_PROJECTS:-} " == *" ironic "* || ",${GRENADE_PLUGINS:-}," == *,ironic,* ]]; then
        die $LINENO "ironic-sideways: Ironic's own Grenade plugin is registered, which upgrades an" \
            "Ironic that is there: take 'enable_grenade_plugin ironic' out of pluginrc"
    fi
}

# Nova's Ironic driver sees the instances of its own CONF.host alone.
function check_host { # <host of nova-compute on the base> <host name then> <CONF.host now>
    local now
    now=$(hostname)
    if [[ $now != "$2" ]]; then
        die $LINENO "ironic-sideways: host name $now: was $2 when the base was made, and nova-compute" \
            "must keep it: hostnamectl set-hostname $2"
    fi
    if [[ ${3:-$now} != "$1" ]]; then
        die $LINENO "ironic-sideways: [DEFAULT] host is ${3:-$now}: was $1 on the base, and must stay so"
    fi
}

# The releases of what moves: a repository that was set to another branch.
function check_releases { # <Nova's branch on the base> <on the target> <Ironic's branch>
    if [[ $1 != "$2" || $2 != "$3" ]]; then
        die $LINENO "ironic-sideways: mixed releases: Nova is $1 on the base and $2 on the target," \
            "Ironic $3: expected one branch"
    fi
}
