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

"""grenade/deployments/devstack.sh: the vocabulary of the phases on DevStack."""

import re
from pathlib import Path

import pytest

from ironic_sideways.evidence import secrets
from ironic_sideways.lab import service_table
from ironic_sideways.tests.functional.grenade.standin import REPOSITORY, Standin

DEPLOYMENTS = REPOSITORY / "grenade" / "deployments"
DEVSTACK = DEPLOYMENTS / "devstack.sh"
SCRIPT = f"set -o errexit -o pipefail; source {DEVSTACK}; "
LOGS = "/stack/data/ironic-sideways/hardware/logs"


@pytest.fixture
def cloud(tmp_path: Path) -> Standin:
    found = Standin(tmp_path)
    found.deployment()
    found.ironic()
    return found


def said(cloud: Standin, script: str, **more: str) -> list[str]:
    done = cloud.bash(SCRIPT + script, **more)
    assert done.returncode == 0, done.stderr
    return done.stdout.replace(str(cloud.root), "").splitlines()


def words_of(deployment: Path) -> set[str]:
    text = deployment.read_text()
    return set(re.findall(r"^(?:function (\w+)|([A-Z_]+)=)", text, re.M))


def test_both_deployments_know_every_word_that_a_phase_says():
    found = {}
    for name in ("lab", "devstack"):
        text = (DEPLOYMENTS / f"{name}.sh").read_text()
        found[name] = set(re.findall(r"^function (\w+)", text, re.M))
    own = {"devstack", "unit_of", "await_service"}
    assert found["devstack"] - own == found["lab"]


@pytest.mark.parametrize("lane", ["lab", "devstack"])
def test_s5_the_passwords_of_clouds_and_databases_are_sought_in_both_lanes(cloud, lane):
    etc = cloud.state / "hardware" / "etc"
    clouds, urls = (etc, etc / "database") if lane == "lab" else (cloud.state,) * 2
    cloud.write(f"{etc.relative_to(cloud.root)}/secrets.json", '{"a": "of-json"}')
    cloud.write(
        f"{etc.parent.relative_to(cloud.root)}/data/vbmc/m/config",
        "[VirtualBMC]\naddress = 127.0.0.1\nport = 1\nusername = a\n"
        "password = of-bmc\ndomain_name = m\nlibvirt_uri = test:///\n",
    )
    cloud.write(
        f"{clouds.relative_to(cloud.root)}/clouds.yaml",
        "clouds: {admin: {auth: {password: of-cloud}}}",
    )
    cloud.write(f"{urls.relative_to(cloud.root)}/ironic.url", "mysql://a:of-url@h/b")

    tell = "printf '%s\\n' \"${SECRET_FILES[@]}\""
    done = cloud.bash(
        f"set -e; source {DEPLOYMENTS}/{lane}.sh; {tell}",
        IRONIC_SIDEWAYS_LAB=str(etc.parent),
    )
    found: dict[str, str] = {}
    for path in done.stdout.splitlines():
        found |= secrets.known(Path(path))
    assert {"of-bmc", "of-cloud", "of-url"} <= set(found.values()), done.stderr


def test_without_the_plugins_record_it_says_what_it_needs(cloud):
    (cloud.state / "deployment").unlink()
    done = cloud.bash(SCRIPT)

    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "a DevStack built with the plugin ironic-sideways" in done.stderr


@pytest.mark.parametrize(
    ("service", "unit"),
    [("nova-compute", "n-cpu"), ("nova-scheduler", "n-sch")],
)
def test_a_service_starts_as_its_unit_and_is_awaited(cloud, service, unit):
    said(cloud, f"start_service {service}")

    start, wait = cloud.calls()
    assert start == f"sudo systemctl start devstack@{unit}.service"
    assert wait == (
        f"venv/ironic-sideways wait-service --os-cloud admin --binary {service} "
        "--host cloud-1 --since NOW --timeout 180"
    )


def test_services_stop_one_after_the_other(cloud):
    said(cloud, "stop_service ironic-api ironic-conductor")

    assert cloud.calls() == [
        "sudo systemctl stop devstack@ir-api.service",
        "sudo systemctl stop devstack@ir-cond.service",
    ]


def test_ironic_starts_by_its_own_function_once(cloud):
    said(cloud, "start_service ironic-conductor ironic-api")

    assert [c for c in cloud.calls() if "lab show" not in c] == [
        "initialize_database_backends",
        "define_database_baseurl",
        "start_ironic",
    ]


def test_a_restart_is_a_stop_and_a_start(cloud):
    said(cloud, "restart_service nova-scheduler nova-api")

    verbs = [" ".join(c.split()[2:4]) for c in cloud.calls() if c.startswith("sudo")]
    assert verbs == [
        "stop devstack@n-sch.service",
        "stop devstack@n-api.service",
        "start devstack@n-sch.service",
        "start devstack@n-api.service",
    ]


