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

# The main job: move a nova-baremetal cloud to Ironic in the lab, and tell
# whether its instances survived.
#
# Usage: sudo tools/run_upgrade.sh [options]
#
#   --directory DIR     the lab's directory (default: .lab in this repository)
#   --number N          the lab's number, 0 to 99: its ports, bridge, addresses
#   --nodes N           bare-metal machines (default 8, at least 4)
#   --base-driver NAME  nova_bm (default), or fake: Nova's plain fake driver,
#                       with the nodes seeded and no instance on them
#   --no-tempest        leave Tempest out
#   --keep              leave the lab up at the end
#   --resume            go on with the lab of a run that failed
#
# Needs Debian 12, root, 10 GB of disk and 8 GiB of memory; installs the rest.
# A run that fails leaves its lab up, to be looked at, resumed or rolled back.
#
# Exit codes: 0 every instance survived; 1 a step failed or the verdict is
# red; 2 bad usage; 130 interrupted (the lab is taken down).

set -o errexit -o pipefail

REPOSITORY=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
BEGIN=$EPOCHREALTIME

function usage { # <exit code>
    sed -n '/^# Usage/,/^$/{/^$/q;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}"
    exit "$1"
}

function die { # <exit code> <message>
    echo "run_upgrade.sh: $2" >&2
    exit "$1"
}

function parse_arguments { # <argument...>
    LAB_OPTIONS=()
    BASE_DRIVER=nova_bm
    TEMPEST=yes
    KEEP=
    GO_ON=
    local directory=$REPOSITORY/.lab
    while (($#)); do
        case $1 in
            --directory|--number|--nodes|--base-driver)
                (($# > 1)) || die 2 "$1: expected a value; see --help"
                ;;&
            --directory) directory=$2; shift 2 ;;
            --number|--nodes) LAB_OPTIONS+=("$1" "$2"); shift 2 ;;
            --base-driver) BASE_DRIVER=$2; shift 2 ;;
            --no-tempest) TEMPEST=; shift ;;
            --keep) KEEP=yes; shift ;;
            --resume) GO_ON=yes; shift ;;
            --help|-h) usage 0 ;;
            *) die 2 "$1: unknown option; see --help" ;;
        esac
    done
    [[ $BASE_DRIVER == nova_bm || $BASE_DRIVER == fake ]] \
        || die 2 "--base-driver $BASE_DRIVER: expected nova_bm or fake"
    LAB_OPTIONS+=(--base-driver "$BASE_DRIVER")
    IRONIC_SIDEWAYS_LAB=$(realpath --canonicalize-missing "$directory")
    export IRONIC_SIDEWAYS_LAB
}

# One run at a time works in a lab. Descriptor 9 holds the lock; what outlives
# this script must not inherit it.
function take_lock {
    mkdir -p "$IRONIC_SIDEWAYS_LAB"
    exec 9>>"$IRONIC_SIDEWAYS_LAB/run.lock"
    if ! flock --nonblock 9; then
        die 1 "$IRONIC_SIDEWAYS_LAB: another run works in this lab (pid \
$(cat "$IRONIC_SIDEWAYS_LAB/run.pid")); wait for it, or choose --directory and --number"
    fi
    echo $$ >"$IRONIC_SIDEWAYS_LAB/run.pid"
}

function end_earlier_lab {
    [[ -e $IRONIC_SIDEWAYS_LAB/lab.json ]] || return 0
    ironic-sideways lab running || return 0
    if [[ ! -e $IRONIC_SIDEWAYS_LAB/left-by-run ]]; then
        die 1 "$IRONIC_SIDEWAYS_LAB: a lab is running here; end it by \
'ironic-sideways lab down --directory $IRONIC_SIDEWAYS_LAB', or choose --directory and --number"
    fi
    echo "Taking down the lab that an earlier run left:"
    ironic-sideways lab down
}

function bring_up {
    end_earlier_lab
    rm -rf "$EVIDENCE_DIR"
    mkdir -p "$EVIDENCE_DIR"
    touch "$IRONIC_SIDEWAYS_LAB/left-by-run"
    ironic-sideways lab up "${LAB_OPTIONS[@]}" --cache "$CACHE_DIR" 3>&- 9>&-
    record_phase prepare ok "$PREPARE_SECONDS" "packages and virtual environment"
}

