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

"""A file is replaced whole, and nothing but a regular file is."""

import os
import stat
import threading
from pathlib import Path

import pytest

from ironic_sideways import whole_file


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "record.json"
    file.write_text("old")
    return file


def kind(path: Path) -> int:
    return stat.S_IFMT(path.lstat().st_mode)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_file_has_the_text_its_mode_and_nothing_beside_it(path: Path) -> None:
    whole_file.write(path, "neu: ü\n", 0o600, durable=True)

    assert (path.read_bytes(), mode(path)) == ("neu: ü\n".encode(), 0o600)
    assert list(path.parent.iterdir()) == [path]


def test_what_may_hold_a_secret_is_private_from_the_start(path: Path) -> None:
    with whole_file.replacing(path, 0o600) as stream:
        (new,) = (one for one in path.parent.iterdir() if one != path)
        assert (mode(new), path.read_text()) == (0o600, "old")
        stream.write("new")

    assert path.read_text() == "new"


def test_without_a_mode_the_umask_says_it(path: Path) -> None:
    before = os.umask(0o027)
    try:
        whole_file.write(path, "new")
    finally:
        os.umask(before)

    assert mode(path) == 0o640


def test_a_failure_leaves_the_old_file_and_nothing_else(path: Path) -> None:
    with pytest.raises(RuntimeError), whole_file.replacing(path) as stream:
        stream.write("half")
        raise RuntimeError

    assert (path.read_text(), list(path.parent.iterdir())) == ("old", [path])


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as caught:
        whole_file.write(tmp_path / "none" / "x", "")

    assert caught.value.filename == str(tmp_path / "none" / "x")


def test_a_device_is_written_to_and_stays_one(tmp_path: Path) -> None:
    null, full = tmp_path / "null", tmp_path / "full"
    for device, minor in ((null, 3), (full, 7)):
        try:
            os.mknod(device, stat.S_IFCHR | 0o666, os.makedev(1, minor))
        except PermissionError:
            pytest.skip("a device is made by root alone")
    whole_file.write(null, "x" * 100)
    with pytest.raises(OSError, match="No space left") as caught:
        whole_file.write(full, "x")

    assert caught.value.filename == str(full)
    assert (kind(null), kind(full)) == (stat.S_IFCHR, stat.S_IFCHR)
    assert sorted(tmp_path.iterdir()) == [full, null]


def test_a_pipe_is_written_to(tmp_path: Path) -> None:
    pipe, read = tmp_path / "pipe", []
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: read.append(pipe.read_text()), daemon=True)
    reader.start()
    for _ in range(100):
        try:
            whole_file.write(pipe, "x" * 100_000)
            break
        except OSError:
            reader.join(0.05)
    reader.join(5)

    assert (read, kind(pipe)) == (["x" * 100_000], stat.S_IFIFO)


def test_standard_output_is_written_to_where_it_is_a_pipe() -> None:
    read, write = os.pipe()
    whole_file.write(Path(f"/dev/fd/{write}"), "told")
    os.close(write)
    with os.fdopen(read) as stream:
        assert stream.read() == "told"


def test_a_pipe_that_nobody_reads_is_an_error_and_no_wait(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="No such device"):
        whole_file.write(tmp_path / "pipe", "x")


@pytest.mark.parametrize("target", ["record.json", "/dev/null", "nothing"])
def test_a_symbolic_link_is_refused(path: Path, target: str) -> None:
    link = path.with_name("link")
    link.symlink_to(target)
    with pytest.raises(OSError, match="is a symbolic link") as caught:
        whole_file.write(link, "new")

    assert caught.value.filename == str(link)
    assert (link.is_symlink(), path.read_text()) == (True, "old")
    assert sorted(path.parent.iterdir()) == [link, path]


def test_a_directory_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    with pytest.raises(OSError, match="Is a directory"):
        whole_file.write(tmp_path / "x", "new")
