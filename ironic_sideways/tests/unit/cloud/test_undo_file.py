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

"""Undo files: whole, the owner's alone, and refused where they are not their tool's."""

import datetime
from pathlib import Path

import pytest

from ironic_sideways import exceptions
from ironic_sideways.cloud import undo_file

CONTENT = {"tool": "tool", "ports": {"a": {"old": 1}}}


def test_what_is_written_is_read_and_the_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "undo.json"
    begun = undo_file.continued(path, "tool", ports={})
    moment = datetime.datetime.fromisoformat(begun.pop("created_at"))
    assert moment.tzinfo is datetime.UTC
    assert begun == {"tool": "tool", "ports": {}}

    undo_file.write(path, CONTENT)

    assert undo_file.continued(path, "tool", ports={}) == CONTENT
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("place", "kind", "said"),
    [
        ("", exceptions.UsageError, "Is a directory, expected a file"),
        ("absent/undo.json", exceptions.SidewaysError, "cannot be written: No such"),
    ],
)
def test_what_cannot_be_written_is_one_line(tmp_path: Path, place, kind, said) -> None:
    with pytest.raises(exceptions.SidewaysError, match=said) as caught:
        undo_file.write(tmp_path / place, CONTENT)
    assert type(caught.value) is kind


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "No such file"),
        ("{", "not a JSON file"),
        ("[]", "not an undo file of tool"),
        ('{"tool": "other"}', "not an undo file of tool"),
    ],
)
def test_what_is_no_undo_file_of_the_tool_is_bad_usage(
    tmp_path: Path, text: str | None, said: str
) -> None:
    path = tmp_path / "undo.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(exceptions.UsageError, match=f"undo.json: {said}"):
        undo_file.read(path, "tool")


@pytest.mark.parametrize(
    "ports", [[], {"a": None}, {"a": {}}, {"a": {"old": "x"}}], ids=str
)
def test_a_damaged_undo_file_is_one_line(tmp_path: Path, ports: object) -> None:
    with (
        pytest.raises(exceptions.UsageError, match=r"damaged: .*; nothing was changed"),
        undo_file.whole(tmp_path),
    ):
        int(dict(ports)["a"]["old"])  # type: ignore[call-overload]