function create_workload {
    tell "$REPOSITORY/grenade/resources" create
    "$REPOSITORY/grenade/resources" verify pre-upgrade
}

function publish_dummy_images {
    OS_CLOUD=$ADMIN_CLOUD tell "$REPOSITORY/tools/fake_deploy_images.sh"
}

function verify_workload {
    tell "$REPOSITORY/grenade/resources" verify post-upgrade
}

function operate {
    tell "$REPOSITORY/grenade/resources" operate
}

function run_tempest {
    "$REPOSITORY/grenade/resources" destroy
    tell ironic-sideways tempest --os-cloud "$ADMIN_CLOUD" \
        --ironic-cloud "$SYSTEM_CLOUD" \
        --workspace "$IRONIC_SIDEWAYS_LAB/data/tempest" --output "$EVIDENCE_DIR/tempest"
}

function collect_evidence {
    tell ironic-sideways evidence collect --logs "$IRONIC_SIDEWAYS_LAB/logs" \
        --output "$EVIDENCE_DIR"
}

function declare_before {
    phase dummy-images publish_dummy_images "dummy deploy images, bare-metal flavor"
    phase workload     create_workload      "the instances that must survive"
}

function declare_after {
    PHASE_NAMES=()
    phase verify   verify_workload  "the instances, after the move"
    phase operate  operate          "boot, reboot, start and delete"
    if [[ $TEMPEST ]]; then
        phase tempest run_tempest   "tempest.api.compute"
    fi
    phase collect  collect_evidence "gather logs"
}

function finish { # <exit code>
    local result=$1
    trap - EXIT
    ((result == 0)) || [[ $INTERRUPTED ]] || say_what_next
    if [[ -e $IRONIC_SIDEWAYS_LAB/left-by-run ]] && [[ $INTERRUPTED || $result == 0 ]]; then
        if [[ $KEEP ]]; then
            echo "The lab is up: source $IRONIC_SIDEWAYS_LAB/openrc"
            rm "$IRONIC_SIDEWAYS_LAB/left-by-run"
        else
            ironic-sideways lab down || result=1
        fi
    fi
    printf 'evidence: %s\n' "$EVIDENCE_DIR"
    printf 'total: %.0f s, exit code %s\n' "$(seconds_since "$BEGIN")" "$result"
    exit "$result"
}

function say_what_next {
    cat <<END
The lab is left up.
  logs:      $IRONIC_SIDEWAYS_LAB/logs
  resume:    $RESUME
  roll back: $ROLL_BACK
  end it:    $REPOSITORY/.venv/bin/ironic-sideways lab down --directory $IRONIC_SIDEWAYS_LAB
END
}

function interrupted {
    INTERRUPTED=yes
    echo
    echo "Interrupted."
    exit 130
}

function main { # <argument...>
    parse_arguments "$@"
    "$REPOSITORY/tools/prepare_host.sh"
    PREPARE_SECONDS=$(awk -v a="$BEGIN" -v b="$EPOCHREALTIME" 'BEGIN { print b - a }')
    export RESUMED_BY="$0 --resume --directory $IRONIC_SIDEWAYS_LAB"
    # shellcheck source=grenade/deployments/lab.sh
    source "$REPOSITORY/grenade/deployments/lab.sh"
    # shellcheck source=grenade/phases.sh
    source "$REPOSITORY/grenade/phases.sh"
    take_lock
    INTERRUPTED=
    trap interrupted INT TERM
    if [[ $GO_ON ]]; then
        ironic-sideways lab running \
            || die 1 "$IRONIC_SIDEWAYS_LAB: no lab is up here to resume; run without --resume"
    else
        bring_up
    fi
    trap 'finish $?' EXIT
    declare_before
    run_phases ""
    "$REPOSITORY/grenade/upgrade-ironic"
    declare_after
    run_phases ""
    local without=()
    [[ $TEMPEST ]] || without=(--without tempest)
    ironic-sideways verdict "$EVIDENCE_DIR" "${without[@]}"
}

main "$@"
