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

# What may be shown of a log, which may contain anything.
#
# Sourced by phases.sh, tools/prepare_host.sh, run_tests.sh and other_debian.sh.

# Remove what a terminal would act on, and passwords in URLs.
function printable {
    # In UTF-8: control characters from U+0080 on, those that change the writing direction
    # and invisible ones; repeated, since removing one may join the bytes of another.
    LC_ALL=C tr -d '\000-\010\013-\032\034-\037\177' |
        LC_ALL=C sed -E -e 's/\x1b\[[0-?]*[ -/]*[@-~]//g' -e 's/\x1b//g' -e ':again' \
            -e 's/\xc2[\x80-\x9f]|\xd8\x9c|\xe2\x80[\x8b\x8e\x8f\xa8-\xae]//g' \
            -e 's/\xe2\x81[\xa0-\xaf]|\xef\xbb\xbf|\xef\xbf[\xb9-\xbb]//g' \
            -e 's/\xf3\xa0[\x80\x81][\x80-\xbf]//g' -e 't again' \
            -e 's,(://[^/:@[:space:]]*:)[^[:space:]]+@,\1***@,g'
}
