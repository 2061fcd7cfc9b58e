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
# An SSH server for root, by the key of the instance's keypair alone. Needs the
# address of Nova's metadata service ("address:port") in /run/metadata, where
# udhcpc.sh puts it, and tells the console what it did.

export PATH=/bin
# The commands that tests run over SSH.
busybox --install -s /bin
tries=0
until [ -s /run/metadata ]; do
    tries=$((tries + 1))
    if [ $tries -gt 600 ]; then
        echo "guest: no address of the metadata service from DHCP: no SSH server" >/dev/ttyS0
        exit 1
    fi
    sleep 0.2
done
read -r metadata </run/metadata
url=http://$metadata/latest/meta-data

# Nova knows an address a moment after the machine has it.
tries=0
until name=$(wget -q -O - "$url/local-hostname" 2>/dev/null); do
    tries=$((tries + 1))
    if [ $tries -gt 60 ]; then
        echo "guest: no metadata from $url: no SSH server" >/dev/ttyS0
        exit 1
    fi
    sleep 1
done
# Nova's dhcp_domain behind it is no part of a host's name, as cloud-init has it.
hostname "${name%%.*}"
mkdir -p /root/.ssh
wget -q -O /root/.ssh/authorized_keys "$url/public-keys/0/openssh-key" 2>/dev/null ||
    echo "guest: no keypair, nobody can log in" >/dev/ttyS0
chmod 0700 /root /root/.ssh
mkdir -p /dev/pts
mount -t devpts devpts /dev/pts
dropbearkey -t ed25519 -f /run/host-key >/dev/null 2>&1
echo "guest: SSH server of $name" >/dev/ttyS0
exec dropbear -F -s -r /run/host-key </dev/null >/dev/ttyS0 2>&1
