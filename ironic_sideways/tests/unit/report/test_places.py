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

import os
import shutil

import pytest

from ironic_sideways.cmd import main
from ironic_sideways.evidence.compare import Check
from ironic_sideways.report import log_lines, places
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


@pytest.mark.parametrize("text", ["two\n", "one\ntwo\n"])
def test_a_file_that_was_changed_is_read_again(tmp_path, text):
    log = tmp_path / "log"
    log.write_text("one\n")
    assert places.lines(log) == ["one"]

    log.write_text(text)

    assert places.lines(log) == text.splitlines()


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


def test_what_changed_is_shown_rather_than_whose_it_is(tmp_path):
    """In its own entry alone: the next one has such a key, too."""
    entry = ' {\n  "boot": {"power": "no"},\n  %s"uuid": "%s",\n  "zone": "a"\n }'
    told = [entry % ('"power": "off",\n  ', "node-1"), entry % ("", "node-2")]
    (tmp_path / "after.json").write_text("[\n" + ",\n".join(told) + "\n]\n")

    def place(uuid: str, detail: str) -> str:
        finding = Finding("survival", [Check(f"node {uuid}", False, detail)], "")
        (check,) = places.placed(finding, tmp_path, ["after.json"]).checks
        return check.where

    assert place("node-1", "power: 'on' became 'off'; zone: 'b' became 'a'") == (
        "after.json:4"
    )
    assert place("node-1", "zone: 'b' became 'a'") == "after.json:6"
    assert place("node-2", "power: 'on' became 'absent'") == "after.json:10"
    assert place("node-2", "gone") == "after.json:10"


@pytest.mark.parametrize("command", ["verdict", "report"])
@pytest.mark.parametrize("name", ["after.json", "tempest", "phases/x.log"])
def test_s10_evidence_with_a_link_to_the_readers_own_is_refused(
    evidence, tmp_path, capsys, command, name
):
    own = tmp_path / "own.json"
    own.write_text('{"servers": "the reader\'s own secret"}')
    place = evidence / name
    place.parent.mkdir(exist_ok=True)
    if place.exists():
        place.rename(tmp_path / "away")
    place.symlink_to(own)

    assert main.main([command, str(evidence)]) == 2

    said = capsys.readouterr()
    assert f"{place}: leads out of the evidence" in said.err
    assert "own secret" not in said.out + said.err
    assert not (evidence / "report.html").exists()


def test_s10_evidence_with_a_pipe_holds_nobody_up(evidence, capsys):
    (evidence / "before.json").unlink()
    os.mkfifo(evidence / "before.json")

    assert main.main(["verdict", str(evidence)]) == 2
    assert "before.json: is no file" in capsys.readouterr().err


def test_a_hosts_own_evidence_shares_what_runs_all_the_time(evidence, tmp_path):
    host = tmp_path / "cloud" / "increments" / "compute-1"
    shutil.copytree(evidence, host)
    (host / "leases.jsonl").rename(tmp_path / "cloud" / "leases.jsonl")
    (host / "leases.jsonl").symlink_to("../../leases.jsonl")

    assert main.main(["verdict", str(host)]) == 0


def test_s10_a_link_among_downloaded_logs_is_not_followed(evidence, tmp_path):
    secret = tmp_path / "id_rsa"
    secret.write_text("2026-11-30 00:00:00.000 1 ERROR a [-] of the reader's own\n")
    (evidence / "logs" / "link.log").symlink_to(secret)
    (evidence / "phases").rename(tmp_path / "elsewhere")
    (evidence / "phases").symlink_to(tmp_path)
    (tmp_path / "away.log").write_text("away")

    assert "reader's own" not in str(list(log_lines.lines(evidence, "*.log")))
    listed = [one.path for one in page.logs(evidence)]
    assert "logs/link.log" not in listed and "phases/away.log" not in listed
