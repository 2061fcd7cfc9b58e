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

import subunit

from ironic_sideways.compute_tests import results

TIME = datetime.datetime(2026, 11, 22, tzinfo=datetime.UTC)


def stream_of(path, *events):
    with path.open("wb") as file:
        stream = subunit.StreamResultToBytes(file)
        for event in events:
            stream.status(timestamp=TIME, **event)
    return path


def test_every_test_is_counted_by_its_outcome(tmp_path):
    stream = stream_of(
        tmp_path / "s",
        {"test_id": "a", "test_status": "inprogress"},
        {"test_id": "a", "test_status": "success"},
        {"test_id": "b", "test_status": "fail"},
        {"test_id": "c", "test_status": "skip"},
    )

    assert results.read(stream)["counts"] == {"passed": 1, "failed": 1, "skipped": 1}


def test_a_test_that_never_ended_has_failed(tmp_path):
    stream = stream_of(tmp_path / "s", {"test_id": "a", "test_status": "inprogress"})

    assert results.read(stream)["counts"]["failed"] == 1


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

    (test,) = results.read(stream)["tests"]

    assert test["reason"] == "no two images"


def test_a_stream_without_tests_has_none(tmp_path):
    assert results.read(stream_of(tmp_path / "s"))["tests"] == []
