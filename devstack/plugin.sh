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

# The base side: a DevStack cloud whose nova-compute runs the nova_bm-backed
# driver on virtual machines with virtual BMCs.
#
# Sourced by stack.sh in each of its phases, with "stack" and the phase's name;
# by unstack.sh and clean.sh with "unstack" and "clean".

# DevStack's variables, unquoted as in DevStack's own code.
# shellcheck disable=SC2086,SC2154

SIDEWAYS_PLUGIN_DIR=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
SIDEWAYS_REPOSITORY=$(dirname "$SIDEWAYS_PLUGIN_DIR")
SIDEWAYS_HARDWARE=$IRONIC_SIDEWAYS_DIR/hardware
# The machines' tools have their own Python environment: DevStack's has another release's
# constraints, and no libvirt.
SIDEWAYS_TOOLS=$IRONIC_SIDEWAYS_DIR/venv
SIDEWAYS_PHYSICAL_NETWORK="ironic-sideways"
# The hardware's name for its bridge (ironic_sideways/lab/layout.py).
SIDEWAYS_BRIDGE=isw$IRONIC_SIDEWAYS_NUMBER
# shellcheck source=devstack/upgrade/checks.sh
source "$SIDEWAYS_PLUGIN_DIR/upgrade/checks.sh"

# Refuse, with one line, before this plugin changes anything.
function sideways_check {
    local service
    check_distribution
    check_services
    case $IRONIC_SIDEWAYS_BASE_DRIVER in
        nova_bm|fake) ;;
        *) die $LINENO "IRONIC_SIDEWAYS_BASE_DRIVER=$IRONIC_SIDEWAYS_BASE_DRIVER:" \
            "expected nova_bm or fake" ;;
    esac
    if [[ $VIRT_DRIVER != generic ]]; then
        die $LINENO "VIRT_DRIVER=$VIRT_DRIVER: expected generic, with which DevStack starts" \
            "one nova-compute without a hypervisor; set it on both sides"
    fi
    if [[ $GLOBAL_VENV != True ]]; then
        die $LINENO "GLOBAL_VENV=$GLOBAL_VENV: expected True, DevStack's default"
    fi
    if is_plugin_enabled ironic || is_service_enabled ir-api ir-cond; then
        die $LINENO "Ironic is enabled on the base: expected it only on the target;" \
            "remove its enable_plugin and its ir-* services from local.conf"
    fi
    for service in key g-api n-api n-cpu n-sch placement-api neutron; do
        is_service_enabled $service \
            || die $LINENO "service $service: not enabled, and this plugin needs it"
    done
}

function sideways_install {
    # First as DevStack's user, who owns the files that this writes to the tree.
    pip_install --no-deps -e "$SIDEWAYS_REPOSITORY"
    "$DEVSTACK_VENV/bin/python" "$SIDEWAYS_PLUGIN_DIR/requirements.py" \
        "$SIDEWAYS_REPOSITORY/pyproject.toml" >"$IRONIC_SIDEWAYS_DIR/requirements.txt"
    pip_install -r "$IRONIC_SIDEWAYS_DIR/requirements.txt"
    sudo "$SIDEWAYS_REPOSITORY/tools/prepare_host.sh" --hardware --venv "$SIDEWAYS_TOOLS"
    sudo chown -R "$STACK_USER" "$SIDEWAYS_REPOSITORY"
}

function sideways_hardware {
    sudo "$SIDEWAYS_TOOLS/bin/ironic-sideways" lab up --hardware-only \
        --directory "$SIDEWAYS_HARDWARE" --number "$IRONIC_SIDEWAYS_NUMBER" \
        --network "$IRONIC_SIDEWAYS_NETWORK" --nodes "$IRONIC_SIDEWAYS_NODES" \
        --base-driver "$IRONIC_SIDEWAYS_BASE_DRIVER" --owner "$STACK_USER" \
        --cache "$IRONIC_SIDEWAYS_DIR/cache"
}

