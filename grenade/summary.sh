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

# Lines for who watches a run, and not for its log alone: Grenade's summary and console.
#
# Sourced by phases.sh and by what Grenade calls. IRONIC_SIDEWAYS_SUMMARY is the
# descriptor that they also go to; without it, as in the lab, standard output is enough.

function say { # <line>
    echo "$1"
    if [[ ${IRONIC_SIDEWAYS_SUMMARY:-} ]]; then
        echo "$1" >&"$IRONIC_SIDEWAYS_SUMMARY"
    fi
}

# Where echo_summary of Grenade writes to; scripts that are called by hand have none.
function use_grenades_summary {
    if { : >&6; } 2>/dev/null; then
        export IRONIC_SIDEWAYS_SUMMARY=6
    fi
}
