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

import sys

import pytest

from ironic_sideways import exceptions
from ironic_sideways.trials.tempest import run


def test_what_a_command_says_is_passed_on_with_its_exit_code(tmp_path, capfd):
    words = [sys.executable, "-c", "print('a [1s] ... ok'); raise SystemExit(3)"]

    assert run.run_group(words, tmp_path, timeout=30) == 3
    assert "a [1s] ... ok" in capfd.readouterr().out


@pytest.mark.parametrize(
    ("free", "count"), [(1, 1), (5, 2), (8, 3), (10, 3), (11, 4), (40, 4)]
)
def test_workers_fit_the_free_nodes(free, count):
    assert run.workers(free) == count


def test_each_test_that_ends_is_counted():
    seen: list[int] = []
    lines = ["a [0.1s] ... ok\n", "b ... SKIPPED: why\n", "noise\n", "c ... FAILED\n"]

    run.pass_on(lines, seen.append)

    assert seen == [1, 2, 3]


def test_a_run_that_does_not_end_in_time_is_ended_with_its_workers(tmp_path):
    script = "import subprocess; subprocess.run(['sleep', '600'])"

    with pytest.raises(exceptions.SidewaysError, match=r"did not end within 0\.5 s"):
        run.run_group([sys.executable, "-c", script], tmp_path, timeout=0.5)
