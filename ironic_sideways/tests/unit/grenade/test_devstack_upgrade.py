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
    summary = (REPOSITORY / "grenade/summary.sh").read_text()
    host.write("plugin/grenade/summary.sh", summary)
    return host


def settings(host: Standin, **more: str) -> subprocess.CompletedProcess[str]:
    return host.bash(SETTINGS, **more)


def adapter(host: Standin, name: str, *words: str, **more: str):
    return host.run(host.root / "plugin/devstack/upgrade" / name, *words, **more)


def ours(host: Standin) -> list[str]:
    """The calls of our own phases."""
    names = ("upgrade-ironic", "resources", "after-upgrade")
    return [c for c in host.calls() if c.split()[0] in names]


# settings


def test_grenade_learns_the_name_and_what_to_save(host):
    assert settings(host).returncode == 0

    assert host.calls()[1] == "register_project_for_upgrade ironic-sideways"


def test_s5_grenade_saves_no_database_with_the_bmcs_passwords(host):
    """Its SAVE_DIR is made readable, and published."""
    settings(host)

    assert not [call for call in host.calls() if "register_db_to_save" in call]


def test_both_devstacks_learn_what_they_need(host):
    settings(host)

    said = [c for c in host.calls() if c.startswith("devstack_localrc ")]
    base = [c.removeprefix("devstack_localrc base ") for c in said[: len(said) // 2]]
    target = [c.removeprefix("devstack_localrc target ") for c in said[len(base) :]]
    # The target's unstack.sh and clean.sh take away what the base's stack.sh brought.
    assert base == target
    assert base[:2] == [
        "enable_plugin ironic-sideways "
        "https://opendev.org/openstack/ironic-sideways master",
        "VIRT_DRIVER=generic",
    ]


def test_what_a_side_has_set_stays(host):
    """The lines stand behind a person's own."""
    settings(host)

    said = [c.split(" ", 2)[2] for c in host.calls() if "devstack_localrc base " in c]
    own = "FIXED_RANGE=10.9.0.0/20\nQ_AGENT=mine\n"
    lines = own + "\n".join(line for line in said if "=" in line)
    asked = 'echo "$FIXED_RANGE $Q_AGENT $NETWORK_GATEWAY $IPV4_ADDRS_SAFE_TO_USE"'
    assert host.bash(f"{lines}\n{asked}").stdout == (
        "10.9.0.0/20 mine 10.1.0.1 10.1.0.0/20\n"
    )


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
    assert host.each_failure_ends("bash", "-c", SETTINGS) == 20


@pytest.mark.parametrize(
    ("more", "named"),
    [
        (
            {"BASE_DEVSTACK_BRANCH": "stable/2025.2"},
            "base stable/2025.2 and target stable/2026.1 are different releases",
        ),
        ({"VERIFY_RESOURCES": "False"}, "VERIFY_RESOURCES=False: expected True"),
        ({"SIDEWAYS_OS_RELEASE": "/dev/null"}, "expected Debian 12 (bookworm) or 13"),
        (
            {"ENABLED_SERVICES": "key,q-ovn-agent,n-api,ovn-controller,ovn-northd"},
            "'disable_service ovn-controller ovn-northd q-ovn-agent'",
        ),
        ({"ENABLED_SERVICES": "key,c-api"}, "boots a virtual server from a volume"),
        ({"ENABLED_SERVICES": "key,postgresql"}, "nova_bm is a MySQL database"),
        ({"ENABLED_SERVICES": "key,tls-proxy"}, "no certificate authority"),
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


@pytest.mark.parametrize("name", ["noble", "sid"])
def test_another_distribution_is_named(host, name):
    path = host.write("another", f"ID=ubuntu\nVERSION_CODENAME={name}\n")

    done = settings(host, SIDEWAYS_OS_RELEASE=str(path))

    assert done.returncode == 1
    assert f"distribution {name}: expected Debian 12" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("side", "line"),
    [
        ("old", "NOVA_BRANCH=stable/2025.2"),
        ("new", "NOVA_BRANCH=master"),
        ("old", "export NOVA_BRANCH=stable/2025.2"),
    ],
)
def test_mixed_releases_are_refused_before_anything(host, side, line):
    """Each side is read by itself: stackrc keeps what it finds set."""
    host.write(f"stack/{side}/devstack/.localrc.auto", f"{line}\n")

    done = settings(host)

    assert done.returncode == 1
    assert "mixed releases: Nova is" in done.stderr
    assert line.rpartition("=")[2] in done.stderr
    assert done.stderr.count("\n") == 1
    # What Grenade's own next step does anyway.
    assert [c.split()[0] for c in host.calls()] == ["extract_localrc_section"]


def test_ironic_of_another_branch_is_refused(host):
    done = settings(host, IRONIC_BRANCH="master")

    assert done.returncode == 1
    assert "Ironic master: expected one branch" in done.stderr


def moved(host: Standin) -> None:
    """An earlier run's hardware, and the first mark of its window."""
    host.write("stack/data/ironic-sideways/hardware/lab.json", "{}")
    phases = "stack/data/ironic-sideways/hardware/evidence/phases"
    host.write(f"{phases}/deploy-ramdisk.begun", "")


def test_a_cloud_that_an_earlier_run_moved_is_refused(host):
    moved(host)

    done = settings(host)

    assert done.returncode == 1
    assert "an earlier run has moved this cloud" in done.stderr
    assert "/stack/new/devstack/unstack.sh" in done.stderr
    assert done.stderr.count("\n") == 1
    assert host.calls() == []


def test_with_that_run_can_be_gone_on(host):
    moved(host)

    assert settings(host, RUN_BASE="False").returncode == 0


def test_the_evidence_of_a_hardware_that_is_gone_is_no_harm(host):
    """unstack takes it down; the next stack.sh sets its evidence aside."""
    moved(host)
    (host.state / "hardware/lab.json").unlink()

    assert settings(host).returncode == 0


def test_the_mark_is_the_windows_first():
    text = (REPOSITORY / "grenade/upgrade-ironic").read_text()
    first = text.partition("function declare_window {\n    phase ")[2].split()[0]
    assert f"\nSIDEWAYS_FIRST_PHASE={first}\n" in (UPGRADE / "checks.sh").read_text()


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
