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

# Measure how much slower Nova's bare-metal API is than Ironic itself: list and show of
# 1, 100 and 5,000 nodes, compared with the same calls made directly, and with Nova's
# own proxy. Ratios from one run, with each call in turn.
#
# Usage: sudo tools/bench_proxy.sh [--directory DIR] [--number N] [--output FILE]
#
#   --directory DIR     a lab that is up is used and left up; otherwise one is brought
#                       up and taken down (default: .lab-bench in this repository)
#   --number N          the new lab's number, 0 to 99 (default 91)
#   --most N            the largest number of nodes: 1, 100 or 5000 (default)
#   --output FILE       the figures as JSON (default: DIR/evidence/proxy-bench.json)
#
# Exit codes: 0 measured, whether the goal was met or missed; 1 failed; 2 bad usage.

set -o errexit -o nounset -o pipefail

REPOSITORY=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
export PATH=$REPOSITORY/.venv/bin:$PATH
export no_proxy=127.0.0.1${no_proxy:+,$no_proxy}

function usage { # <exit code>
    sed -n '/^# Measure/,/^$/{/^$/q;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}"
    exit "$1"
}

function parse_arguments { # <argument...>
    DIRECTORY=$REPOSITORY/.lab-bench
    NUMBER=91
    MOST=5000
    OUTPUT=
    while (($#)); do
        case $1 in
            --directory|--number|--most|--output)
                if [[ ${2:--} == -* ]]; then
                    echo "bench_proxy.sh: $1: expected a value; see --help" >&2
                    exit 2
                fi
                ;;&
            --directory) DIRECTORY=$(realpath --canonicalize-missing "$2"); shift 2 ;;
            --number) NUMBER=$2; shift 2 ;;
            --most) MOST=$2; shift 2 ;;
            --output) OUTPUT=$(realpath --canonicalize-missing "$2"); shift 2 ;;
            -h|--help) usage 0 ;;
            *)
                echo "bench_proxy.sh: $1: unknown option; see --help" >&2
                exit 2
                ;;
        esac
    done
}

function main { # <argument...>
    parse_arguments "$@"
    "$REPOSITORY/tools/prepare_host.sh"
    if ! ironic-sideways lab running --directory "$DIRECTORY"; then
        trap 'ironic-sideways lab down --directory "$DIRECTORY"' EXIT
        ironic-sideways lab up --directory "$DIRECTORY" --number "$NUMBER" --nodes 1 \
            --base-driver fake --cache "${IRONIC_SIDEWAYS_CACHE:-$REPOSITORY/.cache}"
    fi
    ironic-sideways proxy bench --directory "$DIRECTORY" --most "$MOST" \
        --output "${OUTPUT:-$DIRECTORY/evidence/proxy-bench.json}"
}

main "$@"
