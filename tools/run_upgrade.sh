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
#   --network A.B       the first two numbers of its addresses (default: 172.30)
#   --nodes N           bare-metal machines (default 8, at least 5)
#   --release N         OpenStack 2026.2 (default), or 2026.1 in .venv-2026.1
#   --base-driver NAME  nova_bm (default), or fake: Nova's plain fake driver,
#                       with the nodes seeded and no instance on them
#   --compute-hosts N   base compute hosts, each with its share of the nodes
#   --one-by-one        move one compute host after the other, a window each
#   --by-shape          a resource class for each shape of nodes, and the proof that
#                       a flavor lands on a node of exactly its shape
#   --workers TIMES     after the move, kill either of two nova-compute workers of one
#                       name; with TIMES above 0 also in builds, so many times
#   --rollback-from ROUND,...   before the move, go there and back: the window up
#                       to a phase, undone again, and the base proven to be as
#                       it was; PHASE, PHASE-killed, PHASE-back-killed, or each
#   --sabotage NAME[+NAME...],...   before the move, break it on the way, see that
#                       the verdict names what was broken, and go back; each in a
#                       window of its own, all that can share one (windows), or some
#                       of tools/sabotage.sh --list, those joined by + in one window
#   --no-tempest        leave Tempest out
#   --tempest-all       after the move all of tempest.api.compute, not a selection
#                       (about an hour; 10 nodes fit it), and the selection on the
#                       base before the move
#   --deploys           also have Ironic's agent clean a survivor's node and deploy
#                       it again: about 3 minutes more
#   --keep              leave the lab up at the end, also when interrupted
#   --resume            go on with the lab of a run that failed
#
# Needs Debian 12 or 13, root, 10 GB of disk and 8 GiB of memory; installs the rest.
# A run that fails leaves its lab up, to be looked at, resumed or rolled back;
# the next run without --resume takes it down.
#
# Exit codes: 0 every instance survived; 1 a step failed or the verdict is red;
# 2 bad usage; interrupted, and the lab taken down (unless --keep): 130 Ctrl-C,
# 143 SIGTERM, 129 SIGHUP, 141 the reader of the output is gone.

set -o errexit -o pipefail

REPOSITORY=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
BEGIN=$EPOCHREALTIME

function usage { # <exit code>
    sed -n '/^# The main job/,/^$/{/^$/q;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}"
    exit "$1"
}

function die { # <exit code> <message>
    echo "run_upgrade.sh: $2" >&2
    exit "$1"
}

function parse_arguments { # <argument...>
    LAB_OPTIONS=()
    RUN_OPTIONS=()
    BASE_DRIVER=nova_bm
    TEMPEST=yes
    TEMPEST_ALL=
    DEPLOYS=
    KEEP=
    GO_ON=
    ROLLBACK_FROM=
    SABOTAGE=
    ROUNDS=()
    ONE_BY_ONE=
    WORKERS=
    ADDED=()
    RELEASE=()
    local directory=$REPOSITORY/.lab
    while (($#)); do
        case $1 in
            --directory|--number|--network|--nodes|--compute-hosts|--base-driver|\
                --rollback-from|--sabotage|--workers|--release)
                [[ ${2:--} != -* ]] || die 2 "$1: expected a value; see --help"
                ;;&
            --number|--network|--nodes|--compute-hosts|--base-driver) LAB_OPTIONS+=("$1" "$2") ;;&
            --rollback-from|--sabotage|--workers|--release) RUN_OPTIONS+=("$1" "$2") ;;&
            --one-by-one|--by-shape|--no-tempest|--tempest-all|--deploys|--keep) RUN_OPTIONS+=("$1") ;;&
            --directory) directory=$2; shift ;;
            --number) expect_number "$1" "$2" 0 99; shift ;;
            --network) shift ;;
            --nodes) expect_number "$1" "$2" 5 100; shift ;;
            --compute-hosts) expect_number "$1" "$2" 1 4; shift ;;
            --base-driver) BASE_DRIVER=$2; shift ;;
            --release) use_release "$2"; shift ;;
            --one-by-one) ONE_BY_ONE=yes ;;
            --by-shape) export RESOURCE_CLASS_BY_SHAPE=yes; ADDED+=(exact-match) ;;
            --workers) expect_number "$1" "$2" 0 20; WORKERS=$2; ADDED+=(workers); shift ;;
            --rollback-from) ROLLBACK_FROM=$2; shift ;;
            --sabotage) SABOTAGE=$2; shift ;;
            --no-tempest) TEMPEST= ;;
            --tempest-all) TEMPEST_ALL=yes ;;
            --deploys) DEPLOYS=yes ;;
            --keep) KEEP=yes ;;
            --resume) GO_ON=yes ;;
            -h|--help) usage 0 ;;
            *) die 2 "$1: unknown option; see --help" ;;
        esac
        shift
    done
    [[ $BASE_DRIVER == nova_bm || $BASE_DRIVER == fake ]] \
        || die 2 "--base-driver $BASE_DRIVER: expected nova_bm or fake"
    [[ -z $DEPLOYS || $BASE_DRIVER == nova_bm ]] \
        || die 2 "--deploys: the base driver $BASE_DRIVER leaves no survivor; expected nova_bm"
    [[ -z $SABOTAGE || $BASE_DRIVER == nova_bm ]] \
        || die 2 "--sabotage: the base driver $BASE_DRIVER leaves no survivor; expected nova_bm"
    if [[ $GO_ON && ${#LAB_OPTIONS[@]} -gt 0 ]]; then
        die 2 "${LAB_OPTIONS[0]}: --resume goes on with the lab as it was made; leave it out"
    fi
    IRONIC_SIDEWAYS_LAB=$(realpath --canonicalize-missing "$directory")
    export IRONIC_SIDEWAYS_LAB
}

# What is of a release: its environment, and what the deploy ramdisk is built with.
function use_release { # <release>
    case $1 in
        2026.2) ;;
        2026.1)
            export IRONIC_SIDEWAYS_VENV=$REPOSITORY/.venv-$1
            export IRONIC_SIDEWAYS_CONSTRAINTS=$REPOSITORY/upper-constraints-$1.txt
            ;;
        *) die 2 "--release $1: expected 2026.1 or 2026.2" ;;
    esac
    RELEASE=(--release "$1")
}

