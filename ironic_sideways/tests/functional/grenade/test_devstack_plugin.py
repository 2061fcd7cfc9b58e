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

"""devstack/plugin.sh: its calls at each of stack.sh's phases, and their failures."""

from pathlib import Path

import pytest
from oslo_config import cfg
from oslo_log import _options, log

from ironic_sideways.report import log_lines
from ironic_sideways.tests.functional.grenade.standin import REPOSITORY, Standin

PLUGIN = REPOSITORY / "devstack" / "plugin.sh"
PHASE = f"""
set -o errexit
source $TOP_DIR/stackrc
source {REPOSITORY}/devstack/settings
source {PLUGIN} $1 $2
"""
POLICIES = "sudo rm -f " + " ".join(
    f"/etc/{name}/policy.d/zz-maintenance.yaml" for name in ("nova", "neutron")
)
HARDWARE = "/stack/data/ironic-sideways/hardware"


@pytest.fixture
def base(tmp_path: Path) -> Standin:
    found = Standin(tmp_path)
    found.environment["TOP_DIR"] = f"{tmp_path}/stack/old/devstack"
    found.environment["SHELL_PHASE"] = PHASE
    return found


def phase(base: Standin, *names: str, **more: str):
    return base.run("bash", "-c", PHASE, "stack.sh", *names, **more)


@pytest.mark.parametrize(
    ("more", "named"),
    [
        ({"VIRT_DRIVER": "libvirt"}, "VIRT_DRIVER=libvirt: expected generic"),
        ({"GLOBAL_VENV": "False"}, "GLOBAL_VENV=False: expected True"),
        ({"IRONIC_SIDEWAYS_BASE_DRIVER": "vmware"}, "expected nova_bm or fake"),
        ({"DEVSTACK_PLUGINS": ",ironic"}, "Ironic is enabled on the base"),
        ({"ENABLED_SERVICES": "key,n-api"}, "service g-api: not enabled"),
        ({"ENABLED_SERVICES": "key,ovn-northd"}, "services ovn-northd are enabled"),
        ({"SIDEWAYS_OS_RELEASE": "/dev/null"}, "expected Debian 12 (bookworm) or 13"),
    ],
)
def test_bad_input_is_refused_in_one_line_before_anything(base, more, named):
    done = phase(base, "stack", "pre-install", **more)

    assert done.returncode == 1
    assert named in done.stderr
    assert done.stderr.count("\n") == 1
    assert base.calls() == []


def test_the_package_goes_into_devstacks_environment_without_ironic(base):
    assert phase(base, "stack", "install").returncode == 0

    calls = base.calls()
    assert calls[1:] == [
        "pip_install --no-deps -e REPOSITORY",
        "venv/python REPOSITORY/devstack/requirements.py REPOSITORY/pyproject.toml",
        "pip_install -r /stack/data/ironic-sideways/requirements.txt",
        "sudo REPOSITORY/tools/prepare_host.sh --hardware "
        "--venv /stack/data/ironic-sideways/venv",
        "sudo chown -R stack REPOSITORY",
    ]


@pytest.mark.parametrize("name", ["pre-install", "install", "post-config", "extra"])
def test_a_failure_of_any_call_ends_the_phase(base, name):
    assert base.each_failure_ends("bash", "-c", PHASE, "stack.sh", "stack", name)


def test_machines_come_first_then_their_rows(base):
    assert phase(base, "stack", "post-config").returncode == 0

    names = [call.split()[0] for call in base.calls()]
    calls = base.calls()
    assert names.index("recreate_database") > 1
    assert calls[1] == (
        "sudo /stack/data/ironic-sideways/venv/bin/ironic-sideways lab up "
        f"--hardware-only --directory {HARDWARE} --number 0 --network 172.30 --nodes 8 "
        "--base-driver nova_bm --owner stack --cache /stack/data/ironic-sideways/cache"
    )
    (seed,) = (call for call in calls if "seed_nova_bm" in call)
    assert "--nova-bm-db @/stack/data/ironic-sideways/nova_bm.url" in seed
    assert seed.endswith("--service-host cloud-1")


def test_the_url_is_private_and_without_devstacks_own_plugin(base):
    phase(base, "stack", "post-config")

    url = base.state / "nova_bm.url"
    assert url.read_text() == "mysql+pymysql://root:pw@127.0.0.1/nova_bm?charset=utf8\n"
    assert url.stat().st_mode & 0o777 == 0o600


def test_passwords_stay_out_of_arguments_and_of_the_trace(base):
    done = base.run("bash", "-x", "-c", PHASE, "stack.sh", "stack", "post-config")

    assert done.returncode == 0
    of_ours = done.stderr.split("devstack/plugin.sh")[-1]
    assert "root:pw" not in of_ours
    assert "secretservice" not in of_ours
    assert not [c for c in base.calls() if "root:pw" in c or "secretservice" in c]


