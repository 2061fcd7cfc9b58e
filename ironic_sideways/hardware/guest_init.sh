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
#
# The guest's first program, in the ramdisk and on the root file system: drivers,
# power button, network, heartbeat. Needs what guest.py puts beside it, and a DHCP
# server whose option 224 says where the heartbeat collector listens, 225 where Nova's
# metadata service does ("address:port"). A beat carries the MAC of the NIC that has the
# address. A kernel line with root=UUID=... makes the ramdisk hand over to the root file
# system of that UUID, whose beats then carry it, and what its first boot wrote there
# and on the ephemeral disk; they carry as well what guest.image= on that line says of
# the image.

export PATH=/bin
mount -t devtmpfs devtmpfs /dev
mount -t proc proc /proc
mount -t sysfs sysfs /sys
exec </dev/null >/dev/ttyS0 2>&1

# As in the kernel itself, the last root= counts.
root=
image=
read -r arguments </proc/cmdline
for argument in $arguments; do
    case $argument in
        root=*) root=${argument#root=} ;;
        guest.image=*) image=${argument#guest.image=} ;;
    esac
done
case $root in
    UUID=*) root=${root#UUID=} ;;
    *) root= ;;
esac

while read -r module; do
    insmod "/lib/$module"
done </etc/modules

if [ -n "$root" ] && [ -e /etc/root-modules ]; then
    exec sh /etc/root.sh "$root"
fi

mount -t tmpfs tmpfs /run
read -r boot_id </proc/sys/kernel/random/boot_id
echo "guest: boot $boot_id, root ${root:-in the ramdisk}${image:+, image $image}"

# The disk's own word, in $marked: written once, so another one is another disk's.
mark() { # <directory of a file system>
    if [ ! -s "$1/marker" ]; then
        read -r marked </proc/sys/kernel/random/uuid
        echo "$marked" >"$1/marker"
        sync
    fi
    read -r marked <"$1/marker"
}

marker=
ephemeral=
if [ -n "$root" ]; then
    mount -o remount,rw / && mark / && marker=$marked
    # By the label that the deploy helper of 2014, and Ironic's agent, give it.
    if device=$(findfs LABEL=ephemeral0 2>/dev/null); then
        mount -t ext4 "$device" /mnt && mark /mnt && ephemeral=$marked
    fi
    echo "guest: marker of the root ${marker:-none}, of the ephemeral disk ${ephemeral:-none}"
fi

# An event on the power button is 24 bytes; nothing here needs a slow shutdown.
for input in /sys/class/input/event*; do
    read -r name <"$input/device/name"
    if [ "$name" = "Power Button" ]; then
        (dd if="/dev/input/${input##*/}" of=/dev/null bs=24 count=1 \
            2>/dev/null && echo "guest: power button" && poweroff -f) &
    fi
done

: >/run/nic
: >/run/ip
: >/run/collector
for nic in /sys/class/net/eth*; do
    udhcpc -f -i "${nic##*/}" -t 5 -T 1 -A 1 -O 224 -O 225 -s /etc/udhcpc.sh &
done

# An unanswered connection is given up after 3 s (tcp(7)): busybox's wget in Debian
# has no -T, and a process that watches it would cost as much as the heartbeat.
echo 1 >/proc/sys/net/ipv4/tcp_syn_retries
echo 3 >/proc/sys/net/ipv4/tcp_retries2

# Nobody writes here: to read with a timeout is to sleep without another process;
# two cores with eight guests under TCG feel each one.
mkfifo /run/never
exec 3<>/run/never

# The same number is sent until the collector acknowledges it. The log tells each
# change between heard and unheard once.
seq=1
heard=unknown
while :; do
    read -r ip </run/ip
    read -r mac </run/nic
    read -r collector </run/collector
    beat="mac=$mac&boot_id=$boot_id&seq=$seq&ip=$ip${root:+&root=$root}${image:+&image=$image}"
    beat="$beat${marker:+&marker=$marker}${ephemeral:+&ephemeral=$ephemeral}"
    url="http://$collector/beat?$beat"
    if [ -z "$collector" ]; then
        read -r -t 0.2 _ <&3
    elif wget -q -O /dev/null "$url" 2>/dev/null; then
        [ $heard = yes ] || echo "guest: heartbeat $seq heard by $collector"
        heard=yes
        seq=$((seq + 1))
        read -r -t 1 _ <&3
    else
        [ $heard = no ] || echo "guest: heartbeat $seq not heard: $url"
        heard=no
        read -r -t 0.5 _ <&3
    fi
done
