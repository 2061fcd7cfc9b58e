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

# Change Tempest's configuration, which the base's DevStack wrote for virtual servers,
# for bare-metal nodes.
#
# Sourced by resources.sh, after DevStack's functions.

# shellcheck disable=SC2154

# The features that DevStack itself turns off for VIRT_DRIVER=ironic (lib/tempest).
TEMPEST_FEATURES_OFF=(
    change_password console_output interface_attach live_migration pause rescue
    resize shelve snapshot suspend
)

function configure_tempest_for_ironic { # <tempest.conf>
    local feature flavor image other_flavor other_image
    local cloud=(openstack --os-cloud devstack-admin)
    flavor=$("${cloud[@]}" flavor show --format value --column id baremetal)
    other_flavor=$("${cloud[@]}" flavor show --format value --column id baremetal-deploy)
    image=$("${cloud[@]}" image show --format value --column id guest)
    other_image=$("${cloud[@]}" image show --format value --column id guest-again)
    for feature in "${TEMPEST_FEATURES_OFF[@]}"; do
        iniset "$1" compute-feature-enabled "$feature" False
    done
    iniset "$1" compute flavor_ref "$flavor"
    iniset "$1" compute flavor_ref_alt "$other_flavor"
    iniset "$1" compute image_ref "$image"
    iniset "$1" compute image_ref_alt "$other_image"
    # The machines are on one shared network.
    iniset "$1" compute fixed_network_name provisioning
    iniset "$1" auth create_isolated_networks False
    iniset "$1" network shared_physical_network True
    # The guest has no SSH server: its heartbeat proves the data plane.
    iniset "$1" validation run_validation False
    iniset "$1" service_available ironic True
}
