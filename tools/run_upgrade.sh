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

# The main job: move a nova-baremetal cloud to Ironic in the lab, and report
# whether its instances survived.
#
# Usage: sudo tools/run_upgrade.sh [options]
#
#   --directory DIR     the lab's directory (default: .lab in this repository)
#   --number N          the lab's number, 0 to 99: its ports, bridge, addresses
#   --network A.B       the first two numbers of its addresses (default: 172.30)
#   --nodes N           bare-metal machines (default 8, at least 5)
#   --light             light machines, up to 1000 of them: of each the BMC, DHCP and
#                       heartbeats are real, and nothing can be deployed on it by an
#                       agent; after the move an instance is stopped and started, all
#                       other operations are left out, and Tempest
#   --servers N         with --light: instances that must survive (default 4)
#   --release N         OpenStack 2026.2 (default), or 2026.1 in .venv-2026.1
#   --base-driver NAME  nova_bm (default), or fake: Nova's plain fake driver,
#                       with the nodes seeded and no instance on them
#   --compute-hosts N   base compute hosts, each with its share of the nodes
#   --one-by-one        move one compute host after the other, a window each
#   --by-shape          a resource class for each node shape, and a check that each
#                       flavor lands on a node of exactly its shape
#   --workers TIMES     after the move, kill each of two nova-compute workers with one
#                       host name; with TIMES above 0 also during builds, TIMES times
#   --rollback-from ROUND,...   before the move, run the window up to a phase, roll it
#                       back, and check that the base is as it was; a ROUND is PHASE,
#                       PHASE-killed or PHASE-back-killed; "each" runs all of them
#   --sabotage NAME[+NAME...],...   before the move, break the move on purpose, check
#                       that the verdict names what was broken, and roll back; each in
#                       a window of its own (each), all that can share a window
#                       (windows), or some of tools/sabotage.sh --list, those joined
#                       by + in one window
#   --no-tempest        leave Tempest out
#   --tempest-all       after the move all of tempest.api.compute, not a selection
#                       (about an hour; needs 10 nodes), and the selection on the
#                       base before the move
#   --stock-manager     nova-compute with Nova's own manager, one worker per host
#                       name, instead of ClusteredComputeManager
#   --fail-over         also start a second conductor and kill the first, whose nodes
#                       the second must take over: about 3 minutes more
#   --deploys           also let Ironic's agent clean a survivor's node and deploy
#                       it again: about 3 minutes more
#   --keep              leave the lab up at the end, even when interrupted
#   --resume            resume in the lab of a run that failed
#
# Needs Debian 12 or 13, root, 10 GB of disk and 8 GiB of memory; installs the rest.
# A run that fails leaves its lab up, to be inspected, resumed or rolled back;
# the next run without --resume takes it down.
#
# Exit codes: 0 every instance survived; 1 a step failed or the verdict is red;
# 2 bad usage; interrupted, and the lab taken down (unless --keep): 130 Ctrl-C,
# 143 SIGTERM, 129 SIGHUP, 141 output pipe closed.

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

