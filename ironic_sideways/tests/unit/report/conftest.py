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
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from ironic_sideways.evidence.compare import Check
from ironic_sideways.report import schemas
from ironic_sideways.tests.unit.report import whole


@pytest.fixture(scope="session", autouse=True)
def schemas_hold_each_text_once() -> Iterator[None]:
    """A text that is as its schema says is not held against it again.

    Hundreds of tests lay the same evidence down; that took half of each verdict.
    """
    check_file, good = schemas.check_file, dict[tuple[str, str, bytes], list[Check]]()

    def once(schema: schemas.Schema, directory: Path, file: str) -> Iterator[Check]:
        text = hashlib.sha256((directory / file).read_bytes()).digest()
        key = (json.dumps(schema.document), file, text)
        if key in good:
            return iter(good[key])
        found = list(check_file(schema, directory, file))
        if all(check.ok for check in found):
            good[key] = found
        return iter(found)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(schemas, "check_file", once)
        yield


@pytest.fixture
def evidence(tmp_path: Path) -> Path:
    """The directory of a move that went well."""
    directory = tmp_path / "evidence"
    directory.mkdir()
    whole.lay_down(directory)
    return directory
