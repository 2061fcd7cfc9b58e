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

"""Tempest's subunit stream -> every test with outcome and reason."""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import subunit
import testtools

from ironic_sideways.report.tempest import bare
from ironic_sideways.trials.tempest import lists

OUTCOMES = {
    "success": "passed",
    "xfail": "passed",
    "fail": "failed",
    "uxsuccess": "failed",
    "exists": "failed",
    "inprogress": "failed",
    "skip": "skipped",
}
#: In the order in which they are told.
NAMES = ("passed", "failed", "skipped", "excluded")
#: What unittest calls the preparation of a class, and its end.
FIXTURE = re.compile(r"^(?:setUpClass|tearDownClass) \((?P<name>[^)]+)\)$")

Test = dict[str, Any]


def read(stream: Path) -> list[Test]:
    """The tests of a subunit v2 ``stream``, by name.

    A test that began and never ended has failed.
    """
    tests: list[Test] = []
    result = testtools.StreamToDict(lambda test: tests.append(one(test)))
    with stream.open("rb") as file:
        case = subunit.ByteStreamToStreamResult(file, non_subunit_name="stdout")
        result.startTestRun()
        case.run(result)
        result.stopTestRun()
    return sorted(
        (test for test in tests if test["name"] != "stdout"),
        key=lambda test: str(test["name"]),
    )


def one(test: dict[str, Any]) -> Test:
    begin, end = test["timestamps"]
    return {
        "name": test["id"],
        "outcome": OUTCOMES[test["status"]],
        "reason": reason(test["details"]),
        "seconds": round((end - begin).total_seconds(), 3) if begin and end else None,
    }


def reason(details: dict[str, Any]) -> str:
    """Why a test was skipped, or the last line of what it failed with."""
    for name in ("reason", "traceback"):
        if name in details:
            lines = details[name].as_text().strip().splitlines()
            return lines[-1] if lines else ""
    return ""


def account(
    seen: Sequence[Test], wanted: Iterable[str], excluded: Iterable[lists.Excluded]
) -> dict[str, Any]:
    """Each ``wanted`` id once, each excluded name once, and the counts.

    A wanted test that was not seen has its class's outcome, or has failed: its
    class could not be prepared, or its worker died.
    """
    by_name = {test["name"]: test for test in seen}
    classes = {
        found["name"]: test
        for test in seen
        if (found := FIXTURE.match(test["name"])) is not None
    }
    tests = []
    for name in wanted:
        test = by_name.pop(name, None)
        if test is None:
            of_class = classes.get(bare(name).rpartition(".")[0], {})
            by_name.pop(of_class.get("name"), None)
            test = {
                "name": name,
                "outcome": of_class.get("outcome", "failed"),
                "reason": of_class.get("reason", "it did not run"),
                "seconds": None,
            }
        tests.append({**test, "source": ""})
    # A class that could not be cleaned up after its tests has failed as well.
    tests += [
        {**test, "source": ""}
        for test in by_name.values()
        if test["outcome"] == "failed"
    ]
    tests += [
        {
            "name": line.name,
            "outcome": "excluded",
            "reason": line.reason,
            "source": line.source,
            "seconds": None,
        }
        for line in excluded
    ]
    counts = dict.fromkeys(NAMES, 0)
    for test in tests:
        counts[test["outcome"]] += 1
    return {"counts": counts, "tests": sorted(tests, key=lambda test: test["name"])}


def faults(found: dict[str, Any]) -> list[str]:
    """Why the results are not good enough; empty if they are."""
    counts = found["counts"]
    said = []
    if counts["failed"]:
        said.append("see the failed tests above")
    if counts["skipped"]:
        said.append(
            "a skipped test is expected in not_run.yaml, with its reason and source"
        )
    ran = counts["passed"] + counts["failed"]
    if ran < found["floor"]:
        said.append(f"{ran} tests ran, expected at least {found['floor']}")
    return said


def text_table(found: dict[str, Any]) -> str:
    """Each test in a line, those to look at first; then the counts."""
    lines = []
    for outcome in ("failed", "skipped", "excluded", "passed"):
        for test in found["tests"]:
            if test["outcome"] != outcome:
                continue
            seconds = test["seconds"]
            took = "" if seconds is None else f"{seconds:.1f} s"
            line = f"{outcome:<9}{took:>8}  {bare(test['name'])}"
            why = "; ".join(part for part in (test["reason"], test["source"]) if part)
            lines.append(f"{line}: {why}" if why else line)
    return "\n".join([*lines, "", told(found["counts"])]) + "\n"


def told(counts: dict[str, int]) -> str:
    """The counts in a line."""
    return ", ".join(f"{counts[name]} {name}" for name in NAMES)
