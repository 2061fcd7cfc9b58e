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

"""devstack/upgrade: what Grenade finds, and what is refused before any change."""

import os
import subprocess
from pathlib import Path

import pytest

from ironic_sideways.tests.unit.grenade.standin import REPOSITORY, Standin
from ironic_sideways.trials.tempest import features

UPGRADE = REPOSITORY / "devstack" / "upgrade"
#: As grenade.sh: the settings of its own tree first, then ours, all traced.
SETTINGS = f"""
set -o errexit
source $GRENADE_DIR/grenaderc
source $GRENADE_DIR/functions
declare -A GITREPO=([ironic-sideways]=https://opendev.org/openstack/ironic-sideways)
declare -A GITBRANCH=([ironic-sideways]=master)
UPGRADE_PROJECTS=" keystone nova ${{MORE_PROJECTS:-}}"
PLUGIN_DIR[nova]=$GRENADE_DIR/projects/60_nova
eval "${{BEFORE:-}}"
function load_settings {{ source {UPGRADE}/settings; }}
load_settings
echo "nova: ${{PLUGIN_DIR[nova]}}"
"""


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
    return host


def settings(host: Standin, **more: str) -> subprocess.CompletedProcess[str]:
    return host.bash(SETTINGS, **more)


def adapter(host: Standin, name: str, *words: str, **more: str):
    return host.run(host.root / "plugin/devstack/upgrade" / name, *words, **more)


def ours(host: Standin) -> list[str]:
    """The calls of our own phases."""
    names = ("upgrade-ironic", "resources", "after-upgrade", "resource_save")
    return [c for c in host.calls() if c.split()[0] in names]


# settings


def test_grenade_learns_the_name_and_what_to_save(host):
    assert settings(host).returncode == 0

    assert host.calls()[:1] == ["register_project_for_upgrade ironic-sideways"]


def test_s5_grenade_saves_no_database_with_the_bmcs_passwords(host):
    """Its SAVE_DIR is made readable, and published."""
    settings(host)

    assert not [call for call in host.calls() if "register_db_to_save" in call]


def test_both_devstacks_learn_what_they_need(host):
    settings(host)

    assert host.calls()[1:] == [
        "devstack_localrc base enable_plugin ironic-sideways "
        "https://opendev.org/openstack/ironic-sideways master",
        "devstack_localrc base VIRT_DRIVER=generic",
        "devstack_localrc target VIRT_DRIVER=generic",
    ]


def test_novas_own_resource_checks_are_left_out_and_grenade_stays_as_it_is(host):
    done = settings(host)

    place = host.state / "nova"
    assert f"nova: {place}" in done.stdout
    names = {path.name: str(path.readlink()) for path in place.iterdir()}
    assert names.keys() == {"shutdown.sh", "upgrade.sh", "settings"}
    assert all("60_nova" in target for target in names.values())
    assert (host.root / "grenade/projects/60_nova/resources.sh").exists()
    # Sourced again, by a second run of Grenade.
    assert settings(host).returncode == 0


def test_each_failure_ends_the_settings(host):
    assert host.each_failure_ends("bash", "-c", SETTINGS) == 4


@pytest.mark.parametrize(
    ("more", "named"),
    [
        (
            {"BASE_DEVSTACK_BRANCH": "stable/2025.2"},
            "base stable/2025.2 and target stable/2026.1 are different releases",
        ),
        ({"MORE_PROJECTS": "ironic"}, "Ironic's own Grenade plugin is registered"),
        ({"GRENADE_PLUGINS": ",ironic-sideways,ironic"}, "Ironic's own Grenade plugin"),
        ({"BEFORE": "unset -f devstack_localrc"}, "no function devstack_localrc"),
        ({"BEFORE": "unset DATA_DIR"}, "DATA_DIR is not set"),
        (
            {"BEFORE": "unset TARGET_DEVSTACK_BRANCH"},
            "TARGET_DEVSTACK_BRANCH is not set",
        ),
    ],
)
def test_bad_input_is_refused_in_one_line_before_anything(host, more, named):
    done = settings(host, **more)

    assert done.returncode == 1
    assert named in done.stderr
    assert done.stderr.count("\n") == 1
    assert host.calls() == []
    assert not (host.state / "nova").exists()


def test_a_project_that_has_ironic_in_its_name_is_no_harm(host):
    assert settings(host, MORE_PROJECTS="ironic-inspector").returncode == 0


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
    assert "was the base made with enable_plugin ironic-sideways?" in done.stderr


# upgrade.sh


def test_the_window_runs_on_this_deployment(plugin):
    done = adapter(plugin, "upgrade.sh")
    assert done.returncode == 0, done.stderr

    assert ours(plugin) == ["upgrade-ironic --deployment devstack"]
    assert "SUCCESS: End" in done.stdout
    assert (plugin.state / "grenade").read_text() == (
        f"export GRENADE_DIR={plugin.root}/grenade\n"
    )


@pytest.mark.parametrize(
    "more",
    [
        {"old_NOVA_BRANCH": "stable/2025.2"},
        {"new_NOVA_BRANCH": "master"},
        {"IRONIC_BRANCH": "master"},
    ],
)
def test_mixed_releases_are_refused(plugin, more):
    done = adapter(plugin, "upgrade.sh", **more)

    assert done.returncode == 1
    assert "mixed releases: Nova is" in done.stderr
    assert ours(plugin) == []


def test_an_adapter_is_thin():
    text = (UPGRADE / "upgrade.sh").read_text()
    assert text.count("upgrade-ironic") == 1
    assert len(text.splitlines()) < 70


# resources.sh


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["early_create"], []),
        (
            ["create"],
            ["resources create", "resource_save ironic-sideways compute_host cloud-1"],
        ),
        (["verify", "pre-upgrade"], ["resources verify pre-upgrade"]),
        (["verify_noapi", "pre-upgrade"], ["resources verify_noapi pre-upgrade"]),
        (
            ["verify", "post-upgrade"],
            ["resources verify post-upgrade", "after-upgrade verify"],
        ),
        (["destroy"], ["resources destroy", "after-upgrade judge"]),
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
    [["create"], ["verify", "pre-upgrade"], ["verify", "post-upgrade"], ["destroy"]],
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
    assert calls.index(f"{file} service_available ironic True") < calls.index(
        "after-upgrade verify"
    )


def test_destroying_by_force_goes_on(plugin):
    assert adapter(plugin, "resources.sh", "force_destroy", FAIL_AT="1").returncode == 0


def test_what_grenade_executes_is_executable():
    for name in ("resources.sh", "shutdown.sh", "upgrade.sh"):
        assert os.access(UPGRADE / name, os.X_OK), name
