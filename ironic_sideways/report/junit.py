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

"""junit.xml for CI systems: a suite for each subject, a test for each check."""

import re
from pathlib import Path

import junitparser

from ironic_sideways import masking
from ironic_sideways.evidence.compare import Check
from ironic_sideways.report.faults import FAULTS
from ironic_sideways.report.findings import NOTHING, Finding, Verdict
from ironic_sideways.report.page import timeline

#: What XML 1.0 cannot hold, in whatever form.
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def text(value: str) -> str:
    return _NO_XML.sub("", masking.mask(value))


def junit(directory: Path, verdict: Verdict) -> str:
    """The verdict and the phases of ``directory``."""
    report = junitparser.JUnitXml("ironic-sideways")
    report.add_testsuite(phases(directory))
    for finding in verdict.findings:
        suite = junitparser.TestSuite(finding.name)
        # One by one, each would count all that are there.
        checks = finding.checks or [NOTHING]
        suite.add_testcases(case_of(finding, check) for check in checks)
        report.add_testsuite(suite)
    for name in verdict.without:
        suite = junitparser.TestSuite(name)
        case = made(name, name)
        case.result = [junitparser.Skipped("left out of this run")]
        suite.add_testcase(case)
        report.add_testsuite(suite)
    if verdict.accepted:
        suite = junitparser.TestSuite("accepted")
        for change in verdict.accepted:
            case = made("accepted", change)
            case.result = [junitparser.Skipped("by the operator as the owner's")]
            suite.add_testcase(case)
        report.add_testsuite(suite)
    report.update_statistics()
    body = report.tostring().decode()
    return f'<?xml version="1.0" encoding="utf-8"?>\n{body}\n'


def made(subject: str, name: str) -> junitparser.TestCase:
    return junitparser.TestCase(text(name), f"ironic-sideways.{subject}")


def case_of(finding: Finding, check: Check) -> junitparser.TestCase:
    case = made(finding.name, check.name)
    if not check.ok:
        case.result = [failure(check.detail, check.where)]
    return case


def failure(detail: str, where: str) -> junitparser.Failure:
    found = junitparser.Failure(text(detail))
    found.text = text(f"{detail}\nevidence: {where or 'none'}")
    return found


def phases(directory: Path) -> junitparser.TestSuite:
    """Each phase with its seconds, as its last try ended."""
    suite = junitparser.TestSuite("phases")
    try:
        rows = timeline.timeline(directory).rows
    except FAULTS as error:
        case = made("phases", "events.jsonl")
        case.result = [failure(str(error), "events.jsonl")]
        suite.add_testcase(case)
        return suite
    for row in rows:
        case = junitparser.TestCase(
            row.name, "ironic-sideways.phases", round(row.last.seconds, 3)
        )
        if row.last.result != "ok":
            why = f"{row.last.result}: {row.last.figure}"
            case.result = [failure(why, f"phases/{row.name}.log")]
        suite.add_testcase(case)
    return suite