@pytest.mark.parametrize("verb", ["start", "stop", "restart"])
def test_an_unknown_service_is_refused_by_name(cloud, verb):
    done = cloud.bash(f"{SCRIPT}{verb}_service mariadb")

    assert done.returncode == 1
    assert "service 'mariadb': expected one of" in done.stderr
    assert cloud.calls() == []


@pytest.mark.parametrize(
    "script",
    [
        "install_ironic",
        "create_ironic_database",
        "start_service ironic-conductor ironic-api",
        "start_service nova-compute",
        "restart_service nova-scheduler nova-api",
        "stop_service nova-compute",
        "set_option nova-compute DEFAULT compute_driver ironic.IronicDriver",
        "unset_option nova-compute DEFAULT compute_manager",
        "get_option nova filter_scheduler track_instance_changes NOT",
        "base_driver",
        "in_tools ironic-sideways tempest",
        "as_root true",
    ],
)
def test_a_failure_of_any_call_is_a_failure_of_the_word(cloud, script):
    assert cloud.each_failure_ends("bash", "-c", SCRIPT + script)


def test_an_option_of_nova_compute_goes_also_where_devstack_copies_it_from(cloud):
    said(cloud, "set_option nova-compute DEFAULT compute_driver ironic.IronicDriver")

    assert cloud.calls() == [
        f"venv/ironic-sideways option set /etc/nova/{file} DEFAULT compute_driver "
        "ironic.IronicDriver"
        for file in ("nova-cpu.conf", "nova.conf")
    ]


def test_an_option_is_read_where_the_service_reads_it(cloud):
    said(cloud, "get_option nova-compute DEFAULT compute_manager NOT")

    assert cloud.calls() == [
        "venv/ironic-sideways option get /etc/nova/nova-cpu.conf DEFAULT "
        "compute_manager NOT"
    ]


@pytest.mark.parametrize("service", ["nova", "ironic"])
def test_the_labs_configurations_are_where_its_templates_go(cloud, service):
    (row,) = (row for row in service_table.SERVICES if service in row.configurations)
    found = cloud.bash(
        f"source {DEPLOYMENTS}/lab.sh; configuration_files {service}",
        IRONIC_SIDEWAYS_LAB="/lab",
    )

    assert found.stdout == f"/lab/etc/{row.configurations[service]}\n"


def test_an_unknown_configuration_is_refused_by_name(cloud):
    done = cloud.bash(f"{SCRIPT}set_option cinder DEFAULT debug true")

    assert done.returncode == 1
    assert (
        "configuration 'cinder': expected nova, nova-compute or ironic" in done.stderr
    )


def test_a_database_is_a_file_that_holds_its_url(cloud):
    (cloud.state / "nova_bm.url").touch()
    assert said(cloud, "database_url nova_bm") == [
        "@/stack/data/ironic-sideways/nova_bm.url"
    ]

    done = cloud.bash(f"{SCRIPT}database_url cinder")
    assert (done.returncode, done.stdout) == (1, "")
    assert "database 'cinder'" in done.stderr


def test_places(cloud):
    assert said(
        cloud,
        "service_log nova-compute; compute_services; compute_host nova-compute; "
        "base_compute_config nova-compute; tftp_root; policy_directory nova; "
        "paste_file; base_files",
    ) == [
        f"{LOGS}/nova-compute.log",
        "nova-compute",
        "cloud-1",
        "/etc/nova/nova-cpu.conf",
        "/stack/data/ironic-sideways/hardware/data/tftpboot",
        "/etc/nova/policy.d",
        "/etc/nova/api-paste.ini",
        "/etc/nova/nova.conf",
        "/etc/nova/nova-cpu.conf",
        "/etc/nova/api-paste.ini",
        "/etc/nova/policy.d/zz-maintenance.yaml",
        "/etc/neutron/policy.d/zz-maintenance.yaml",
    ]


def test_root_builds_with_the_tools_and_the_clouds_of_this_deployment(cloud):
    said(cloud, "as_root env OS_CLOUD=admin build --publish")

    assert cloud.calls() == [
        "sudo env OS_CLIENT_CONFIG_FILE=/stack/data/ironic-sideways/clouds.yaml "
        "IRONIC_SIDEWAYS_VENV=/stack/data/ironic-sideways/venv "
        "IRONIC_SIDEWAYS_CACHE=/stack/data/ironic-sideways/cache "
        "env OS_CLOUD=admin build --publish"
    ]


def test_no_phase_asks_which_deployment_it_runs_on():
    for name in ("upgrade-ironic", "maintenance.sh", "after-upgrade", "resources"):
        text = (REPOSITORY / "grenade" / name).read_text()
        asked = re.findall(r"(?:if|case|\[\[).*DEPLOYMENT\b.*", text)
        assert [line for line in asked if "deployments/" not in line] == [], name
