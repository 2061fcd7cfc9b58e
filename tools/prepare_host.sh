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

# Prepare a Debian 12 or 13 host: install the packages of bindep.txt and a Python
# environment with the versions in upper-constraints.txt or, for OpenStack 2026.1,
# upper-constraints-2026.1.txt. A second run installs nothing. No service
# of a package starts, now or at the next boot.
#
# Needs: root, apt, 10 GB of disk, and a package index that pip and uv reach (their
# usual configuration is honoured).
#
#   --release N  OpenStack 2026.2 (default) or 2026.1, each in its own environment
#   --venv DIR   the Python environment (default: .venv in this repository; for 2026.1
#                .venv-2026.1)
#   --tests      also what tools/run_tests.sh needs
#   --hardware   only for machines and BMCs: no control plane packages, since another
#                deployment (DevStack) on this host has its own
#   --undo       remove what this script has installed on this host: the packages,
#                except those that others now need, and the Python environments
#
# Exit codes: 0 prepared or undone; 1 refused or failed, the message says why, and a
# second run continues from there; 2 bad usage; 129, 130, 143 interrupted, likewise.

set -o errexit
set -o nounset
set -o pipefail

REPOSITORY=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
VENV=$REPOSITORY/.venv
CONSTRAINTS=$REPOSITORY/upper-constraints.txt
PYTHON=/usr/bin/python3
MAIN_JOB=.ironic-sideways
TESTS=.ironic-sideways-tests
STAMP=$MAIN_JOB
WHOLE=.ironic-sideways-whole
RELEASE=2026.2
# In the environment of another release; holds its number.
OTHER_RELEASE=.ironic-sideways-release
GROUPS_WANTED=()
PROFILES=(lab)
REQUIRED_DISK_GB=10
UNDO=""
OS_RELEASE=/etc/os-release
LOCKS=/run/ironic-sideways
# For pip and uv, unless the caller has set one: root's home is left alone.
CACHE=$REPOSITORY/.cache
export XDG_CACHE_HOME=${XDG_CACHE_HOME:-$CACHE}

# shellcheck source=tools/host_changes.sh
source "$REPOSITORY/tools/host_changes.sh"
# shellcheck source=grenade/printable.sh
source "$REPOSITORY/grenade/printable.sh"

function fail { # <message>
    echo "prepare_host: $1" >&2
    exit 1
}

function parse_arguments { # <argument>...
    local venv=""
    while [[ $# -gt 0 ]]; do
        case $1 in
            --venv)
                [[ $# -ge 2 ]] || { echo "prepare_host: --venv needs a directory" >&2; exit 2; }
                venv=$(realpath --canonicalize-missing "$2")
                shift
                ;;
            --release)
                case ${2:-} in
                    2026.2) ;;
                    2026.1)
                        CONSTRAINTS=$REPOSITORY/upper-constraints-$2.txt
                        VENV=$REPOSITORY/.venv-$2
                        ;;
                    *) echo "prepare_host: --release ${2:-}: expected 2026.1 or 2026.2" >&2; exit 2 ;;
                esac
                RELEASE=$2
                shift
                ;;
            --tests)
                STAMP=$TESTS
                GROUPS_WANTED=(--group "$REPOSITORY/pyproject.toml:host")
                PROFILES=(lab host)
                ;;
            --hardware)
                STAMP=.ironic-sideways-hardware
                PROFILES=(hardware)
                ;;
            --undo)
                UNDO=yes
                ;;
            -h|--help)
                sed -n '/^# Prepare/,/^$/s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"
                exit 0
                ;;
            *)
                echo "prepare_host: unknown option $1 (see --help)" >&2
                exit 2
                ;;
        esac
        shift
    done
    VENV=${venv:-$VENV}
}

# By number, which Debian testing and unstable do not have.
function check_distribution {
    local wanted="needs Debian 12 (bookworm) or 13 (trixie), found" found
    [[ -r $OS_RELEASE ]] || fail "$wanted no $OS_RELEASE"
    # shellcheck source=/dev/null
    found=$(source "$OS_RELEASE" && echo "${ID:-} ${VERSION_ID:-} ${PRETTY_NAME:-}")
    case $found in
        'debian 12 '*|'debian 13 '*) ;;
        *) fail "$wanted ${found#* * }" ;;
    esac
}