# Sets CHOSEN, each option's value or "yes" by its name; LAB_OPTIONS, the options that
# create the lab; RUN_OPTIONS, those that a resumed run gets again.
function parse_arguments { # <argument...>
    local name
    declare -gA CHOSEN=([base-driver]=nova_bm [directory]=$REPOSITORY/.lab)
    LAB_OPTIONS=()
    RUN_OPTIONS=()
    while (($#)); do
        name=${1#--}
        case $1 in
            --directory|--number|--network|--nodes|--compute-hosts|--base-driver|\
                --rollback-from|--sabotage|--workers|--release|--servers)
                [[ ${2:--} != -* ]] || die 2 "$1: expected a value; see --help"
                CHOSEN[$name]=$2
                ;;&
            --directory) shift ;;
            --number|--network|--nodes|--compute-hosts|--base-driver) LAB_OPTIONS+=("$1" "$2"); shift ;;
            --rollback-from|--sabotage|--workers|--release|--servers) RUN_OPTIONS+=("$1" "$2"); shift ;;
            --light) LAB_OPTIONS+=("$1"); CHOSEN[$name]=yes ;;
            --one-by-one|--by-shape|--no-tempest|--tempest-all|--stock-manager|--fail-over|\
                --deploys|--keep)
                RUN_OPTIONS+=("$1")
                CHOSEN[$name]=yes
                ;;
            --resume) CHOSEN[$name]=yes ;;
            -h|--help) usage 0 ;;
            *) die 2 "$1: unknown option; see --help" ;;
        esac
        shift
    done
    expect_number number 0 99
    expect_number nodes 5 "$([[ ${CHOSEN[light]} ]] && echo 1000 || echo 100)"
    for name in by-shape deploys fail-over sabotage tempest-all workers; do
        [[ -z ${CHOSEN[light]} || -z ${CHOSEN[$name]} ]] \
            || die 2 "--$name: light machines cannot be operated on; leave --light out"
    done
    expect_number compute-hosts 1 4
    # Whoever made the lab knew its nodes.
    expect_number servers 4 "$([[ ${CHOSEN[resume]} ]] && echo 1000 || echo $((10#${CHOSEN[nodes]:-8} - 1)))"
    [[ -z ${CHOSEN[servers]} || ${CHOSEN[light]} || ${CHOSEN[resume]} ]] \
        || die 2 "--servers: the machines would not fit this host; expected --light"
    export WORKLOAD_SERVERS=${CHOSEN[servers]}
    expect_number workers 0 20
    use_release "${CHOSEN[release]:-2026.2}"
    [[ ${CHOSEN[base-driver]} == nova_bm || ${CHOSEN[base-driver]} == fake ]] \
        || die 2 "--base-driver ${CHOSEN[base-driver]}: expected nova_bm or fake"
    for name in deploys fail-over sabotage; do
        [[ -z ${CHOSEN[$name]} || ${CHOSEN[base-driver]} == nova_bm ]] \
            || die 2 "--$name: the base driver fake leaves no survivor; expected nova_bm"
    done
    [[ ! ${CHOSEN[stock-manager]} ]] || export COMPUTE_MANAGER=nova.compute.manager.ComputeManager
    [[ -z ${CHOSEN[workers]} || ${COMPUTE_MANAGER:-} != nova.* ]] \
        || die 2 "--workers: Nova's own manager has one worker per host name; leave out --stock-manager"
    if [[ ${CHOSEN[resume]} && ${#LAB_OPTIONS[@]} -gt 0 ]]; then
        die 2 "${LAB_OPTIONS[0]}: --resume uses the lab as it was created; leave this option out"
    fi
    IRONIC_SIDEWAYS_LAB=$(realpath --canonicalize-missing "${CHOSEN[directory]}")
    export IRONIC_SIDEWAYS_LAB
}

# Set a release's Python environment and the constraints of its deploy ramdisk.
function use_release { # <release>
    case $1 in
        2026.2) ;;
        2026.1)
            export IRONIC_SIDEWAYS_VENV=$REPOSITORY/.venv-$1
            export IRONIC_SIDEWAYS_CONSTRAINTS=$REPOSITORY/upper-constraints-$1.txt
            ;;
        *) die 2 "--release $1: expected 2026.1 or 2026.2" ;;
    esac
}

