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

"""An archive is there whole with its checksum, or nothing of it is."""

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ironic_sideways import exceptions
from ironic_sideways.migrate import archive

LINES = ["-- table bm_nodes\n", "CREATE TABLE `bm_nodes` (id INT);\n"]


def raising(error: BaseException) -> Callable[..., Any]:
    def fail(*_words: Any) -> None:
        raise error

    return fail


def test_what_was_written_is_read_again_and_its_checksum_beside_it(
    tmp_path: Path,
) -> None:
    path = tmp_path / "a.gz"
    written = archive.write(path, LINES)
    assert archive.read(path) == written
    assert archive.checksum_file(path).read_text().split() == [
        archive.checksum(path),
        "a.gz",
    ]


@pytest.mark.parametrize(
    ("error", "raised"),
    [
        (OSError(errno.EEXIST, "File exists"), exceptions.SidewaysError),
        (KeyboardInterrupt(), KeyboardInterrupt),
    ],
)
def test_an_archive_that_does_not_get_its_name_leaves_no_checksum(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    error: BaseException,
    raised: type[BaseException],
) -> None:
    monkeypatch.setattr(os, "link", raising(error))
    with pytest.raises(raised):
        archive.write(tmp_path / "a.gz", LINES)
    assert list(tmp_path.iterdir()) == []


def test_s10_an_archive_other_than_its_checksum_says_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.gz"
    archive.write(path, LINES)
    archive.refuse_altered(path)
    path.unlink()
    archive.checksum_file(path).rename(tmp_path / "first.sha256")
    archive.write(path, [*LINES, "INSERT INTO `bm_nodes` (`id`) VALUES\n"])
    (tmp_path / "first.sha256").replace(archive.checksum_file(path))
    with pytest.raises(exceptions.SidewaysError, match=r"a\.gz\.sha256 names, found"):
        archive.refuse_altered(path)


@pytest.mark.parametrize("content", [None, ""])
def test_s10_an_archive_without_its_checksum_is_refused(
    tmp_path: Path, content: str | None
) -> None:
    path = tmp_path / "a.gz"
    archive.write(path, LINES)
    archive.checksum_file(path).unlink()
    if content is not None:
        archive.checksum_file(path).write_text(content)
    with pytest.raises(exceptions.SidewaysError, match=r"a\.gz\.sha256"):
        archive.refuse_altered(path)
