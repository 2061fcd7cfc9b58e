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

# What prepare_host.sh changes on a host: recorded before it is done, so that the
# next run repairs what a SIGKILL cut off, and --undo knows what to remove.
#
# Sourced by prepare_host.sh, which has fail, quietly, VENV and CACHE. The directory
# STATE, which only root can read, holds
#
#   packages        newly installed packages, one per line
#   configured      those of them whose configuration files had been here before
#   links           links, since removed, that would have started a service at boot
#   databases       empty; MariaDB's databases as its package created them are older
#   environments    Python environments
#   before/         packages and links before the installation that is in progress

# One run compares what another has sorted, so both need the same order.
export LC_ALL=C.UTF-8
STATE=/var/lib/ironic-sideways
ETC=/etc
DATABASES=/var/lib/mysql
DEVICES=/sys/class/net
POLICY=/usr/sbin/policy-rc.d
POLICY_SAVED=$POLICY.before-ironic-sideways
POLICY_ABSENT=$POLICY.absent-before-ironic-sideways

# A directory that only root can write to; otherwise others could replace its files.
function make_private_directory { # <directory>
    mkdir --parents "$1"
    [[ -d $1 && ! -L $1 && -O $1 ]] || fail "$1: expected a directory that root owns; remove it"
    chmod 0700 "$1"
}

function record { # <file> <line>
    grep --quiet --line-regexp --fixed-strings --no-messages -e "$2" "$STATE/$1" || echo "$2" >>"$STATE/$1"
}

function recorded { # <file>
    [[ ! -e $STATE/$1 ]] || sort --unique "$STATE/$1"
}

function packages_in { # <pattern of dpkg's states>
    dpkg-query --show --showformat '${db:Status-Status} ${binary:Package}\n' |
        sed -n --regexp-extended "s/^($1) //p" | sort
}

# Including half-installed ones.
function installed_packages {
    packages_in 'half-installed|unpacked|half-configured|triggers-.*|installed'
}

# The links that tell systemd and sysvinit what to start; a mask starts nothing.
function boot_links {
    find "$ETC" \( -path "$ETC/systemd/system/*" -o -path "$ETC/systemd/user/*" \) \
        -type l -not -lname /dev/null -print -o -path "$ETC/rc[2-5S].d/S*" -print | sort
}

# From here to settle_host no service starts. settle_host first completes the record of
# a run that was killed.
function hold_host {
    settle_host
    make_private_directory "$STATE"
    rm --recursive --force "$STATE/before.part"
    mkdir "$STATE/before.part"
    installed_packages >"$STATE/before.part/packages"
    packages_in config-files >"$STATE/before.part/configured"
    boot_links >"$STATE/before.part/links"
    mv "$STATE/before.part" "$STATE/before"
    forbid_service_starts
}

function settle_host {
    local before=$STATE/before installed
    restore_service_starts
    [[ -d $before ]] || return 0
    installed=$(installed_packages | comm -13 "$before/packages" -)
    comm -12 "$before/configured" <(echo "$installed") >>"$STATE/configured"
    [[ -z $installed ]] || echo "$installed" >>"$STATE/packages"
    disable_new_links
    # A database that nobody has used since is older than this file.
    [[ $installed != *mariadb-server* ]] || touch "$STATE/databases"
    rm --recursive "$before"
}

# What `systemctl disable` and `update-rc.d disable` do, which a host may not have.
# An upgrade of the package does not enable it again.
function disable_new_links {
    local link links name
    links=$(boot_links | comm -13 "$STATE/before/links" -)
    while read -r link; do
        [[ -n $link ]] || continue
        record links "$link"
        if [[ $link == "$ETC"/rc* ]]; then
            name=${link##*/}
            mv "$link" "${link%/*}/K${name#S}"
        else
            rm "$link"
        fi
    done <<<"$links"
    # A running systemd has read the links already.
    [[ -z $links || ! -d /run/systemd/system ]] || systemctl daemon-reload
}

# The former policy-rc.d is kept on disk, not in this process, so that the next run can
# restore it even after a SIGKILL.
function forbid_service_starts {
    if [[ -e $POLICY || -L $POLICY ]]; then
        mv "$POLICY" "$POLICY_SAVED"
    else
        touch "$POLICY_ABSENT"
    fi
    printf '#!/bin/sh\n# While ironic-sideways installs packages: their services stay down.\nexit 101\n' >"$POLICY"
    chmod 0755 "$POLICY"
}

function restore_service_starts {
    if [[ -e $POLICY_SAVED || -L $POLICY_SAVED ]]; then
        mv "$POLICY_SAVED" "$POLICY"
    elif [[ -e $POLICY_ABSENT ]]; then
        rm --force "$POLICY"
    fi
    rm --force "$POLICY_ABSENT"
}

function undo_host {
    refuse_living_lab
    refuse_used_services
    remove_packages
    remove_environments
    local left
    left=$(recorded packages | comm -12 - <(installed_packages))
    if [[ $left ]]; then
        echo "$left" >"$STATE/packages"
        fail "these packages stay, for the reasons that dpkg gives above: ${left//$'\n'/ }; remove what needs them, then call --undo again"
    fi
    rm --recursive --force "$STATE"
}

function refuse_living_lab {
    local file mark
    for file in "$DEVICES"/*/ifalias; do
        [[ -e $file ]] || continue
        mark=$(<"$file")
        [[ $mark != "ironic-sideways "* ]] ||
            fail "a lab is up in ${mark#* }: '$VENV/bin/ironic-sideways lab down --directory ${mark#* }' ends it"
    done
}

function refuse_used_services {
    local link
    while read -r link; do
        [[ ! -L $link ]] ||
            fail "$link: created after the package was installed, so somebody uses the service: disable it if it can be removed"
    done < <(recorded links)
}

# Unlike apt, dpkg does not also remove the packages that need these.
function remove_packages {
    local -a packages
    local output
    mapfile -t packages < <(recorded packages | comm -12 - <(installed_packages))
    export DEBIAN_FRONTEND=noninteractive
    if [[ ${#packages[@]} -gt 0 ]]; then
        echo "removing Debian packages (${#packages[@]})"
        give_databases_up
        output=$(dpkg --remove "${packages[@]}" 2>&1) || echo "$output" >&2
    fi
    mapfile -t packages < <(recorded packages | comm -23 - <(recorded configured) |
        comm -12 - <(packages_in config-files))
    if [[ ${#packages[@]} -gt 0 ]]; then
        quietly "dpkg --purge" dpkg --purge "${packages[@]}"
    fi
}

# MariaDB's package keeps its databases unless told otherwise. Used ones are somebody's
# data.
function give_databases_up {
    if [[ -e $STATE/databases && -d $DATABASES && -z $(find "$DATABASES" -newer "$STATE/databases" -print -quit) ]]; then
        echo "mariadb-server mariadb-server/postrm_remove_databases boolean true" | debconf-set-selections
    fi
}

function remove_environments {
    local directory
    while read -r directory; do
        if [[ -e $directory/pyvenv.cfg ]]; then
            echo "removing the Python environment $directory"
            rm --recursive "$directory"
        fi
    done < <(recorded environments)
    rm --recursive --force "$CACHE/pip" "$CACHE/uv"
}
