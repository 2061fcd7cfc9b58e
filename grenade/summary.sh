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

# Lines for whoever watches a run, not only for its log: Grenade's summary and console.
#
# Sourced by phases.sh and by what Grenade calls. The lines also go to the descriptor
# IRONIC_SIDEWAYS_SUMMARY; without it, as in the lab, to standard output only.

function say { # <line>
    echo "$1"
    if [[ ${IRONIC_SIDEWAYS_SUMMARY:-} ]]; then
        echo "$1" >&"$IRONIC_SIDEWAYS_SUMMARY"
    fi
}

# Grenade's echo_summary writes to descriptor 6; a script called by hand has none.
function use_grenades_summary {
    if { : >&6; } 2>/dev/null; then
        export IRONIC_SIDEWAYS_SUMMARY=6
    fi
}
