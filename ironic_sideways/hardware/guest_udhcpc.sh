#!/bin/busybox sh
# shellcheck shell=dash disable=SC2154 # udhcpc sets the variables
#
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
#
# What udhcpc calls in the guest: sets the address, keeps what the heartbeat
# and the SSH server need in /run. Needs interface, ip, subnet, router, opt224 and
# opt225 (hexadecimal) in the environment.
#
# udhcpc.sh <deconfig|bound|renew|leasefail|nak>

case $1 in
    deconfig)
        ifconfig "$interface" 0.0.0.0 up
        ;;
    bound | renew)
        ifconfig "$interface" "$ip" netmask "$subnet" up
        if [ "$1" = bound ] && [ -n "$router" ]; then
            route add default gw "${router%% *}"
        fi
        read -r mac <"/sys/class/net/$interface/address"
        echo "$mac" >/run/nic
        echo "$ip" >/run/ip
        echo "$opt224" | xxd -r -p >/run/collector
        echo "$opt225" | xxd -r -p >/run/metadata
        echo "guest: $1 $ip on $mac for $lease s"
        ;;
    leasefail)
        # Another NIC has the address: this one stops asking.
        if [ -s /run/nic ]; then
            kill "$PPID"
        fi
        ;;
esac
