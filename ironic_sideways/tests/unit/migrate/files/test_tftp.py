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

import contextlib
import os
from pathlib import Path

import hypothesis
import pytest
from hypothesis import strategies as st

from ironic_sideways.migrate.files import tftp
from ironic_sideways.tests import rows
from ironic_sideways.tests.strategies import settings

#: As Nova 2014.2 wrote it, after its deploy helper had been there.
CONFIG = """\
default boot

label deploy
kernel /tftpboot/{uuid}/deploy_kernel
append initrd=/tftpboot/{uuid}/deploy_ramdisk selinux=0 disk=cciss/c0d0,sda,hda,vda iscsi_target_iqn=iqn-{uuid} deployment_id=1 deployment_key=K troubleshoot=0
ipappend 3

label boot
kernel /tftpboot/{uuid}/kernel
append initrd=/tftpboot/{uuid}/ramdisk root=UUID=4d66 ro nofb nomodeset vga=normal
"""  # noqa: E501
INSTANCE = rows.instance_uuid(1)
TEXT = CONFIG.format(uuid=INSTANCE)


def write(root: Path, text: str = TEXT, instance: str = INSTANCE) -> Path:
    """An instance's directory below a TFTP root."""
    directory = root / instance
    directory.mkdir(parents=True)
    (directory / "config").write_text(text)
    (directory / "kernel").write_text("a kernel")
    (directory / "ramdisk").write_text("a ramdisk")
    return directory


def test_the_boot_label_is_read_without_its_ramdisk() -> None:
    assert tftp.parse(TEXT) == tftp.Label(
        f"/tftpboot/{INSTANCE}/kernel",
        f"/tftpboot/{INSTANCE}/ramdisk",
        "root=UUID=4d66 ro nofb nomodeset vga=normal",
    )


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("default boot", "default deploy", "its default is deploy, expected boot"),
        ("default boot", "", "its default is not set"),
        ("default boot", "default boot\ndefault deploy", "line 2: a second default"),
        ("label boot", "label other", "has no 'label boot'"),
        ("label boot", "label deploy", "a second label deploy"),
        (f"kernel /tftpboot/{INSTANCE}/kernel", "", "has no kernel"),
        ("append initrd=/tftpboot/", "kernel ", "a second kernel"),
        (" initrd=", " ", "names no one ramdisk"),
        ("UUID=4d66", "${ROOT}", "${ROOT} is still in it"),
        ("UUID=4d66", "{{ ROOT }}", "{{ ROOT }} is still in it"),
        ("root=UUID=4d66", "", "has no root="),
        ("root=UUID=4d66", "root=", "has no root="),
        ("nofb", "${net0/mac}", "characters that iPXE would interpret"),
        ("nofb", "n\u00f6fb", "characters that iPXE would interpret"),
        ("nofb nomodeset vga=normal", "\nipappend 2", "label boot has ipappend"),
    ],
)
def test_what_could_not_be_kept_as_it_is_is_refused(
    old: str, new: str, said: str
) -> None:
    before, label, boot = TEXT.partition("label boot")
    text = before + (label + boot).replace(old, new)
    if "default" in old or old == "label boot":
        text = TEXT.replace(old, new)
    with pytest.raises(tftp.Fault) as raised:
        tftp.parse(text)
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("blank", ["\t", " \t ", "\t\t"])
def test_n6_blanks_are_spaces_and_tabs(blank: str) -> None:
    lines = TEXT.splitlines()
    text = "\n".join(f"\t{line.replace(' ', blank)}\t\r" for line in lines)
    assert tftp.parse(text) == tftp.parse(TEXT)


@pytest.mark.parametrize("word", ["||", "&&", ";", "#", "#x"])
def test_n6_a_word_that_ends_ipxe_s_line_is_refused(word: str) -> None:
    """Whatever stands after it, the instance would boot without."""
    with pytest.raises(tftp.Fault, match="where iPXE's line would end") as raised:
        tftp.parse(TEXT.replace("nofb", f"nofb {word}"))
    assert f"has {word}," in str(raised.value)


@pytest.mark.parametrize("word", ["a;b", "x=#1", "a||b", "a&&"])
def test_n6_a_word_that_only_contains_such_letters_is_kept(word: str) -> None:
    assert word in tftp.parse(TEXT.replace("nofb", word)).arguments.split()


def test_kernel_and_ramdisk_are_the_files_beside_the_configuration(
    tmp_path: Path,
) -> None:
    """Whatever the TFTP root's name on the compute host was."""
    directory = write(tmp_path / "copy-of-compute-1")
    (tmp_path / "empty").mkdir()
    found = tftp.find([tmp_path / "empty", tmp_path / "copy-of-compute-1"], INSTANCE)
    assert found == tftp.Files(
        directory / "config",
        directory / "kernel",
        directory / "ramdisk",
        "root=UUID=4d66 ro nofb nomodeset vga=normal",
    )
    assert tftp.find([tmp_path], rows.instance_uuid(2)) is None