function expect_number { # <option> <value> <least> <most>
    if ! [[ $2 =~ ^[0-9]{1,3}$ ]] || ((10#$2 < $3 || 10#$2 > $4)); then
        die 2 "$1 $2: expected a number from $3 to $4"
    fi
}

function name_commands { # <argument...>
    printf -v AGAIN_BY '%q ' tools/run_upgrade.sh "$@"
    AGAIN_BY=${AGAIN_BY% }
    printf -v RESUMED_BY '%q ' "$REPOSITORY/tools/run_upgrade.sh" --resume \
        --directory "$IRONIC_SIDEWAYS_LAB" "${RUN_OPTIONS[@]}"
    export RESUMED_BY=${RESUMED_BY% }
    printf -v LAB_DOWN '%q ' "${IRONIC_SIDEWAYS_VENV:-$REPOSITORY/.venv}/bin/ironic-sideways" lab down \
        --directory "$IRONIC_SIDEWAYS_LAB"
    LAB_DOWN=${LAB_DOWN% }
}

# A lab that an earlier run left is of no use; one that a person made is.
function refuse_foreign_lab {
    if [[ -e $IRONIC_SIDEWAYS_LAB/lab.json && ! -e $IRONIC_SIDEWAYS_LAB/left-by-run ]]; then
        die 1 "$IRONIC_SIDEWAYS_LAB: a lab is here that no failed run left; end it by \
'$LAB_DOWN', or choose --directory and --number"
    fi
}

function end_earlier_lab {
    if [[ -e $IRONIC_SIDEWAYS_LAB/left-by-run ]]; then
        echo "Taking down the lab that an earlier run left:"
        run_job ironic-sideways lab down
        [[ $JOB_RESULT -eq 0 ]] || exit 1
    fi
}

function lab_up {
    ironic-sideways lab up "${LAB_OPTIONS[@]}" --cache "$CACHE_DIR" 3>&- 9>&-
}

function bring_up { # <seconds that the preparation took>
    # Before the lab: the next run must know whose it is after a SIGKILL, too.
    touch "$IRONIC_SIDEWAYS_LAB/left-by-run"
    run_job lab_up
    [[ $JOB_RESULT -eq 0 ]] || exit 1
    UP=yes
    record_phase prepare ok "$1" "packages and virtual environment"
}

function create_workload {
    tell "$REPOSITORY/grenade/resources" create
    "$REPOSITORY/grenade/resources" verify pre-upgrade
}

function publish_dummy_images {
    OS_CLOUD=$ADMIN_CLOUD tell "$REPOSITORY/tools/fake_deploy_images.sh"
}

function clean_and_deploy {
    tell "$REPOSITORY/grenade/resources" clean_and_deploy
}

function check_proxy {
    local novaclient
    novaclient=$("$REPOSITORY/tools/novaclient_7.sh" "$CACHE_DIR/novaclient-7")
    tell ironic-sideways proxy check --directory "$IRONIC_SIDEWAYS_LAB" \
        --novaclient "$novaclient" --output "$EVIDENCE_DIR/proxy.json"
}

# The survivors go first: a node of each shape must be free.
function exact_match {
    "$REPOSITORY/grenade/resources" destroy
    tell ironic-sideways exact-match --admin-cloud "$ADMIN_CLOUD" \
        --ironic-cloud "$SYSTEM_CLOUD" --member-cloud "$MEMBER_CLOUD" \
        --output "$EVIDENCE_DIR/exact-match.json"
}

function kill_workers {
    tell ironic-sideways compute-workers --directory "$IRONIC_SIDEWAYS_LAB" \
        --each "$WORKERS" --output "$EVIDENCE_DIR/clustered.json"
}

# The same selection as after the move, by the base, while all its nodes are free.
function run_tempest_before {
    tell ironic-sideways tempest --os-cloud "$ADMIN_CLOUD" --cache "$CACHE_DIR" \
        --workspace "$IRONIC_SIDEWAYS_LAB/data/tempest-base" \
        --output "$EVIDENCE_DIR/tempest-base"
}

function run_tempest {
    local all=()
    "$REPOSITORY/grenade/resources" destroy
    if [[ $TEMPEST_ALL ]]; then
        all=(--all --cache "$CACHE_DIR")
        # The keys of those who log in come from there.
        ironic-sideways lab service start nova-metadata
    fi
    tell ironic-sideways tempest --os-cloud "$ADMIN_CLOUD" \
        --ironic-cloud "$SYSTEM_CLOUD" "${all[@]}" \
        --workspace "$IRONIC_SIDEWAYS_LAB/data/tempest" --output "$EVIDENCE_DIR/tempest"
}

function declare_before {
    phase dummy-images publish_dummy_images "dummy deploy images, bare-metal flavor"
    if [[ $TEMPEST && $TEMPEST_ALL ]]; then
        phase tempest-base run_tempest_before "the selection of tempest.api.compute"
    fi
    phase workload     create_workload      "the instances that must survive"
    if [[ ${#ROUNDS[@]} -gt 0 ]]; then
        declare_rounds "${ROUNDS[@]}"
    fi
}

function declare_after {
    PHASE_NAMES=()
    phase verify   verify_workload  "the instances, after the move"
    phase restarted start_again     "the conductor and nova-compute, a second start"
    phase operate  operate          "deploy, reboot, start, rebuild, delete"
    if [[ $DEPLOYS ]]; then
        phase deploys clean_and_deploy "the agent cleans a node, deploys it again"
    fi
    phase proxy    check_proxy      "Nova's bare-metal API: users, old clients"
    if [[ $WORKERS ]]; then
        phase workers kill_workers  "workers of one host name die"
    fi
    if [[ ${RESOURCE_CLASS_BY_SHAPE:-} == yes ]]; then
        phase exact-match exact_match "flavors and the shapes of nodes"
    fi
    if [[ $TEMPEST ]]; then
        phase tempest run_tempest   "tempest.api.compute"
    fi
    phase last-look last_look       "the nodes, once more"
}

# Whatever the phases of the window and after it said: what was recorded is judged.
function judge {
    gather_evidence
    [[ $TEMPEST ]] || LEFT_OUT+=(tempest)
    # Without a window there is no increment to judge.
    if [[ $ONE_BY_ONE && $WINDOW ]]; then
        judge_increments
    else
        judge_and_report
    fi
    [[ $PHASE_RESULT -eq 0 && $JOB_RESULT -eq 0 ]]
}

function finish { # <exit code>
    # Neither a second Ctrl-C nor a reader that is gone ends the clean-up.
    trap '' HUP INT PIPE TERM
    trap - EXIT
    set +o errexit
    RESULT=$1
    [[ $RESULT -eq 0 || $INTERRUPTED ]] || RESULT=1
    [[ -z $INTERRUPTED ]] || printf '\nInterrupted by SIG%s.\n' "$INTERRUPTED"
    if [[ ! -e $IRONIC_SIDEWAYS_LAB/lab.json ]]; then
        # `lab up` refused, or took down again what did not come up.
        rm -f "$IRONIC_SIDEWAYS_LAB/left-by-run"
        printf 'logs: %s\n' "$IRONIC_SIDEWAYS_LAB/logs"
    else
        end_lab
        printf 'evidence: %s\n' "$EVIDENCE_DIR"
    fi
    printf 'total: %.0f s, exit code %s\n' "$(seconds_since "$BEGIN")" "$RESULT"
    # A red run ends in what to look at and how to go on.
    if [[ $RESULT -ne 0 && $JUDGED ]]; then
        tail -n 1 "$EVIDENCE_DIR/verdict.txt"
    fi
    exit "$RESULT"
}

function end_lab {
    if [[ $RESULT -ne 0 && ( $KEEP || -z $INTERRUPTED ) ]]; then
        say_what_next
    elif [[ ! -e $IRONIC_SIDEWAYS_LAB/left-by-run ]]; then
        printf 'The lab stays up, as before this run: source %s/openrc\n' "$IRONIC_SIDEWAYS_LAB"
        printf '  end it:    %s\n' "$LAB_DOWN"
    elif [[ $KEEP ]]; then
        rm "$IRONIC_SIDEWAYS_LAB/left-by-run"
        printf 'The lab is up: source %s/openrc\n' "$IRONIC_SIDEWAYS_LAB"
        printf '  end it:    %s\n' "$LAB_DOWN"
    else
        # Again in silence: the first print may fail, the reader gone.
        ironic-sideways lab down || ironic-sideways lab down >/dev/null 2>&1 || RESULT=1
    fi
}

function say_what_next {
    echo "The lab is left${UP:+ up}."
    printf '  logs:      %s\n' "$IRONIC_SIDEWAYS_LAB/logs"
    [[ -z $UP ]] || printf '  resume:    %s\n' "$RESUME"
    if [[ $WINDOW ]] && ! phase_done end-maintenance; then
        printf '  roll back: %s\n' "$ROLL_BACK"
    fi
    printf '  end it:    %s\n' "$LAB_DOWN"
}

function main { # <argument...>
    local prepared result
    parse_arguments "$@"
    name_commands "$@"
    # shellcheck source=grenade/deployments/lab.sh
    source "$REPOSITORY/grenade/deployments/lab.sh"
    # shellcheck source=grenade/phases.sh
    source "$REPOSITORY/grenade/phases.sh"
    # shellcheck source=grenade/proof.sh
    source "$REPOSITORY/grenade/proof.sh"
    # shellcheck source=tools/main_job/rounds.sh
    source "$REPOSITORY/tools/main_job/rounds.sh"
    # shellcheck source=tools/main_job/increments.sh
    source "$REPOSITORY/tools/main_job/increments.sh"
    if [[ $ROLLBACK_FROM ]]; then
        choose_rounds "$ROLLBACK_FROM"
    fi
    # upgrade-ironic waits itself for the end of its phase.
    STOP_SECONDS=120
    UP=
    WINDOW=
    JUDGED=
    run_job "$REPOSITORY/tools/prepare_host.sh" "${RELEASE[@]}"
    [[ $JOB_RESULT -eq 0 ]] || exit 1
    if [[ $SABOTAGE ]]; then
        choose_sabotages "$SABOTAGE"
    fi
    prepared=$(seconds_since "$BEGIN")
    take_lock "$IRONIC_SIDEWAYS_LAB"
    if [[ $GO_ON ]]; then
        ironic-sideways lab running \
            || die 1 "$IRONIC_SIDEWAYS_LAB: no lab is up here to resume; run without --resume"
        UP=yes
        trap 'finish $?' EXIT
    else
        refuse_foreign_lab
        trap 'finish $?' EXIT
        end_earlier_lab
        bring_up "$prepared"
    fi
    if [[ ${#ADDED[@]} -gt 0 ]]; then
        record_added "${ADDED[@]}"
    fi
    declare_before
    try_phases ""
    result=$PHASE_RESULT
    if [[ $result -eq 0 ]]; then
        WINDOW=yes
        if [[ $ONE_BY_ONE ]]; then
            move_one_by_one
        else
            run_job "$REPOSITORY/grenade/upgrade-ironic"
        fi
        result=$JOB_RESULT
    fi
    if [[ $result -eq 0 ]]; then
        declare_after
        try_phases ""
        result=$PHASE_RESULT
    fi
    judge
    [[ $result -eq 0 ]]
}

main "$@"
