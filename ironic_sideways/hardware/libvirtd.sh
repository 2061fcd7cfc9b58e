#!/bin/sh
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
# Run libvirtd in the foreground with its fixed places below one directory.
# Needs root and a mount namespace of its own (unshare --mount), in which the
# mounts made here live and die; hypervisor.py writes the directory.
#
# libvirtd.sh <directory>

set -eu

directory=$1

# A host without libvirt's place below /run stays so: this namespace gets a /run of its
# own, with all that the host's has.
if [ ! -d /run/libvirt ]; then
    mkdir -p "$directory/host-run"
    mount --rbind /run "$directory/host-run"
    mount -t tmpfs -o mode=0755 tmpfs /run
    for entry in "$directory"/host-run/*; do
        ln -s "$entry" /run/
    done
fi

for place in etc:/etc/libvirt run:/run/libvirt lib:/var/lib/libvirt \
    log:/var/log/libvirt cache:/var/cache/libvirt; do
    mkdir -p "${place#*:}"
    mount --bind "$directory/${place%%:*}" "${place#*:}"
done

exec libvirtd --config "$directory/etc/libvirtd.conf" \
    --pid-file "$directory/run/libvirtd.pid"