function check_host {
    check_distribution
    [[ $EUID -eq 0 ]] || fail "needs root, this is user $(id --user --name): call it with sudo"
}

function check_disk {
    local free_kb
    free_kb=$(df --output=avail "$REPOSITORY" | tail -n 1)
    [[ $free_kb -ge $((REQUIRED_DISK_GB * 1000000)) ]] ||
        fail "needs $REQUIRED_DISK_GB GB free under $REPOSITORY, found $((free_kb / 1000000)) GB: free some, or clone to a larger disk"
}

# Run a command silently; if it fails, show all of its output.
function quietly { # <what it does> <command> <argument>...
    # Below /run: not on a disk that may be full.
    "${@:2}" >"$LOCKS/said" 2>&1 || {
        printable <"$LOCKS/said" >&2
        fail "$1: failed, see above; $(next_step)"
    }
}

function next_step {
    local place
    for place in / /var "$REPOSITORY" "$(dirname "$VENV")"; do
        if [[ -d $place && $(df --output=avail "$place" | tail -n 1) -lt 100000 ]]; then
            echo "the disk is full below $place: free $REQUIRED_DISK_GB GB, and call this again"
            return
        fi
    done
    echo "fix it (the network, a mirror), and call this again: it continues from here"
}

function install_packages { # <package>...
    check_disk
    echo "installing Debian packages ($#): $*"
    hold_host
    export DEBIAN_FRONTEND=noninteractive
    quietly "apt-get update" apt_get update
    [[ -z $(dpkg --audit) ]] || repair_packages
    quietly "apt-get install" apt_install "$@"
    settle_host
}

# Repair what an interrupted run left: half-configured and half-installed packages.
function repair_packages {
    dpkg --configure --pending --force-confold >"$LOCKS/said" 2>&1 ||
        echo "dpkg leaves half-installed packages to apt-get"
    quietly "apt-get --fix-broken install" apt_install --fix-broken
}

function apt_install { # <argument>...
    apt_get --yes --no-install-recommends --option Dpkg::Options::=--force-confold \
        --option Dpkg::Use-Pty=0 install "$@"
}

function apt_get { # <argument>...
    apt-get --quiet --quiet --option DPkg::Lock::Timeout=300 \
        --option APT::Keep-Downloaded-Packages=false "$@"
}

# uv does not read pip.conf: pass on the configuration of the host's pip.
function honour_pip_configuration {
    local value
    if [[ -z ${UV_DEFAULT_INDEX:-}${UV_INDEX_URL:-} ]]; then
        value=$(pip_setting index-url)
        [[ -z $value ]] || export UV_DEFAULT_INDEX=$value
    fi
    if [[ -z ${SSL_CERT_FILE:-} ]]; then
        value=$(pip_setting cert)
        [[ -z $value ]] || export SSL_CERT_FILE=$value
    fi
}

function pip_setting { # <name>
    # As in pip itself, the environment takes precedence over the files.
    "$VENV/bin/pip" config list | sed -n "s/^\(:env:.\|install\.\|global\.\)$1='\(.*\)'\$/\2/p" | head -n 1
}

# Without Python, bindep cannot tell which packages are missing.
function install_python {
    if ! "$PYTHON" -c 'import ensurepip' 2>/dev/null; then
        install_packages ca-certificates python3 python3-venv
    fi
}

# pip, uv and bindep, which install the rest. The file that marks a complete environment
# is written last, and is absent while packages are installed into it.
function create_environment {
    [[ ! -e $VENV || -e $VENV/pyvenv.cfg || -z $(ls -A "$VENV") ]] ||
        fail "$VENV: expected a Python environment or nothing, found something else: choose another --venv"
    echo "creating the Python environment $VENV"
    make_private_directory "$STATE"
    record environments "$VENV"
    quietly "python3 -m venv" "$PYTHON" -m venv --clear "$VENV"
    in_scratch quietly "pip install" "$VENV/bin/pip" install --quiet \
        --disable-pip-version-check --constraint "$CONSTRAINTS" bindep uv
    [[ $RELEASE == 2026.2 ]] || echo "$RELEASE" >"$VENV/$OTHER_RELEASE"
    touch "$VENV/$WHOLE"
}

