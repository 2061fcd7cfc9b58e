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

"""What two documents tell of one thing: a contradiction is red by its own name."""

import json
from pathlib import Path
from typing import Any

import pytest

from ironic_sideways.report import agreement, findings
from ironic_sideways.tests.unit.report import complete, mutants


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("agreed")
    complete.lay_down(directory)
    return directory


def failed(directory: Path) -> list[str]:
    return [check.name for check in agreement.check(directory) if not check.ok]


def test_a_good_run_has_one_account_of_everything(good):
    found = list(agreement.check(good))

    assert [check for check in found if not check.ok] == []
    assert len(found) == len(agreement.ALL)


#: Document, where in it, what it tells then, and the check that is red.
WRONG: list[tuple[str, mutants.Steps, Any, str]] = [
    ("workload.json", ("servers", 0, "port"), "port-9", "workload agree"),
    ("workload.json", ("servers", 0, "boot"), "disk", "workload boots agree"),
    ("allocations.json", ("new_classes",), ["CUSTOM_X"], "allocations agree"),
    ("takeover.json", ("nodes", 0, "instance_uuid"), "x", "takeover agree"),
    ("resources.json", ("nodes", 0, "instance"), "x", "resources agree"),
    ("migration.json", ("rows", 0, "service_host"), "x", "rows agree"),
    ("migration.json", ("options", "boot_mode"), "uefi", "options agree"),
    ("heartbeat.jsonl", (0, "seq"), 0, "beats agree"),
    ("heartbeat.jsonl", (3, "again"), True, "beats agree"),
    ("before.json", ("machines", 0, "last_seq"), 4711, "sequences agree"),
    ("ended.json", ("machines", 0, "name"), "x", "machines agree"),
    ("ended.json", ("providers", 0, "name"), "x", "providers agree"),
    ("events.jsonl", (3, "seconds"), 99.0, "moments agree"),
    ("bmc.json", ("commands", 0, "domain"), "x", "commands agree"),
    ("bmc.json", ("commands", 0, "command"), "off", "machine powers agree"),
    ("bmc.json", ("commands", 0, "time"), 2e9, "machine powers agree"),
    ("bmc.json", ("commands", -1, "time"), 2e9, "switched agree"),
    ("leases.jsonl", (0, "mac"), "x", "addresses agree"),
    ("operations.json", (1, "embedded"), {}, "operations agree"),
    ("tempest/results.json", ("driver",), "base", "base tests agree"),
    ("tempest/results.json", ("moved_by",), ["an earlier one"], "moved by agree"),
    ("proxy.json", (0, "moved_by"), [], "moved by agree"),
    ("tempest-base/results.json", ("moved_by",), ["run-1"], "moved by agree"),
    ("migration.json", ("options", "owner"), "project-9", "asked agree"),
    ("migration.json", ("options", "boot_interface"), "pxe", "asked agree"),
    ("migration.json", ("options", "resource_class_by_shape"), True, "asked agree"),
    ("secrets.json", ("sought", 0), "BMC password of x", "sought agree"),
    ("flavors.json", ("flavors", "flavor-1", "name"), "x", "flavors agree"),
]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("owner", "project-9"),
        ("migration-options", ""),
        ("migration-options", "--owner project-1"),
    ],
)
def test_the_migrations_options_are_those_that_the_script_noted(good, name, text):
    path = good / "phases" / f"{name}.value"
    was = path.read_text()
    path.write_text(text)
    try:
        assert failed(good) == ["asked agree"]
    finally:
        path.write_text(was)


@pytest.mark.parametrize(("file", "steps", "value", "name"), WRONG)
def test_a_contradiction_is_named(good, file, steps, value, name):
    path = good / file
    text = path.read_text()
    document = mutants.read(path)
    mutants.at(document, steps[:-1])[steps[-1]] = value
    mutants.write(path, document)
    try:
        assert name in failed(good)
    finally:
        path.write_text(text)


def test_a_document_that_is_absent_is_missed_by_others_or_here(good, tmp_path):
    (tmp_path / "before.json").write_text((good / "before.json").read_text())

    assert failed(tmp_path) == list(agreement.ALONE)


def test_a_malformed_document_is_a_failure_and_no_crash(good):
    path = good / "workload.json"
    text = path.read_text()
    path.write_text(json.dumps({"servers": [{}]}))
    try:
        assert "workload agree" in failed(good)
    finally:
        path.write_text(text)


def test_the_subject_shows_what_is_wrong_alone(good):
    (one,) = agreement.check_agreement(good).checks

    assert one.ok


def test_a_phase_that_never_ended_has_no_time_of_day():
    assert findings.clock(float("inf")) == "?"
