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

import pytest

from ironic_sideways.tests.unit.report import (
    complete,
    forged_around,
    forged_cloud,
    forged_machines,
    forged_phases,
    forged_services,
)
from ironic_sideways.tests.unit.report.test_broken_moves import red

FORGED = (
    forged_cloud.FORGED
    | forged_around.FORGED
    | forged_machines.FORGED
    | forged_phases.FORGED
    | forged_services.FORGED
)


def test_before_it_is_forged_the_move_is_good(tmp_path):
    complete.lay_down(tmp_path, 8)

    assert red(tmp_path) == {}


@pytest.mark.parametrize("story", FORGED)
def test_a_forged_move_is_red_by_name(tmp_path, story):
    complete.lay_down(tmp_path, 8)
    forge, subject, check = FORGED[story]
    forge(tmp_path)

    assert check in red(tmp_path).get(subject, [])


def test_an_undo_file_is_of_the_first_try(tmp_path):
    """After a way back and there again the tool completes the file that it has made."""
    complete.lay_down(tmp_path, 8)
    forged_cloud.undone_and_again("flavors", "created_at", "flavors.json")(tmp_path)

    assert red(tmp_path) == {}