# uv creates lock files with fixed names in the temporary directory, by default one that
# every user can write to.
function in_scratch { # <command> <argument>...
    mkdir --parents "$VENV/tmp"
    TMPDIR=$VENV/tmp "$@"
    rm --recursive "$VENV/tmp"
}

function install_missing_packages {
    local missing status=0
    missing=$("$VENV/bin/bindep" --brief --file "$REPOSITORY/bindep.txt" "${PROFILES[@]}") || status=$?
    case $status:$missing in
        0:*) return ;;
        1:?*) ;;
        *) fail "bindep failed with exit code $status on $REPOSITORY/bindep.txt" ;;
    esac
    local -a packages
    read -r -d '' -a packages <<<"$missing" || [[ ${#packages[@]} -gt 0 ]]
    install_packages "${packages[@]}"
}

function environment_key {
    {
        echo "$REPOSITORY $VENV"
        "$PYTHON" --version
        sha256sum "$CONSTRAINTS" "$REPOSITORY/bindep.txt" "$REPOSITORY/pyproject.toml"
    } | sha256sum | cut --characters=1-64
}

function install_python_packages {
    check_disk
    echo "installing the Python packages of $(basename "$CONSTRAINTS") into $VENV"
    honour_pip_configuration
    rm "$VENV/$WHOLE"
    in_scratch quietly "uv pip install" "$VENV/bin/uv" pip install --quiet \
        --python "$VENV/bin/python" --constraint "$CONSTRAINTS" \
        --build-constraint "$CONSTRAINTS" \
        --compile-bytecode --editable "${REPOSITORY}[lab]" \
        "${GROUPS_WANTED[@]}" bindep uv
    touch "$VENV/$WHOLE"
}

# Otherwise the environment would have a mixture of two releases.
function refuse_other_release {
    local found=2026.2
    [[ -e $VENV/$WHOLE ]] || return 0
    [[ ! -e $VENV/$OTHER_RELEASE ]] || found=$(<"$VENV/$OTHER_RELEASE")
    [[ $found == "$RELEASE" ]] ||
        fail "$VENV: has OpenStack $found, expected $RELEASE: choose another --venv, or --release $found"
}

function prepare_environment {
    local key recorded="" stamp=$VENV/$STAMP
    refuse_other_release
    install_python
    key=$(environment_key)
    [[ ! -e $stamp ]] || recorded=$(<"$stamp")
    # Debian's packages are checked only if dpkg has changed one since.
    if [[ $recorded == "$key" && -e $VENV/$WHOLE && $stamp -nt /var/lib/dpkg/status ]]; then
        return
    fi
    if [[ ! -e $VENV/$WHOLE ]]; then
        create_environment
        recorded=""
    fi
    install_missing_packages
    [[ $recorded == "$key" ]] || install_python_packages
    echo "$key" >"$stamp"
    # The tests' environment includes all that the main job needs.
    [[ $STAMP != "$TESTS" ]] || echo "$key" >"$VENV/$MAIN_JOB"
}

# However this ends, the host's policy-rc.d is restored, and no new service starts at boot.
function guard_host {
    trap settle_host EXIT
    trap 'exit 129' HUP
    trap 'exit 130' INT
    trap 'exit 143' TERM
    settle_host
}

# Only one at a time on a host: they share dpkg and policy-rc.d.
function take_lock {
    make_private_directory "$LOCKS"
    exec {lock}>>"$LOCKS/prepare-host.lock"
    flock --wait 900 "$lock" ||
        fail "another prepare_host has been running for 15 minutes: wait for it"
}

function main { # <argument>...
    parse_arguments "$@"
    check_host
    take_lock
    guard_host
    if [[ $UNDO ]]; then
        undo_host
    else
        prepare_environment
    fi
}

# The unit tests source this file for its functions.
if [[ ${BASH_SOURCE[0]} == "$0" ]]; then
    main "$@"
fi
