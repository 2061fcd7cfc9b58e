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

# What the phases need of a cloud, the same on every deployment.
#
# Sourced by a deployment, whose IRONIC_SIDEWAYS_LAB holds at least the machines,
# and whose clouds.yaml has the entries named here.

# The phases read the variables that are set here.
# shellcheck disable=SC2034

ADMIN_CLOUD="admin"
SYSTEM_CLOUD=system
MEMBER_CLOUD=demo
# Placement allows a reshape only with the role "service".
SERVICE_CLOUD=service

function base_driver {
    ironic-sideways lab show base_driver
}

# What depends on the base driver: Nova's plain fake driver has no resource provider for
# a node, and no instance on one.
function base_options {
    local driver
    driver=$(base_driver)
    CONVERT_OPTIONS=()
    # A member of the project tries to delete its instances in the window, and must fail.
    MAINTENANCE_OPTIONS=(--probe-cloud "$MEMBER_CLOUD")
    PROBED=yes
    if [[ $driver == fake ]]; then
        CONVERT_OPTIONS=(--missing-ok)
        MAINTENANCE_OPTIONS=()
        PROBED=
    fi
    SNAPSHOT_OPTIONS=(
        --os-cloud "$ADMIN_CLOUD" --base-driver "$driver"
        --machines "$IRONIC_SIDEWAYS_LAB/machines.json"
        --vbmc-config "$IRONIC_SIDEWAYS_LAB/data/vbmc"
        --heartbeat "$EVIDENCE_DIR/heartbeat.jsonl"
        --tenant-key "$LOCK_DIR/tenant.key" --nova-bm-db "$(database_url nova_bm)"
    )
}

# Only a public image: anyone may give an image any name, but not make it public.
function image_id { # <name>
    local found
    found=$(openstack --os-cloud "$ADMIN_CLOUD" image list --public --name "$1" \
        --format value --column ID)
    if [[ ! $found =~ ^[0-9a-f-]{36}$ ]]; then
        echo "image $1: expected one that is public, found ${found:-none}" >&2
        return 1
    fi
    echo "$found"
}

function node_owner {
    openstack --os-cloud "$ADMIN_CLOUD" project show --format value --column id admin
}

function install_proxy {
    python -m ironic_sideways.proxy.install "$(paste_file)"
}

function remove_proxy {
    python -m ironic_sideways.proxy.install "$(paste_file)" --remove
}

# The boot files that a conductor wrote for its nodes, each node's directory and the
# links to it: an instance that the base deploys there later must not boot from them.
function remove_boot_files {
    local root
    root=$(get_option ironic deploy http_root "")
    [[ -d $root ]] || return 0
    find "$root" -mindepth 1 -maxdepth 1 -regextype posix-extended -regex \
        '.*/([0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|([0-9a-f]{2}:){5}[0-9a-f]{2}\.conf|grub\.cfg-[0-9a-f-]+)' \
        -exec rm -r {} +
    if [[ -d $root/pxelinux.cfg ]]; then
        find "$root/pxelinux.cfg" -mindepth 1 -delete
    fi
}
