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

import os
import subprocess
from pathlib import Path

import pytest

from ironic_sideways.report import window

SCRIPT = Path(__file__).parents[4] / "grenade" / "upgrade-ironic"

#: Stands for ironic-sideways; fails where FAIL_AT says.
COMMAND = """#!/usr/bin/env bash
[[ $1 != record ]] || exit 0
echo "$*" >>"$CALLS"
case $* in
    "lab show compute_services") printf 'nova-compute\n%s' "$OTHERS" ;;
    "lab get-option nova-compute DEFAULT host") echo one ;;
    "lab get-option nova-compute-2 DEFAULT host") echo two ;;
    "lab get-option ironic deploy http_root "*) echo "$HTTP_ROOT" ;;
    "lab get-option nova-compute ironic status_code_retries 0") echo "$RETRIES" ;;
    "lab get-option "*) echo "${*: -1}" ;;
    "maintenance policy "*) touch "${@: -3:1}" "${@: -1}" ;;
esac
[[ -z $FAIL_AT || "$*" != *"$FAIL_AT"* ]]
"""


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
        (["--to"], "the last option wants a value"),
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
        timeout=30,
        check=False,
    )

    assert done.returncode == 2
    assert says in done.stderr
    assert len(done.stderr.splitlines()) == 1


class Window:
    """The real script on a lab that is not there, all phases done but the last."""

    def __init__(self, directory: Path) -> None:
        self.calls_file = directory / "calls"
        self.phases = directory / "lab/evidence/phases"
        self.phases.mkdir(parents=True)
        stub = directory / "venv/bin/ironic-sideways"
        stub.parent.mkdir(parents=True)
        stub.write_text(COMMAND)
        stub.chmod(0o755)
        for name in (
            "ironic-nova-bm-migrate",
            "nova-bm-bind-ports",
            "nova-bm-clear-dhcp-options",
            "nova-bm-convert-allocations",
            "oslopolicy-policy-generator",
        ):
            tool = stub.with_name(name)
            tool.write_text('#!/bin/sh\necho "${0##*/} $*" >>"$CALLS"\n')
            tool.chmod(0o755)
        for name in window.WINDOW[:-1]:
            (self.phases / f"{name}.done").touch()
        self.environment = {
            "PATH": "/usr/bin:/bin",
            "IRONIC_SIDEWAYS_LAB": str(directory / "lab"),
            "IRONIC_SIDEWAYS_VENV": str(directory / "venv"),
            "CALLS": str(self.calls_file),
            "OTHERS": "",
            "RETRIES": "0",
        }

    def run(self, *words: str, fail_at: str = "") -> int:
        self.calls_file.write_text("")
        return subprocess.run(
            [str(SCRIPT), *words],
            env={**self.environment, "FAIL_AT": fail_at},
            capture_output=True,
            timeout=30,
        ).returncode

    def policies(self) -> list[str]:
        """The services whose policies are those of the window."""
        found = self.phases.parents[1].glob("etc/*/policy.d/maintenance.yaml")
        return sorted(path.parents[1].name for path in found)

    def called(self, text: str) -> bool:
        return text in self.calls_file.read_text()


def test_an_end_that_is_resumed_keeps_what_was_seen_before_it_unlocked(tmp_path):
    of_window = Window(tmp_path)
    assert of_window.run(fail_at="maintenance end") == 1
    assert of_window.called("after.json")

    assert of_window.run() == 0

    assert not of_window.called("after.json")
    assert of_window.called("maintenance end")
    assert of_window.called("ended.json")


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


def test_the_second_host_finds_ironic_and_leaves_it_at_its_way_back(tmp_path):
    of_window = Window(tmp_path)
    of_window.environment["OTHERS"] = "nova-compute-2\n"
    increments = of_window.phases.parent / "increments"
    for host, name in (("one", "end-maintenance.done"), ("two", "start-ironic.begun")):
        (increments / host / "phases").mkdir(parents=True)
        (increments / host / "phases" / name).touch()
    for name in ("migrate", "scheduler"):
        (increments / f"two/phases/{name}.begun").touch()

    assert of_window.run("--service-host", "two", "--rollback") == 0

    assert not of_window.called("service stop")
    back = of_window.calls_file.read_text().splitlines()
    (rows,) = (call for call in back if " rollback " in call)
    assert rows.endswith("--service-host two")


