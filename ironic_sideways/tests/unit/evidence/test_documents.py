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

"""Evidence that is absent or cut short says so, and where."""

from pathlib import Path

import pytest

from ironic_sideways import exceptions
from ironic_sideways.evidence import documents


def test_a_document_is_read_as_it_was_written(tmp_path):
    path = tmp_path / "new" / "one.json"

    documents.write(path, {"b": [1, None], "a": "\u00fc"})

    assert documents.read(path) == {"a": "\u00fc", "b": [1, None]}
    assert [found.name for found in path.parent.iterdir()] == ["one.json"]


@pytest.mark.parametrize("read", [documents.read, documents.read_lines])
def test_what_is_absent_is_no_empty_document(tmp_path, read):
    with pytest.raises(exceptions.EvidenceAbsent, match=r"one\.json: absent"):
        read(tmp_path / "one.json")


def test_a_document_that_was_cut_short_is_named_with_the_line(tmp_path):
    path = tmp_path / "one.json"
    path.write_text('{\n "a": 1,\n')

    with pytest.raises(exceptions.EvidenceMalformed, match=r"one\.json:3: not JSON"):
        documents.read(path)


@pytest.mark.parametrize("line", ["[1]", '{"a": ', "", "1"])
def test_a_line_that_is_no_object_is_named_by_its_number(tmp_path, line):
    path = tmp_path / "events.jsonl"
    path.write_text(f'{{"a": 1}}\n{line}\n{{"a": 3}}\n')

    with pytest.raises(exceptions.EvidenceMalformed, match=r"jsonl:2: not a JSON obj"):
        documents.read_lines(path)


def test_s3_a_document_may_be_its_owners_alone(tmp_path: Path) -> None:
    (tmp_path / "before.json").write_text("{}")
    documents.write(tmp_path / "before.json", {"a": 1}, 0o600)
    assert (tmp_path / "before.json").stat().st_mode & 0o777 == 0o600


def test_within_read_once_a_file_is_read_once(tmp_path: Path):
    path, lines = tmp_path / "before.json", tmp_path / "events.jsonl"

    def found() -> tuple[object, object]:
        return documents.read(path), documents.read_lines(lines)

    path.write_text("[1]"), lines.write_text('{"a": 1}\n')
    with documents.read_once():
        once = found()
        path.write_text("[2]"), lines.write_text('{"a": 2}\n')
        with documents.read_once():
            assert found() == once == ([1], [{"a": 1}])
    assert found() == ([2], [{"a": 2}])


def test_what_was_absent_is_looked_for_again(tmp_path: Path):
    with documents.read_once():
        with pytest.raises(exceptions.EvidenceAbsent):
            documents.read(tmp_path / "after.json")
        (tmp_path / "after.json").write_text("{}")
        assert documents.read(tmp_path / "after.json") == {}
