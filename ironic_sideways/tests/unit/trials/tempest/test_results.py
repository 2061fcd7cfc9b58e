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

import datetime

import pytest
import subunit

from ironic_sideways.trials.tempest import lists, results

TIME = datetime.datetime(2026, 11, 22, tzinfo=datetime.UTC)


def stream_of(path, *events):
    with path.open("wb") as file:
        stream = subunit.StreamResultToBytes(file)
        for event in events:
            stream.status(timestamp=TIME, **event)
    return path


def outcomes(tests):
    return {test["name"]: test["outcome"] for test in tests}


def seen(name, outcome="passed", reason=""):
    return {"name": name, "outcome": outcome, "reason": reason, "seconds": 1.0}


def test_every_test_has_its_outcome(tmp_path):
    stream = stream_of(
        tmp_path / "s",
        {"test_id": "a", "test_status": "inprogress"},
        {"test_id": "a", "test_status": "success"},
        {"test_id": "b", "test_status": "fail"},
        {"test_id": "c", "test_status": "skip"},
    )

    assert outcomes(results.read(stream)) == {
        "a": "passed",
        "b": "failed",
        "c": "skipped",
    }


def test_a_test_that_never_ended_has_failed(tmp_path):
    stream = stream_of(tmp_path / "s", {"test_id": "a", "test_status": "inprogress"})

    assert outcomes(results.read(stream)) == {"a": "failed"}


def test_a_skip_keeps_its_reason(tmp_path):
    reason = {
        "file_name": "reason",
        "file_bytes": b"no two images",
        "mime_type": "text/plain;charset=utf8",
        "eof": True,
    }
    stream = stream_of(
        tmp_path / "s",
        {"test_id": "c", **reason},
        {"test_id": "c", "test_status": "skip"},
    )

    (test,) = results.read(stream)

    assert test["reason"] == "no two images"


def test_a_stream_without_tests_has_none(tmp_path):
    assert results.read(stream_of(tmp_path / "s")) == []


def test_a_wanted_test_that_was_not_seen_has_failed():
    found = results.account([seen("m.C.test_a[id-1]")], ["m.C.test_b[id-2]"], [])

    (test,) = found["tests"]
    assert (test["outcome"], test["reason"]) == ("failed", "it did not run")


@pytest.mark.parametrize("outcome", ["failed", "skipped"])
def test_a_test_whose_class_was_not_prepared_has_its_outcome(outcome):
    whole = seen("setUpClass (m.C)", outcome, "no image")

    found = results.account([whole], ["m.C.test_b[id-2]"], [])

    by_name = {test["name"]: test for test in found["tests"]}
    assert by_name["m.C.test_b[id-2]"]["outcome"] == outcome
    assert by_name["m.C.test_b[id-2]"]["reason"] == "no image"
    assert len(by_name) == 1


def test_a_class_that_could_not_be_cleaned_up_is_a_failure_beside_its_tests():
    end = seen("tearDownClass (m.C)", "failed", "server still there")

    found = results.account([seen("m.C.test_a"), end], ["m.C.test_a"], [])

    assert found["counts"]["passed"] == 1
    assert found["counts"]["failed"] == 1


def test_an_excluded_test_keeps_reason_and_source():
    line = lists.Excluded("m.C.test_a", "cannot pause", "no pause()")

    found = results.account([], [], [line])

    assert found["counts"] == {"passed": 0, "failed": 0, "skipped": 0, "excluded": 1}
    (test,) = found["tests"]
    assert (test["reason"], test["source"]) == ("cannot pause", "no pause()")


def good():
    return {
        "counts": {"passed": 3, "failed": 0, "skipped": 0, "excluded": 2},
        "floor": 3,
    }


def test_results_that_reach_the_floor_are_good_enough():
    assert results.faults(good()) == []


@pytest.mark.parametrize(
    ("counts", "words"),
    [
        ({"failed": 1}, "failed tests"),
        ({"skipped": 1}, "not_run.yaml"),
        ({"passed": 2}, "2 tests ran, expected at least 3"),
    ],
)
def test_results_that_are_not_good_enough_say_why(counts, words):
    found = good()
    found["counts"].update(counts)

    (fault,) = results.faults(found)

    assert words in fault


def test_the_table_shows_first_what_is_to_be_looked_at():
    line = lists.Excluded("m.C.test_c", "cannot pause", "no pause()")
    found = results.account(
        [seen("m.C.test_a[id-1]"), seen("m.C.test_b[id-2]", "failed", "409")],
        ["m.C.test_a[id-1]", "m.C.test_b[id-2]"],
        [line],
    )

    assert results.text_table(found).splitlines() == [
        "failed      1.0 s  m.C.test_b: 409",
        "excluded           m.C.test_c: cannot pause; no pause()",
        "passed      1.0 s  m.C.test_a",
        "",
        "1 passed, 1 failed, 0 skipped, 1 excluded",
    ]