@pytest.mark.parametrize("moved", [True, False])
def test_a_way_back_takes_ironics_dhcp_options_off_what_had_moved(tmp_path, moved):
    of_window = Window(tmp_path)
    record = of_window.phases.parent / "migration.json"
    if moved:
        record.write_text("{}")
    (of_window.phases / "start-ironic.begun").touch()

    assert of_window.run("--rollback") == 0

    told = (
        f"nova-bm-clear-dhcp-options --os-cloud admin --of-ironic --migration {record}"
    )
    assert of_window.called(told) is moved


@pytest.mark.parametrize("bound", [True, False])
def test_t11_the_way_back_binds_the_ports_as_the_base_had_them(tmp_path, bound):
    of_window = Window(tmp_path)
    record = of_window.phases.parent / "port-bindings.json"
    if bound:
        record.write_text("{}")
    (of_window.phases / "port-bindings.begun").touch()

    assert of_window.run("--rollback") == 0

    told = f"nova-bm-bind-ports --os-cloud admin --undo {record}"
    assert of_window.called(told) is bound


def test_a_way_back_leaves_nothing_of_ironics_for_a_node_to_boot_by(tmp_path):
    """A later instance of the base on that node would boot the one before it."""
    of_window = Window(tmp_path)
    root = tmp_path / "http"
    of_window.environment["HTTP_ROOT"] = str(root)
    node = "4b8cb597-ffc0-4814-85ac-866fd0e1f262"
    (root / node).mkdir(parents=True)
    (root / node / "config").write_text("#!ipxe")
    (root / "pxelinux.cfg").mkdir()
    links = ("pxelinux.cfg/52-54-00-14-00-05", "52:54:00:14:00:05.conf")
    for link in (*links, "grub.cfg-01-52-54-00-14-00-05"):
        (root / link).symlink_to(root / node / "config")
    for stays in ("boot.ipxe", "fallback.ipxe"):
        (root / stays).write_text("#!ipxe")
    (of_window.phases / "start-ironic.begun").touch()

    assert of_window.run("--rollback") == 0

    left = sorted(str(path.relative_to(root)) for path in root.rglob("*"))
    assert left == ["boot.ipxe", "fallback.ipxe", "pxelinux.cfg"]


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


def test_what_fails_before_the_unlocking_is_looked_at_anew(tmp_path):
    of_window = Window(tmp_path)
    assert of_window.run(fail_at="evidence compare") == 1

    assert of_window.run() == 0

    assert of_window.called("after.json")


@pytest.mark.parametrize(
    ("failed", "resumed"), [("maintenance end", True), ("evidence compare", False)]
)
def test_a_way_back_locks_again_what_the_end_may_have_unlocked(
    tmp_path, failed, resumed
):
    of_window = Window(tmp_path)
    assert of_window.run(fail_at=failed) == 1

    assert of_window.run("--rollback") == 0

    assert of_window.called("maintenance resume") is resumed
    assert not (of_window.phases / "unlocking").exists()


def test_a_start_of_maintenance_that_refuses_leaves_owners_their_locks(tmp_path):
    of_window = Window(tmp_path)
    (of_window.phases / "begin-maintenance.done").unlink()

    assert of_window.run("--to", "begin-maintenance", fail_at="maintenance start") == 1
    assert of_window.policies() == []
    assert of_window.run("--to", "begin-maintenance") == 0
    assert of_window.policies() == ["neutron", "nova"]

    assert of_window.run("--rollback") == 0
    assert of_window.policies() == []


