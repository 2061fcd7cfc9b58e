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

# What is shown of a log, which has what others said.
#
# Sourced by phases.sh, tools/prepare_host.sh, run_tests.sh and other_debian.sh.

# Nothing for a terminal to act on, and no password of a URL.
function printable {
    # In UTF-8: the controls from U+0080 on, and what turns the direction of writing.
    LC_ALL=C sed -E -e 's/\x1b\[[0-?]*[ -/]*[@-~]//g' \
        -e 's/\xc2[\x80-\x9f]|\xd8\x9c|\xe2\x80[\x8e\x8f\xa8-\xae]|\xe2\x81[\xa6-\xa9]//g' \
        -e 's,(://[^/:@[:space:]]*:)[^[:space:]]+@,\1***@,g' |
        LC_ALL=C tr -d '\000-\010\013-\037\177'
}
