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

"""grenade/deployments/devstack/call: DevStack's functions, and Ironic's join."""

from pathlib import Path

import pytest

from ironic_sideways.tests.functional.grenade.standin import REPOSITORY, Standin

CALL = REPOSITORY / "grenade" / "deployments" / "devstack" / "call"
HARDWARE = "/stack/data/ironic-sideways/hardware"
DATABASE = ["initialize_database_backends", "define_database_baseurl"]
INI = ("iniget", "iniset")
IRONIC_CONF = "iniset /etc/ironic/ironic.conf"


@pytest.fixture
def target(tmp_path: Path) -> Standin:
    found = Standin(tmp_path)
    found.deployment()
    found.ironic()
    return found


def called(target: Standin) -> list[str]:
    """The calls of DevStack's functions, what only looks left out."""
    return [c for c in target.calls() if " lab show " not in c]


def test_without_a_function_it_is_bad_usage(target):
    assert target.run(CALL).returncode == 2


@pytest.mark.parametrize("left", ["deployment", "grenade"])
def test_what_was_left_behind_is_needed(target, left):
    (target.state / left).unlink()
    done = target.run(CALL, "start_ironic")

    assert done.returncode == 1
    assert f"{target.state}/{left}: not found" in done.stderr
    assert done.stderr.count("\n") == 1
    assert target.calls() == []


def test_an_unknown_function_is_named(target):
    done = target.run(CALL, "create_bridge_and_vms")

    assert done.returncode == 1
    assert "create_bridge_and_vms: neither DevStack nor Ironic" in done.stderr


@pytest.mark.parametrize("function", ["init_ironic", "start_ironic"])
def test_a_function_of_ironics_library_is_called_as_it_is(target, function):
    assert target.run(CALL, function).returncode == 0
    assert called(target) == [*DATABASE, function]


@pytest.mark.parametrize("function", ["init_ironic", "start_ironic", "join_ironic"])
def test_each_failure_ends_it(target, function):
    assert target.each_failure_ends(CALL, function) > 2


def test_the_library_installs_no_boot_loaders(target):
    target.run(CALL, "start_ironic")
    assert not [c for c in target.calls() if "shim" in c]

    # Its own install_package is back afterwards.
    target.run(CALL, "install_package", "ipmitool")
    assert called(target)[-1] == "install_package ipmitool"


def test_ironic_is_cloned_where_it_is_not(target):
    (target.root / "stack/new/ironic/devstack/lib/ironic").unlink()
    target.run(CALL, "join_ironic")

    assert called(target)[len(DATABASE)] == (
        "git_clone https://opendev.org/openstack/ironic.git /stack/new/ironic "
        "stable/2026.1"
    )


def test_ironic_is_installed_configured_and_known_to_keystone(target):
    done = target.run(CALL, "join_ironic")
    assert done.returncode == 0, done.stderr

    names = [c.split()[0] for c in called(target) if c.split()[0] not in INI]
    assert names == [
        *DATABASE,
        "install_ironic",
        "install_ironicclient",
        "configure_ironic",
        "create_ironic_accounts",
        # nova.conf and nova-cpu.conf
        "venv/ironic-sideways",
        "venv/ironic-sideways",
    ]


def test_ironic_serves_the_machines_that_are_there(target):
    target.run(CALL, "join_ironic")

    calls = called(target)
    assert f"{IRONIC_CONF} deploy http_url http://172.30.0.1:21011" in calls
    assert f"{IRONIC_CONF} deploy http_root {HARDWARE}/data/http-boot" in calls
    assert f"{IRONIC_CONF} conductor file_url_allowed_paths {HARDWARE}/data" in calls
    assert f"{IRONIC_CONF} neutron provisioning_network provisioning" in calls


def test_nova_compute_gets_credentials_and_keeps_its_driver(target):
    target.run(CALL, "join_ironic")

    for file in ("nova.conf", "nova-cpu.conf"):
        options = [
            c for c in called(target) if c.startswith(f"iniset /etc/nova/{file}")
        ]
        assert f"iniset /etc/nova/{file} ironic username nova" in options
        assert f"iniset /etc/nova/{file} ironic project_name service" in options
        assert not [o for o in options if "compute_driver" in o]


def test_the_password_goes_by_standard_input(target):
    done = target.run("bash", "-x", CALL, "join_ironic")

    assert (target.root / "stdin").read_text() == "secretservice\n" * 2
    assert not [c for c in target.calls() if "secretservice" in c]
    assert done.returncode == 0


def test_the_databases_url_is_private_and_without_devstacks_own_plugin(target):
    target.run(CALL, "join_ironic")

    url = target.state / "ironic.url"
    assert url.read_text() == "mysql+pymysql://root:pw@127.0.0.1/ironic?charset=utf8\n"
    assert url.stat().st_mode & 0o777 == 0o600


def test_nothing_of_the_librarys_own_machines_is_called():
    """Its bridge, VMs, nodes, networks and ramdisk are none of ours."""
    text = CALL.read_text() + CALL.with_name("ironic.sh").read_text()
    for name in (
        "create_bridge_and_vms",
        "enroll_nodes",
        "configure_ironic_networks",
        "prepare_baremetal_basic_ops",
        "upload_baremetal_ironic_deploy",
    ):
        assert name not in text
