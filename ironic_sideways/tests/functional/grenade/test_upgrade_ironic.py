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

import shlex
import subprocess
from pathlib import Path

import pytest

from ironic_sideways.report import window
from ironic_sideways.tests.functional.grenade.late_window import SCRIPT, Window


@pytest.fixture
def listed(tmp_path: Path) -> list[str]:
    done = subprocess.run(
        [str(SCRIPT), "--list"],
        env={"PATH": "/usr/bin:/bin", "IRONIC_SIDEWAYS_LAB": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=180,
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
        ("T11: ports bound when Ironic has the nodes", "takeover", "port-bindings"),
        ("nothing is touched before maintenance", "begin-maintenance", "stop-compute"),
    ],
)
def test_the_defects_of_order_of_2014_are_not_repeated(listed, defect, earlier, later):
    assert listed.index(earlier) < listed.index(later), defect


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--to", "nowhere"], "phase 'nowhere': expected one of deploy-ramdisk"),
        (["--to"], "the last option needs a value"),
        (["--deployment", "moon"], "deployment 'moon': expected one of devstack lab"),
        (["--frobnicate"], "--frobnicate: unknown"),
    ],
)
def test_bad_usage_is_one_line_and_exit_code_2(tmp_path, words, says):
    done = subprocess.run(
        [str(SCRIPT), *words],
        env={"PATH": "/usr/bin:/bin", "IRONIC_SIDEWAYS_LAB": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )

    assert done.returncode == 2
    assert says in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_all_compute_hosts_move_in_one_window(tmp_path):
    of_window = Window(tmp_path)
    of_window.environment["OTHERS"] = "nova-compute-2\n"
    (of_window.phases / "begin-maintenance.done").unlink()
    (of_window.phases / "stop-compute.done").unlink()

    assert of_window.run("--to", "stop-compute") == 0

    assert of_window.called("--compute-host one --compute-host two")
    assert of_window.called("lab service stop nova-compute nova-compute-2")


def test_a_host_that_moves_alone_has_evidence_of_its_own(tmp_path):
    of_window = Window(tmp_path)
    of_window.environment["OTHERS"] = "nova-compute-2\n"
    own = of_window.phases.parent / "increments/two"
    (own / "phases").mkdir(parents=True)
    for name in ("deploy-ramdisk", "ironic-database"):
        (own / f"phases/{name}.done").touch()

    assert of_window.run("--service-host", "two", "--to", "stop-compute") == 0

    assert of_window.called(f"--compute-host two --output {own}/before.json")
    assert of_window.called("lab service stop nova-compute-2")
    assert not of_window.called("stop nova-compute nova-compute-2")
    assert (own / "heartbeat.jsonl").readlink() == Path("../../heartbeat.jsonl")


@pytest.mark.parametrize(("retries", "ours"), [("0", True), ("90", False)])
def test_nova_waits_for_a_locked_node_as_long_as_its_operator_says(
    tmp_path, retries, ours
):
    of_window = Window(tmp_path)
    of_window.environment["RETRIES"] = retries
    (of_window.phases / "compute.done").unlink()

    assert of_window.run("--to", "compute") == 0

    option = "nova-compute ironic status_code_retr"
    assert of_window.called(f"set-option {option}ies 60") is ours
    assert of_window.called(f"set-option {option}y_delay 2") is ours
    assert of_window.run("--rollback") == 0
    assert of_window.called(f"unset-option {option}ies") is ours
    assert of_window.called(f"unset-option {option}y_delay") is ours


def test_a_host_that_is_not_there_is_bad_usage(tmp_path):
    assert Window(tmp_path).run("--service-host", "nine") == 2


def test_what_the_migration_is_asked_for_is_noted_beside_its_own_record(tmp_path):
    of_window = Window(tmp_path)
    (of_window.phases / "migrate.done").unlink()
    for name in ("owner", "deploy-kernel", "deploy-ramdisk"):
        (of_window.phases / f"{name}.value").write_text(f"{name}-1\n")

    of_window.run()

    noted = shlex.split((of_window.phases / "migration-options.value").read_text())
    assert noted[noted.index("--owner") + 1] == "owner-1"
    assert of_window.called("ironic-nova-bm-migrate run")
    assert of_window.called(" ".join(noted))
