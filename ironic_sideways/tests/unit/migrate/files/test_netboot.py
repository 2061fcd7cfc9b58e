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
import multiprocessing
from collections.abc import Iterator
from io import BufferedReader
from pathlib import Path

import pytest

from ironic_sideways import exceptions
from ironic_sideways.migrate import choices
from ironic_sideways.migrate.files import ironicconf, netboot, tftp
from ironic_sideways.tests import rows
from ironic_sideways.tests.unit.migrate.files import test_tftp

#: Of a race that was won after a hundred or so.
TRIES = 2000
ONE, TWO = rows.instance_uuid(1), rows.instance_uuid(2)


def boots(tmp_path: Path) -> tuple[netboot.NetBoots, Path]:
    """Two instances with the same kernel and ramdisk, and where these go."""
    for instance in (ONE, TWO):
        text = test_tftp.CONFIG.format(uuid=instance)
        test_tftp.write(tmp_path / "tftp", text, instance)
    store = netboot.store(str(tmp_path / "images"), None, None)
    return netboot.NetBoots([tmp_path / "tftp"], store), tmp_path / "images"


def test_each_content_is_kept_once_under_its_digest(tmp_path: Path) -> None:
    found, images = boots(tmp_path)
    one, two = found[ONE], found[TWO]
    assert one and two
    assert found["none"] is None
    assert not images.exists()
    assert found.keep([ONE, TWO]) == 2
    assert one.kernel == two.kernel == f"file://{images}/{netboot.digest(kernel(one))}"
    assert kernel(one).read_text() == "a kernel"
    assert one.arguments == "root=UUID=4d66 ro nofb nomodeset vga=normal"
    assert sorted(images.iterdir()) == sorted({kernel(one), ramdisk(one)})
    assert found.keep([ONE, TWO]) == 0


def kernel(boot: choices.NetBoot) -> Path:
    return Path(boot.kernel.removeprefix("file://"))


def ramdisk(boot: choices.NetBoot) -> Path:
    return Path(boot.ramdisk.removeprefix("file://"))


def test_what_was_cut_off_under_its_name_is_made_whole(tmp_path: Path) -> None:
    found, _images = boots(tmp_path)
    boot = found[ONE]
    assert boot
    found.keep([ONE])
    kernel(boot).unlink()
    kernel(boot).write_text("half")
    assert found.keep([ONE]) == 1
    assert kernel(boot).read_text() == "a kernel"


def test_what_others_may_not_read_is_copied_for_the_conductor(tmp_path: Path) -> None:
    (tmp_path / "tftp").mkdir()
    found, _images = boots(tmp_path)
    source = tmp_path / "tftp" / ONE / "kernel"
    source.chmod(0o600)
    boot = found[ONE]
    assert boot
    found.keep([ONE])
    assert kernel(boot).stat().st_mode & 0o777 == 0o644
    assert source.stat().st_mode & 0o777 == 0o600


def test_s4_a_kept_image_is_no_link_to_its_old_owner_s_file(tmp_path: Path) -> None:
    found, images = boots(tmp_path)
    source = tmp_path / "tftp" / ONE / "kernel"
    boot = found[ONE]
    assert boot
    images.mkdir()
    # As an earlier version left it.
    kernel(boot).hardlink_to(source)
    assert found.keep([ONE]) == 2
    for kept in (kernel(boot), ramdisk(boot)):
        assert kept.stat().st_nlink == 1
    source.write_text("another")
    assert kernel(boot).read_text() == "a kernel"


def test_s4_a_file_that_becomes_a_link_is_not_copied(tmp_path: Path) -> None:
    """As whoever may write below the root would have root copy a file of root's."""
    found, images = boots(tmp_path)
    assert found[ONE]
    source = tmp_path / "tftp" / ONE / "kernel"
    secret = tmp_path / "secret"
    secret.write_bytes(source.read_bytes())
    secret.chmod(0o600)
    source.unlink()
    source.symlink_to(secret)
    with pytest.raises(exceptions.SidewaysError, match=r"is a link, .*run again"):
        found.keep([ONE])
    assert list(images.iterdir()) == []


@pytest.mark.parametrize("what", ["kernel", "directory"])
def test_s4_a_link_in_a_race_is_never_read(tmp_path: Path, what: str) -> None:
    """Swapped as fast as it goes, while root looks; the old code copied it soon."""
    text = test_tftp.CONFIG.format(uuid=ONE)
    test_tftp.write(tmp_path / "tftp", text, ONE)
    secrets = test_tftp.write(tmp_path / "secret", text, ONE)
    for name in ("kernel", "ramdisk"):
        (secrets / name).write_text("a secret of root's")
    target = tmp_path / "tftp" / ONE
    target, secret = (
        (target / "kernel", secrets / "kernel")
        if what == "kernel"
        else (target, secrets)
    )
    store = netboot.store(str(tmp_path / "images"), None, None)
    with swapping(target, secret):
        for _try in range(TRIES):
            found = netboot.NetBoots([tmp_path / "tftp"], store)
            boot = found[ONE]
            if boot and not boot.fault:
                with contextlib.suppress(exceptions.SidewaysError):
                    found.keep([ONE])
    images = tmp_path / "images"
    kept = [one.read_text() for one in images.iterdir()] if images.is_dir() else []
    assert "a secret of root's" not in kept