def test_the_base_driver_is_configured_in_nova_conf_alone(base):
    phase(base, "stack", "post-config")

    options = [c for c in base.calls() if c.startswith("iniset /etc/nova/")]
    assert all(c.startswith("iniset /etc/nova/nova.conf ") for c in options)
    values = [c.removeprefix("iniset /etc/nova/nova.conf ") for c in options]
    assert "DEFAULT compute_driver baremetal.BareMetalDriver" in values
    assert "DEFAULT host cloud-1" in values
    assert "DEFAULT my_ip 172.30.0.1" in values
    # Without one, Nova's API of audits breaks its own schema, which DevStack enforces.
    assert "DEFAULT instance_usage_audit True" in values
    assert "baremetal sql_connection @/stack/data/ironic-sideways/nova_bm.url" in values
    (helper,) = (v for v in values if "deploy_helper" in v)
    assert helper == (
        "baremetal deploy_helper sudo /stack/data/ironic-sideways/venv/bin/"
        f"ironic-sideways lab write-disk --directory {HARDWARE}"
    )


def test_the_plain_fake_driver_needs_nothing_of_nova_bm(base):
    phase(base, "stack", "post-config", IRONIC_SIDEWAYS_BASE_DRIVER="fake")

    calls = base.calls()
    assert any(c.endswith("compute_driver baremetal.fake.FakeDriver") for c in calls)
    assert not [c for c in calls if " baremetal " in c]
    assert any("seed_nova_bm" in c for c in calls)


def test_nova_compute_is_our_launcher_whoever_starts_its_unit(base):
    phase(base, "stack", "post-config")

    assert (base.root / "devstack@n-cpu.service.d").read_text().splitlines() == [
        "[Service]",
        f"Environment=OS_DEFAULT__LOG_FILE={base.root}{HARDWARE}/logs/nova-compute.log",
        f"EnvironmentFile={REPOSITORY}/devstack/logging.env",
        "ExecStart=",
        f"ExecStart={base.root}/stack/data/venv/bin/ironic-sideways-compute "
        f"--config-file {base.root}/etc/nova/nova-cpu.conf",
    ]
    assert "ExecStart" not in (base.root / "devstack@ir-cond.service.d").read_text()


def test_each_line_of_evidence_has_its_time_and_no_colour(monkeypatch, tmp_path):
    """What DevStack writes into nova.conf has neither: the environment goes before."""
    text = (REPOSITORY / "devstack" / "logging.env").read_text()
    for line in text.splitlines():
        if not line.startswith("#"):
            name, value = line.split("=", 1)
            monkeypatch.setenv(name, value.strip("'"))
    configuration = tmp_path / "nova.conf"
    configuration.write_text(
        "[DEFAULT]\n"
        "logging_exception_prefix = ERROR %(name)s \x1b[01;35m%(instance)s\x1b[00m\n"
        "logging_default_format_string = %(color)s%(levelname)s %(name)s %(message)s\n"
        "logging_context_format_string = %(color)s%(levelname)s %(name)s %(message)s\n"
        "logging_debug_format_suffix = \x1b[00;33m{{%(funcName)s}}\x1b[00m\n"
        f"log_file = {tmp_path}/nova-compute.log\n"
        "debug = true\n"
    )
    conf = cfg.ConfigOpts()
    log.register_options(conf)
    conf(["--config-file", str(configuration)], project="nova")
    known = {option.dest: option.default for option in _options.log_opts}

    for name in (
        "logging_context_format_string",
        "logging_default_format_string",
        "logging_debug_format_suffix",
        "logging_exception_prefix",
    ):
        assert conf[name] == known[name]
    assert log_lines.HEAD.match(
        (conf.logging_default_format_string + "a text")
        % {
            **{"asctime": "2026-11-25 23:34:15", "msecs": 7, "process": 2},
            **{"levelname": "DEBUG", "name": "nova", "instance": "", "message": ""},
        }
    )


def test_the_machines_network_has_a_mechanism_driver_of_its_own(base):
    phase(base, "stack", "post-config")

    file = "iniset /etc/neutron/plugins/ml2/ml2_conf.ini"
    calls = base.calls()
    assert f"{file} ml2 mechanism_drivers ironic_sideways_lab,openvswitch" in calls
    assert f"{file} ml2_type_flat flat_networks public,,ironic-sideways" not in calls
    assert f"{file} ml2_type_flat flat_networks public,ironic-sideways" in calls
    assert f"{file} ironic_sideways_lab physical_network ironic-sideways" in calls
    assert f"{file} ironic_sideways_lab dhcp_server 172.30.0.1" in calls


