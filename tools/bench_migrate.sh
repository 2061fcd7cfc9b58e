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

# Measure how fast "ironic-nova-bm-migrate run" loads rows, compared with a bare multi-row
# INSERT of the same rows, with an ORM object per row as in the tool of 2014, and with
# Ironic's REST API: ratios from one run on one private MariaDB, and peak memory. The last
# line is JSON.
#
# Usage: sudo tools/bench_migrate.sh [options]
#
#   --nodes N         nodes, with two ports each (default 100000)
#   --repetitions N   runs of each contender, in turn (default 3); the median counts
#   --rest-nodes N    nodes enrolled through the REST API (default 200)
#   --no-growth       leave out the peak memory with four times the nodes
#
# Needs what tools/prepare_host.sh needs, and no lab; loads the machine.
#
# Exit codes: 0 measured, whatever the figures; 1 failed; 2 bad usage.

# shellcheck source=tools/bench.sh
source "$(dirname "${BASH_SOURCE[0]}")/bench.sh"

bench migrate "$@"
