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

"""A secret's file is one line, and its owner's alone."""

import os
import re
from pathlib import Path

import pytest

from ironic_sideways import secret_file


@pytest.mark.parametrize(
    "content",
    [
        b"s3cret p\xc3\xa4ss",
        b"s3cret p\xc3\xa4ss\r\n",
        b"\xef\xbb\xbfs3cret p\xc3\xa4ss\n",
    ],
)
def test_the_one_line_is_read_whatever_editor_wrote_it(
    tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "secret"
    path.touch(mode=0o600)
    path.write_bytes(content)
    assert secret_file.read_line(path) == "s3cret p\u00e4ss"


def test_a_command_s_output_is_read_too() -> None:
    read, write = os.pipe()
    os.write(write, b"s3cret\n")
    os.close(write)
    assert secret_file.read_line(Path(f"/dev/fd/{read}")) == "s3cret"
    os.close(read)


@pytest.mark.parametrize(
    ("content", "mode", "said"),
    [
        (b"s3cret\n", 0o640, "can be read by others (mode 0640): chmod 600"),
        (b"s3cret\n", 0o602, "can be read by others (mode 0602): chmod 600"),
        (b"", 0o600, "expected one line, found 0"),
        (b"\n", 0o600, "expected one line, found 1, which is empty"),
        (b"s3cret\nx\n", 0o600, "expected one line, found 2"),
        (b"s3cret \xff", 0o600, "is not text"),
    ],
)
def test_what_else_it_may_be_is_told_and_not_shown(
    tmp_path: Path, content: bytes, mode: int, said: str
) -> None:
    path = tmp_path / "secret"
    path.write_bytes(content)
    path.chmod(mode)
    with pytest.raises(ValueError, match=f"^{re.escape(said)}") as raised:
        secret_file.read_line(path)
    assert "s3cret" not in str(raised.value)
    assert raised.value.__cause__ is None


def test_s10_what_is_read_is_what_was_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another file may be put in its place between the look and the reading."""
    path, another = tmp_path / "secret", tmp_path / "another"
    for file, mode in ((path, 0o600), (another, 0o644)):
        file.write_text(file.name)
        file.chmod(mode)
    fstat, stat = os.fstat, Path.stat

    def swapped(found: os.stat_result) -> os.stat_result:
        if another in tmp_path.iterdir():
            another.replace(path)
        return found

    monkeypatch.setattr(os, "fstat", lambda number: swapped(fstat(number)))
    monkeypatch.setattr(Path, "stat", lambda self, **_: swapped(stat(self)))
    assert secret_file.read_line(path) == "secret"


@pytest.mark.parametrize(
    ("name", "said"), [("none", "No such file or directory"), (".", "is not a file")]
)
def test_no_file_is_told(tmp_path: Path, name: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        secret_file.read_line(tmp_path / name)