@pytest.mark.parametrize(
    ("named", "said"),
    [
        ("/tftpboot/{uuid}/../kernel", "does not lie beside it"),
        ("/tftpboot/{uuid}/a\0b", "does not lie beside it"),
        ("/etc/passwd", "does not lie beside it"),
        ("/tftpboot/{uuid}/..", "does not lie beside it"),
        ("kernel", "does not lie beside it"),
        ("/tftpboot/{uuid}/none", "No such file or directory"),
        ("/tftpboot/{uuid}/empty", "is empty"),
        ("/tftpboot/{uuid}/directory", "is not a file"),
        ("/tftpboot/{uuid}/link", "is a link"),
        ("/tftpboot/{uuid}/beside", "is a link"),
        ("/tftpboot/{uuid}/pipe", "is not a file"),
    ],
)
def test_files_elsewhere_or_missing_are_refused(
    tmp_path: Path, named: str, said: str
) -> None:
    kernel = f"kernel /tftpboot/{INSTANCE}/kernel"
    text = TEXT.replace(kernel, f"kernel {named.format(uuid=INSTANCE)}")
    directory = write(tmp_path, text)
    (directory / "empty").touch()
    (directory / "directory").mkdir()
    (directory / "link").symlink_to("/etc/passwd")
    (directory / "beside").symlink_to("ramdisk")
    os.mkfifo(directory / "pipe")
    with pytest.raises(tftp.Fault) as raised:
        tftp.find([tmp_path], INSTANCE)
    assert said in str(raised.value)
    assert str(raised.value).startswith(f"{directory}/config: ")


def test_two_configurations_of_one_instance_are_refused(tmp_path: Path) -> None:
    write(tmp_path / "a")
    write(tmp_path / "b")
    with pytest.raises(tftp.Fault, match="are both of it"):
        tftp.find([tmp_path / "a", tmp_path / "b"], INSTANCE)


def test_a_configuration_that_is_none_is_refused(tmp_path: Path) -> None:
    config = write(tmp_path) / "config"
    config.write_bytes(b"\xff\xfe")
    with pytest.raises(tftp.Fault, match="is not text"):
        tftp.find([tmp_path], INSTANCE)
    config.write_bytes(b"a" * (tftp.LARGEST + 1))
    with pytest.raises(tftp.Fault, match="is larger than"):
        tftp.find([tmp_path], INSTANCE)
    config.unlink()
    config.symlink_to("nowhere")
    with pytest.raises(tftp.Fault, match="is a link"):
        tftp.find([tmp_path], INSTANCE)


def test_s4_a_directory_that_is_a_link_is_not_followed(tmp_path: Path) -> None:
    directory = write(tmp_path / "elsewhere")
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / INSTANCE).symlink_to(directory)
    with pytest.raises(tftp.Fault, match="its directory is one"):
        tftp.find([tmp_path / "root"], INSTANCE)
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    # The root is the operator's own word.
    assert tftp.find([tmp_path / "link"], INSTANCE)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to give files away")
def test_s4_a_hard_link_to_what_another_user_hides_is_refused(tmp_path: Path) -> None:
    """Where fs.protected_hardlinks is 0."""
    directory = write(tmp_path)
    for path in (directory, *directory.iterdir()):
        os.chown(path, 65534, 65534)
    kernel = directory / "kernel"
    os.chown(kernel, 0, 0)
    assert tftp.find([tmp_path], INSTANCE)
    kernel.chmod(0o600)
    with pytest.raises(tftp.Fault, match="another user's than its directory"):
        tftp.find([tmp_path], INSTANCE)


@pytest.mark.parametrize("mode", [0o775, 0o757])
def test_s4_who_may_write_there_hides_no_file_of_its_owner_s_by_a_link(
    tmp_path: Path, mode: int
) -> None:
    """Whether others may make hard links to it is the kernel's setting."""
    directory = write(tmp_path)
    own = tmp_path / "of root alone"
    own.write_text("secret")
    own.chmod(0o600)
    (directory / "kernel").unlink()
    (directory / "kernel").hardlink_to(own)
    assert tftp.find([tmp_path], INSTANCE)
    directory.chmod(mode)

    with pytest.raises(tftp.Fault, match="others may write to its directory"):
        tftp.find([tmp_path], INSTANCE)


def test_what_cannot_be_looked_into_is_not_taken_for_absent(tmp_path: Path) -> None:
    (tmp_path / INSTANCE).symlink_to(INSTANCE)
    with pytest.raises(tftp.Fault, match="cannot be read: Too many levels"):
        tftp.find([tmp_path], INSTANCE)


@pytest.mark.parametrize("name", ["../x", "..", ".", "", "/etc"])
def test_an_instance_s_name_is_no_path(tmp_path: Path, name: str) -> None:
    write(tmp_path / "root", instance="x")
    (tmp_path / "config").write_text(TEXT)
    with pytest.raises(tftp.Fault, match="names no directory"):
        tftp.find([tmp_path / "root"], name)


#: Words of such files, in any order and with anything between them.
words = st.sampled_from(
    ["default", "label", "boot", "deploy", "kernel", "append", "initrd=x", "root=y",
     "ro", "${ROOT}", "\n", "\n", "#", " "]
) | st.text(max_size=5)  # fmt: skip


@settings(ci=60, soak=5000)
@hypothesis.given(st.lists(words, max_size=30).map(" ".join))
def test_any_text_is_refused_or_names_all_that_is_needed(text: str) -> None:
    with contextlib.suppress(tftp.Fault):
        label = tftp.parse(text)
        hypothesis.event("read")
        assert label.kernel
        assert label.ramdisk
        assert "root=" in label.arguments
        assert "initrd=" not in label.arguments
        assert "\n" not in label.arguments
