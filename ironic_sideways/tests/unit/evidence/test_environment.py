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

"""environment.json: versions of what is installed, and no word on what is not."""

import importlib.metadata
import json
import subprocess

from ironic_sideways.evidence import environment


def test_what_is_installed_has_its_version():
    found = environment.distributions()

    assert found["nova"] == importlib.metadata.version("nova")
    assert set(found) <= set(environment.DISTRIBUTIONS)


def test_what_is_not_installed_is_left_out(monkeypatch):
    monkeypatch.setattr(environment, "DISTRIBUTIONS", ("nova", "no-such-thing"))

    assert list(environment.distributions()) == ["nova"]


def test_packages_are_as_dpkg_has_them(monkeypatch):
    monkeypatch.setattr(environment, "PACKAGES", ("bash", "no-such-thing"))
    version = subprocess.check_output(
        ["dpkg-query", "--show", "--showformat", "${Version}", "bash"], text=True
    )

    assert environment.packages() == {"bash": version}


def test_without_dpkg_and_git_it_says_nothing_of_them(monkeypatch):
    monkeypatch.setattr(environment.shutil, "which", lambda name: None)

    found = environment.take("tools/run_upgrade.sh")

    assert (found["packages"], found["commit"]) == ({}, None)
    assert found["command"] == "tools/run_upgrade.sh"
    assert json.loads(json.dumps(found)) == found


def test_the_machine_is_described_and_not_named():
    found = environment.host()

    assert found["cpus"] >= 1
    assert found["memory_mb"] > 100
    assert environment.platform.node() not in json.dumps(found)
