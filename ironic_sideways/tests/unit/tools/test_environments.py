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

"""The Python environments that tools/prepare_host.sh makes, one a release."""

import re
import tomllib

import pytest

from ironic_sideways.tests.unit.tools.host import ENVIRONMENT, TOOLS, Host


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
