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

"""Where the evidence of a failed check stands."""

from ironic_sideways.evidence.compare import Check
from ironic_sideways.report import logs, places
from ironic_sideways.report.findings import Finding
from ironic_sideways.report.page import logs as page

BEFORE = '{\n "seen": "node-1",\n "uuid": "node-1"\n}\n'


def test_a_things_own_entry_counts_more_than_where_it_is_mentioned(tmp_path):
    (tmp_path / "before.json").write_text(BEFORE)
    (tmp_path / "log").write_text("node-1 of power\n")

    find = places.find
    assert find(tmp_path, ["log", "before.json"], ["node-1"]) == "before.json:3"
    assert find(tmp_path, ["log"], ["node-1"]) == "log:1"
    assert find(tmp_path, ["absent", "log"], ["node-2"]) == "log:1"
    assert find(tmp_path, ["absent"], ["node-1"]) == ""
    # A name is no pattern.
    assert find(tmp_path, ["before.json", "log"], ["node.1"]) == "before.json:1"


def test_the_last_line_is_the_last_that_says_something(tmp_path):
    (tmp_path / "log").write_text("one\ntwo\n\n \n")

    assert places.last_line(tmp_path, "log") == "log:2"
    assert places.last_line(tmp_path, "absent") == ""


def test_a_file_that_grows_is_read_again(tmp_path):
    log = tmp_path / "log"
    log.write_text("one\n")
    assert places.lines(log) == ["one"]

    log.write_text("one\ntwo\n")

    assert places.lines(log) == ["one", "two"]


def test_only_a_failed_check_without_a_place_is_given_one(tmp_path):
    (tmp_path / "before.json").write_text(BEFORE)
    checks = [
        Check("row of node-1", False, "gone"),
        Check("row of node-1", True, "there"),
        Check("row of node-1", False, "gone", where="log:7"),
    ]

    finding = Finding("take-over", checks, "")
    found = places.placed(finding, tmp_path, ["before.json"])

    assert [check.where for check in found.checks] == ["before.json:3", "", "log:7"]


def test_s10_a_link_among_downloaded_logs_is_not_followed(evidence, tmp_path):
    secret = tmp_path / "id_rsa"
    secret.write_text("2026-11-30 00:00:00.000 1 ERROR a [-] of the reader's own\n")
    (evidence / "logs" / "link.log").symlink_to(secret)
    (evidence / "phases").symlink_to(tmp_path)
    (tmp_path / "away.log").write_text("away")

    assert "reader's own" not in str(list(logs.lines(evidence, "*.log")))
    listed = [one.path for one in page.logs(evidence)]
    assert "logs/link.log" not in listed and "phases/away.log" not in listed
