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

# Measure the CPU time per node that nova-compute's first resource update of new nodes
# costs Nova, Placement and Ironic's API: what an operator waits for at the end of the
# window. The last line is JSON.
#
# Usage: sudo tools/bench_resources.sh --directory DIR [options]
#
#   --directory DIR  a lab that is up and has been moved, for example by
#                    tools/run_upgrade.sh --keep
#   --nodes N        nodes to add, and to remove afterwards (default 200)
#
# Needs what tools/prepare_host.sh needs.
#
# Exit codes: 0 measured, whatever the figures; 1 failed; 2 bad usage.

# shellcheck source=tools/bench.sh
source "$(dirname "${BASH_SOURCE[0]}")/bench.sh"

bench resources "$@"
