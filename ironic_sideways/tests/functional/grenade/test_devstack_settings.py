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

"""devstack/upgrade/settings: what Grenade learns, and what is refused first."""

import subprocess

import pytest

from ironic_sideways.tests.functional.grenade.standin import REPOSITORY, Standin
from ironic_sideways.tests.functional.grenade.test_devstack_upgrade import UPGRADE, host

__all__ = ["host"]

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


def settings(host: Standin, **more: str) -> subprocess.CompletedProcess[str]:
    return host.bash(SETTINGS, **more)


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
        ({"ENABLED_SERVICES": "key,tls-proxy"}, "certificate authority"),
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
