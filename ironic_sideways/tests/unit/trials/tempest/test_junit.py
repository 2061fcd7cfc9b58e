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

from xml.etree import ElementTree

from ironic_sideways.trials.tempest import junit, lists, results


def seen(name, outcome, reason):
    return {"name": name, "outcome": outcome, "reason": reason, "seconds": 2.5}


def message(case):
    (child,) = case
    return child.tag, child.get("message")


def test_each_outcome_is_told_to_ci_systems(tmp_path):
    tests = [
        seen("m.C.test_a[id-1]", "passed", ""),
        seen("m.C.test_b[id-2]", "failed", "got <409>"),
    ]
    line = lists.Excluded("m.C.test_c", "cannot pause", "no pause()")
    found = results.account(tests, [test["name"] for test in tests], [line])

    junit.write(tmp_path / "junit.xml", found)

    suite = ElementTree.fromstring((tmp_path / "junit.xml").read_text())  # noqa: S314
    assert {key: suite.get(key) for key in ("tests", "failures", "skipped")} == {
        "tests": "3",
        "failures": "1",
        "skipped": "1",
    }
    a, b, c = suite
    assert [a.get(key) for key in ("classname", "name", "time")] == [
        "m.C",
        "test_a",
        "2.5",
    ]
    assert message(b) == ("failure", "got <409>")
    assert message(c) == ("skipped", "cannot pause; no pause()")
