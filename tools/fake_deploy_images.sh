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

# Publish dummy deploy images for the base, and the bare-metal flavors that reference
# them: nova-baremetal's spawn requires both images, and boots neither here.
#
# Needs: OS_CLOUD and OS_CLIENT_CONFIG_FILE of a cloud's administrator, and the
# environment that tools/prepare_host.sh made (or ironic-sideways on PATH).
# A second run changes nothing.
#
#   --record FILE   write ids and checksums there as JSON
#
# Exit codes: 0 published, or published before; 1 refused or failed, nothing changed;
# 2 bad usage; 3 partly published, call it again.

set -o errexit
set -o nounset
set -o pipefail

REPOSITORY=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
PATH=${IRONIC_SIDEWAYS_VENV:-$REPOSITORY/.venv}/bin:$PATH

function write_dummy { # <file> <kind>
    echo "Dummy deploy $2 of ironic-sideways: it has a checksum and cannot be booted." >"$1"
}

function main { # <argument of publish-images>...
    local directory
    directory=$(mktemp --directory)
    # shellcheck disable=SC2064 # expanded now, because the variable is local
    trap "rm --recursive --force '$directory'" EXIT
    write_dummy "$directory/kernel" kernel
    write_dummy "$directory/ramdisk" ramdisk
    ironic-sideways publish-images --prefix bm-deploy --flavors \
        --kernel "$directory/kernel" --ramdisk "$directory/ramdisk" "$@"
}

main "$@"
