#!/bin/bash
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

# dnsmasq calls this at each lease event (dhcp-script, script-on-renewal): one
# line of JSON a lease, with its expiry, so that a renewal can be told from the
# repetition of known leases that follows a SIGHUP.
#
# Needs IRONIC_SIDEWAYS_LAB, DNSMASQ_LEASE_EXPIRES in the environment.

function main { # <add|old|del> <MAC> <IP> [hostname]
    printf '{"time": %s, "event": "%s", "mac": "%s", "ip": "%s", "expires": %s}\n' \
        "$EPOCHREALTIME" "$1" "$2" "$3" "${DNSMASQ_LEASE_EXPIRES:-0}" \
        >>"$IRONIC_SIDEWAYS_LAB/evidence/leases.jsonl"
}

main "$@"
