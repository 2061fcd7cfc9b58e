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

"""The kernel packages of Debian 12 and of Debian 13, made here in small."""

import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from ironic_sideways.hardware import cache, kernel

VERSION = "6.0-cloud-amd64"


def package(root: Path, modules: str) -> Path:
    """A kernel's package with its modules below ``modules``."""
    files = {
        "DEBIAN/control": "Package: k\nVersion: 1\nArchitecture: all\n"
        "Maintainer: t <t@example.org>\nDescription: t\n",
        f"boot/vmlinuz-{VERSION}": "the kernel",
        f"{modules}/{VERSION}/kernel/one.ko": "a module",
        "usr/share/doc/k/copyright": "free",
    }
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    subprocess.run(
        ["dpkg-deb", "--build", root, root.with_suffix(".deb")],
        check=True,
        capture_output=True,
    )
    return root.with_suffix(".deb")


@pytest.mark.parametrize("modules", ["lib/modules", "usr/lib/modules"])
def test_either_releases_kmod_finds_the_modules_of_either_release(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, modules: str
) -> None:
    archive = package(tmp_path / "package", modules)
    run, depmod_saw = cache.run, []

    def faked(
        command: Sequence[str | Path], name: str, directory: Path | None = None
    ) -> str:
        match command:
            case ["apt-cache", *_]:
                return f"Depends: linux-image-{VERSION} (= 6.0-1)\n"
            case ["apt-get", *_]:
                assert directory is not None
                (directory / "k.deb").write_bytes(archive.read_bytes())
                return ""
            case ["depmod", "--basedir", Path() as root, version]:
                for place in ("lib", "usr/lib"):
                    file = root / place / "modules" / version / "kernel/one.ko"
                    depmod_saw.append(file.read_text())
                return ""
        return run(command, name, directory)

    monkeypatch.setattr(cache, "run", faked)
    fetched = kernel.fetch(tmp_path / "cache")

    assert depmod_saw == ["a module", "a module"]
    assert fetched.image.read_text() == "the kernel"
    assert (
        fetched.root / "lib/modules" / fetched.version / "kernel/one.ko"
    ).read_text() == "a module"
    assert not (fetched.root / "usr/share").exists()
