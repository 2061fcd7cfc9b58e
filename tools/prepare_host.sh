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

# Prepare a Debian 12 host: the packages of bindep.txt and a Python environment
# of the versions in upper-constraints.txt. A second run installs nothing.
#
# Needs: root, apt, Python 3.11 or later as /usr/bin/python3, 10 GB of disk, and
# a package index that pip and uv reach (their usual configuration is honoured).
#
#   --venv DIR   the Python environment (default: .venv of this repository)
#   --tests      also what tools/run_tests.sh needs
#   --hardware   for machines and BMCs alone: no packages of a control plane, which
#                another deployment (DevStack) has here
#
# Exit codes: 0 prepared; 1 refused or failed, the message says why, and a second
# run goes on from there; 2 bad usage; 130, 143 interrupted, likewise.

set -o errexit
set -o nounset
set -o pipefail

REPOSITORY=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
VENV=$REPOSITORY/.venv
CONSTRAINTS=$REPOSITORY/upper-constraints.txt
PYTHON=/usr/bin/python3
STAMP=.ironic-sideways
GROUPS_WANTED=()
PROFILES=()
REQUIRED_DISK_GB=10
POLICY=/usr/sbin/policy-rc.d
POLICY_SAVED=$POLICY.before-ironic-sideways
POLICY_ABSENT=$POLICY.absent-before-ironic-sideways
LOCK=/run/lock/ironic-sideways-prepare-host
PACKAGE_LOG=/var/log/ironic-sideways-packages.log

function fail { # <message>
    echo "prepare_host: $1" >&2
    exit 1
}

function parse_arguments { # <argument>...
    while [[ $# -gt 0 ]]; do
        case $1 in
            --venv)
                [[ $# -ge 2 ]] || { echo "prepare_host: --venv needs a directory" >&2; exit 2; }
                VENV=$(realpath --canonicalize-missing "$2")
                shift
                ;;
            --tests)
                STAMP=.ironic-sideways-tests
                GROUPS_WANTED=(--group "$REPOSITORY/pyproject.toml:host")
                PROFILES=(test)
                ;;
            --hardware)
                STAMP=.ironic-sideways-hardware
                PROFILES=(hardware)
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
}

function check_host {
    [[ $EUID -eq 0 ]] || fail "needs root, this is user $(id --user --name): call it with sudo"
    [[ -n $(type -P apt-get) ]] || fail "needs apt, found none: use Debian 12"
    [[ -x $PYTHON ]] || fail "needs Python 3.11 or later as $PYTHON, found none: apt-get install python3"
    "$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
        fail "needs Python 3.11 or later as $PYTHON, found $("$PYTHON" --version): use Debian 12"
}

function check_disk {
    local free_kb
    free_kb=$(df --output=avail "$REPOSITORY" | tail -n 1)
    [[ $free_kb -ge $((REQUIRED_DISK_GB * 1000000)) ]] ||
        fail "needs $REQUIRED_DISK_GB GB free under $REPOSITORY, found $((free_kb / 1000000)) GB: free some, or clone to a larger disk"
}

# What policy-rc.d was before is in the file system, not in this process, so that
# the next run can put it back even after a SIGKILL.
function forbid_service_starts {
    restore_service_starts
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

function install_packages { # <package>...
    check_disk
    echo "installing Debian packages ($#): $*"
    forbid_service_starts
    export DEBIAN_FRONTEND=noninteractive
    run_apt_and_dpkg "$@" >"$PACKAGE_LOG" 2>&1 || {
        tail -n 15 "$PACKAGE_LOG" >&2
        fail "the packages were not installed (the end of $PACKAGE_LOG is above)"
    }
    restore_service_starts
}

function run_apt_and_dpkg { # <package>...
    # Empty but for packages that an interrupted run left half done.
    if [[ -n $(dpkg --audit) ]]; then
        dpkg --configure --pending --force-confold || return
    fi
    apt-get --quiet --quiet update || return
    apt-get --quiet --quiet --yes --no-install-recommends \
        --option DPkg::Lock::Timeout=300 --option Dpkg::Options::=--force-confold \
        --option Dpkg::Use-Pty=0 install "$@"
}

# uv reads no pip.conf: hand it what the host's pip is configured with.
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
    # As for pip itself, the environment comes before the files.
    "$VENV/bin/pip" config list | sed -n "s/^\(:env:.\|install\.\|global\.\)$1='\(.*\)'\$/\2/p" | head -n 1
}

# pip, uv and bindep: what installs the rest.
function create_environment {
    if ! "$PYTHON" -c 'import ensurepip' 2>/dev/null; then
        install_packages ca-certificates python3-venv
    fi
    echo "creating the Python environment $VENV"
    "$PYTHON" -m venv --clear "$VENV"
    "$VENV/bin/pip" install --quiet --disable-pip-version-check \
        --constraint "$CONSTRAINTS" bindep uv
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
    "$VENV/bin/uv" pip install --quiet --python "$VENV/bin/python" \
        --constraint "$CONSTRAINTS" --build-constraint "$CONSTRAINTS" \
        --compile-bytecode --editable "${REPOSITORY}[lab]" \
        "${GROUPS_WANTED[@]}" bindep uv
}

function prepare_environment {
    local key recorded="" stamp=$VENV/$STAMP
    key=$(environment_key)
    [[ ! -e $stamp ]] || recorded=$(<"$stamp")
    # Debian's packages need a look only if dpkg has changed one since.
    if [[ $recorded == "$key" && $stamp -nt /var/lib/dpkg/status ]]; then
        return
    fi
    [[ -x $VENV/bin/bindep && -x $VENV/bin/uv ]] || create_environment
    install_missing_packages
    [[ $recorded == "$key" ]] || install_python_packages
    echo "$key" >"$stamp"
}

# However this ends, the host's policy is back.
function guard_service_starts {
    trap restore_service_starts EXIT
    trap 'exit 129' HUP
    trap 'exit 130' INT
    trap 'exit 143' TERM
    restore_service_starts
}

# One at a time on a host: dpkg and the policy are the host's.
function take_lock {
    mkdir --parents "$(dirname "$LOCK")"
    exec {lock}>"$LOCK"
    flock --wait 900 "$lock" ||
        fail "another prepare_host has run for 15 minutes: wait for it"
}

function main { # <argument>...
    parse_arguments "$@"
    check_host
    take_lock
    guard_service_starts
    prepare_environment
}

# The unit tests source this file for its functions.
if [[ ${BASH_SOURCE[0]} == "$0" ]]; then
    main "$@"
fi
