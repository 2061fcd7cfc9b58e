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

"""devstack/upgrade: the adapters that Grenade calls, each a thin one."""

import os
from pathlib import Path

import pytest

from ironic_sideways.tests.functional.grenade.standin import REPOSITORY, Standin
from ironic_sideways.trials.tempest import features

UPGRADE = REPOSITORY / "devstack" / "upgrade"


@pytest.fixture
def host(tmp_path: Path) -> Standin:
    found = Standin(tmp_path)
    found.deployment()
    found.ironic()
    for name in ("resources.sh", "shutdown.sh", "upgrade.sh", "settings"):
        found.write(f"grenade/projects/60_nova/{name}", "")
    return found


@pytest.fixture
def plugin(host: Standin) -> Standin:
    """The plugin as Grenade has cloned it, with stand-ins of our own phases."""
    for name in (
        "settings",
        "checks.sh",
        "tempest.sh",
        "resources.sh",
        "shutdown.sh",
        "upgrade.sh",
    ):
        copy = host.write(
            f"plugin/devstack/upgrade/{name}", (UPGRADE / name).read_text()
        )
        copy.chmod(0o755)
    for name in ("upgrade-ironic", "resources", "after-upgrade"):
        host.program(f"plugin/grenade/{name}", name)
    summary = (REPOSITORY / "grenade/summary.sh").read_text()
    host.write("plugin/grenade/summary.sh", summary)
    return host


def adapter(host: Standin, name: str, *words: str, **more: str):
    return host.run(host.root / "plugin/devstack/upgrade" / name, *words, **more)


def ours(host: Standin) -> list[str]:
    """The calls of our own phases."""
    names = ("upgrade-ironic", "resources", "after-upgrade")
    return [c for c in host.calls() if c.split()[0] in names]


# shutdown.sh


def test_nova_bm_is_saved_before_the_base_goes_down(plugin):
    done = adapter(plugin, "shutdown.sh")
    assert done.returncode == 0, done.stderr

    assert plugin.calls()[-1] == (
        "mysqldump --single-transaction --user root --host 127.0.0.1 nova_bm"
    )
    dump = plugin.state / "nova_bm.sql.old"
    assert dump.stat().st_mode & 0o777 == 0o600
    # S5: what lies in Grenade's own is published.
    assert list((plugin.root / "stack/save").iterdir()) == []
    assert "secretdatabase" not in done.stderr + "".join(plugin.calls())
    assert "SUCCESS: End" in done.stdout


@pytest.mark.parametrize("name", ["shutdown.sh", "upgrade.sh"])
def test_each_failure_ends_it_without_a_success(plugin, name):
    path = plugin.root / "plugin/devstack/upgrade" / name
    assert plugin.each_failure_ends(path) >= 2

    failed = adapter(plugin, name, FAIL_AT="1")
    assert "SUCCESS" not in failed.stdout


@pytest.mark.parametrize("name", ["shutdown.sh", "upgrade.sh"])
@pytest.mark.parametrize(
    ("more", "named"),
    [
        ({"HOSTNAME_SAID": "cloud-2"}, "host name cloud-2: was cloud-1"),
        ({"CONF_HOST": "cloud-2"}, "[DEFAULT] host is cloud-2: was cloud-1"),
    ],
)
def test_a_host_that_changed_between_the_sides_is_refused(plugin, name, more, named):
    done = adapter(plugin, name, **more)

    assert done.returncode == 1
    assert named in done.stderr
    assert ours(plugin) == []
    assert not [c for c in plugin.calls() if c.startswith("mysqldump")]


def test_without_our_base_the_shutdown_is_refused(plugin):
    (plugin.state / "deployment").unlink()
    done = adapter(plugin, "shutdown.sh")

    assert done.returncode == 1
    assert "was the base built with enable_plugin ironic-sideways?" in done.stderr


# upgrade.sh


def test_the_window_runs_on_this_deployment(plugin):
    done = adapter(plugin, "upgrade.sh")
    assert done.returncode == 0, done.stderr

    assert ours(plugin) == ["upgrade-ironic --deployment devstack"]
    assert "SUCCESS: End" in done.stdout
    assert (plugin.state / "grenade").read_text() == (
        f"export GRENADE_DIR={plugin.root}/grenade\n"
    )


def test_the_targets_unstack_finds_the_plugin(plugin):
    adapter(plugin, "upgrade.sh")

    link = plugin.root / "stack/new/ironic-sideways"
    assert link.resolve() == plugin.root / "plugin"
    # In Zuul it is a directory, which stays as it is; a second run changes nothing.
    assert adapter(plugin, "upgrade.sh").returncode == 0
    link.unlink()
    link.mkdir()
    assert adapter(plugin, "upgrade.sh").returncode == 0
    assert list(link.iterdir()) == []


def test_grenades_summary_hears_of_the_window(plugin):
    path = plugin.root / "plugin/devstack/upgrade/upgrade.sh"
    done = plugin.bash(f"{path} 6>{plugin.root}/summary")

    assert done.returncode == 0, done.stderr
    begun, ended = (plugin.root / "summary").read_text().splitlines()
    assert begun.startswith("ironic-sideways: the window, with maintenance from")
    assert ended.startswith("ironic-sideways: the window has ended")


def test_without_a_summary_the_window_runs_as_well(plugin):
    path = plugin.root / "plugin/devstack/upgrade/upgrade.sh"

    assert plugin.bash(f"{path} 6>&-").returncode == 0


