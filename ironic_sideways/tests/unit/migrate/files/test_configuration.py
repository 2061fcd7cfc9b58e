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

"""Configuration files as people have them, both services' through one reader."""

from collections.abc import Callable
from pathlib import Path

import pytest

from ironic_sideways import exceptions
from ironic_sideways.migrate.files import ironicconf, novaconf


def host(path: str) -> object:
    return novaconf.read(path).host


def arch(path: str) -> object:
    return novaconf.read(path).cpu_arch


def paths(path: str) -> object:
    return ironicconf.read(path).file_url_allowed_paths


IMAGES = "[conductor]\nfile_url_allowed_paths = "


@pytest.mark.parametrize(
    ("read", "content", "found"),
    [
        (host, "[DEFAULT]\nmy_ip = 10.0.0.7\nhost = $my_ip\n", "10.0.0.7"),
        (host, "[DEFAULT]\nmy_ip = 10.0.0.7\nhost = bm-${my_ip}\n", "bm-10.0.0.7"),
        (host, "[DEFAULT]\nhost = $a\na = $b\nb = c1\n", "c1"),
        (host, "[x]\na = c1\n[DEFAULT]\nhost = ${x.a}\n", "c1"),
        (host, "[DEFAULT]\nhost = a$$b\n", "a$b"),
        (host, "[DEFAULT]\nhost =\n", None),
        (host, "[DEFAULT]\r\nhost = c1\r\n", "c1"),
        (host, "\ufeff[DEFAULT]\nhost = c1\n", "c1"),
        (host, "# Gr\u00f6\u00dfe\n[DEFAULT]\nhost = c1\n", "c1"),
        (host, b"# Gr\xf6\xdfe\n[DEFAULT]\nhost = c1\n", "c1"),
        (host, b"[DEFAULT]\nadmin_password = \xe4\xf6\nhost = c1\n", "c1"),
        (host, "", None),
        *(
            (arch, f"[baremetal]\nflavor_extra_specs = {specs}\n", "x86_64")
            for specs in (
                "cpu_arch : x86_64",
                "gpu:1,cpu_arch:x86_64",
                " cpu_arch:\tx86_64 , gpu : 1",
            )
        ),
        (arch, "[baremetal]\nflavor_extra_specs = gpu:1\n", None),
        (
            paths,
            f"[DEFAULT]\nstate_path = /srv/i\n{IMAGES}$state_path/images, /x\n",
            ("/srv/i/images", "/x"),
        ),
        (
            paths,
            f"[deploy]\nhttp_root = /h\n{IMAGES}${{deploy.http_root}}/i",
            ("/h/i",),
        ),
        (paths, f"[pxe]\ntftp_root = /t\n{IMAGES}$pxe.tftp_root/i\n", ("/t/i",)),
        (paths, f"[site]\nimages = /i\n{IMAGES}${{site.images}}\n", ("/i",)),
        (paths, b"# \xe9t\xe9\n" + IMAGES.encode() + b"/i\n", ("/i",)),
    ],
)
def test_n3_a_file_is_read_as_the_service_reads_it(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    read: Callable[[str], object],
    content: str | bytes,
    found: object,
) -> None:
    # What oslo.config would take of this machine.
    monkeypatch.setenv("OS_DEFAULT__HOST", "this-machine")
    monkeypatch.setenv("OS_CONDUCTOR__FILE_URL_ALLOWED_PATHS", "/this/machine")
    path = tmp_path / "service.conf"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    assert read(str(path)) == found


@pytest.mark.parametrize("read", [novaconf.read, ironicconf.read])
@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("s3cret\n", "line 1: No"),
        ("[DEFAULT]\nhost = c1\n\ns3cret\n", "line 4: No"),
        ("[s3cret\nhost = c1\n", "line 1: Invalid section (must end with ])"),
        ("s3cret = c1\n", "line 1: Section must be started before assignment"),
        ("[DEFAULT]\n s3cret = c1\n", "line 2: Unexpected continuation line"),
        ("\0\0s3cret\n", "line 1: No"),
        ("[DEFAULT]\n".encode("utf-16"), "line 1: No"),
    ],
)
def test_n3_what_is_no_such_file_is_one_line_without_its_words(
    tmp_path: Path, read: Callable[[str], object], content: str | bytes, said: str
) -> None:
    path = tmp_path / "service.conf"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    assert said in refusal(read, path)


def refusal(read: Callable[[str], object], path: Path) -> str:
    with pytest.raises(exceptions.UsageError) as raised:
        read(str(path))
    said = str(raised.value)
    assert said.startswith("--")
    assert f"{path}: expected a" in said
    assert "\n" not in said
    assert "s3cret" not in said
    assert "/proc/" not in said
    return said


@pytest.mark.parametrize(
    ("read", "content", "said"),
    [
        (host, "[DEFAULT]\nhost = $my_ip\n", "a value has $my_ip, which the file does"),
        (host, "[DEFAULT]\nhost = $a\na = $b\n", "a value has $b, which"),
        (host, "[DEFAULT]\nhost = ${x.a}\n", "a value has $x.*, which"),
        (host, "[DEFAULT]\nhost = $host\n", "a $name in a value leads back to itself"),
        (
            host,
            "[DEFAULT]\nhost = $a\na = $host\n",
            "a $name in a value leads back to itself",
        ),
        (paths, f"{IMAGES}$nothing/i\n", "a value has $nothing, which"),
    ],
)
def test_n3_a_substitution_that_cannot_be_resolved_is_named(
    tmp_path: Path, read: Callable[[str], object], content: str, said: str
) -> None:
    path = tmp_path / "service.conf"
    path.write_text(content)
    assert said in refusal(read, path)


@pytest.mark.parametrize("read", [novaconf.read, ironicconf.read])
@pytest.mark.parametrize(
    ("name", "said"), [(".", "Is a directory"), ("none", "No such file or directory")]
)
def test_n5_a_directory_where_a_file_is_meant_is_one_line(
    tmp_path: Path, read: Callable[[str], object], name: str, said: str
) -> None:
    assert said in refusal(read, tmp_path / name)
