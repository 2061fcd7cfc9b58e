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

# Install the last python-novaclient that has the bare-metal commands, unmodified, in
# its own environment; prints the path of its program `nova`.
#
# Usage: novaclient_7.sh DIRECTORY
#
# Needs `python` with pip and, the first time, the package index that this pip is
# configured with. A second call installs nothing.
#
# Exit codes: 0 installed; 2 bad usage; otherwise that of the command that failed.

set -o errexit -o nounset -o pipefail

REQUIREMENTS=$(dirname "${BASH_SOURCE[0]}")/novaclient_7.txt

function main { # <directory>
    # The copy of the requirements comes last: it marks a complete environment.
    if ! cmp --silent "$REQUIREMENTS" "$1/requirements.txt"; then
        rm --recursive --force "$1"
        # The constraints of 2026.2 do not apply to this client.
        unset PIP_CONSTRAINT
        python -m venv --without-pip "$1"
        python -m pip --python "$1/bin/python" install --quiet --requirement "$REQUIREMENTS" >&2
        cp "$REQUIREMENTS" "$1/requirements.txt"
    fi
    echo "$1/bin/nova"
}

if [[ $# -ne 1 ]]; then
    echo "novaclient_7.sh: expected one directory" >&2
    exit 2
fi
main "$1"