# A gate node's firewall rejects what is not explicitly accepted; requests for leases and
# boot files, heartbeats and the calls of Ironic's agent arrive on the bridge.
function sideways_firewall { # <open|close>
    local tables rules
    for tables in iptables ip6tables; do
        rules=$(sudo $tables --wait --list-rules INPUT)
        case $1/$rules in
            open/*"-i $SIDEWAYS_BRIDGE -j ACCEPT"*) ;;
            open/*) sudo $tables --wait --insert INPUT --in-interface "$SIDEWAYS_BRIDGE" --jump ACCEPT ;;
            close/*"-i $SIDEWAYS_BRIDGE -j ACCEPT"*)
                sudo $tables --wait --delete INPUT --in-interface "$SIDEWAYS_BRIDGE" --jump ACCEPT
                ;;
        esac
    done
}

# Addresses and paths of the hardware, by name.
declare -A SIDEWAYS_OF

function sideways_look { # <name>...
    local name
    for name; do
        SIDEWAYS_OF[$name]=$("$SIDEWAYS_TOOLS/bin/ironic-sideways" lab show \
            --directory "$SIDEWAYS_HARDWARE" "$name")
    done
    # nova-compute's CONF.host, by Nova's default the host name.
    SIDEWAYS_HOST=$(iniget $NOVA_CONF DEFAULT host)
    SIDEWAYS_HOST=${SIDEWAYS_HOST:-$(hostname)}
}

# The tools read a database's URL from a file.
function sideways_database {
    local url xtrace
    recreate_database nova_bm
    # The URL has a password, which must not appear in the trace.
    xtrace=$(set +o | grep xtrace)
    set +o xtrace
    url=$(database_connection_url nova_bm)
    # The plugin that counts queries is only in DevStack's environment.
    (umask 077; echo "${url%&plugin=*}" >"$IRONIC_SIDEWAYS_DIR/nova_bm.url")
    $xtrace
    sudo "$SIDEWAYS_TOOLS/bin/python" "$SIDEWAYS_REPOSITORY/tools/seed_nova_bm.py" \
        --nova-bm-db "@$IRONIC_SIDEWAYS_DIR/nova_bm.url" \
        --libvirt-uri "${SIDEWAYS_OF[libvirt_uri]}" \
        --vbmc-config "$SIDEWAYS_HARDWARE/data/vbmc" --service-host "$SIDEWAYS_HOST"
}

# In nova.conf: DevStack recreates nova-cpu.conf from it at each start.
function sideways_configure_nova {
    iniset $NOVA_CONF DEFAULT host "$SIDEWAYS_HOST"
    # The base's TFTP server, which the DHCP options of net-booted instances name.
    iniset $NOVA_CONF DEFAULT my_ip ${SIDEWAYS_OF[gateway]}
    iniset $NOVA_CONF DEFAULT report_interval 5
    iniset $NOVA_CONF DEFAULT service_down_time 20
    iniset $NOVA_CONF DEFAULT periodic_fuzzy_delay 0
    iniset $NOVA_CONF DEFAULT update_resources_interval 10
    iniset $NOVA_CONF DEFAULT reserved_host_memory_mb 0
    iniset $NOVA_CONF DEFAULT reserved_host_disk_mb 0
    # DevStack's nova-api rejects a response that breaks its schema, and the one for usage
    # audits expects a uuid where a host without an audit is named: let each make one.
    iniset $NOVA_CONF DEFAULT instance_usage_audit True
    # Guests that ignore ACPI are powered off at once.
    iniset $NOVA_CONF DEFAULT shutdown_timeout 0
    if [[ $IRONIC_SIDEWAYS_BASE_DRIVER == fake ]]; then
        iniset $NOVA_CONF DEFAULT compute_driver baremetal.fake.FakeDriver
        return
    fi
    iniset $NOVA_CONF DEFAULT compute_driver baremetal.BareMetalDriver
    iniset $NOVA_CONF baremetal sql_connection "@$IRONIC_SIDEWAYS_DIR/nova_bm.url"
    iniset $NOVA_CONF baremetal power_manager nova.virt.baremetal.ipmi.IPMI
    iniset $NOVA_CONF baremetal flavor_extra_specs cpu_arch:x86_64
    iniset $NOVA_CONF baremetal tftp_root "$SIDEWAYS_HARDWARE/data/tftpboot"
    iniset $NOVA_CONF baremetal pxe_append_params \
        "nofb nomodeset vga=normal ${SIDEWAYS_OF[guest_arguments]}"
    iniset $NOVA_CONF baremetal deploy_helper "sudo $SIDEWAYS_TOOLS/bin/ironic-sideways \
lab write-disk --directory $SIDEWAYS_HARDWARE"
}

# DevStack recreates a unit at each start but leaves drop-ins alone: with one, our
# launcher runs nova-compute on both sides, whoever starts it. DevStack's services log to
# the journal, but evidence is read from a file; the environment overrides what DevStack
# writes to the configuration.
function sideways_drop_in { # <unit> <log's name> [ExecStart]
    local directory=$SYSTEMD_DIR/devstack@$1.service.d
    sudo mkdir -p $directory
    {
        echo "[Service]"
        echo "Environment=OS_DEFAULT__LOG_FILE=$SIDEWAYS_HARDWARE/logs/$2.log"
        echo "EnvironmentFile=$SIDEWAYS_PLUGIN_DIR/logging.env"
        if [[ ${3:-} ]]; then
            printf 'ExecStart=\nExecStart=%s\n' "$3"
        fi
    } | sudo tee $directory/ironic-sideways.conf >/dev/null
    sudo systemctl daemon-reload
}

# The machines are on their own bridge, where the hardware's dnsmasq answers: the
# mechanism driver binds the ports there and configures dnsmasq for them.
function sideways_configure_neutron {
    local file=/$Q_PLUGIN_CONF_FILE drivers networks
    drivers=$(iniget $file ml2 mechanism_drivers)
    iniset $file ml2 mechanism_drivers "ironic_sideways_lab,$drivers"
    networks=$(iniget $file ml2_type_flat flat_networks)
    iniset $file ml2_type_flat flat_networks "${networks:+${networks%,},}$SIDEWAYS_PHYSICAL_NETWORK"
    iniset $file ironic_sideways_lab physical_network $SIDEWAYS_PHYSICAL_NETWORK
    iniset $file ironic_sideways_lab dhcp_hosts_directory "$SIDEWAYS_HARDWARE/data/dhcp-hosts"
    iniset $file ironic_sideways_lab dhcp_options_directory "$SIDEWAYS_HARDWARE/data/dhcp-options"
    iniset $file ironic_sideways_lab dnsmasq_pid_file "$SIDEWAYS_HARDWARE/run/dnsmasq.pid"
    iniset $file ironic_sideways_lab dhcp_interface "$SIDEWAYS_BRIDGE"
    iniset $file ironic_sideways_lab dhcp_server "${SIDEWAYS_OF[gateway]}"
}

# Record what the window and the resource verbs need to know about this DevStack.
function sideways_record {
    local name xtrace
    {
        echo "# Written by devstack/plugin.sh of ironic-sideways; read by grenade/deployments/devstack.sh."
        for name in SIDEWAYS_HARDWARE SIDEWAYS_TOOLS DEVSTACK_VENV NOVA_CONF NOVA_CPU_CONF \
            NOVA_API_PASTE_INI; do
            printf '%s=%q\n' $name "${!name}"
        done
        printf 'BASE_COMPUTE_HOST=%q\n' "$SIDEWAYS_HOST"
        printf 'BASE_HOSTNAME=%q\n' "$(hostname)"
    } >"$IRONIC_SIDEWAYS_DIR/deployment"
    xtrace=$(set +o | grep xtrace)
    set +o xtrace
    SERVICE_PASSWORD=$SERVICE_PASSWORD "$DEVSTACK_VENV/bin/python" \
        "$SIDEWAYS_PLUGIN_DIR/clouds.py" "$CLOUDS_YAML" "$IRONIC_SIDEWAYS_DIR/clouds.yaml"
    $xtrace
    # The hardware's prober looks for them there.
    mkdir -p "$SIDEWAYS_HARDWARE/etc"
    ln -sfn "$IRONIC_SIDEWAYS_DIR/clouds.yaml" "$SIDEWAYS_HARDWARE/etc/clouds.yaml"
}

function sideways_network {
    openstack --os-cloud devstack-admin network create --share provisioning \
        --provider-network-type flat --provider-physical-network $SIDEWAYS_PHYSICAL_NETWORK
    # The hardware's dnsmasq answers, not a Neutron agent.
    openstack --os-cloud devstack-admin subnet create provisioning --network provisioning \
        --no-dhcp --subnet-range "${SIDEWAYS_OF[network]}" --gateway "${SIDEWAYS_OF[gateway]}" \
        --allocation-pool "${SIDEWAYS_OF[allocation_pool]}"
}

function sideways_images {
    OS_CLOUD=admin OS_CLIENT_CONFIG_FILE=$IRONIC_SIDEWAYS_DIR/clouds.yaml \
        IRONIC_SIDEWAYS_VENV=$DEVSTACK_VENV "$SIDEWAYS_REPOSITORY/tools/fake_deploy_images.sh"
}

# On both sides: stop what the base's stack.sh started and what the window added.
function sideways_unstack {
    local unit
    # Ironic was installed without its own plugin, whose unstack would stop it.
    for unit in ir-api ir-cond; do
        if [[ -e $SYSTEMD_DIR/devstack@$unit.service ]]; then
            sudo systemctl disable --now "devstack@$unit.service"
        fi
    done
    if [[ -e $SIDEWAYS_HARDWARE/lab.json ]]; then
        sudo "$SIDEWAYS_TOOLS/bin/ironic-sideways" lab down --directory "$SIDEWAYS_HARDWARE"
    fi
    sideways_firewall close
    # An unfinished window leaves its policies, which the next stack.sh would keep.
    sudo rm -f "$(dirname "$(dirname "$NOVA_CONF")")"/{nova,neutron}/policy.d/zz-maintenance.yaml
    sudo rm -f "$SYSTEMD_DIR"/devstack@{n-cpu,ir-cond}.service.d/ironic-sideways.conf
    sudo systemctl daemon-reload
}

function sideways_clean {
    local site
    remove_uwsgi_config /etc/ironic/ironic-uwsgi.ini ironic-api
    disable_apache_site ipxe-ironic
    for site in ironic-api ipxe-ironic; do
        sudo rm -rf "$(apache_site_config_for "$site")"
    done
    sudo rm -rf /etc/ironic /var/lib/ironic
    sudo rm -rf "$SYSTEMD_DIR"/devstack@{n-cpu,ir-cond}.service.d "$IRONIC_SIDEWAYS_DIR"
}

case $1/${2:-} in
    stack/pre-install)
        sideways_check
        sudo install -d -o "$STACK_USER" "$IRONIC_SIDEWAYS_DIR"
        ;;
    stack/install)
        echo_summary "ironic-sideways: installing the tools and the base driver"
        sideways_install
        ;;
    stack/post-config)
        echo_summary "ironic-sideways: machines, their BMCs and nova_bm"
        sideways_hardware
        sideways_firewall open
        sideways_look libvirt_uri gateway guest_arguments
        sideways_database
        sideways_configure_nova
        sideways_drop_in n-cpu nova-compute \
            "$DEVSTACK_VENV/bin/ironic-sideways-compute --config-file $NOVA_CPU_CONF"
        sideways_drop_in ir-cond ironic-conductor
        sideways_configure_neutron
        sideways_record
        ;;
    stack/extra)
        echo_summary "ironic-sideways: the machines' network, dummy deploy images, flavors"
        sideways_look network gateway allocation_pool
        sideways_network
        sideways_images
        ;;
    unstack/*) sideways_unstack ;;
    clean/*) sideways_clean ;;
esac
