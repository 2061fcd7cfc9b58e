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

"""tools/prepare_host.sh on a host that stays as it was, but for what it says."""

import os
import re
import signal
import subprocess
from pathlib import Path

import pytest

from ironic_sideways.tests.unit.tools.host import TIMEOUT_S, TOOLS, Host


def test_no_service_may_start_while_packages_are_installed(host: Host) -> None:
    done = host.run("hold_host\n$POLICY mariadb start || echo code $?")
    assert done.stdout == "code 101\n"


@pytest.mark.parametrize("ending", ["exit 0", "fail 'no package'", "false"])
def test_the_hosts_own_policy_is_back_at_each_end(host: Host, ending: str) -> None:
    host.policy.write_text("#!/bin/sh\nexit 104\n")
    host.policy.chmod(0o750)
    host.run(f"hold_host\n{ending}")
    assert host.policy.read_text() == "#!/bin/sh\nexit 104\n"
    assert host.policy.stat().st_mode & 0o777 == 0o750
    assert host.left() == ["policy-rc.d"]


@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)],
)
def test_the_hosts_own_policy_is_back_after_an_interruption(
    host: Host, number: signal.Signals, code: int
) -> None:
    host.policy.write_text("own")
    assert host.interrupt_while_installing(number) == code
    assert (host.policy.read_text(), host.left()) == ("own", ["policy-rc.d"])


def test_a_host_without_policy_has_none_afterwards(host: Host) -> None:
    host.run("hold_host")
    assert host.left() == []


def test_a_policy_that_is_a_link_to_nowhere_is_back_as_it_was(host: Host) -> None:
    host.policy.symlink_to("/nonexistent/policy")
    host.run("hold_host")
    assert host.policy.readlink() == Path("/nonexistent/policy")
    assert host.left() == ["policy-rc.d"]


@pytest.mark.parametrize("own", [None, "own"])
def test_after_a_kill_the_next_run_puts_the_policy_back(
    host: Host, own: str | None
) -> None:
    if own:
        host.policy.write_text(own)
    assert host.interrupt_while_installing(signal.SIGKILL) == -signal.SIGKILL
    assert "exit 101" in host.policy.read_text()
    host.run("exit 0")
    assert host.left() == (["policy-rc.d"] if own else [])
    assert not own or host.policy.read_text() == own


def release(host: Host, distribution: str, number: str, name: str) -> None:
    """Write /etc/os-release; testing and unstable have no number."""
    lines = [f"ID={distribution}", f'PRETTY_NAME="{name}"', "ID_LIKE=debian"]
    lines += [f'VERSION_ID="{number}"'] if number else ["VERSION_CODENAME=forky"]
    (host.etc / "os-release").write_text("\n".join(lines))


@pytest.mark.parametrize("number", ["12", "13"])
def test_debian_12_and_13_are_accepted(host: Host, number: str) -> None:
    release(host, "debian", number, f"Debian GNU/Linux {number}")
    done = host.run("check_distribution")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("distribution", "number", "name"),
    [
        ("ubuntu", "24.04", "Ubuntu 24.04.1 LTS"),
        ("debian", "11", "Debian GNU/Linux 11 (bullseye)"),
        ("debian", "14", "Debian GNU/Linux 14 (forky)"),
        ("debian", "", "Debian GNU/Linux forky/sid"),
        ("raspbian", "12", "Raspbian GNU/Linux 12 (bookworm)"),
    ],
)
def test_another_distribution_is_refused_in_one_line_that_names_it(
    host: Host, distribution: str, number: str, name: str
) -> None:
    release(host, distribution, number, name)
    before = sorted(host.root.rglob("*"))
    done = host.run("rmdir $LOCKS\ncheck_host")
    assert (done.returncode, done.stderr) == (
        1,
        f"prepare_host: needs Debian 12 (bookworm) or 13 (trixie), found {name}\n",
    )
    assert sorted(host.root.rglob("*")) == before


