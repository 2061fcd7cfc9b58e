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

"""The exit codes are a contract, and evidence is named by file and line."""

from pathlib import Path

from ironic_sideways import exceptions


def test_each_error_has_the_exit_code_that_help_tells() -> None:
    codes: dict[type[exceptions.SidewaysError], int] = {
        exceptions.SidewaysError: 1,
        exceptions.WaitExpired: 1,
        exceptions.EvidenceAbsent: 1,
        exceptions.EvidenceMalformed: 1,
        exceptions.UsageError: 2,
        exceptions.FollowUpNeeded: 3,
    }
    assert {error: error.exit_code for error in codes} == codes


def test_evidence_is_named_by_its_line_where_that_is_known() -> None:
    path = Path("events.jsonl")
    known = exceptions.EvidenceMalformed(path, 7, "cut short")
    unknown = exceptions.EvidenceMalformed(path, 0, "cut short")

    assert str(known) == "evidence events.jsonl:7: cut short"
    assert str(unknown) == "evidence events.jsonl: cut short"
    assert str(exceptions.EvidenceAbsent(path, "no")) == "evidence events.jsonl: no"
