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

"""A whole run's evidence, rewritten at each place as a broken move would leave it.

Other than in test_broken_moves.py a story changes all the documents that tell of it.
Each was judged PASSED once (2026-11-30). Each must be red, by the check that names it.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from ironic_sideways.tests.unit.report import (
    complete,
    forged_cloud,
    forged_machines,
    forged_services,
)
from ironic_sideways.tests.unit.report.test_broken_moves import red

FORGED = forged_cloud.FORGED | forged_machines.FORGED | forged_services.FORGED


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("good")
    complete.lay_down(directory, 8)
    assert red(directory) == {}
    return directory


@pytest.fixture
def evidence(good: Path, tmp_path: Path) -> Iterator[Path]:
    """A copy of a good run's, to be forged."""
    yield Path(shutil.copytree(good, tmp_path / "evidence"))


@pytest.mark.parametrize("story", FORGED)
def test_a_forged_move_is_red_by_name(evidence, story):
    forge, subject, check = FORGED[story]
    forge(evidence)

    assert check in red(evidence).get(subject, [])