def test_s4_who_owns_the_place_of_the_images_has_root_write_nowhere_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the conductor's user, whose directory it may be: a link where root writes."""
    found, images = boots(tmp_path)
    assert found[ONE]
    victim = tmp_path / "victim"
    victim.mkdir()
    before = victim.stat().st_mtime_ns
    opened = tftp.opened

    def link_first(path: Path) -> contextlib.AbstractContextManager[BufferedReader]:
        for one in [one for one in images.glob(".*") if not one.is_symlink()]:
            one.rename(tmp_path / one.name)
            one.symlink_to(victim if (tmp_path / one.name).is_dir() else victim / "x")
        return opened(path)

    monkeypatch.setattr(tftp, "opened", link_first)
    found.keep([ONE])

    # Nor was anything made there and moved away.
    assert victim.stat().st_mtime_ns == before and not list(victim.iterdir())


@contextlib.contextmanager
def swapping(target: Path, secret: Path) -> Iterator[None]:
    """Another process makes ``target`` a link to ``secret`` and back, all the time."""
    link, away = target.with_name("link"), target.with_name("away")
    link.symlink_to(secret)
    done = multiprocessing.Event()

    def swap() -> None:
        while not done.is_set():
            target.rename(away)
            link.rename(target)
            target.rename(link)
            away.rename(target)

    process = multiprocessing.get_context("fork").Process(target=swap)
    process.start()
    try:
        yield
    finally:
        done.set()
        process.join()
    assert process.exitcode == 0


def test_a_file_that_was_changed_since_the_check_is_refused(tmp_path: Path) -> None:
    found, images = boots(tmp_path)
    assert found[ONE]
    (tmp_path / "tftp" / ONE / "kernel").write_text("another")
    with pytest.raises(exceptions.SidewaysError, match="was changed since the check"):
        found.keep([ONE])
    assert list(images.iterdir()) == []


def test_a_directory_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    test_tftp.write(tmp_path)
    (tmp_path / "file").touch()
    store = netboot.store(str(tmp_path / "file" / "images"), None, None)
    found = netboot.NetBoots([tmp_path], store)
    assert found[ONE]
    with pytest.raises(exceptions.SidewaysError, match=r"--netboot-images .*no rows"):
        found.keep([ONE])


def test_faults_are_told_and_not_raised(tmp_path: Path) -> None:
    found, _images = boots(tmp_path)
    (tmp_path / "tftp" / ONE / "ramdisk").unlink()
    boot = found[ONE]
    assert boot and boot.fault and "No such file" in boot.fault


def test_without_a_place_for_the_images_the_instance_is_refused(
    tmp_path: Path,
) -> None:
    test_tftp.write(tmp_path)
    boot = netboot.NetBoots([tmp_path], None)[ONE]
    assert boot and boot.fault and "give --netboot-images DIR" in boot.fault


def test_a_web_server_gives_the_images_out(tmp_path: Path) -> None:
    test_tftp.write(tmp_path)
    store = netboot.store(str(tmp_path / "a b"), "http://10.0.0.1/images/", None)
    boot = netboot.NetBoots([tmp_path], store)[ONE]
    assert boot and boot.kernel.startswith("http://10.0.0.1/images/")
    assert "//images/" not in boot.kernel


@pytest.mark.parametrize(
    ("directory", "url", "said"),
    [
        (None, "http://h/", "expected --netboot-images DIR too"),
        ("/srv/x", "ftp://h/", "expected http or https"),
        ("/srv/x", "https://u:pw@h/", "URL without a password"),
        ("/srv/a b", None, "that a file:// URL can hold"),
        ("/srv/images-2", None, "file_url_allowed_paths = /srv/images;"),
    ],
)
def test_a_place_that_ironic_would_not_find_is_bad_usage(
    tmp_path: Path, directory: str | None, url: str | None, said: str
) -> None:
    path = tmp_path / "ironic.conf"
    path.write_text("[conductor]\nfile_url_allowed_paths = /srv/images\n")
    conf = ironicconf.read(str(path))
    with pytest.raises(exceptions.UsageError) as raised:
        netboot.store(directory, url, conf)
    assert said in str(raised.value)
    assert netboot.store("/srv/images/netboot", None, conf)