function expect_number { # <option> <least> <most>
    local value=${CHOSEN[$1]-$2}
    if ! [[ $value =~ ^[0-9]{1,4}$ ]] || ((10#$value < $2 || 10#$value > $3)); then
        die 2 "--$1 $value: expected a number from $2 to $3"
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

# A lab that an earlier run left may be taken down, but not one that a person brought up.
function refuse_foreign_lab {
    if [[ -e $IRONIC_SIDEWAYS_LAB/lab.json && ! -e $IRONIC_SIDEWAYS_LAB/left-by-run ]]; then
        die 1 "$IRONIC_SIDEWAYS_LAB: a lab is up here that no failed run left; end it with \
'$LAB_DOWN', or choose another --directory and --number"
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
    # Before the lab: even after a SIGKILL the next run must know that a run left it.
    touch "$IRONIC_SIDEWAYS_LAB/left-by-run"
    run_job lab_up
    [[ $JOB_RESULT -eq 0 ]] || exit 1
    UP=yes
    record_phase prepare ok "$1" "packages and virtual environment"
}

# Whether or not a phase failed, what was recorded is judged.
function judge {
    gather_evidence
    if [[ ${CHOSEN[light]} ]]; then
        LEFT_OUT+=(operations judges-again tempest)
    elif [[ ${CHOSEN[no-tempest]} ]]; then
        LEFT_OUT+=(tempest)
    fi
    # Without a window there is no increment to judge.
    if [[ ${CHOSEN[one-by-one]} && $WINDOW ]]; then
        judge_increments
    else
        judge_and_report
    fi
    [[ $PHASE_RESULT -eq 0 && $JOB_RESULT -eq 0 ]]
}

function finish { # <exit code>
    # Neither a second Ctrl-C nor a closed pipe ends the clean-up.
    trap '' HUP INT PIPE TERM
    trap - EXIT
    set +o errexit
    RESULT=$1
    [[ $RESULT -eq 0 || $INTERRUPTED ]] || RESULT=1
    [[ -z $INTERRUPTED ]] || printf '\nInterrupted by SIG%s.\n' "$INTERRUPTED"
    if [[ ! -e $IRONIC_SIDEWAYS_LAB/lab.json ]]; then
        # `lab up` refused, or took down a lab that did not come up.
        rm -f "$IRONIC_SIDEWAYS_LAB/left-by-run"
        printf 'logs: %s\n' "$IRONIC_SIDEWAYS_LAB/logs"
    else
        end_lab
        printf 'evidence: %s\n' "$EVIDENCE_DIR"
    fi
    printf 'total: %.0f s, exit code %s\n' "$(seconds_since "$BEGIN")" "$RESULT"
    # A red run ends with what to look at and how to resume.
    if [[ $RESULT -ne 0 && $JUDGED ]]; then
        tail -n 1 "$EVIDENCE_DIR/verdict.txt"
    fi
    exit "$RESULT"
}

function end_lab {
    if [[ $RESULT -ne 0 && ( ${CHOSEN[keep]} || -z $INTERRUPTED ) ]]; then
        say_what_next
    elif [[ ! -e $IRONIC_SIDEWAYS_LAB/left-by-run ]]; then
        printf 'The lab stays up, as before this run: source %s/openrc\n' "$IRONIC_SIDEWAYS_LAB"
        printf '  end it:    %s\n' "$LAB_DOWN"
    elif [[ ${CHOSEN[keep]} ]]; then
        rm "$IRONIC_SIDEWAYS_LAB/left-by-run"
        printf 'The lab is up: source %s/openrc\n' "$IRONIC_SIDEWAYS_LAB"
        printf '  end it:    %s\n' "$LAB_DOWN"
    else
        # Again without output: the first attempt fails if the output pipe is closed.
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
    local prepared result added=()
    parse_arguments "$@"
    name_commands "$@"
    # shellcheck source=grenade/deployments/lab.sh
    source "$REPOSITORY/grenade/deployments/lab.sh"
    # shellcheck source=grenade/phases.sh
    source "$REPOSITORY/grenade/phases.sh"
    # shellcheck source=grenade/proof.sh
    source "$REPOSITORY/grenade/proof.sh"
    # shellcheck source=tools/main_job/trials.sh
    source "$REPOSITORY/tools/main_job/trials.sh"
    # shellcheck source=tools/main_job/rounds.sh
    source "$REPOSITORY/tools/main_job/rounds.sh"
    # shellcheck source=tools/main_job/increments.sh
    source "$REPOSITORY/tools/main_job/increments.sh"
    ROUNDS=()
    if [[ ${CHOSEN[rollback-from]} ]]; then
        choose_rounds "${CHOSEN[rollback-from]}"
    fi
    # upgrade-ironic itself waits for its phase to end.
    STOP_SECONDS=120
    UP=
    WINDOW=
    JUDGED=
    run_job "$REPOSITORY/tools/prepare_host.sh" ${CHOSEN[release]:+--release "${CHOSEN[release]}"}
    [[ $JOB_RESULT -eq 0 ]] || exit 1
    if [[ ${CHOSEN[sabotage]} ]]; then
        choose_sabotages "${CHOSEN[sabotage]}"
    fi
    prepared=$(seconds_since "$BEGIN")
    take_lock "$IRONIC_SIDEWAYS_LAB"
    if [[ ${CHOSEN[resume]} ]]; then
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
    # A resumed run goes on with the lab as it was made.
    if [[ $(ironic-sideways lab show light) == True ]]; then
        CHOSEN[light]=yes
    fi
    if [[ ${CHOSEN[by-shape]} ]]; then
        export RESOURCE_CLASS_BY_SHAPE=yes
        added+=(exact-match)
    fi
    [[ ! ${CHOSEN[workers]} ]] || added+=(workers)
    [[ ! ${CHOSEN[fail-over]} ]] || added+=(fail-over)
    [[ ${#added[@]} -eq 0 ]] || record_added "${added[@]}"
    declare_before
    try_phases ""
    result=$PHASE_RESULT
    if [[ $result -eq 0 ]]; then
        WINDOW=yes
        if [[ ${CHOSEN[one-by-one]} ]]; then
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
