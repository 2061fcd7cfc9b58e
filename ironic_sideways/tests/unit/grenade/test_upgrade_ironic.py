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

"""grenade/upgrade-ironic: the specification's order, as the phases declare it."""

import subprocess
from pathlib import Path

import pytest

from ironic_sideways.report import window

SCRIPT = Path(__file__).parents[4] / "grenade" / "upgrade-ironic"


@pytest.fixture
def listed(tmp_path: Path) -> list[str]:
    done = subprocess.run(
        [str(SCRIPT), "--list"],
        env={"PATH": "/usr/bin:/bin", "IRONIC_SIDEWAYS_LAB": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    return [line.split()[0] for line in done.stdout.splitlines()]


def test_the_verdict_asks_for_the_phases_that_the_window_has(listed):
    assert tuple(listed) == window.WINDOW


@pytest.mark.parametrize(
    ("defect", "earlier", "later"),
    [
        ("J8: data before Ironic starts", "migrate", "start-ironic"),
        ("J8: flavors before the data", "flavors", "migrate"),
        ("J9: nova-compute after the nodes", "migrate", "compute"),
        ("J9: nova-compute after take-over", "takeover", "compute"),
        ("J15: nova-api restarted within maintenance", "scheduler", "end-maintenance"),
        ("nothing is touched before maintenance", "begin-maintenance", "stop-compute"),
    ],
)
def test_the_defects_of_order_of_2014_are_not_repeated(listed, defect, earlier, later):
    assert listed.index(earlier) < listed.index(later), defect


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--to", "nowhere"], "phase 'nowhere': expected one of deploy-ramdisk"),
        (["--to"], "the last option wants a value"),
        (["--deployment", "moon"], "deployment 'moon': expected one of lab"),
        (["--frobnicate"], "--frobnicate: unknown"),
    ],
)
def test_bad_usage_is_one_line_and_exit_code_2(tmp_path, words, says):
    done = subprocess.run(
        [str(SCRIPT), *words],
        env={"PATH": "/usr/bin:/bin", "IRONIC_SIDEWAYS_LAB": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )

    assert done.returncode == 2
    assert says in done.stderr
    assert len(done.stderr.splitlines()) == 1