def test_the_way_back_is_tried_first_where_it_is_asked_for(plugin):
    done = adapter(plugin, "upgrade.sh", IRONIC_SIDEWAYS_BACK_FROM="compute")

    assert done.returncode == 0, done.stderr
    assert ours(plugin) == [
        "upgrade-ironic --deployment devstack --to compute",
        "upgrade-ironic --deployment devstack --rollback",
        "upgrade-ironic --deployment devstack",
    ]
    path = plugin.root / "plugin/devstack/upgrade/upgrade.sh"
    assert plugin.each_failure_ends(path, IRONIC_SIDEWAYS_BACK_FROM="compute")


def test_an_adapter_is_thin():
    text = (UPGRADE / "upgrade.sh").read_text()
    assert text.count("upgrade-ironic") == 1
    assert len(text.splitlines()) < 80


# resources.sh


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["early_create"], []),
        (["create"], ["resources create"]),
        (["verify", "pre-upgrade"], ["resources verify pre-upgrade"]),
        (["verify_noapi", "pre-upgrade"], ["resources verify_noapi pre-upgrade"]),
        (["verify", "post-upgrade"], ["after-upgrade judge"]),
        (["destroy"], ["resources destroy"]),
        (["force_destroy"], ["resources destroy"]),
        (["a_verb_of_next_year"], []),
    ],
)
def test_each_verb_of_grenades(plugin, words, expected):
    done = adapter(plugin, "resources.sh", *words)

    assert done.returncode == 0, done.stderr
    assert ours(plugin) == expected
    assert f"{' '.join(words)}\n" in done.stdout


@pytest.mark.parametrize(
    "words",
    [
        ["early_create"],
        ["create"],
        ["verify", "pre-upgrade"],
        ["verify", "post-upgrade"],
        ["destroy"],
    ],
)
def test_each_failure_of_a_verb_is_grenades(plugin, words):
    path = plugin.root / "plugin/devstack/upgrade/resources.sh"
    assert plugin.each_failure_ends(path, *words)


def test_tempest_is_told_of_bare_metal_when_its_configuration_is_there(plugin):
    plugin.write("stack/new/tempest/etc/tempest.conf", "[compute]\n")
    path = plugin.root / "plugin/devstack/upgrade/resources.sh"

    assert plugin.each_failure_ends(path, "verify", "post-upgrade") > 20

    adapter(plugin, "resources.sh", "verify", "post-upgrade")
    file = "iniset /stack/new/tempest/etc/tempest.conf"
    calls = plugin.calls()
    off = [
        c.split()[3] for c in calls if c.startswith(f"{file} compute-feature-enabled")
    ]
    # What DevStack turns off (lib/tempest, VIRT_DRIVER=ironic).
    assert set(off) == {
        *("change_password", "console_output", "interface_attach", "live_migration"),
        *("pause", "rescue", "resize", "shelve", "snapshot", "suspend"),
    }
    # Of these DevStack is cautious; the driver has them.
    assert set(off) - {"interface_attach", "rescue"} < set(features.MISSING)
    assert f"{file} auth create_isolated_networks False" in calls
    # Nothing that could fail comes before the verdict.
    assert calls[0] == "after-upgrade judge"


def test_a_second_compute_host_is_refused_before_anything_is_created(plugin):
    assert adapter(plugin, "resources.sh", "early_create").returncode == 0

    done = adapter(plugin, "resources.sh", "early_create", COMPUTE_HOSTS="one\\ntwo")

    assert done.returncode == 1
    assert "compute hosts one two: expected one" in done.stderr


def test_a_new_run_has_new_evidence(plugin):
    """Of an earlier one only what a process writes all the time stays."""
    evidence = plugin.state / "hardware/evidence"
    for name in (
        "phases/operate.done",
        "verdict.txt",
        "api.jsonl",
        "heartbeat.jsonl",
        "leases.jsonl",
    ):
        plugin.write(f"stack/data/ironic-sideways/hardware/evidence/{name}", name)

    assert adapter(plugin, "resources.sh", "create").returncode == 0

    assert {path.name for path in evidence.iterdir()} == {
        "api.jsonl",
        "heartbeat.jsonl",
        "leases.jsonl",
    }
    previous = plugin.state / "hardware/previous/evidence"
    assert (previous / "phases/operate.done").exists()
    # And again, from a directory of an earlier one.
    plugin.write("stack/data/ironic-sideways/hardware/evidence/verdict.txt", "2")
    assert adapter(plugin, "resources.sh", "create").returncode == 0
    assert [path.name for path in previous.iterdir()] == ["verdict.txt"]


@pytest.mark.parametrize("words", [["verify", "pre-upgrade"], ["destroy"]])
def test_no_other_verb_takes_evidence_away(plugin, words):
    plugin.write("stack/data/ironic-sideways/hardware/evidence/verdict.txt", "PASSED")

    adapter(plugin, "resources.sh", *words)

    assert (plugin.state / "hardware/evidence/verdict.txt").exists()


def test_destroying_by_force_goes_on(plugin):
    assert adapter(plugin, "resources.sh", "force_destroy", FAIL_AT="1").returncode == 0


def test_what_grenade_executes_is_executable():
    for name in ("resources.sh", "shutdown.sh", "upgrade.sh"):
        assert os.access(UPGRADE / name, os.X_OK), name
