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

"""tools/host_changes.sh: no new service starts, and what was changed is taken back."""

import signal

import pytest

from ironic_sideways.tests.unit.tools.host import ENVIRONMENT, INSTALL, WANTS, Host


def test_a_new_service_does_not_start_at_the_next_boot_and_an_old_one_does(
    host: Host,
) -> None:
    (host.etc / WANTS / "ssh.service").symlink_to("/lib/systemd/system/ssh.service")
    (host.etc / "rc2.d" / "S01sudo").symlink_to("../init.d/sudo")
    host.run(f"hold_host\n{INSTALL}settle_host")
    assert host.enabled() == ["K01nginx", "S01sudo", "ssh.service"]
    assert (host.etc / "systemd/system/nginx-debug.service").is_symlink()


@pytest.mark.parametrize("ending", ["exit 0", "fail 'cut off'", "false"])
def test_however_the_installation_ends_no_new_service_is_enabled(
    host: Host, ending: str
) -> None:
    host.run(f"hold_host\n{INSTALL}{ending}")
    assert host.enabled() == ["K01nginx"]


def test_after_a_kill_the_next_run_disables_and_records_what_was_installed(
    host: Host,
) -> None:
    killed = host.interrupt_while_installing(signal.SIGKILL, INSTALL)
    assert killed == -signal.SIGKILL
    assert host.enabled() == ["S01nginx", "nginx.service"]
    host.run("exit 0")
    assert host.enabled() == ["K01nginx"]
    assert host.recorded("packages") == ["nginx"]


def test_undo_removes_what_was_installed_and_nothing_else(host: Host) -> None:
    host.run(f"hold_host\n{INSTALL}settle_host\n{ENVIRONMENT}create_environment")
    (host.root / "python3").mkdir()
    assert (host.root / "venv" / "pyvenv.cfg").exists()
    done = host.run("undo_host")
    assert (done.returncode, done.stderr) == (0, "")
    assert not (host.root / "venv").exists()
    assert not host.state.exists()


def test_undo_leaves_the_packages_that_were_there(host: Host) -> None:
    host.run(f"hold_host\n{INSTALL}settle_host")
    words = (
        "function dpkg { [[ $1 == --audit ]] || echo $* >>$ROOT/words\n"
        "echo installed base >$ROOT/dpkg; }"
    )
    host.run(f"{words}\nundo_host")
    assert (host.root / "words").read_text() == "--remove nginx\n"


def test_undo_keeps_configuration_that_was_here_before(host: Host) -> None:
    install = "sed -i 's/config-files old/installed old/' $ROOT/dpkg"
    host.run(f"hold_host\n{INSTALL}{install}\nsettle_host")
    assert host.recorded("packages") == ["nginx", "old"]
    host.run("undo_host")
    assert "config-files old" in (host.root / "dpkg").read_text()
    assert "nginx" not in (host.root / "dpkg").read_text()


def test_undo_says_what_stays_because_others_need_it(host: Host) -> None:
    host.run(f"hold_host\n{INSTALL}settle_host")
    refuse = "function dpkg { echo site depends on nginx; return 1; }"
    done = host.run(f"{refuse}\nundo_host")
    assert done.returncode == 1
    assert "site depends on nginx\nprepare_host: these packages stay" in done.stderr
    assert host.recorded("packages") == ["nginx"]


def test_undo_refuses_while_a_lab_is_up(host: Host) -> None:
    device = host.root / "net" / "isw3"
    device.mkdir(parents=True)
    (device / "ifalias").write_text("ironic-sideways /srv/lab\n")
    host.run(f"hold_host\n{INSTALL}settle_host")
    done = host.run("undo_host")
    assert done.returncode == 1
    assert done.stderr.startswith("prepare_host: a lab is up in /srv/lab: ")
    assert host.recorded("packages") == ["nginx"]


def test_undo_refuses_a_service_that_somebody_has_enabled_since(host: Host) -> None:
    host.run(f"hold_host\n{INSTALL}settle_host")
    (host.etc / WANTS / "nginx.service").symlink_to("/lib/systemd/system/nginx.service")
    done = host.run("undo_host")
    assert done.returncode == 1
    assert "nginx.service: created after" in done.stderr
    assert "installed nginx" in (host.root / "dpkg").read_text()


@pytest.mark.parametrize(("used", "told"), [(False, True), (True, False)])
def test_undo_removes_databases_that_nobody_has_used(
    host: Host, used: bool, told: bool
) -> None:
    (host.root / "mysql").mkdir()
    body = "hold_host\necho installed mariadb-server >>$ROOT/dpkg\nsettle_host\n"
    host.run(body + "touch --date=-1minute $DATABASES")
    if used:
        (host.root / "mysql" / "ibdata1").write_text("rows")
    host.run("function debconf-set-selections { cat >$ROOT/told; }\nundo_host")
    assert (host.root / "told").exists() is told
