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

"""Tempest's subunit stream -> a table: every test with outcome and reason."""

from pathlib import Path
from typing import Any

import subunit
import testtools

OUTCOMES = {
    "success": "passed",
    "xfail": "passed",
    "fail": "failed",
    "uxsuccess": "failed",
    "exists": "failed",
    "inprogress": "failed",
    "skip": "skipped",
}


def read(stream: Path) -> dict[str, Any]:
    """The tests of a subunit v2 ``stream``, and how many had which outcome.

    A test that began and never ended counts as failed.
    """
    tests: list[dict[str, Any]] = []
    result = testtools.StreamToDict(lambda test: tests.append(one(test)))
    with stream.open("rb") as file:
        case = subunit.ByteStreamToStreamResult(file, non_subunit_name="stdout")
        result.startTestRun()
        case.run(result)
        result.stopTestRun()
    tests = [test for test in tests if test["name"] != "stdout"]
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    for test in tests:
        counts[test["outcome"]] += 1
    return {"counts": counts, "tests": sorted(tests, key=lambda test: test["name"])}


def one(test: dict[str, Any]) -> dict[str, Any]:
    begin, end = test["timestamps"]
    return {
        "name": test["id"],
        "outcome": OUTCOMES[test["status"]],
        "reason": reason(test["details"]),
        "seconds": round((end - begin).total_seconds(), 1) if begin and end else None,
    }


def reason(details: dict[str, Any]) -> str:
    """Why a test was skipped, or the last line of what it failed with."""
    for name in ("reason", "traceback"):
        if name in details:
            lines = details[name].as_text().strip().splitlines()
            return lines[-1] if lines else ""
    return ""
