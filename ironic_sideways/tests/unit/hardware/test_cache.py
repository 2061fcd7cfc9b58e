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

"""A cache entry is whole or absent."""

from pathlib import Path

import pytest

from ironic_sideways import exceptions
from ironic_sideways.hardware import cache


def test_an_entry_appears_when_it_is_finished(tmp_path: Path) -> None:
    entry = tmp_path / "cache" / "guest-1"

    with cache.building(entry) as part:
        (part / "disk").write_text("built")
        assert not entry.exists()

    assert (entry / "disk").read_text() == "built"
    assert list(entry.parent.iterdir()) == [entry]


def test_a_failed_build_leaves_nothing(tmp_path: Path) -> None:
    entry = tmp_path / "guest-1"

    with pytest.raises(KeyboardInterrupt), cache.building(entry) as part:
        (part / "disk").write_text("half")
        raise KeyboardInterrupt

    assert list(tmp_path.iterdir()) == []


def test_the_first_of_two_builders_wins(tmp_path: Path) -> None:
    entry = tmp_path / "guest-1"

    with cache.building(entry) as slow:
        (slow / "disk").write_text("slow")
        with cache.building(entry) as fast:
            (fast / "disk").write_text("fast")

    assert (entry / "disk").read_text() == "fast"
    assert list(tmp_path.iterdir()) == [entry]


def test_a_missing_tool_names_its_package() -> None:
    with pytest.raises(exceptions.SidewaysError, match="install the package mtools"):
        cache.run(["no-such-tool"], "mtools")


def test_a_failing_tool_is_quoted() -> None:
    with pytest.raises(exceptions.SidewaysError, match="exit code 3: no room"):
        cache.run(["sh", "-c", "echo no room >&2; exit 3"], "dash")
