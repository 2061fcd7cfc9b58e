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

"""A later command needs the lab's directory alone."""

from pathlib import Path

import pytest

from ironic_sideways import exceptions
from ironic_sideways.lab import record


def test_a_lab_is_found_again_as_it_was_made(tmp_path: Path) -> None:
    made = record.LabRecord.new(4, 3, "fake", network="10.99")
    made.save(tmp_path / "lab.json")

    layout, found = record.open_lab(tmp_path)

    assert found == made
    assert (layout.number, layout.gateway) == (4, "10.99.4.1")


def test_a_directory_without_a_lab_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(exceptions.UsageError, match=r"no lab here.*lab up"):
        record.open_lab(tmp_path)


@pytest.mark.parametrize("text", ["", "{}", '{"number": 1}', "[]"])
def test_a_damaged_record_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "lab.json").write_text(text)

    with pytest.raises(exceptions.SidewaysError, match=r"lab\.json"):
        record.open_lab(tmp_path)


def test_the_directory_comes_from_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("IRONIC_SIDEWAYS_LAB", "/srv/lab")

    assert record.default_directory() == Path("/srv/lab")