def test_s2_another_try_begins_with_nothing_accepted(tmp_path):
    of_window = Window(tmp_path)
    (of_window.phases / "begin-maintenance.done").unlink()
    assert of_window.run("--to", "begin-maintenance") == 0
    accepted = of_window.phases.parent / "accepted.json"
    accepted.write_text("[]")

    assert of_window.run("--rollback") == 0

    assert not accepted.exists()


def test_s2_the_policy_is_in_force_before_the_first_lock_and_gone_after_the_last(
    tmp_path,
):
    of_window = Window(tmp_path)
    (of_window.phases / "begin-maintenance.done").unlink()

    assert of_window.run("--to", "begin-maintenance") == 0
    calls = of_window.calls_file.read_text().splitlines()
    order = [
        *("maintenance policy ", "maintenance probe --os-cloud demo"),
        *("--output " + str(of_window.phases.parent / "before.json"),),
        "maintenance start ",
    ]
    found = [next(n for n, c in enumerate(calls) if words in c) for words in order]
    assert found == sorted(found)
    assert "--compute-host one" in calls[found[0]]

    assert of_window.run() == 0
    calls = of_window.calls_file.read_text().splitlines()
    found = [
        next(n for n, call in enumerate(calls) if words in call)
        for words in ("maintenance end ", "maintenance probe --permitted", "ended.json")
    ]
    assert found == sorted(found)
    assert of_window.policies() == []


@pytest.mark.parametrize("at", ["maintenance policy", "maintenance probe"])
def test_s2_a_begin_that_is_cut_short_is_undone_and_done_again(tmp_path, at):
    """Whatever a kill leaves: a file of one service, or one that was being written."""
    of_window = Window(tmp_path)
    (of_window.phases / "begin-maintenance.done").unlink()
    assert of_window.run("--to", "begin-maintenance", fail_at=at) == 1
    half = tmp_path / "lab/etc/neutron/policy.d/.maintenance.yaml.0a1b2c3d.new"
    half.touch()

    assert of_window.run("--to", "begin-maintenance") == 0
    assert of_window.policies() == ["neutron", "nova"]
    assert of_window.run("--rollback") == 0

    assert of_window.policies() == []
    assert not half.exists()


def test_s2_without_neutrons_own_rules_nothing_begins(tmp_path):
    """Half of them would be taken for all, if what prints them failed unseen."""
    of_window = Window(tmp_path)
    (of_window.phases / "begin-maintenance.done").unlink()
    generator = tmp_path / "venv/bin/oslopolicy-policy-generator"
    generator.write_text("#!/bin/sh\necho half\nexit 3\n")

    assert of_window.run("--to", "begin-maintenance") == 1

    assert not of_window.called("maintenance policy")
    assert not of_window.called("maintenance start")


def test_s2_an_operators_own_policies_stay(tmp_path):
    of_window = Window(tmp_path)
    own = tmp_path / "lab/etc/nova/policy.d/own.yaml"
    own.parent.mkdir(parents=True)
    own.write_text("kept")

    assert of_window.run() == 0

    assert own.read_text() == "kept"


@pytest.mark.parametrize(
    ("listed", "taken"),
    [
        ("c890fbde-2b11-5b69-97a3-1b8b904176e2", True),
        ("", False),
        ("c890fbde-2b11-5b69-97a3-1b8b904176e2\n" * 2, False),
    ],
)
def test_s6_a_deploy_image_by_name_is_the_one_that_is_public(tmp_path, listed, taken):
    """Another project's of the same name was taken, or ended the window."""
    asked = tmp_path / "asked"
    script = f"""
    set -o errexit
    function openstack {{ echo "$*" >{asked}; printf '%s' "$LISTED"; }}
    source {SCRIPT.parent}/cloud.sh
    image_id ironic-deploy-kernel
    """

    done = subprocess.run(
        ["bash", "-c", script],
        env={**os.environ, "LISTED": listed},
        capture_output=True,
        text=True,
        timeout=30,
    )

    assert "image list --public --name ironic-deploy-kernel" in asked.read_text()
    assert (done.returncode == 0) is taken
    assert done.stdout.strip() == (listed if taken else "")
    assert taken or "expected one that is public" in done.stderr
