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

"""Where the deploy ramdisk's packages come from: asked of this host's real apt."""

import hashlib
import os
import re
import subprocess
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[3]
CODENAME = re.findall(
    r"^VERSION_CODENAME=(\w+)", Path("/etc/os-release").read_text(), re.M
)[0]


class Apt:
    """An apt whose sources, lists and caches are below ``root``."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for name in ("parts", "lists/partial", "archives/partial"):
            (root / name).mkdir(parents=True)
        configuration = root / "apt.conf"
        configuration.write_text(
            f'Dir::Etc::SourceList "{root}/sources.list";\n'
            f'Dir::Etc::SourceParts "{root}/parts";\n'
            f'Dir::State::Lists "{root}/lists";\n'
            f'Dir::Cache "{root}";\n'
            f'Dir::Cache::Archives "{root}/archives";\n'
            'APT::Sandbox::User "";\nAcquire::Languages "none";\n'
        )
        self.environment = {**os.environ, "APT_CONFIG": str(configuration)}

    def mirror(self, name: str) -> str:
        """An unsigned repository of Debian's, as a gate's mirror is; its URI."""
        release = self.root / name / "dists" / CODENAME
        (release / "main/binary-amd64").mkdir(parents=True)
        index = release / "main/binary-amd64/Packages"
        index.write_text("Package: one\nVersion: 1\nArchitecture: all\n")
        checksum = hashlib.sha256(index.read_bytes()).hexdigest()
        (release / "Release").write_text(
            f"Origin: Debian\nCodename: {CODENAME}\nSuite: stable\n"
            "Date: Wed, 01 Jan 2020 00:00:00 UTC\n"
            "Components: main\nArchitectures: amd64\n"
            f"SHA256:\n {checksum} {index.stat().st_size} main/binary-amd64/Packages\n"
        )
        return f"file:{self.root / name}/"

    def run(self, *words: str) -> str:
        done = subprocess.run(
            words, env=self.environment, capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def ours(self, function: str) -> str:
        """What a function of the ramdisk's builder prints, after an update."""
        self.run("apt-get", "update")
        script = f"source {REPOSITORY}/tools/build_deploy_ramdisk.sh; {function}"
        return self.run("bash", "-c", script)


@pytest.fixture
def apt(tmp_path: Path) -> Apt:
    return Apt(tmp_path)


@pytest.mark.parametrize(
    "options", ["[ trusted=yes ]", "[trusted=yes]", "[arch=amd64 trusted=true]"]
)
def test_a_mirror_that_the_host_trusts_is_trusted(apt, options):
    uri = apt.mirror("mirror")
    (apt.root / "sources.list").write_text(
        f"# A comment is a line, too.\n\ndeb {options} {uri} {CODENAME} main\n"
    )

    assert apt.ours("debian_sources") == f"deb [trusted=yes] {uri} {CODENAME} main\n"


def test_so_is_one_of_the_other_format_and_no_other(apt):
    """The second of two stanzas."""
    uri, other = apt.mirror("mirror"), apt.mirror("other")
    (apt.root / "parts/debian.sources").write_text(
        f"# Trusted: yes\nTypes: deb\nURIs: {other}\nSuites: {CODENAME}\n"
        "Components: main\nEnabled: no\n\n\n"
        f"Types: deb\nURIs: {uri}\nSuites: {CODENAME}\nComponents: main\nTrusted: yes\n"
    )

    assert apt.ours("debian_sources") == f"deb [trusted=yes] {uri} {CODENAME} main\n"


def test_the_mirrors_address_is_found_behind_its_options(apt):
    uri = apt.mirror("mirror")
    (apt.root / "sources.list").write_text(
        f"deb [ trusted=yes ] {uri} {CODENAME} main\n"
    )

    assert apt.ours(f"mirror_of {CODENAME}") == f"{uri.removesuffix('/')}\n"


def test_what_the_host_has_verified_needs_no_option():
    """This host's own sources: signed, unless somebody chose otherwise."""
    script = f"source {REPOSITORY}/tools/build_deploy_ramdisk.sh; debian_sources"
    done = subprocess.run(
        ["bash", "-c", script], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    said = "".join(
        path.read_text().lower()
        for path in (Path("/etc/apt/sources.list"), *Path("/etc/apt").glob("*.d/*"))
        if path.is_file() and path.suffix in (".list", ".sources")
    )
    assert done.stdout.startswith("deb ")
    assert ("[trusted=yes]" in done.stdout) == ("trusted" in said)
