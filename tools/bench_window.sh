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

# Measure the whole window with light machines: for each number of nodes a base cloud,
# half of its nodes with instances, the window up to nova-compute and back, and the
# window again to the verdict. Of each phase the seconds, the processor time by service,
# the memory and the calls; they are added to the run's events.jsonl. The last line is
# JSON.
#
# Usage: sudo tools/bench_window.sh [options]
#
#   --nodes N...     nodes, one run each (default 10 100 1000)
#   --directory DIR  the lab's directory (default: .lab in this repository)
#   --number N       the lab's number, 0 to 31
#   --picture FILE   draw seconds by nodes there, a line a phase (SVG)
#
# Needs what tools/prepare_host.sh needs; loads the machine.
#
# Exit codes: 0 measured, and every verdict passed; 1 failed; 2 bad usage.

# shellcheck source=tools/bench.sh
source "$(dirname "${BASH_SOURCE[0]}")/bench.sh"

bench window "$@"
