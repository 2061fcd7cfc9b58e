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

# Check every shell script of the repository with bashate and shellcheck. Needs
# both on PATH.
#
# Exit codes: 0 clean; 1 one of the two reports something, or is missing.

set -o errexit
set -o nounset
set -o pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."

# E006 is ignored: a message is one line, however long.
BASHATE=(bashate --ignore E006 --error "E002,E004,E005,E041,E042,E044")

function shell_scripts {
    local directories=() name
    for name in .ci devstack grenade ironic_sideways tools; do
        [[ ! -d $name ]] || directories+=("$name")
    done
    find "${directories[@]}" -type f -not -name '*.pyc' -print0 |
        while read -r -d '' name; do
            if head -n 1 "$name" | grep --quiet --text '^#!.*sh$'; then
                echo "$name"
            fi
        done
}

mapfile -t SCRIPTS < <(shell_scripts)
echo "${#SCRIPTS[@]} shell scripts"
"${BASHATE[@]}" "${SCRIPTS[@]}" || exit 1
shellcheck --external-sources "${SCRIPTS[@]}" || exit 1
