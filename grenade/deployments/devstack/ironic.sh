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

# Ironic from its own DevStack library, on machines that exist already.
#
# Sourced by call, after DevStack's libraries. Uses the library's install, configure,
# init and start functions; none that creates a bridge, a VM, a node or a network.

# Variables and functions of DevStack and of the library.
# shellcheck disable=SC1091,SC2034,SC2086,SC2154

IRONIC_DIR=$DEST/ironic
IRONIC_REPO=${IRONIC_REPO:-$GIT_BASE/openstack/ironic.git}
IRONIC_BRANCH=${IRONIC_BRANCH:-$TARGET_BRANCH}
SIDEWAYS_GATEWAY=$("$SIDEWAYS_TOOLS/bin/ironic-sideways" lab show --directory "$SIDEWAYS_HARDWARE" gateway)

# The machines are not the library's VMs, have BMCs, and boot with BIOS.
IRONIC_IS_HARDWARE=True
IRONIC_DEPLOY_DRIVER=ipmi
IRONIC_BOOT_MODE=bios
IRONIC_BUILD_DEPLOY_RAMDISK=False
IRONIC_AUTOMATED_CLEAN_ENABLED=False
IRONIC_DEPLOY_LOGS_COLLECT=on_failure
# The hardware's dnsmasq knows what each machine is to boot.
IRONIC_DHCP_PROVIDER=none
IRONIC_TFTPSERVER_IP=$SIDEWAYS_GATEWAY
IRONIC_HTTP_SERVER=$SIDEWAYS_GATEWAY
IRONIC_ENABLED_HARDWARE_TYPES=ipmi
IRONIC_ENABLED_BIOS_INTERFACES=no-bios
IRONIC_ENABLED_BOOT_INTERFACES=ipxe
IRONIC_DEFAULT_BOOT_INTERFACE=ipxe
IRONIC_ENABLED_CONSOLE_INTERFACES=no-console
IRONIC_ENABLED_DEPLOY_INTERFACES=direct,ramdisk,netbooted
IRONIC_DEFAULT_DEPLOY_INTERFACE=direct
IRONIC_ENABLED_INSPECT_INTERFACES=no-inspect
IRONIC_ENABLED_MANAGEMENT_INTERFACES=ipmitool
IRONIC_ENABLED_NETWORK_INTERFACES=flat,noop
IRONIC_DEFAULT_NETWORK_INTERFACE=flat
IRONIC_ENABLED_POWER_INTERFACES=ipmitool
IRONIC_ENABLED_RAID_INTERFACES=no-raid
IRONIC_ENABLED_RESCUE_INTERFACES=no-rescue
IRONIC_ENABLED_STORAGE_INTERFACES=noop
# A node that names an interface that is not enabled stops power sync for all nodes.
IRONIC_ENABLED_VENDOR_INTERFACES=ipmitool,no-vendor

# Sourcing it installs UEFI boot loaders, which no machine here uses, from packages that
# Debian does not all have; with OFFLINE, DevStack installs no package.
function source_ironic_library {
    local offline=${OFFLINE:-False}
    OFFLINE=True
    source $IRONIC_DIR/devstack/lib/ironic
    OFFLINE=$offline
}

if [[ -r $IRONIC_DIR/devstack/lib/ironic ]]; then
    source_ironic_library
fi

# Install and configure Ironic, with its user and catalogue entry; its database and its
# services come later. Can be repeated.
function join_ironic {
    local url
    if [[ ! -r $IRONIC_DIR/devstack/lib/ironic ]]; then
        git_clone $IRONIC_REPO $IRONIC_DIR $IRONIC_BRANCH
        source_ironic_library
    fi
    install_ironic
    install_ironicclient
    configure_ironic
    configure_ironic_for_machines
    create_ironic_accounts
    url=$(iniget $IRONIC_CONF_FILE database connection)
    # The plugin that counts queries is only in DevStack's environment.
    (umask 077; echo "${url%&plugin=*}" >"$IRONIC_SIDEWAYS_DIR/ironic.url")
    configure_nova_for_ironic
}

function configure_ironic_for_machines {
    local http_url data=$SIDEWAYS_HARDWARE/data
    http_url=$("$SIDEWAYS_TOOLS/bin/ironic-sideways" lab show --directory "$SIDEWAYS_HARDWARE" http_boot_url)
    iniset $IRONIC_CONF_FILE DEFAULT enabled_firmware_interfaces no-firmware
    iniset $IRONIC_CONF_FILE conductor sync_local_state_interval 10
    iniset $IRONIC_CONF_FILE conductor sync_power_state_interval 10
    # For a soft reboot; a guest that ignores ACPI keeps the node locked for this long.
    iniset $IRONIC_CONF_FILE conductor soft_power_off_timeout 60
    iniset $IRONIC_CONF_FILE conductor file_url_allowed_paths $data
    iniset $IRONIC_CONF_FILE conductor disable_zstandard_decompression true
    iniset $IRONIC_CONF_FILE deploy default_boot_mode bios
    iniset $IRONIC_CONF_FILE deploy http_url $http_url
    iniset $IRONIC_CONF_FILE deploy http_root $data/http-boot
    # A machine without a configuration for its MAC boots from its own disk.
    iniset $IRONIC_CONF_FILE pxe ipxe_fallback_script fallback.ipxe
    iniset $IRONIC_CONF_FILE agent post_deploy_get_power_state_retry_interval 1
    iniset $IRONIC_CONF_FILE agent command_wait_interval 2
    # 5, the default, makes each power action slow; 0 divides by zero.
    iniset $IRONIC_CONF_FILE ipmi min_command_interval 1
    iniset $IRONIC_CONF_FILE neutron cleaning_network provisioning
    iniset $IRONIC_CONF_FILE neutron provisioning_network provisioning
    iniset $IRONIC_CONF_FILE nova send_power_notifications false
}

# nova-compute's credentials for Ironic; its driver is not changed.
function configure_nova_for_ironic {
    local file
    for file in $NOVA_CONF $NOVA_CPU_CONF; do
        iniset $file ironic auth_type password
        iniset $file ironic auth_url $KEYSTONE_SERVICE_URI
        iniset $file ironic username nova
        iniset $file ironic project_name $SERVICE_PROJECT_NAME
        iniset $file ironic user_domain_id default
        iniset $file ironic project_domain_id default
        iniset $file ironic region_name $REGION_NAME
        # On standard input, not in a process's arguments.
        echo "$SERVICE_PASSWORD" | ironic-sideways option set $file ironic password -
    done
}
