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

"""The scripts of tools/ as their callers meet them, and the files they read."""

import collections
import itertools
import re
import signal
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging import requirements, utils

REPOSITORY = Path(__file__).parents[3]
TOOLS = REPOSITORY / "tools"
SCRIPTS = (
    "prepare_host.sh",
    "build_deploy_ramdisk.sh",
    "run_tests.sh",
    "run_upgrade.sh",
)
TIMEOUT_S = 30


def call(*words: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(words, capture_output=True, text=True, timeout=TIMEOUT_S)


def sources() -> list[Path]:
    """Each Python file and each shell script that git has."""
    listed = call("git", "-C", REPOSITORY, "ls-files", "-z").stdout.split("\0")
    paths = [REPOSITORY / name for name in listed if name]
    return [path for path in paths if path.is_file() and is_source(path)]


def is_source(path: Path) -> bool:
    with path.open("rb") as file:
        first = file.readline()
    return path.suffix in (".py", ".sh") or bool(re.match(rb"#!.*sh$", first))


def test_every_source_has_the_whole_licence_header() -> None:
    whole = (TOOLS / "run_tests.sh").read_text().split("\n\n")[0].split("\n", 1)[1]
    assert whole.startswith("# Licensed under the Apache License")
    assert whole.endswith("# under the License.")
    found = sources()
    assert len(found) > 200
    assert [str(path) for path in found if whole not in path.read_text()] == []


@pytest.mark.parametrize("script", SCRIPTS)
def test_help_names_every_option_and_the_exit_codes(script: str) -> None:
    done = call(TOOLS / script, "--help")
    cases = re.findall(r"^ {12}(--[-a-z| ]+)\)", (TOOLS / script).read_text(), re.M)
    options = {option for case in cases for option in re.split(r" ?\| ?", case)}
    assert done.returncode == 0
    assert "Exit codes: 0" in done.stdout
    assert len(options) > 1
    assert all(f"  {option} " in done.stdout for option in options)


@pytest.mark.parametrize("name", ["migrate", "takeover", "resources"])
def test_a_benchmark_tells_its_options_and_measures_nothing(name: str) -> None:
    done = call(TOOLS / f"bench_{name}.sh", "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert "  --nodes N " in done.stdout
    assert "Exit codes: 0" in done.stdout


@pytest.mark.parametrize("script", SCRIPTS)
def test_an_unknown_option_is_bad_usage_in_one_line(script: str) -> None:
    done = call(TOOLS / script, "--frobnicate")
    assert done.returncode == 2
    assert "--frobnicate" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_record_without_publishing_is_bad_usage() -> None:
    done = call(TOOLS / "build_deploy_ramdisk.sh", "--record", "ids.json")
    assert (done.returncode, done.stdout) == (2, "")


def test_soak_without_the_lab_is_bad_usage() -> None:
    done = call(TOOLS / "run_tests.sh", "--soak", "--no-lab")
    assert (done.returncode, done.stdout) == (2, "")


class Host:
    """A directory that stands for /usr/sbin, and prepare_host.sh upon it."""

    def __init__(self, directory: Path) -> None:
        self.policy = directory / "policy-rc.d"

    def script(self, body: str) -> str:
        return (
            f"source {TOOLS / 'prepare_host.sh'}\nPOLICY={self.policy}\n"
            "POLICY_SAVED=$POLICY.saved POLICY_ABSENT=$POLICY.absent\n"
            "guard_service_starts\n" + body
        )

    def run(self, body: str) -> subprocess.CompletedProcess[str]:
        return call("bash", "-c", self.script(body))

    def interrupt_while_installing(self, number: signal.Signals) -> int:
        """Send a signal while packages are being installed; the exit code."""
        body = "forbid_service_starts\ncat $POLICY\nread -r"
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
        return sorted(path.name for path in self.policy.parent.iterdir())


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    sbin = tmp_path / "sbin"
    sbin.mkdir()
    yield Host(sbin)


def test_no_service_may_start_while_packages_are_installed(host: Host) -> None:
    done = host.run("forbid_service_starts\n$POLICY mariadb start || echo code $?")
    assert done.stdout == "code 101\n"


@pytest.mark.parametrize("ending", ["exit 0", "fail 'no package'", "false"])
def test_the_hosts_own_policy_is_back_at_each_end(host: Host, ending: str) -> None:
    host.policy.write_text("#!/bin/sh\nexit 104\n")
    host.policy.chmod(0o750)
    host.run(f"forbid_service_starts\n{ending}")
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
    host.run("forbid_service_starts")
    assert host.left() == []


def test_a_policy_that_is_a_link_to_nowhere_is_back_as_it_was(host: Host) -> None:
    host.policy.symlink_to("/nonexistent/policy")
    host.run("forbid_service_starts")
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


def test_a_damaged_deploy_ramdisk_in_the_cache_does_not_count(tmp_path: Path) -> None:
    source = f"source {TOOLS / 'build_deploy_ramdisk.sh'}\n"
    (tmp_path / "ramdisk").write_text("a ramdisk")
    record = f"cd {tmp_path} && sha256sum ramdisk >SHA256SUMS\n"
    assert call("bash", "-c", f"{source}{record}is_whole {tmp_path}").returncode == 0
    (tmp_path / "ramdisk").write_text("half")
    assert call("bash", "-c", f"{source}is_whole {tmp_path}").returncode != 0


def pins(constraints: str, python: str) -> dict[str, set[str]]:
    """Name -> the versions that count on this Python, of a file of constraints."""
    found = collections.defaultdict(set)
    for line in (REPOSITORY / constraints).read_text().splitlines():
        if not line.startswith("#"):
            pin = requirements.Requirement(line)
            if pin.marker is None or pin.marker.evaluate({"python_version": python}):
                (version,) = pin.specifier
                found[utils.canonicalize_name(pin.name)].add(version.version)
    return found


@pytest.mark.parametrize("python", ["3.11", "3.13"])
def test_every_dependency_is_pinned_to_a_version_that_it_accepts(python: str) -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())
    lists = [
        project["project"]["dependencies"],
        *project["project"]["optional-dependencies"].values(),
        *project["dependency-groups"].values(),
        project["build-system"]["requires"],
    ]
    pinned = pins("upper-constraints.txt", python)
    for text in itertools.chain(*lists):
        wanted = requirements.Requirement(text)
        if wanted.marker is None or wanted.marker.evaluate({"python_version": python}):
            (pin,) = pinned[utils.canonicalize_name(wanted.name)]
            assert pin in wanted.specifier, text


@pytest.mark.parametrize(("python", "libvirt"), [("3.11", "9.0.0"), ("3.13", "11.3.0")])
@pytest.mark.parametrize(
    "constraints", ["upper-constraints.txt", "upper-constraints-2026.1.txt"]
)
def test_libvirt_python_is_of_the_releases_libvirt(
    constraints: str, python: str, libvirt: str
) -> None:
    """By Debian's Python of the release, which is the one that is used."""
    assert pins(constraints, python)["libvirt-python"] == {libvirt}
