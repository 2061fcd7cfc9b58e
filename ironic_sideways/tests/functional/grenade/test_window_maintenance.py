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

"""Begin and end of maintenance in the window: locks, policies, what is accepted."""

import pytest

from ironic_sideways.tests.functional.grenade.late_window import Window


def test_an_end_that_is_resumed_keeps_what_was_seen_before_it_unlocked(tmp_path):
    of_window = Window(tmp_path)
    assert of_window.run(fail_at="maintenance end") == 1
    assert of_window.called("after.json")

    assert of_window.run() == 0

    assert not of_window.called("after.json")
    assert of_window.called("maintenance end")
    assert of_window.called("ended.json")


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
    half = tmp_path / "lab/etc/neutron/policy.d/.zz-maintenance.yaml.0a1b2c3d.new"
    half.touch()

    assert of_window.run("--to", "begin-maintenance") == 0
    assert of_window.policies() == ["neutron", "nova"]
    assert of_window.run("--rollback") == 0

    assert of_window.policies() == []
    assert not half.exists()


def test_s2_a_policy_that_was_read_half_written_is_read_again(tmp_path):
    """Nova and Neutron look for a later time than the last one that they saw."""
    of_window = Window(tmp_path)
    (of_window.phases / "begin-maintenance.done").unlink()

    assert of_window.run("--to", "begin-maintenance") == 0

    for service in ("nova", "neutron"):
        assert (tmp_path / f"lab/etc/{service}/policy.d").stat().st_mtime > 9


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
