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

# Run a command in this repository on the other of the two supported Debian releases:
# in a minimal root file system of it, with this host's kernel and network, but its own
# mounts, processes and directories for temporary files.
#
# Usage: sudo tools/other_debian.sh DIR COMMAND [ARGUMENT...]
#
#   DIR   the root file system; created if missing. COMMAND runs in a copy of this
#         repository there, copied again each time; what an earlier command installed
#         in it stays
#
# Needs root and what tools/prepare_host.sh --tests installs. Packages come from the
# Debian source that this host's apt uses, with its settings and those of its pip.
#
# Exit codes: that of COMMAND; 1 if the root file system could not be created; 2 bad
# usage. What COMMAND leaves running is ended with it.

set -o errexit -o nounset -o pipefail

REPOSITORY=$(cd -P "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
CERTIFICATES=/etc/ssl/certs/ca-certificates.crt
INSIDE=/root/ironic-sideways
# In a root that this script created: it writes to no other directory.
MARK=etc/ironic-sideways-root
# apt's settings that a mirror, a proxy or a wrong clock can make necessary.
APT_SETTINGS='^Acquire::(Check-[[:alpha:]-]+|Retries|https?::[^ ]+) '
# The same for pip, uv and TLS clients, but none that names a file of this repository.
PASSED='^(CI|(HTTPS?|NO|https?|no)_(PROXY|proxy)|(PIP|UV)_.*|.*CA_BUNDLE|SSL_CERT_.*)='
KEPT_BACK='^[A-Z]+_(CONSTRAINT|BUILD_CONSTRAINT|CACHE_DIR)='

# shellcheck source=grenade/printable.sh
source "$REPOSITORY/grenade/printable.sh"

function fail { # <message>
    echo "other_debian: $1" >&2
    exit 1
}

function other_release {
    local codename
    # shellcheck disable=SC1091 # of the host
    codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
    case $codename in
        bookworm) echo trixie ;;
        trixie) echo bookworm ;;
        *) fail "this host runs ${codename:-no known release}: expected Debian bookworm or trixie" ;;
    esac
}

# Only a source that this host's apt has verified as Debian's.
function source_of { # <release>
    local uri
    # shellcheck disable=SC2016 # the field is apt's
    uri=$(apt-get indextargets --format '$(REPO_URI) $(RELEASE)' 'Created-By: Packages' \
        'Origin: Debian' 'Trusted: yes' | awk '$2 !~ /-/ { print $1; exit }')
    [[ $uri ]] || fail "apt knows no Debian source: run apt-get update, see apt-get indextargets"
    echo "deb $uri $1 main"
}

function make_root { # <directory>
    local release name log=$1.log part=$1.part
    release=$(other_release)
    rm --recursive --force --one-file-system "$part"
    mkdir --parents "$(dirname "$1")"
    # A proxy may have a password.
    (umask 077; apt-config dump Acquire | grep --extended-regexp "$APT_SETTINGS" >"$1.apt") ||
        [[ $? -eq 1 ]] || fail "apt-config failed"
    source_of "$release" |
        unshare --mount mmdebstrap --quiet --variant=minbase --aptopt="$1.apt" \
            --include=ca-certificates,python3,python3-venv "$release" "$part" - >"$log" 2>&1 || {
        tail -n 15 "$log" | printable >&2
        fail "could not create a root file system of $release (the end of $log is above)"
    }
    for name in /etc/{hosts,resolv.conf,pip.conf,xdg/pip} "$CERTIFICATES"; do
        [[ ! -e $name ]] || cp --recursive --dereference "$name" "$part$(dirname "$name")/"
    done
    touch "$part/$MARK"
    mv "$part" "$1"
}

function copy_repository { # <directory>
    mkdir --parents "$1$INSIDE"
    find "$1$INSIDE" -mindepth 1 -maxdepth 1 ! -name '.venv*' ! -name .tox ! -name .cache \
        ! -name '.lab*' -exec rm --recursive {} +
    git -C "$REPOSITORY" ls-files --cached --others --exclude-standard -z |
        tar --directory="$REPOSITORY" --create --null --files-from=- |
        tar --directory="$1$INSIDE" --extract --no-same-owner
}

# libvirtd's unshare wants / to be a mount point.
function enter { # <directory> <command> [argument...]
    local name
    # Not as arguments, which everybody can see: a proxy or an index may have a password.
    for name in $(compgen -e); do
        if [[ ! $name= =~ $PASSED || $name= =~ $KEPT_BACK ]]; then
            [[ $name == PATH ]] || export -n "${name?}"
        fi
    done
    # shellcheck disable=SC2016 # expanded inside
    exec unshare --mount --pid --fork --kill-child bash -o errexit -c '
        mount --bind "$0" "$0"
        cd "$0"
        mount --rbind /dev dev
        mount --rbind /sys sys
        mount -t proc proc proc
        mount -t tmpfs -o mode=0755 tmpfs run
        mount -t tmpfs -o mode=1777 tmpfs tmp
        exec chroot . /usr/bin/env --unset=PWD --unset=OLDPWD "$@"
    ' "$1" --chdir="$INSIDE" HOME=/root LANG=C.UTF-8 TERM="${TERM:-dumb}" \
        PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "${@:2}"
}

function main { # <argument>...
    local directory
    if [[ ${1:-} == -h || ${1:-} == --help ]]; then
        sed -n '/^# Run a command/,/^$/s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"
        exit 0
    fi
    [[ $# -ge 2 && $1 != -* ]] || {
        echo "other_debian: expected a directory and a command (see --help)" >&2
        exit 2
    }
    [[ $EUID -eq 0 ]] || fail "needs root, this is user $(id --user --name): call it with sudo"
    [[ -n $(type -P mmdebstrap) ]] || fail "needs mmdebstrap, found none: run tools/prepare_host.sh first"
    directory=$(realpath --canonicalize-missing "$1")
    [[ -e $directory ]] || make_root "$directory"
    [[ -e $directory/$MARK ]] ||
        fail "$directory: expected a root that this script created, or nothing; choose another directory"
    copy_repository "$directory"
    enter "$directory" "${@:2}"
}

main "$@"
