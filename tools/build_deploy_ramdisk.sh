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

# Build the deploy kernel and ramdisk for Ironic: Debian's cloud kernel and an
# initramfs with ironic-python-agent; takes about a minute and stays below 110 MB. The
# build is kept in .cache/deploy-ramdisk/ and reused until its ingredients change.
#
# Needs: root, and what tools/prepare_host.sh installed; Debian packages come from
# the Debian sources that this host's apt uses, and are of its release (12 or 13),
# since this host's Python installs the agent. --publish needs OS_CLOUD and
# OS_CLIENT_CONFIG_FILE of a cloud's administrator.
#
#   --builder NAME  debian (default), as described above; or project: the Ironic
#                   project's ironic-python-agent-builder, which takes some minutes and
#                   makes 320 MB, for nodes with 3 GiB of memory or more
#   --output DIR    also put kernel, ramdisk and SHA256SUMS there
#   --publish       load both into glance as ironic-deploy-kernel and -ramdisk
#   --record FILE   with --publish: write ids and checksums there as JSON
#   --force         build even if the cache has it
#
# Exit codes: 0 built (or found in the cache) and loaded; 1 failed, the cache is as
# it was; 2 bad usage.

set -o errexit
set -o nounset
set -o pipefail

# Physical: through a symlink to tools/, .. would be the symlink's parent.
REPOSITORY=$(cd -P "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# For honour_pip_configuration.
# shellcheck source=tools/prepare_host.sh
source "$REPOSITORY/tools/prepare_host.sh"
VENV=${IRONIC_SIDEWAYS_VENV:-$REPOSITORY/.venv}
PATH=$VENV/bin:/usr/sbin:$PATH
INGREDIENTS=$REPOSITORY/tools/deploy_ramdisk
CONSTRAINTS=${IRONIC_SIDEWAYS_CONSTRAINTS:-$REPOSITORY/upper-constraints.txt}
CACHE=${IRONIC_SIDEWAYS_CACHE:-$REPOSITORY/.cache}
BUILDS=$CACHE/deploy-ramdisk
PYTHON=/usr/bin/python3
OUTPUT=""
PUBLISH=""
FORCE=""
RECORD=()
PART=""
BUILDER=debian
# The limit for our own ramdisk, in bytes: each deploy and cleaning downloads it.
MOST_BYTES=110000000

# shellcheck source=tools/deploy_ramdisk/project_builder.sh
source "$INGREDIENTS/project_builder.sh"

function fail { # <message>
    echo "build_deploy_ramdisk: $1" >&2
    exit 1
}

function usage_error { # <message>
    echo "build_deploy_ramdisk: $1 (see --help)" >&2
    exit 2
}

function parse_arguments { # <argument>...
    while [[ $# -gt 0 ]]; do
        case $1 in
            --output | --record | --builder)
                [[ $# -ge 2 ]] || usage_error "$1 needs a value"
                case $1 in
                    --output) OUTPUT=$2 ;;
                    --record) RECORD=(--record "$2") ;;
                    --builder) BUILDER=$2 ;;
                esac
                shift
                ;;
            --publish)
                PUBLISH=yes
                ;;
            --force)
                FORCE=yes
                ;;
            -h | --help)
                sed -n '/^# Build/,/^$/s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"
                exit 0
                ;;
            *)
                usage_error "unknown option $1"
                ;;
        esac
        shift
    done
    [[ ${#RECORD[@]} -eq 0 || -n $PUBLISH ]] || usage_error "--record needs --publish"
    [[ $BUILDER == debian || $BUILDER == project ]] ||
        usage_error "--builder $BUILDER: expected debian or project"
}

function check_host {
    local tool
    [[ $EUID -eq 0 ]] || fail "needs root, this is user $(id --user --name): call it with sudo"
    for tool in mmdebstrap uv lz4 cpio modprobe; do
        [[ -n $(type -P "$tool") ]] ||
            fail "needs $tool, found none: run tools/prepare_host.sh first"
    done
    [[ $BUILDER == debian ]] || check_project_builder
}

# The same kernel, from the same cache, as for the lab's guests.
function fetch_kernel {
    local found
    found=$(python -c '
import sys
from pathlib import Path
from ironic_sideways import exceptions
from ironic_sideways.hardware import kernel
try:
    found = kernel.fetch(Path(sys.argv[1]))
except exceptions.SidewaysError as error:
    sys.exit(f"build_deploy_ramdisk: {error}")
print(found.version, found.root)' "$CACHE")
    read -r KERNEL_VERSION KERNEL_ROOT <<<"$found"
}

# What the build depends on, as far as that is known in advance; Debian's updates count
# only with its point releases.
function build_key {
    {
        echo "$BUILDER"
        cat /etc/debian_version
        basename "$KERNEL_ROOT"
        cd "$REPOSITORY"
        sha256sum "$(basename "$CONSTRAINTS")" tools/build_deploy_ramdisk.sh tools/deploy_ramdisk/*
    } | sha256sum | cut --characters=1-16
}

function is_whole { # <build directory>
    [[ -e $1/SHA256SUMS ]] && (cd "$1" && sha256sum --quiet --check --strict SHA256SUMS)
}

function lines_of { # <file>
    grep --invert-match --extended-regexp '^(#|$)' "$1"
}

# An unsigned mirror that the host trusts, such as a gate's, must be trusted here as well.
function trust_of { # <apt's file:number of the entry>
    local entry
    if [[ $1 == *.sources:* ]]; then
        entry=$(awk -v RS= -v number="${1##*:}" 'NR == number' "${1%:*}")
    else
        entry=$(sed --quiet "${1##*:}p" "${1%:*}")
    fi
    if grep --quiet --ignore-case --extended-regexp \
        '^(trusted:|deb[[:space:]]*\[[^]]*\btrusted=)[[:space:]]*(yes|true|on|1)\b' <<<"$entry"; then
        echo " [trusted=yes]"
    fi
}

# Only sources of the host's own release that its apt has verified as Debian's or was told
# to trust.
function debian_sources {
    local codename sources
    # shellcheck disable=SC1091 # of the host
    codename=$(. /etc/os-release && echo "$VERSION_CODENAME")
    # shellcheck disable=SC2016 # the fields are apt's
    sources=$(apt-get indextargets --format '$(SOURCESENTRY) $(REPO_URI) $(RELEASE) $(COMPONENT)' \
        'Created-By: Packages' 'Origin: Debian' 'Trusted: yes' |
        while read -r entry uri suite component; do
            if [[ $suite =~ ^$codename(-updates|-security)?$ ]]; then
                echo "deb$(trust_of "$entry") $uri $suite $component"
            fi
        done | sort --unique)
    [[ -n $sources ]] ||
        fail "apt knows no Debian source of release $codename: run apt-get update, see apt-get indextargets"
    echo "$sources"
}

function unpack_debian { # <root> <log>
    local packages
    packages=$(lines_of "$INGREDIENTS/packages.txt" | paste --serial --delimiters=,)
    debian_sources >"$PART/sources.list"
    # If this is killed, its mounts go away with the namespace.
    unshare --mount mmdebstrap --quiet --variant=essential --include="$packages" \
        --dpkgopt='path-exclude=/usr/share/man/*' \
        --dpkgopt='path-exclude=/usr/share/doc/*' \
        --dpkgopt='path-exclude=/usr/share/locale/*' \
        --dpkgopt='path-exclude=/usr/lib/udev/hwdb.d/*' \
        --dpkgopt='path-exclude=/usr/lib/udev/rules.d/80-net-setup-link.rules' \
        --format=directory "" "$1" - <"$PART/sources.list" >"$2" 2>&1 || {
        tail -n 15 "$2" | printable >&2
        fail "mmdebstrap failed (the end of its log is above)"
    }
    rm --recursive --force "$1"/var/lib/apt "$1"/var/cache "$1"/var/log \
        "$1"/var/lib/dpkg/info "$1"/etc/machine-id "$1"/usr/share/locale
    mkdir --parents "$1/var/log"
    find "$1/dev" -mindepth 1 -delete
}

function install_agent { # <root>
    local agent=/opt/ironic-python-agent
    # Copied: files hard-linked to uv's cache would change together with it.
    honour_pip_configuration
    uv pip install --quiet --link-mode copy --python "$PYTHON" --target "$1$agent" \
        --constraint "$CONSTRAINTS" --build-constraint "$CONSTRAINTS" \
        ironic-python-agent
    find "$1$agent" -type d -name tests -prune -exec rm --recursive {} +
    rm --force "$1$agent/.lock"
    # Not validated by mtime: the files' times are changed below.
    "$PYTHON" -m compileall -q -j 2 -s "$1" --invalidation-mode unchecked-hash "$1$agent"
}

function install_modules { # <root>
    local name file
    local target=$1/lib/modules/$KERNEL_VERSION
    mkdir --parents "$target"
    cp "$KERNEL_ROOT/lib/modules/$KERNEL_VERSION"/modules.{order,builtin,builtin.modinfo} "$target"
    for name in $(lines_of "$INGREDIENTS/modules.txt"); do
        modprobe --dirname "$KERNEL_ROOT" --set-version "$KERNEL_VERSION" --show-depends "$name"
    done | awk '$1 == "insmod" { print $2 }' | sort --unique |
        while read -r file; do
            # Debian 13's kmod prints paths below usr/lib.
            file=${file##*"/lib/modules/$KERNEL_VERSION/"}
            install -D --mode 0644 "$KERNEL_ROOT/lib/modules/$KERNEL_VERSION/$file" "$target/$file"
        done
    depmod --basedir "$1" "$KERNEL_VERSION"
}

function install_init { # <root>
    local command
    install --mode 0755 "$INGREDIENTS/init" "$1/init"
    install --mode 0755 "$INGREDIENTS/udhcpc.sh" "$1/etc/udhcpc.sh"
    # The agent calls them by name; there is no init system to do it.
    for command in poweroff reboot; do
        printf '#!/bin/sh\nexec busybox %s -f\n' "$command" >"$1/usr/sbin/$command"
        chmod 0755 "$1/usr/sbin/$command"
    done
}

# The kernel can only unpack lz4's legacy format.
function pack { # <root> <file>
    find "$1" -newermt "@$SOURCE_DATE_EPOCH" -exec touch --no-dereference --date="@$SOURCE_DATE_EPOCH" {} +
    (
        cd "$1"
        find . -mindepth 1 -print0 | LC_ALL=C sort --zero-terminated |
            cpio --quiet --null --create --format=newc --reproducible
    ) | lz4 -q -l -5 - "$2"
}

function build_of_debian {
    local root=$PART/root
    SOURCE_DATE_EPOCH=$(stat --format=%Y "$KERNEL_ROOT/boot/vmlinuz-$KERNEL_VERSION")
    export SOURCE_DATE_EPOCH
    mkdir "$PART/build"
    unpack_debian "$root" "$PART/mmdebstrap.log"
    install_agent "$root"
    install_modules "$root"
    install_init "$root"
    pack "$root" "$PART/build/ramdisk"
    cp "$KERNEL_ROOT/boot/vmlinuz-$KERNEL_VERSION" "$PART/build/kernel"
    refuse_fat "$PART/build/ramdisk"
}

# A ramdisk above the limit means that an ingredient has grown.
function refuse_fat { # <ramdisk>
    local bytes
    bytes=$(stat --format=%s "$1")
    [[ $bytes -lt $MOST_BYTES ]] ||
        fail "the ramdisk has $bytes bytes, expected less than $MOST_BYTES: what has grown, packages.txt, modules.txt or the agent?"
}

function build { # <build directory>
    if [[ $BUILDER == debian ]]; then
        build_of_debian
    else
        build_by_project
    fi
    (cd "$PART/build" && sha256sum kernel ramdisk >SHA256SUMS)
    rm --recursive --force "$1"
    mv "$PART/build" "$1"
}

function remove_part {
    [[ -z $PART ]] || rm --recursive --force --one-file-system "$PART"
}

# Only one builder at a time; a second one finds what the first has built.
function build_if_needed { # <build directory>
    mkdir --parents "$BUILDS"
    exec {lock}>"$BUILDS/.lock"
    flock --wait 900 "$lock" ||
        fail "another build in $BUILDS has been running for 15 minutes: wait for it"
    if [[ -z $FORCE ]] && is_whole "$1"; then
        return
    fi
    find "$BUILDS" -mindepth 1 -maxdepth 1 -name '*.part-*' -exec rm --recursive --force --one-file-system {} +
    PART=$(mktemp --directory "$1.part-XXXXXX")
    trap remove_part EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM
    build "$1"
}

function megabytes { # <file>
    echo "$(($(stat --format=%s "$1") / 1000000)) MB"
}

function main { # <argument>...
    local directory
    parse_arguments "$@"
    check_host
    fetch_kernel
    directory=$BUILDS/$(build_key)
    build_if_needed "$directory"
    echo "deploy ramdisk $(basename "$directory") ($BUILDER): kernel $(megabytes "$directory/kernel"), ramdisk $(megabytes "$directory/ramdisk"), $SECONDS s, in $directory"
    if [[ -n $OUTPUT ]]; then
        mkdir --parents "$OUTPUT"
        cp "$directory"/{kernel,ramdisk,SHA256SUMS} "$OUTPUT"
    fi
    if [[ -n $PUBLISH ]]; then
        ironic-sideways publish-images --prefix ironic-deploy \
            --kernel "$directory/kernel" --ramdisk "$directory/ramdisk" "${RECORD[@]}"
    fi
}

# The unit tests source this file for its functions.
if [[ ${BASH_SOURCE[0]} == "$0" ]]; then
    main "$@"
fi
