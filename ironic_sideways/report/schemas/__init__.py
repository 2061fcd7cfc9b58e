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

"""Each evidence file against its JSON schema, and all of them from one attempt.

A schema is a file of this directory. It describes the evidence of its own name, or the
files in its ``x-files``; ``x-lines`` says that each line is a document. A new kind of
evidence is one file here and nothing else. What a schema does not name is allowed:
others may add.
"""

import dataclasses
import datetime
import functools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ironic_sideways import exceptions
from ironic_sideways.evidence import documents
from ironic_sideways.evidence.compare import Check
from ironic_sideways.report import places, window
from ironic_sideways.report.faults import FAULTS
from ironic_sideways.report.findings import Finding, clock, in_one

#: Faults of one file that are shown; a broken writer breaks every row.
SHOWN = 5

#: What is taken one after the other, by the moment in it.
IN_TIME = (
    "before.json",
    "takeover.json",
    "resources.json",
    "after.json",
    "ended.json",
    "restarted.json",
)

#: The phase that writes a document, and the moment in it: of another run, or of a try
#: that was rolled back, it proves nothing.
WRITTEN_IN = {
    "before.json": ("begin-maintenance", "taken_at"),
    "flavors.json": ("flavors", "created_at"),
    "migration.json": ("migrate", "started_at"),
    "takeover.json": ("takeover", "taken_at"),
    "dhcp-options.json": ("dhcp-options", "created_at"),
    "port-bindings.json": ("port-bindings", "created_at"),
    "allocations.json": ("compute", "created_at"),
    "resources.json": ("resources", "taken_at"),
    "after.json": ("end-maintenance", "taken_at"),
    "ended.json": ("end-maintenance", "taken_at"),
    "judges.json": ("verify", "taken_at"),
    "restarted.json": ("restarted", "taken_at"),
    "judges-again.json": ("operate", "taken_at"),
    "tempest-base/results.json": ("tempest-base", "taken_at"),
    "tempest/results.json": ("tempest", "taken_at"),
    "last-look.json": ("last-look", "taken_at"),
}


@dataclasses.dataclass(frozen=True)
class Schema:
    """One schema.

    :param files: the evidence that it describes, relative to its directory.
    :param lines: the files hold a document a line.
    :param cut_lines: a line that is cut short is passed over, as its reader does.
    """

    name: str
    files: tuple[str, ...]
    document: dict[str, Any]
    lines: bool
    cut_lines: bool


@functools.cache
def every() -> tuple[Schema, ...]:
    """All schemas, by name."""
    found = []
    for path in sorted(Path(__file__).parent.glob("*.json")):
        document = json.loads(path.read_text())
        lines = document.get("x-lines", False)
        files = document.get("x-files", [f"{path.name}l" if lines else path.name])
        cut_lines = document.get("x-cut-lines", False)
        found.append(Schema(path.stem, tuple(files), document, lines, cut_lines))
    return tuple(found)


def faults(schema: Schema, path: Path) -> Iterator[tuple[int, str]]:
    """What is wrong with one evidence file: its line, and what.

    :raises EvidenceMalformed: it is no JSON at all.
    """
    validator = _kind()(schema.document)
    for line, document in _documents(schema, path):
        for error in validator.iter_errors(document):
            told = _place(error.absolute_path)
            where = line or _line(path, document, list(error.absolute_path))
            yield where, f"{told}{': ' if told else ''}{_message(error)}"


@functools.cache
def _kind() -> Any:
    """The validators' class, which takes as long to make as a document to check."""
    import jsonschema

    return jsonschema.validators.extend(
        jsonschema.Draft202012Validator, {"uniqueItems": _unique}
    )


def _documents(schema: Schema, path: Path) -> Iterator[tuple[int, Any]]:
    if not schema.lines:
        yield 0, documents.read(path)
    elif not schema.cut_lines:
        yield from enumerate(documents.read_lines(path), start=1)
    else:
        for number, line in enumerate(places.lines(path), start=1):
            try:
                yield number, json.loads(line)
            except json.JSONDecodeError:
                continue


def _unique(_validator: Any, wanted: bool, items: Any, _schema: Any) -> Iterator[Any]:
    """What jsonschema has compares each with each: a thousand nodes take a minute."""
    import jsonschema

    if wanted and isinstance(items, list):
        told = {json.dumps(item, sort_keys=True) for item in items}
        if len(told) < len(items):
            yield jsonschema.ValidationError(f"{items!r} has non-unique elements")


