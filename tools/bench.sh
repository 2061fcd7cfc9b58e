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

# Common to the bench_*.sh: print their header as help, install what they need, measure.
#
# Sourced by them.

set -o errexit
set -o nounset
set -o pipefail

REPOSITORY=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

function bench { # <module of ironic_sideways.tests.bench> <argument>...
    if [[ ${2:-} == -h || ${2:-} == --help ]]; then
        sed -n '/^# Measure/,/^$/s/^# \{0,1\}//p' "$0"
        exit 0
    fi
    "$REPOSITORY/tools/prepare_host.sh"
    exec "$REPOSITORY/.venv/bin/python" -m "ironic_sideways.tests.bench.$1" "${@:2}"
}
