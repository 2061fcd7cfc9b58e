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
import os
import re
import subprocess
import tomllib
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
    # An empty file has nothing to license: hacking's H104 wants it so.
    return bool(first) and (
        path.suffix in (".py", ".sh") or bool(re.match(rb"#!.*sh$", first))
    )


def test_every_source_has_the_whole_licence_header() -> None:
    whole = (TOOLS / "run_tests.sh").read_text().split("\n\n")[0].split("\n", 1)[1]
    assert whole.startswith("# Licensed under the Apache License")
    assert whole.endswith("# under the License.")
    found = sources()
    assert len(found) > 200
    assert [str(path) for path in found if whole not in path.read_text()] == []


def test_no_file_has_a_fixed_name_where_every_user_writes() -> None:
    shared = re.compile(r"(?<![\w.$}])/(tmp|var/tmp|var/lock|run/lock|dev/shm)/?\b")
    # What the ramdisk does is done in its own file system.
    spared = (REPOSITORY / "ironic_sideways/tests", TOOLS / "deploy_ramdisk")
    found = [
        f"{path}: {line}"
        for path in sources()
        if not any(path.is_relative_to(one) for one in spared)
        for line in path.read_text().splitlines()
        if shared.search(line)
    ]
    assert found == []


@pytest.mark.parametrize("script", SCRIPTS)
def test_help_names_every_option_and_the_exit_codes(script: str) -> None:
    done = call(TOOLS / script, "--help")
    cases = re.findall(r"^ {12}(--[-a-z| ]+)\)", (TOOLS / script).read_text(), re.M)
    options = {option for case in cases for option in re.split(r" ?\| ?", case)}
    assert done.returncode == 0
    assert "Exit codes: 0" in done.stdout
    assert len(options) > 1
    assert all(f"  {option} " in done.stdout for option in options)


def test_each_tool_says_its_exit_codes() -> None:
    tools = [path for path in TOOLS.glob("*.sh") if os.access(path, os.X_OK)]
    assert len(tools) > 10
    assert [path for path in tools if "\n# Exit codes: " not in path.read_text()] == []


def test_s7_each_log_that_a_tool_shows_is_cleaned_first() -> None:
    shows = re.compile(r"^ *(?:tail|cat|head)\b.*(?:>&2|\$\{?log\b.*)$", re.M)
    found = {
        f"{path.name}: {line.strip()}"
        for path in TOOLS.rglob("*.sh")
        for line in shows.findall(path.read_text())
    }
    assert len(found) > 2
    assert {line for line in found if "| printable" not in line} == set()


def test_s10_the_other_debian_gets_passwords_where_nobody_sees_them(
    tmp_path: Path,
) -> None:
    """By its environment: what `unshare` is called with stays in the process list."""
    for name in ("tools/other_debian.sh", "grenade/printable.sh"):
        (tmp_path / name).parent.mkdir()
        text = (REPOSITORY / name).read_text().removesuffix('main "$@"\n')
        (tmp_path / name).write_text(text)
    unshare = tmp_path / "unshare"
    unshare.write_text('#!/bin/sh\nprintf "%s\\n" "$@" >&2\nenv\n')
    unshare.chmod(0o755)
    done = subprocess.run(
        ["bash", "-c", f"source {tmp_path}/tools/other_debian.sh; enter /r true"],
        env={
            "PATH": f"{tmp_path}:/usr/bin:/bin",
            "https_proxy": "http://u:hunter2x@p",
            "PIP_INDEX_URL": "https://u:hunter2x@i",
            **dict.fromkeys(("PIP_CONSTRAINT", "OTHER", "LC_ALL"), "C"),
        },
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
    )
    assert done.returncode == 0 and "chroot" in done.stderr
    assert "hunter2x" not in done.stderr
    names = {line.partition("=")[0] for line in done.stdout.splitlines()}
    assert {"https_proxy", "PIP_INDEX_URL"} <= names
    assert not {"PIP_CONSTRAINT", "OTHER", "LC_ALL"} & names


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
