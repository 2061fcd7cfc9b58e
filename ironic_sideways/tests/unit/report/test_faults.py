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

from pathlib import Path

from ironic_sideways.report import faults


def test_files_of_the_evidence_are_named_as_in_its_directory() -> None:
    text = "/lab/evidence/after.json: absent, see /lab/evidence/logs/nova-api.log"

    told = faults.within(Path("/lab/evidence"), text)

    assert told == "after.json: absent, see logs/nova-api.log"
    assert faults.within(Path("/lab"), "/lab2/after.json") == "/lab2/after.json"
