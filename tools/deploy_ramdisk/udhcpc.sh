#!/bin/busybox sh
# shellcheck shell=dash
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
# udhcpc's script in the deploy ramdisk: sets address, route and name servers. Needs
# interface, ip, mask, router and dns in the environment.
#
# udhcpc.sh <deconfig|bound|renew|leasefail|nak>

# shellcheck disable=SC2154 # udhcpc sets them
case $1 in
    bound | renew)
        busybox ip address replace "$ip/$mask" dev "$interface"
        if [ -n "$router" ]; then
            busybox ip route replace default via "${router%% *}" dev "$interface"
        fi
        for server in $dns; do
            echo "nameserver $server"
        done >/etc/resolv.conf
        [ "$1" = renew ] || echo "deploy ramdisk: $interface has $ip/$mask"
        ;;
esac
