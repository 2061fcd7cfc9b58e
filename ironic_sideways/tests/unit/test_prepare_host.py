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
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

TOOLS = Path(__file__).parents[3] / "tools"
TIMEOUT_S = 30

WANTS = "systemd/system/multi-user.target.wants"

#: A package manager that knows what stands in a file, "state name" a line.
DPKG = """
function dpkg-query { cat $ROOT/dpkg; }
function dpkg {
    case $1 in
        --audit) ;;
        --remove) sed -i 's/^installed \\(.*\\)/config-files \\1/' $ROOT/dpkg ;;
        --purge) for name in "${@:2}"; do sed -i "/ $name\\$/d" $ROOT/dpkg; done ;;
    esac
}
"""


class Host:
    """A directory that stands for a host, and prepare_host.sh upon it."""

    def __init__(self, directory: Path) -> None:
        self.root = directory
        self.sbin = directory / "sbin"
        self.policy = self.sbin / "policy-rc.d"
        self.etc = directory / "etc"
        self.state = directory / "state"
        for made in (self.sbin, self.etc / WANTS, self.etc / "rc2.d"):
            made.mkdir(parents=True)
        (directory / "dpkg").write_text("installed base\nconfig-files old\n")

    def script(self, body: str) -> str:
        return (
            f"source {TOOLS / 'prepare_host.sh'}\nROOT={self.root}\n"
            "ETC=$ROOT/etc STATE=$ROOT/state LOCKS=$ROOT/locks DEVICES=$ROOT/net\n"
            "POLICY=$ROOT/sbin/policy-rc.d VENV=$ROOT/venv CACHE=$ROOT/cache\n"
            "POLICY_SAVED=$POLICY.saved POLICY_ABSENT=$POLICY.absent\n"
            f"OS_RELEASE=$ROOT/etc/os-release DATABASES=$ROOT/mysql\n{DPKG}"
            f"mkdir --parents $LOCKS\nguard_host\n{body}"
        )

    def run(self, body: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["bash", "-c", self.script(body)],
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
        )

    def interrupt_while_installing(
        self, number: signal.Signals, before: str = ""
    ) -> int:
        """Send a signal while packages are being installed; the exit code."""
        body = f"hold_host\n{before}\ncat $POLICY\nread -r"
        with subprocess.Popen(
            # A caller in the background may ignore SIGINT: the default again.
            ["env", "--default-signal", "bash", "-c", self.script(body)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as running:
            assert running.stdout is not None
            lines = [running.stdout.readline() for _ in range(3)]
            assert lines[-1] == "exit 101\n"
            running.send_signal(number)
            return running.wait(TIMEOUT_S)

    def left(self) -> list[str]:
        return sorted(path.name for path in self.sbin.iterdir())

    def enabled(self) -> list[str]:
        links = [path.name for path in (self.etc / WANTS).iterdir()]
        return sorted(links + [path.name for path in (self.etc / "rc2.d").iterdir()])

    def recorded(self, name: str) -> list[str]:
        path = self.state / name
        return path.read_text().split() if path.exists() else []


#: What installing a package does to the host.
INSTALL = f"""
function install_nginx {{
    echo installed nginx >>$ROOT/dpkg
    ln -s /lib/systemd/system/nginx.service $ETC/{WANTS}/nginx.service
    ln -s ../init.d/nginx $ETC/rc2.d/S01nginx
    ln -s /dev/null $ETC/systemd/system/nginx-debug.service
}}
install_nginx
"""


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    yield Host(tmp_path)


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


ENVIRONMENT = """
function environment_key { echo key; }
function install_missing_packages { :; }
function honour_pip_configuration { :; }
function check_disk { :; }
PYTHON=$ROOT/python
cat >$PYTHON <<'END'
#!/bin/sh
test "$1" = -m || exit 0
mkdir -p "$4/bin" && rm -f "$4"/.iron*
echo made >>"$4/../made"
touch "$4/pyvenv.cfg"
printf '#!/bin/sh\\nexit ${PIP:-0}\\n' >"$4/bin/pip"
printf '#!/bin/sh\\nexit ${UV:-0}\\n' >"$4/bin/uv"
cp "$4/bin/uv" "$4/bin/bindep"
chmod +x "$4"/bin/*
END
chmod +x $PYTHON
"""


@pytest.mark.parametrize("cut_off", ["PIP=1", "UV=1"])
def test_an_environment_that_was_cut_off_is_made_anew(host: Host, cut_off: str) -> None:
    made = host.root / "made"
    assert (
        host.run(f"{ENVIRONMENT}export {cut_off}\nprepare_environment").returncode == 1
    )
    assert host.run(f"{ENVIRONMENT}prepare_environment").returncode == 0
    assert made.read_text() == "made\nmade\n"
    assert (
        host.run(f"{ENVIRONMENT}touch $VENV/$STAMP\nprepare_environment").returncode
        == 0
    )
    assert made.read_text() == "made\nmade\n"


#: A host without a Python: each package that is asked for is noted down.
WITHOUT_PYTHON = f"""{ENVIRONMENT}
mv $PYTHON $PYTHON.package
function environment_key {{ "$PYTHON" --version && echo key; }}
function apt_get {{
    [[ $* != *" install "* ]] || echo "$*" >>$ROOT/installed
    [[ $* != *" python3 python3-venv" ]] || cp $PYTHON.package $PYTHON
}}
"""


def test_a_host_without_python_is_given_one_before_all_else(host: Host) -> None:
    done = host.run(f"{WITHOUT_PYTHON}prepare_environment")

    assert (done.returncode, done.stderr) == (0, "")
    (installed,) = (host.root / "installed").read_text().splitlines()
    assert installed.endswith(" install ca-certificates python3 python3-venv")
    assert (host.root / "made").read_text() == "made\n"


def test_a_host_with_python_is_given_none(host: Host) -> None:
    apt = "function apt_get { echo >>$ROOT/installed; }"
    host.run(f"{ENVIRONMENT}{apt}\nprepare_environment")

    assert (host.root / "made").exists()
    assert not (host.root / "installed").exists()


@pytest.mark.parametrize(
    ("options", "main_job"), [("--tests", True), ("--hardware", False)]
)
def test_what_is_prepared_for_the_tests_is_prepared_for_the_main_job(
    host: Host, options: str, main_job: bool
) -> None:
    host.run(f"{ENVIRONMENT}parse_arguments {options}\nprepare_environment")
    done = host.run(
        f"{ENVIRONMENT}function install_python_packages {{ echo again; }}\n"
        "touch $VENV/.ironic-sideways*\nprepare_environment"
    )
    assert done.returncode == 0
    assert done.stdout == ("" if main_job else "again\n")


def test_each_release_has_constraints_and_an_environment_of_its_own(host: Host) -> None:
    told = {}
    for options in ("", "--release 2026.2", "--release 2026.1"):
        done = host.run(
            "VENV=$REPOSITORY/.venv\n"
            f"parse_arguments {options}\necho $CONSTRAINTS $VENV"
        )
        told[options] = done.stdout.split()
    repository = TOOLS.parent
    usual = [f"{repository}/upper-constraints.txt", f"{repository}/.venv"]
    assert told[""] == told["--release 2026.2"] == usual
    assert told["--release 2026.1"] == [
        f"{repository}/upper-constraints-2026.1.txt",
        f"{repository}/.venv-2026.1",
    ]
    for wrong in ("2025.2", ""):
        done = host.run(f"parse_arguments --release {wrong}")
        assert (done.returncode, "expected 2026.1 or 2026.2" in done.stderr) == (
            2,
            True,
        )


def test_the_releases_constraints_are_what_is_installed_by(host: Host) -> None:
    told = ENVIRONMENT.replace("exit ${UV:-0}", 'echo "$@" >>"$0.told"')
    for release in ("2026.1", "2026.2"):
        venv = host.root / release
        done = host.run(
            f"{told}parse_arguments --venv {venv} --release {release}\n"
            "prepare_environment"
        )
        assert done.returncode == 0, done.stderr
        name = f"upper-constraints{'-2026.1' if release == '2026.1' else ''}.txt"
        install = next(
            line
            for line in (venv / "bin/uv.told").read_text().splitlines()
            if line.startswith("pip install")
        )
        file = f"{TOOLS.parent}/{name}"
        assert f"--constraint {file} --build-constraint {file} " in install


@pytest.mark.parametrize(
    ("first", "then"), [("2026.1", "2026.2"), ("2026.2", "2026.1")]
)
def test_no_release_is_installed_into_anothers_environment(
    host: Host, first: str, then: str
) -> None:
    prepare = f"{ENVIRONMENT}parse_arguments --venv $ROOT/venv --release"
    assert host.run(f"{prepare} {first}\nprepare_environment").returncode == 0
    before = sorted((host.root / "venv").rglob("*"))

    done = host.run(f"{prepare} {then}\nprepare_environment")

    assert done.returncode == 1
    assert f"venv: has OpenStack {first}, expected {then}" in done.stderr
    assert sorted((host.root / "venv").rglob("*")) == before
    assert host.run(f"{prepare} {first}\nprepare_environment").returncode == 0


def test_what_the_lab_needs_has_a_version_in_each_releases_constraints() -> None:
    files = ("upper-constraints.txt", "upper-constraints-2026.1.txt")
    pinned = [
        set(re.findall(r"^([\w.-]+)==", (TOOLS.parent / name).read_text(), re.M))
        for name in files
    ]
    project = tomllib.loads((TOOLS.parent / "pyproject.toml").read_text())["project"]
    asked = [*project["dependencies"], *project["optional-dependencies"]["lab"]]
    names = {re.split(r"[^\w.-]", one)[0].lower().replace(".", "-") for one in asked}
    assert len(names) > 30
    for found in pinned:
        assert {*names, "bindep", "uv"} - {name.lower() for name in found} == set()


def test_a_directory_that_is_no_environment_is_not_cleared(host: Host) -> None:
    (host.root / "venv").mkdir()
    (host.root / "venv" / "letter").write_text("mine")
    done = host.run(f"{ENVIRONMENT}prepare_environment")
    assert done.returncode == 1
    assert "choose another --venv" in done.stderr
    assert (host.root / "venv" / "letter").read_text() == "mine"


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
    assert "nginx.service: made since" in done.stderr
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


def test_locks_are_where_root_alone_writes(host: Host) -> None:
    host.run("rm -r $LOCKS\ntake_lock")
    assert (host.root / "locks").stat().st_mode & 0o777 == 0o700


def test_a_place_for_locks_that_is_a_link_is_refused(host: Host) -> None:
    (host.root / "elsewhere").mkdir()
    (host.root / "elsewhere" / "prepare-host.lock").write_text("kept")
    done = host.run("rm -r $LOCKS\nln -s $ROOT/elsewhere $LOCKS\ntake_lock")
    assert done.returncode == 1
    assert "expected a directory of root's" in done.stderr