def _message(error: Any) -> str:
    # What should be a digest is a tenant's own word, and not to be quoted.
    if "digest" in str(error.schema.get("pattern")):
        return "expected a digest, found a value"
    text = error.message
    return text if len(text) <= 200 else f"{text[:100]} ... {text[-90:]}"


def _place(path: Any) -> str:
    """As in ``nodes[3].power_state``."""
    told = ""
    for step in path:
        told += f"[{step}]" if isinstance(step, int) else f"{'.' if told else ''}{step}"
    return told


def _line(path: Path, document: Any, steps: list[Any]) -> int:
    """The line of the nearest thing with a name of its own around a fault."""
    words = []
    for step in steps:
        document = document[step]
        if isinstance(document, dict):
            words += [
                str(document[key]) for key in ("name", "uuid") if document.get(key)
            ]
    place = places.find(path.parent, (path.name,), words)
    return int(place.rpartition(":")[2] or 1)


def check_file(schema: Schema, directory: Path, file: str) -> Iterator[Check]:
    """One check, or one for each of the first faults."""
    name, path = f"schema of {file}", directory / file
    try:
        found = list(faults(schema, path))
    except exceptions.EvidenceMalformed as error:
        yield Check(name, False, str(error), where=f"{file}:{error.line or 1}")
        return
    for line, what in found[:SHOWN]:
        yield Check(name, False, what, where=f"{file}:{line}")
    if len(found) > SHOWN:
        yield Check(name, False, f"and {len(found) - SHOWN} more", where=f"{file}:1")
    if not found:
        yield Check(name, True, f"valid against {schema.name}.json")


def without_schema(directory: Path, known: set[str]) -> Iterator[Check]:
    """Evidence without a schema is checked by nobody."""
    for path in sorted((*directory.glob("*.json"), *directory.glob("*.jsonl"))):
        if path.name not in known:
            why = "has no schema; add one to ironic_sideways/report/schemas"
            yield Check(f"schema of {path.name}", False, why, where=f"{path.name}:1")


def in_time(directory: Path) -> Iterator[Check]:
    """A document of an earlier attempt that was rolled back proves nothing."""
    try:
        last, earlier = window.bounds(directory).begin, "the start of maintenance"
    except FAULTS:
        return
    for file in IN_TIME:
        try:
            moment = documents.read(directory / file)["taken_at"]
        except FAULTS:
            # Their own subjects and schemas say so.
            continue
        if not isinstance(moment, int | float):
            continue
        ok = moment > last
        detail = (
            f"is no newer than {earlier}: it is from an earlier attempt"
            if not ok
            else ""
        )
        yield Check(f"order of {file}", ok, detail, where="" if ok else f"{file}:1")
        last, earlier = moment, file


def seconds(moment: float | str) -> float:
    """``moment`` since the epoch; the tools that an operator has write ISO 8601."""
    if isinstance(moment, str):
        return datetime.datetime.fromisoformat(moment).timestamp()
    return moment


def in_phase(directory: Path) -> Iterator[Check]:
    """Each document was written while its phase ran, in a try that was not undone.

    An undo file is made by the first try, and later ones complete it.
    """
    try:
        tries = window.tries(directory)
    except FAULTS:
        return
    for file, (phase, key) in WRITTEN_IN.items():
        undo_file = key == "created_at"
        spans = tries.get(phase, []) if undo_file else window.lasting(tries, phase)
        try:
            moment = seconds(documents.read(directory / file)[key])
            ok = any(begin - 1 <= moment <= end + 1 for begin, end in spans)
        except FAULTS as error:
            if not isinstance(error, exceptions.EvidenceAbsent):
                detail = f"{key}: no moment: {error!r}"
                yield Check(f"moment of {file}", False, detail, where=f"{file}:1")
            continue
        text = ", ".join(f"{clock(begin)} to {clock(end)}" for begin, end in spans)
        detail = f"{key} {clock(moment)}; phase {phase} ran {text or 'never'}"
        yield Check(f"moment of {file}", ok, detail, where="" if ok else f"{file}:1")


def check_evidence(directory: Path) -> Finding:
    """Every file that is there is as its schema says.

    Those that are absent are missed by their subjects.
    """
    schemas = every()
    checks: list[Check] = []
    for schema in schemas:
        for file in schema.files:
            if (directory / file).is_file():
                checks += check_file(schema, directory, file)
    checks += without_schema(directory, {f for s in schemas for f in s.files})
    number = len({check.name for check in checks})
    checks += in_time(directory)
    checks += in_one("moments", in_phase(directory))
    return Finding(
        "evidence", checks, f"{number} files, each checked against its schema"
    )
