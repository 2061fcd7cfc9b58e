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

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ironic_sideways.evidence import documents
from ironic_sideways.evidence.compare import Check
from ironic_sideways.report import schemas
from ironic_sideways.tests.unit.report import small_move
from ironic_sideways.tests.unit.report.laid_once import laid_once


@pytest.fixture(scope="session", autouse=True)
def each_text_is_judged_once() -> Iterator[None]:
    """What is read within ``read_once``, and what is as its schema says, by its text.

    Hundreds of tests lay the same evidence down; that took half of each verdict.
    """
    check_file = schemas.check_file
    # A schema that is kept here has an id of its own.
    good = dict[tuple[int, str, bytes], tuple[schemas.Schema, list[Check]]]()
    seen, parsed = set[tuple[Any, ...]](), dict[tuple[Any, ...], Any]()

    def digest(path: Path) -> bytes:
        return hashlib.sha256(path.read_bytes()).digest() if path.is_file() else b""

    def held_to(schema: schemas.Schema, directory: Path, file: str) -> Iterator[Check]:
        key = (id(schema), file, digest(directory / file))
        if key in good:
            return iter(good[key][1])
        found = list(check_file(schema, directory, file))
        if all(check.ok for check in found):
            good[key] = (schema, found)
        return iter(found)

    def by_text(path: Path, parse: Callable[..., Any], *more: Any) -> Any:
        if not path.is_file():
            return parse(path, *more)
        text = (path.name, digest(path), parse, more)
        found = parsed[text] if text in parsed else parse(path, *more)
        # What is in one test alone is not kept.
        if text in seen:
            parsed[text] = found
        seen.add(text)
        return found

    def once(path: Path, parse: Callable[..., Any], *more: Any) -> Any:
        held = documents._held.get()
        if held is None:
            return parse(path, *more)
        key = (path, parse, more)
        if key not in held:
            held[key] = by_text(path, parse, *more)
        return held[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(schemas, "check_file", held_to)
        patch.setattr(documents, "once", once)
        yield


lay_down = laid_once(small_move.lay_down)


@pytest.fixture
def evidence(tmp_path: Path) -> Path:
    """The directory of a move that went well."""
    lay_down(tmp_path / "evidence")
    return tmp_path / "evidence"
