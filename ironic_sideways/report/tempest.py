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

#: How many tests run at least, by list (trials/tempest/lists.py); raised whenever more
#: do. What a run recorded of it proves nothing.
FLOORS = {"selection": 198, "all": 383, "selection-before": 198}
OUTCOMES = ("passed", "failed", "skipped", "excluded")

#: The list of whole runs.
ALL = "all"
#: The list of the base.
ON_BASE = "selection-before"

#: Of the base before the move, where a run asked it, and after the move.
BEFORE = "tempest-base/results.json"
AFTER = "tempest/results.json"


def check_tempest(directory: Path) -> Finding:
    """No test failed, none was skipped, enough ran, and the counts are theirs.

    The base is asked where all tests ran after the move; a run of the selection may
    do without.
    """
    after = documents.read(directory / AFTER)
    lists = tuple(FLOORS.keys() - {ON_BASE})
    if after["list"] != ALL and not (directory / BEFORE).exists():
        return Finding("tempest", _checks(after, "", set(), lists), _told(after))
    before = documents.read(directory / BEFORE)
    worked = {test["name"] for test in before["tests"] if test["outcome"] == "passed"}
    checks = [
        *_checks(before, " before the move", set(), (ON_BASE,)),
        *_checks(after, "", worked, lists),
    ]
    excluded = {bare(t["name"]) for t in after["tests"] if t["outcome"] == "excluded"}
    left = sorted(name for name in worked if bare(name) in excluded)
    detail = f"passed before the move: {', '.join(left)}" if left else ""
    checks.append(Check("no test of the base is excluded", not left, detail))
    figure = f"{_told(after)}; before the move {_told(before)}"
    return Finding("tempest", checks, figure)


def bare(test_id: str) -> str:
    """A test's name: its id without the attributes in brackets at its end."""
    return test_id.partition("[")[0] if test_id.endswith("]") else test_id


def _checks(
    document: dict[str, Any], when: str, worked: set[str], lists: tuple[str, ...]
) -> list[Check]:
    """:param lists: those that may have run then."""
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
    # One that is told of twice ran once.
    names = {bare(t["name"]) for t in tests if t["outcome"] in ("passed", "failed")}
    ran, name = len(names), document["list"]
    detail = f"{name}, expected one of {', '.join(sorted(lists))}"
    checks.append(Check(f"list of tests{when}", name in lists, detail))
    floor = FLOORS.get(name, max(FLOORS.values()))
    detail = f"{ran} ran, expected at least {floor}"
    checks.append(Check(f"enough tests ran{when}", ran >= floor, detail))
    detail = f"recorded {document['floor']}, of list {name}: {floor}"
    checks.append(Check(f"floor{when}", document["floor"] == floor, detail))
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
