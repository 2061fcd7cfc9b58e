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

# The main job's phases before the window, and after it on the moved cloud.
#
# Sourced by run_upgrade.sh after phases.sh, proof.sh and rounds.sh; its options select
# the optional phases.

function create_workload {
    tell "$REPOSITORY/grenade/resources" create
    "$REPOSITORY/grenade/resources" verify pre-upgrade
}

function publish_dummy_images {
    OS_CLOUD=$ADMIN_CLOUD tell "$REPOSITORY/tools/fake_deploy_images.sh"
}

function clean_and_deploy {
    tell "$REPOSITORY/grenade/resources" clean_and_deploy
}

function fail_over {
    tell ironic-sideways fail-over --directory "$IRONIC_SIDEWAYS_LAB" \
        --member-cloud "$MEMBER_CLOUD" --admin-cloud "$ADMIN_CLOUD" \
        --ironic-cloud "$SYSTEM_CLOUD" --output "$EVIDENCE_DIR/fail-over.json"
}

# That its BMC answers as before, and its log is complete.
function switch_machine {
    tell "$REPOSITORY/grenade/resources" switch
}

function check_proxy {
    local novaclient
    novaclient=$("$REPOSITORY/tools/novaclient_7.sh" "$CACHE_DIR/novaclient-7")
    tell ironic-sideways proxy check --directory "$IRONIC_SIDEWAYS_LAB" \
        --novaclient "$novaclient" --output "$EVIDENCE_DIR/proxy.json"
}

# The survivors are deleted first: a node of each shape must be free.
function exact_match {
    "$REPOSITORY/grenade/resources" destroy
    tell ironic-sideways exact-match --admin-cloud "$ADMIN_CLOUD" \
        --ironic-cloud "$SYSTEM_CLOUD" --member-cloud "$MEMBER_CLOUD" \
        --output "$EVIDENCE_DIR/exact-match.json"
}

function kill_workers {
    tell ironic-sideways compute-workers --directory "$IRONIC_SIDEWAYS_LAB" \
        --each "${CHOSEN[workers]}" --output "$EVIDENCE_DIR/clustered.json"
}

# The same selection as after the move, on the base, while all its nodes are free.
function run_tempest_before {
    tell ironic-sideways tempest --os-cloud "$ADMIN_CLOUD" --cache "$CACHE_DIR" \
        --workspace "$IRONIC_SIDEWAYS_LAB/data/tempest-base" \
        --output "$EVIDENCE_DIR/tempest-base"
}

function run_tempest {
    local all=()
    "$REPOSITORY/grenade/resources" destroy
    if [[ ${CHOSEN[tempest-all]} ]]; then
        all=(--all --cache "$CACHE_DIR")
        # Guests get their SSH keys from the metadata service.
        ironic-sideways lab service start nova-metadata
    fi
    tell ironic-sideways tempest --os-cloud "$ADMIN_CLOUD" \
        --ironic-cloud "$SYSTEM_CLOUD" "${all[@]}" \
        --workspace "$IRONIC_SIDEWAYS_LAB/data/tempest" --output "$EVIDENCE_DIR/tempest"
}

function declare_before {
    phase dummy-images publish_dummy_images "dummy deploy images, bare-metal flavor"
    if [[ ${CHOSEN[tempest-all]} && ! ${CHOSEN[no-tempest]} ]]; then
        phase tempest-base run_tempest_before "the selection of tempest.api.compute"
    fi
    phase workload     create_workload      "the instances that must survive"
    if [[ ${#ROUNDS[@]} -gt 0 ]]; then
        declare_rounds "${ROUNDS[@]}"
    fi
}

function declare_after {
    # phases.sh reads it.
    # shellcheck disable=SC2034
    PHASE_NAMES=()
    phase verify   verify_workload  "the instances after the move"
    phase restarted start_again     "restart the conductor and nova-compute"
    if [[ ${CHOSEN[light]} ]]; then
        phase switch switch_machine "stop and start an instance"
    else
        phase operate operate       "deploy, reboot, start, rebuild, delete"
    fi
    if [[ ${CHOSEN[fail-over]} ]]; then
        phase fail-over fail_over   "a second conductor takes over"
    fi
    if [[ ${CHOSEN[deploys]} ]]; then
        phase deploys clean_and_deploy "the agent cleans a node and deploys it again"
    fi
    phase proxy    check_proxy      "Nova's bare-metal API: users, old clients"
    if [[ ${CHOSEN[workers]} ]]; then
        phase workers kill_workers  "kill workers of one host name"
    fi
    if [[ ${RESOURCE_CLASS_BY_SHAPE:-} == yes ]]; then
        phase exact-match exact_match "flavors and node shapes"
    fi
    if [[ ! ${CHOSEN[no-tempest]} && ! ${CHOSEN[light]} ]]; then
        phase tempest run_tempest   "tempest.api.compute"
    fi
    phase last-look last_look       "the nodes one last time"
}
