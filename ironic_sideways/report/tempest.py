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

"""Tempest, before the move and after it: does the whole API still work."""

import collections
from pathlib import Path
from typing import Any

from ironic_sideways.evidence import documents
from ironic_sideways.evidence.compare import Check
from ironic_sideways.report.findings import Finding

#: Whatever the recorded floor says.
RAN_AT_LEAST = 50
OUTCOMES = ("passed", "failed", "skipped", "excluded")

#: The list of whole runs; see compute_tests/floors.yaml.
ALL = "all"

BEFORE = "tempest-base/results.json"
AFTER = "tempest/results.json"


def check_tempest(directory: Path) -> Finding:
    """No test failed, none was skipped, enough ran, and the counts are theirs.

    The base is asked where all tests ran after the move; a run of the selection may
    do without.
    """
    after = documents.read(directory / AFTER)
    if after["list"] != ALL and not (directory / BEFORE).exists():
        return Finding("tempest", _checks(after, "", set()), _told(after))
    before = documents.read(directory / BEFORE)
    worked = {test["name"] for test in before["tests"] if test["outcome"] == "passed"}
    checks = [
        *_checks(before, " before the move", set()),
        *_checks(after, "", worked),
    ]
    figure = f"{_told(after)}; before the move {_told(before)}"
    return Finding("tempest", checks, figure)


def _checks(document: dict[str, Any], when: str, worked: set[str]) -> list[Check]:
    tests = document["tests"]
    counts = collections.Counter(test["outcome"] for test in tests)
    checks = []
    for test in tests:
        if test["outcome"] in ("passed", "excluded"):
            continue
        detail = f"{test['outcome']}: {test['reason']}"
        if test["name"] in worked:
            detail += " (it passed before the move)"
        checks.append(Check(f"{test['name']}{when}", False, detail))
    if told := [t["name"] for t in tests if t["outcome"] == "passed" and t["reason"]]:
        checks.append(Check(f"no reason to pass{when}", False, ", ".join(told)))
    ran = counts["passed"] + counts["failed"]
    floor = max(document["floor"], RAN_AT_LEAST)
    detail = f"{ran} ran, expected at least {floor}"
    checks.append(Check(f"enough tests ran{when}", ran >= floor, detail))
    unexplained = [
        test["name"]
        for test in tests
        if test["outcome"] == "excluded" and not (test["reason"] and test["source"])
    ]
    said = f"without: {', '.join(unexplained)}" if unexplained else ""
    checks.append(Check(f"each exclusion has reason and source{when}", not said, said))
    recorded = {name: document["counts"][name] for name in OUTCOMES}
    agree = recorded == {name: counts[name] for name in OUTCOMES}
    checks.append(Check(f"counts agree{when}", agree, f"{recorded}"))
    return checks


def _told(document: dict[str, Any]) -> str:
    counts = document["counts"]
    return ", ".join(f"{counts[name]} {name}" for name in OUTCOMES)
