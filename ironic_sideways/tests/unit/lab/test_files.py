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

"""Secrets are unreadable to others from the first byte."""

import os
from pathlib import Path

from ironic_sideways.lab import files


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_a_private_file_is_private_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        files.write_private(tmp_path / "secret", "x")
    finally:
        os.umask(before)

    assert mode(tmp_path / "secret") == 0o600


def test_writing_again_makes_a_readable_file_private(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text("old")
    path.chmod(0o644)

    files.write_private(path, "new")

    assert (mode(path), path.read_text()) == (0o600, "new")


def test_nothing_but_the_file_is_left(tmp_path: Path) -> None:
    files.write_public(tmp_path / "record", "x")

    assert [path.name for path in tmp_path.iterdir()] == ["record"]


def test_the_last_lines_of_a_long_log(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("".join(f"line {number}\n" for number in range(100_000)))

    assert files.last_lines(log, 2) == ["line 99998", "line 99999"]


def test_a_missing_log_has_no_lines(tmp_path: Path) -> None:
    assert files.last_lines(tmp_path / "log", 5) == []


def test_a_tree_is_given_away_but_for_what_is_kept(tmp_path, monkeypatch):
    for name in ("given/file", "kept/file", "kept/below/file"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "given/link").symlink_to("/etc/passwd")
    changed = []
    monkeypatch.setattr(
        "os.chown",
        lambda path, user, group, follow_symlinks: changed.append(
            (str(path.relative_to(tmp_path)), user, follow_symlinks)
        ),
    )

    files.give_away(tmp_path, "root", (tmp_path / "kept",))

    assert sorted(changed) == [
        (".", 0, False),
        ("given", 0, False),
        ("given/file", 0, False),
        ("given/link", 0, False),
    ]
