#!/bin/busybox sh
# shellcheck shell=dash disable=SC3045 # busybox's read has -t
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
# From the ramdisk to the root file system on the machine's disk, as an ordinary
# distribution's ramdisk does: a net-booted instance is the one on its own disk.
#
# root.sh <UUID of the file system>

while read -r module; do
    insmod "/lib/$module"
done </etc/root-modules

tries=0
until device=$(findfs "UUID=$1" 2>/dev/null) && mount -t ext4 -o ro "$device" /mnt; do
    tries=$((tries + 1))
    if [ $tries -gt 20 ]; then
        # Without its root nothing of an instance runs: no heartbeat either.
        echo "guest: no root file system of UUID $1 on any disk: nothing runs"
        exec sleep 2147483647
    fi
    sleep 0.5
done
echo "guest: root file system $1 on $device"
umount -l /dev
umount /sys
umount /proc
exec switch_root /mnt /sbin/init
