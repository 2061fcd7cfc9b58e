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

# Measure how fast an ironic-conductor takes over active nodes, with Ironic's defaults
# and with other settings of [conductor]: what an operator waits for in the window.
# A real conductor and MariaDB, fake hardware. The last line is JSON.
#
# Usage: sudo tools/bench_takeover.sh [options]
#
#   --nodes N        active nodes (default 1000)
#   --setting NAME   only this setting, as the table names it; repeatable
#
# Needs what tools/prepare_host.sh needs, and no lab; loads the machine.
#
# Exit codes: 0 measured, whatever the figures; 1 failed; 2 bad usage.

# shellcheck source=tools/bench.sh
source "$(dirname "${BASH_SOURCE[0]}")/bench.sh"

bench takeover "$@"