def test_network_and_images_come_when_the_services_are_up(base):
    phase(base, "stack", "extra")

    cloud = "openstack --os-cloud devstack-admin"
    assert [c for c in base.calls() if c.startswith("openstack")] == [
        f"{cloud} network create --share provisioning --provider-network-type flat "
        "--provider-physical-network ironic-sideways",
        f"{cloud} subnet create provisioning --network provisioning --no-dhcp "
        "--subnet-range 172.30.0.0/24 --gateway 172.30.0.1 "
        "--allocation-pool start=172.30.0.10,end=172.30.0.150",
    ]
    assert any("publish-images --prefix bm-deploy --flavors" in c for c in base.calls())


def test_what_the_window_needs_is_left_behind(base):
    phase(base, "stack", "post-config")

    text = (base.state / "deployment").read_text()
    assert "BASE_COMPUTE_HOST=cloud-1\nBASE_HOSTNAME=cloud-1\n" in text
    assert f"SIDEWAYS_HARDWARE={base.state}/hardware" in text
    assert "secret" not in text


OPENED, CLOSED = (
    {
        f"sudo {tables} --wait --{act} INPUT --in-interface isw0 --jump ACCEPT"
        for tables in ("iptables", "ip6tables")
    }
    for act in ("insert", "delete")
)
#: As iptables lists them: the first one's bridge is another's.
OTHERS = "-P INPUT ACCEPT\n-A INPUT -i isw01 -j ACCEPT\n-A INPUT -j openstack-INPUT"
OURS = f"{OTHERS}\n-A INPUT -i isw0 -j ACCEPT"


def test_the_machines_bridge_is_let_in_once(base):
    """A gate node's firewall rejects what no rule of its own accepts."""
    phase(base, "stack", "post-config", RULES=OTHERS)
    calls = base.calls()
    before = calls[: [" lab show " in c for c in calls].index(True)]
    assert set(before) >= OPENED

    phase(base, "stack", "post-config", RULES=OURS)
    assert not OPENED & set(base.calls())


def test_unstack_takes_away_the_rule_that_is_there(base):
    phase(base, "unstack", RULES=OTHERS)
    assert not CLOSED & set(base.calls())

    phase(base, "unstack", RULES=OURS)
    assert set(base.calls()) >= CLOSED


def test_unstack_stops_what_ironic_brought_and_makes_systemd_forget_us(base):
    """The window's services are no plugin's: nobody else stops them."""
    for unit in ("ir-api", "ir-cond"):
        base.write(f"etc/systemd/system/devstack@{unit}.service", "")

    assert phase(base, "unstack").returncode == 0

    calls = [c for c in base.calls() if "systemctl" in c or " rm " in c]
    assert calls == [
        "sudo systemctl disable --now devstack@ir-api.service",
        "sudo systemctl disable --now devstack@ir-cond.service",
        POLICIES,
        "sudo rm -f /etc/systemd/system/devstack@n-cpu.service.d/ironic-sideways.conf "
        "/etc/systemd/system/devstack@ir-cond.service.d/ironic-sideways.conf",
        "sudo systemctl daemon-reload",
    ]


def test_unstack_of_a_base_that_was_not_moved_stops_no_ironic(base):
    phase(base, "unstack")

    assert not [c for c in base.calls() if "disable" in c]


def test_s2_unstack_takes_away_the_policies_of_a_window_that_did_not_end(base):
    scripts = (REPOSITORY / "grenade/maintenance.sh").read_text()
    phase(base, "unstack")

    assert POLICIES in base.calls()
    assert f"/{POLICIES.rpartition('/')[2]}" in scripts


def test_clean_leaves_nothing_of_ironics_and_ours(base):
    assert phase(base, "clean").returncode == 0

    removed = " ".join(c for c in base.calls() if c.startswith("sudo rm -rf "))
    for path in (
        "/etc/apache2/sites-available/ironic-api.conf",
        "/etc/apache2/sites-available/ipxe-ironic.conf",
        "/etc/ironic",
        "/var/lib/ironic",
        "/etc/systemd/system/devstack@n-cpu.service.d",
        "/stack/data/ironic-sideways",
    ):
        assert f" {path}" in removed
    site = "remove_uwsgi_config /etc/ironic/ironic-uwsgi.ini ironic-api"
    assert {site, "disable_apache_site ipxe-ironic"} <= set(base.calls())


def test_unstack_takes_the_hardware_down_if_it_is_there(base):
    phase(base, "unstack")
    assert not [c for c in base.calls() if "lab down" in c]

    base.write("stack/data/ironic-sideways/hardware/lab.json", "{}")
    phase(base, "unstack")
    assert [c for c in base.calls() if "lab down" in c]