def test_a_host_that_names_no_distribution_is_refused(host: Host) -> None:
    done = host.run("check_host")
    assert done.returncode == 1
    assert done.stderr.endswith(f"found no {host.etc}/os-release\n")


def test_what_succeeds_is_silent(host: Host) -> None:
    done = host.run("quietly 'pip install' sh -c 'echo WARNING: of this machine >&2'")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_what_fails_tells_all_that_it_said_and_one_line_of_ours(host: Host) -> None:
    done = host.run("quietly 'pip install' sh -c 'echo first; seq 500; exit 3'")
    lines = done.stderr.splitlines()
    assert done.returncode == 1
    assert (lines[0], lines[500]) == ("first", "500")
    assert lines[501].startswith("prepare_host: pip install: failed, see above")
    assert "call this again" in lines[501]


def test_s7_what_others_said_neither_acts_on_the_terminal_nor_tells_a_password(
    host: Host,
) -> None:
    said = r"'\e[2J\e]0;gone\a http://a:hunter2x@mirror\r'"
    done = host.run(f"quietly 'pip install' bash -c \"echo -e {said}; exit 3\"")
    assert done.stderr.startswith("]0;gone http://a:***@mirror\nprepare_host: ")
    assert not {c for c in done.stderr if ord(c) < 32} - {"\n"}


def test_what_is_interrupted_has_not_failed(host: Host) -> None:
    body = host.script("echo begun\nquietly 'pip install' sleep 60")
    with subprocess.Popen(
        ["env", "--default-signal", "bash", "-c", body],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as running:
        assert running.stdout is not None
        assert running.stdout.readline() == "begun\n"
        os.killpg(running.pid, signal.SIGINT)
        _, errors = running.communicate(timeout=TIMEOUT_S)
    assert (running.returncode, errors) == (130, "")


def test_a_full_disk_is_named(host: Host) -> None:
    body = "function df { echo Avail; echo 12; }\nquietly 'pip install' false"
    assert "the disk is full below /: free 10 GB" in host.run(body).stderr


def test_locks_are_where_root_alone_writes(host: Host) -> None:
    host.run("rm -r $LOCKS\ntake_lock")
    assert (host.root / "locks").stat().st_mode & 0o777 == 0o700


def test_a_place_for_locks_that_is_a_link_is_refused(host: Host) -> None:
    (host.root / "elsewhere").mkdir()
    (host.root / "elsewhere" / "prepare-host.lock").write_text("kept")
    done = host.run("rm -r $LOCKS\nln -s $ROOT/elsewhere $LOCKS\ntake_lock")
    assert done.returncode == 1
    assert "expected a directory that root owns" in done.stderr


def test_each_package_has_a_profile_and_a_docs_job_installs_none() -> None:
    """What has none would be installed by each job that reads the file."""
    lines = (TOOLS.parent / "bindep.txt").read_text().splitlines()
    found = [re.findall(r"[\w.-]+", line) for line in lines if line[:1].isalpha()]
    profiles = {name: set(words) for name, _, _, *words in found}
    assert len(profiles) > 40
    assert [name for name, words in profiles.items() if not words] == []
    assert set().union(*profiles.values()) == {"lab", "hardware", "test", "host"}
    assert {name for name, words in profiles.items() if "lab" not in words} == {
        *("chromium", "crudini", "fonts-dejavu-core", "fonts-inter", "git"),
        "shellcheck",
    }
    # The machines beside another cloud's control plane need all but that.
    control_plane = {"mariadb-server", "rabbitmq-server"}
    beside = {name for name, words in profiles.items() if "hardware" in words}
    lab = {name for name, words in profiles.items() if "lab" in words}
    assert lab - beside == control_plane
    # On Ubuntu, where the jobs of tox run, these have the same names.
    assert {name for name, words in profiles.items() if "test" in words} == {
        *("crudini", "gcc", "git", "libc6-dev", "libvirt-dev", "mariadb-server"),
        *("pkg-config", "python3-dev", "shellcheck"),
    }
