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

"""The schemas: whole evidence passes, and a fault is named with its line."""

import json
import os
import textwrap
from pathlib import Path

import jsonschema
import pytest

from ironic_sideways.report import schemas, verdict
from ironic_sideways.tests.unit.report.small_move import files, phases


def failed(directory: Path) -> dict[str, str]:
    """Name of each failed check -> its place and reason."""
    found = schemas.check_evidence(directory)
    return {check.name: f"{check.where} {check.detail}" for check in found.failures}


@pytest.mark.parametrize("schema", schemas.every(), ids=lambda schema: schema.name)
def test_a_schema_is_one_and_says_what_it_describes(schema):
    jsonschema.Draft202012Validator.check_schema(schema.document)

    assert schema.files and schema.document["title"]
    assert schema.document["x-written-by"]


def test_each_file_that_is_judged_has_a_schema():
    known = {file for schema in schemas.every() for file in schema.files}
    judged = {file for subject in verdict.SUBJECTS.values() for file in subject.files}

    assert {file for file in judged if ".json" in file} <= known


def test_whole_evidence_is_as_its_schemas_say(evidence):
    found = schemas.check_evidence(evidence)

    assert failed(evidence) == {}
    assert len(found.checks) > len(list(evidence.glob("*.json*")))


def test_a_fault_is_told_with_its_line_and_place(evidence):
    path = evidence / "takeover.json"
    document = json.loads(path.read_text())
    document["nodes"][1]["power_state"] = 7
    path.write_text(json.dumps(document, indent=2))
    lines = path.read_text().splitlines()
    number = next(n for n, line in enumerate(lines, 1) if '"uuid": "node-stop"' in line)

    assert failed(evidence) == {
        "schema of takeover.json": f"takeover.json:{number} nodes[1].power_state: "
        "7 is not of type 'string', 'null'"
    }


@pytest.mark.parametrize("name", ["events.jsonl", "leases.jsonl", "heartbeat.jsonl"])
def test_a_fault_in_lines_is_told_with_its_line(evidence, name):
    path = evidence / name
    lines = path.read_text().splitlines()
    lines[2] = json.dumps({**json.loads(lines[2]), "time": "noon"})
    path.write_text("\n".join(lines))

    place, reason = failed(evidence)[f"schema of {name}"].split(" ", 1)
    assert (place, reason) == (f"{name}:3", "time: 'noon' is not of type 'number'")


@pytest.mark.parametrize("name", ["takeover.json", "events.jsonl"])
def test_what_is_cut_short_is_told_with_its_line(evidence, name):
    path = evidence / name
    path.write_text(path.read_text()[:-20])

    assert f"{name}:" in failed(evidence)[f"schema of {name}"]


def test_a_beat_cut_short_was_sent_again(evidence):
    path = evidence / "heartbeat.jsonl"
    path.write_text(path.read_text() + '{"time": 10')

    assert failed(evidence) == {}


def test_a_phase_without_result_is_no_event(evidence):
    path = evidence / "events.jsonl"
    event = {"time": 1, "kind": "phase", "name": "x", "memory_used_mb": 1}
    event |= {"seconds": 1, "figure": ""}
    path.write_text(json.dumps(event) + "\n" + path.read_text())

    assert (
        "'result' is a required property" in failed(evidence)["schema of events.jsonl"]
    )


def test_many_faults_are_counted_not_told_one_by_one(evidence):
    path = evidence / "heartbeat.jsonl"
    files.write_lines(path, [{"time": 1}] * 3)

    found = [c for c in schemas.check_evidence(evidence).failures if "heart" in c.name]
    assert len(found) == schemas.SHOWN + 1
    assert found[-1].detail == "and 7 more"


def test_evidence_without_a_schema_is_a_failure(evidence):
    files.write(evidence / "luck.json", {})

    assert "has no schema" in failed(evidence)["schema of luck.json"]


def test_evidence_of_an_earlier_try_is_told(evidence):
    files.edit(
        evidence / "takeover.json", lambda d: d.update(taken_at=phases.BEGIN - 9)
    )

    assert "is no newer than before.json" in failed(evidence)["order of takeover.json"]


def row(schema: schemas.Schema) -> str:
    """What the reference says of a schema's evidence: nothing but what is in it."""
    files = ", ".join(f"``{file}``" for file in schema.files)
    link = f"<../../ironic_sideways/report/schemas/{schema.name}.json>"
    cells = [
        textwrap.fill(text, 80, subsequent_indent=" " * 7, break_on_hyphens=False)
        for text in (files, schema.document["title"], schema.document["x-written-by"])
    ]
    text = "\n     - ".join([*cells, f":download:`{schema.name} {link}`"])
    return f"   * - {text}\n"


def test_the_reference_tells_of_each_file_and_links_its_schema():
    """``UPDATE_PAGES=1`` writes the rows."""
    path = Path(__file__).parents[4] / "doc/source/reference.rst"
    page = path.read_text()
    rows = "".join(row(schema) for schema in schemas.every())
    head, heading, table = page.partition("     - Written by\n     - Schema\n")
    _rows, first, others = table.partition("   * - ``tempest/``, ``tempest-base/``")
    assert heading and first
    told = f"{head}{heading}{rows}{first}{others}"

    if os.environ.get("UPDATE_PAGES"):
        path.write_text(told)
    else:
        assert page == told


def test_the_looks_of_a_round_that_failed_are_described(evidence):
    entry = {"uuid": "u", "id": "i"}
    base = {
        **{"taken_at": 1.5, "base_driver": "nova_bm", "resource_classes": []},
        **{key: [entry] for key in ("servers", "providers", "services")},
        **{key: {"id": {}} for key in ("hypervisors", "ports")},
        "around": {"actions": {}, "nova_bm": {"bm_nodes": 7, "gone": None}},
        "ironic": {"api": False, "conductors": 0, "nodes": 0, "ports": 0},
        "files": {"nova.conf": {"DEFAULT/host": "0123"}, "absent": {}},
        "tftp": {},
    }
    files.write(evidence / "base-before.json", base)
    assert failed(evidence) == {}

    files.write(evidence / "base-before.json", {**base, "ironic": {"api": False}})
    assert failed(evidence).keys() == {"schema of base-before.json"}
