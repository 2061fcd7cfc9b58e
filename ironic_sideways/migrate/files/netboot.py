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

"""The kernels and ramdisks of net-booted instances, kept for Ironic's conductor.

One directory holds each image once, under the SHA-256 of its content. An image
that is there under its name is whole.
"""

import dataclasses
import hashlib
import os
import secrets
import shutil
import stat
from collections.abc import Iterable
from io import BufferedRandom
from pathlib import Path
from urllib import parse

from ironic_sideways import exceptions
from ironic_sideways.migrate import choices, sound_options
from ironic_sideways.migrate.files import ironicconf, tftp

_AGAIN = "run again when nothing writes to the TFTP root"


@dataclasses.dataclass(frozen=True)
class Image:
    """A file, and the SHA-256 of what it held when the check read it."""

    path: Path
    digest: str


class Store:
    """Where the images go, and how a conductor finds them there.

    :param directory: absolute.
    :param url: of the directory, when a web server gives it out.
    """

    def __init__(self, directory: Path, url: str | None = None) -> None:
        self.directory = directory
        self._prefix = (url or f"file://{directory}").rstrip("/")

    def href(self, image: Image) -> str:
        """The reference to ``image`` for ``instance_info``."""
        return f"{self._prefix}/{image.digest}"

    def keep(self, images: Iterable[Image]) -> int:
        """Put images into the directory; those there already stay. How many came.

        :raises SidewaysError: the disk is full, a file changed since the check, ...
        """
        came = 0
        try:
            self.directory.mkdir(mode=0o755, parents=True, exist_ok=True)
            beneath = os.open(self.directory, os.O_RDONLY | os.O_DIRECTORY)
            try:
                for image in images:
                    came += self._keep(image, beneath)
            finally:
                os.close(beneath)
        except OSError as error:
            raise exceptions.SidewaysError(
                f"--netboot-images {self.directory}: {error.strerror}"
                f" ({error.filename}); no rows were written"
            ) from error
        return came

    def _keep(self, image: Image, beneath: int) -> bool:
        """:param beneath: the directory, open.

        It may be another user's, as the conductor's: nothing in it is opened by a name
        that they can put a link at.
        """
        place = self.directory / image.digest
        if _is_ours(place) and digest(place) == image.digest:
            return False
        new = f".{image.digest[:12]}-{secrets.token_hex(4)}"
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        with os.fdopen(os.open(new, flags, 0o600, dir_fd=beneath), "w+b") as target:
            try:
                _copy(image, target)
                os.rename(new, image.digest, src_dir_fd=beneath, dst_dir_fd=beneath)
            except BaseException:
                os.unlink(new, dir_fd=beneath)
                raise
        os.fsync(beneath)
        return True


def store(
    directory: str | None, url: str | None, conf: ironicconf.IronicConf | None
) -> Store | None:
    """What ``--netboot-images`` and ``--netboot-url`` say together.

    :raises UsageError: a URL without directory, or a path that Ironic would refuse.
    """
    if directory is None:
        if url:
            raise exceptions.UsageError(
                f"--netboot-url {url}: expected --netboot-images DIR too, whose files "
                "it gives out"
            )
        return None
    path = Path(directory).resolve()
    if url:
        sound_options.refuse_password("--netboot-url", url)
        if parse.urlsplit(url).scheme not in ("http", "https"):
            raise exceptions.UsageError(f"--netboot-url {url}: expected http or https")
        return Store(path, url)
    if parse.quote(str(path)) != str(path):
        raise exceptions.UsageError(
            f"--netboot-images {path}: expected a path that a file:// URL can hold as "
            "it is, of letters, digits and _ . - ~ /"
        )
    # Word for word as ironic.common.image_service.FileImageService has it.
    if conf and not any(
        str(path) == allowed or str(path).startswith(f"{allowed}/")
        for allowed in conf.file_url_allowed_paths
    ):
        raise exceptions.UsageError(
            f"--netboot-images {path}: --ironic-config {conf.path} has [conductor] "
            f"file_url_allowed_paths = {', '.join(conf.file_url_allowed_paths)}; "
            "choose a directory below one of them, or allow this one there"
        )
    return Store(path)


class NetBoots(dict[str, choices.NetBoot | None]):
    """Instance uuid -> what it boots with; read when first asked for, and kept.

    None: no configuration under any root. So the passes of one run see the same,
    and only instances that nova_bm still has are read.
    """

    def __init__(self, roots: Iterable[Path], images: Store | None) -> None:
        super().__init__()
        self._roots = tuple(roots)
        self._store = images
        self._images: dict[str, tuple[Image, Image]] = {}

    def __missing__(self, instance_uuid: str) -> choices.NetBoot | None:
        self[instance_uuid] = found = self._read(instance_uuid)
        return found

    def keep(self, instances: Iterable[str]) -> int:
        """Put the kernels and ramdisks of these instances into the directory.

        :returns: how many came; each content once, and none that was there.
        :raises SidewaysError: the disk is full, a file changed since the check, ...
        """
        assert self._store is not None
        pairs = (self._images.get(instance, ()) for instance in instances)
        images = {image.digest: image for pair in pairs for image in pair}
        return self._store.keep(images.values())

    def _read(self, instance_uuid: str) -> choices.NetBoot | None:
        try:
            files = tftp.find(self._roots, instance_uuid)
        except tftp.Fault as fault:
            return choices.NetBoot(fault=str(fault))
        if files is None:
            return None
        if self._store is None:
            return choices.NetBoot(
                config=str(files.config),
                fault=f"boots over the network ({files.config}): give --netboot-images "
                "DIR, where its kernel and ramdisk are kept for Ironic",
            )
        try:
            pair = [_image(path) for path in (files.kernel, files.ramdisk)]
        except tftp.Fault as fault:
            return choices.NetBoot(fault=str(fault))
        except OSError as error:
            return choices.NetBoot(fault=f"{error.filename}: {error.strerror}")
        kernel, ramdisk = pair
        self._images[instance_uuid] = (kernel, ramdisk)
        return choices.NetBoot(
            str(files.config),
            self._store.href(kernel),
            self._store.href(ramdisk),
            files.arguments,
        )


def digest(path: Path) -> str:
    """SHA-256 of a file's content, as hex digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _image(source: Path) -> Image:
    with tftp.opened(source) as file:
        return Image(source, hashlib.file_digest(file, "sha256").hexdigest())


def _is_ours(place: Path) -> bool:
    """Whether nobody else can change the kept image, as by a hard link to it."""
    try:
        found = place.lstat()
    except FileNotFoundError:
        return False
    return (
        stat.S_ISREG(found.st_mode)
        and found.st_nlink == 1
        and found.st_uid == os.geteuid()
        and not found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    )


def _copy(image: Image, target: BufferedRandom) -> None:
    """A copy that the conductor may read, and the original's owner not write.

    :raises SidewaysError: it is not what the check read.
    """
    try:
        with tftp.opened(image.path) as file:
            shutil.copyfileobj(file, target)
    except tftp.Fault as fault:
        raise exceptions.SidewaysError(f"{fault}; {_AGAIN}") from fault
    target.seek(0)
    if hashlib.file_digest(target, "sha256").hexdigest() != image.digest:
        raise exceptions.SidewaysError(
            f"{image.path}: was changed since the check; {_AGAIN}"
        )
    os.fchmod(target.fileno(), 0o644)
    os.fsync(target.fileno())
