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

"""The results as JUnit's XML, which CI systems show."""

from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from ironic_sideways.report.tempest import bare


def write(path: Path, found: dict[str, Any]) -> None:
    """Write each test as a case; an excluded one counts as skipped there."""
    counts = found["counts"]
    suite = ElementTree.Element(
        "testsuite",
        name="tempest",
        tests=str(sum(counts.values())),
        failures=str(counts["failed"]),
        errors="0",
        skipped=str(counts["skipped"] + counts["excluded"]),
    )
    for test in found["tests"]:
        class_name, _, name = bare(test["name"]).rpartition(".")
        case = ElementTree.SubElement(
            suite,
            "testcase",
            classname=class_name,
            name=name,
            time=str(test["seconds"] or 0),
        )
        why = "; ".join(part for part in (test["reason"], test["source"]) if part)
        if test["outcome"] == "failed":
            ElementTree.SubElement(case, "failure", message=why)
        elif test["outcome"] != "passed":
            ElementTree.SubElement(case, "skipped", message=why)
    path.write_bytes(ElementTree.tostring(suite, xml_declaration=True) + b"\n")
