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

"""The small programs of devstack/: the requirements, and the clouds' names."""

import importlib.util
import sys
import tomllib
from pathlib import Path
from types import ModuleType

import pytest
import yaml

REPOSITORY = Path(__file__).parents[4]
DEVSTACKS = {
    "devstack": {"auth": {"username": "demo", "project_name": "demo"}},
    "devstack-admin": {
        "auth": {"username": "admin", "project_name": "admin", "password": "p"},
        "region_name": "RegionOne",
    },
    "devstack-system-admin": {"auth": {"username": "admin", "system_scope": "all"}},
}


def load(name: str) -> ModuleType:
    path = REPOSITORY / "devstack" / f"{name}.py"
    specification = importlib.util.spec_from_file_location(f"devstack_{name}", path)
    assert specification is not None and specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def test_all_but_ironic_is_installed_on_the_base():
    pyproject = REPOSITORY / "pyproject.toml"
    declared = tomllib.loads(pyproject.read_text())["project"]["dependencies"]

    wanted = load("requirements").wanted(pyproject)

    assert set(declared) - set(wanted) == {"ironic"}
    assert len(wanted) == len(declared) - 1


def test_the_phases_names_stand_beside_devstacks_own():
    found = load("clouds").with_phases_names(DEVSTACKS, "secret")

    assert found.keys() == {*DEVSTACKS, "admin", "system", "demo", "service"}
    assert found["system"]["auth"]["system_scope"] == "all"
    assert found["service"]["auth"] == {
        "username": "nova",
        "password": "secret",
        "project_name": "service",
        "project_domain_id": "default",
    }
    assert found["admin"]["auth"]["username"] == "admin"


@pytest.fixture
def files(tmp_path, monkeypatch):
    source, target = tmp_path / "devstacks.yaml", tmp_path / "ours.yaml"
    monkeypatch.setattr(sys, "argv", ["clouds.py", str(source), str(target)])
    monkeypatch.setenv("SERVICE_PASSWORD", "secret")
    return source, target


def test_the_file_is_for_its_owner_alone(files):
    source, target = files
    source.write_text(yaml.safe_dump({"clouds": DEVSTACKS}))

    assert load("clouds").main() == 0

    assert target.stat().st_mode & 0o777 == 0o600
    assert "service" in yaml.safe_load(target.read_text())["clouds"]


def test_a_cloud_that_devstack_lacks_is_named(files, capsys):
    source, target = files
    source.write_text(yaml.safe_dump({"clouds": {"devstack": {}}}))

    assert load("clouds").main() == 1

    assert "expected DevStack's 'devstack-admin'" in capsys.readouterr().err
    assert not target.exists()
