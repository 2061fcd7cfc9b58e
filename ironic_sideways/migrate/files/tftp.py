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

"""The PXE configurations that nova-baremetal left below its TFTP root.

Each is ``<root>/<instance uuid>/config``, made of Nova's pxe_config.template, with
the instance's kernel and ramdisk beside it. The deploy helper put the root file
system's UUID in it and made ``boot`` its default (``switch_pxe_config`` in
nova/cmd/baremetal_deploy_helper.py); it stands nowhere else.
"""

import contextlib
import dataclasses
import errno
import os
import stat
from collections.abc import Iterable, Iterator
from io import BufferedReader
from pathlib import Path, PurePosixPath

#: Bytes of a configuration; Nova's has a few hundred.
LARGEST = 64 * 1024
#: The placeholder for the root file system, as the template of 2014.2 has it, and
#: as the one after it has.
_UNSET_ROOT = ("${ROOT}", "{{ ROOT }}")
#: Words that end a command of iPXE; one that begins with # begins a comment
#: (find_terminator in iPXE's src/core/exec.c).
_IPXE_ENDS = ("||", "&&", ";")


class Fault(Exception):
    """Why an instance cannot be booted as it was; one line."""


@dataclasses.dataclass(frozen=True)
class Label:
    """The ``label boot`` of a configuration.

    :param kernel: as the file names it.
    :param ramdisk: as the file names it.
    :param arguments: the ``append`` line without ``initrd=``.
    """

    kernel: str
    ramdisk: str
    arguments: str


@dataclasses.dataclass(frozen=True)
class Files:
    """What an instance boots with.

    :param config: the configuration that says so.
    """

    config: Path
    kernel: Path
    ramdisk: Path
    arguments: str


def find(roots: Iterable[Path], instance_uuid: str) -> Files | None:
    """What the instance boots with, or None: no configuration under any root.

    :raises Fault: it has one, and not one that could be kept.
    """
    if PurePosixPath(instance_uuid).name in ("", "..") or "/" in instance_uuid:
        raise Fault(f"{instance_uuid!r} names no directory")
    configs = [root / instance_uuid / "config" for root in roots]
    there = [config for config in configs if _is_there(config)]
    if not there:
        return None
    if len(there) > 1:
        raise Fault(
            f"{there[0]} and {there[1]} are both of it: expected one configuration"
        )
    config = there[0]
    try:
        label = parse(_text(config))
        return Files(
            config,
            _beside(config, label.kernel),
            _beside(config, label.ramdisk),
            label.arguments,
        )
    except Fault as fault:
        raise Fault(f"{config}: {fault}") from fault


def _is_there(config: Path) -> bool:
    """:raises Fault: nobody can tell; to say no would take it for a boot from disk."""
    try:
        config.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise Fault(f"{config}: cannot be read: {error.strerror}") from error
    return True


def parse(text: str) -> Label:
    """What the configuration boots.

    :raises Fault: it is not that of a deployed instance, or not only Nova's.
    """
    default, labels = _sections(text)
    if default != "boot":
        raise Fault(
            f"its default is {default or 'not set'}, expected boot: the instance was "
            "not deployed to the end"
        )
    if "boot" not in labels:
        raise Fault("has no 'label boot'")
    boot = labels["boot"]
    for directive in ("kernel", "append"):
        if not boot.get(directive):
            raise Fault(f"label boot has no {directive}")
    if unknown := sorted(boot.keys() - {"kernel", "append"}):
        raise Fault(f"label boot has {unknown[0]}, which Ironic's would lack")
    ramdisk, arguments = _without_ramdisk(boot["append"])
    _require_arguments(arguments)
    return Label(boot["kernel"], ramdisk, arguments)


def _sections(text: str) -> tuple[str | None, dict[str, dict[str, str]]]:
    """The default, and label -> directive -> what follows it."""
    default: str | None = None
    labels: dict[str, dict[str, str]] = {}
    current: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        word, rest = [*line.split(maxsplit=1), "", ""][:2]
        word, rest = word.lower(), rest.strip()
        if not word or word.startswith("#"):
            continue
        if word == "default":
            if default is not None:
                raise Fault(f"line {number}: a second default")
            default = rest
        elif word == "label":
            if rest in labels:
                raise Fault(f"line {number}: a second label {rest}")
            current = labels.setdefault(rest, {})
        elif word in current:
            raise Fault(f"line {number}: a second {word}")
        else:
            current[word] = rest
    return default, labels


def _without_ramdisk(append: str) -> tuple[str, str]:
    words = append.split()
    ramdisks = [word.removeprefix("initrd=") for word in words if _names_ramdisk(word)]
    if len(ramdisks) != 1 or not ramdisks[0]:
        raise Fault("append of label boot names no one ramdisk: expected initrd=FILE")
    return ramdisks[0], " ".join(word for word in words if not _names_ramdisk(word))


def _names_ramdisk(word: str) -> bool:
    return word.startswith("initrd=")


def _require_arguments(arguments: str) -> None:
    for placeholder in _UNSET_ROOT:
        if placeholder in arguments:
            raise Fault(
                f"{placeholder} is still in it: the deploy helper never said what "
                "the root file system is"
            )
    words = arguments.split()
    if not any(word.startswith("root=") and word != "root=" for word in words):
        # Ironic's own kernel line says root=/dev/ram0 before ours.
        raise Fault("append of label boot has no root=")
    if not arguments.isascii() or not arguments.isprintable() or "${" in arguments:
        raise Fault("append of label boot has characters that iPXE would interpret")
    for word in words:
        if word in _IPXE_ENDS or word.startswith("#"):
            raise Fault(f"append of label boot has {word}, where iPXE's line would end")


def _text(config: Path) -> str:
    try:
        with opened(config) as file:
            text = file.read(LARGEST + 1)
    except OSError as error:
        raise Fault(f"cannot be read: {error.strerror}") from error
    if len(text) > LARGEST:
        raise Fault(f"is larger than {LARGEST} bytes: not a PXE configuration")
    try:
        return text.decode()
    except UnicodeDecodeError as error:
        raise Fault("is not text") from error


def _beside(config: Path, named: str) -> Path:
    """The file that the configuration names, which must lie beside it.

    Nova named it by its path on the compute host, whose TFTP root may have another
    name here; the last two parts are what counts.

    :raises Fault: it lies elsewhere, is not there, is empty or cannot be read.
    """
    path = PurePosixPath(named)
    if (
        not named.isprintable()
        or ".." in path.parts
        or path.parent.name != config.parent.name
    ):
        raise Fault(f"names {named!r}, which does not lie beside it")
    found = config.parent / path.name
    try:
        with opened(found) as file:
            if not os.fstat(file.fileno()).st_size:
                raise Fault(f"names {named}: {found} is empty")
    except OSError as error:
        raise Fault(f"names {named}: {found}: {error.strerror}") from error
    return found


@contextlib.contextmanager
def opened(path: Path) -> Iterator[BufferedReader]:
    """The file ``<root>/<instance uuid>/<name>``, to read.

    Looked at once it is open, beneath directories that are open: whoever may write
    below the root can put another file in its place at any time. Links below the
    root are not followed; nor is a hard link read for somebody who may not read it.

    :raises Fault: it is no file of the directory's owner, or not reached without links.
    :raises OSError: it cannot be opened.
    """
    last = os.O_NONBLOCK | os.O_NOCTTY | os.O_NOFOLLOW
    steps = (
        (path.parent.parent, os.O_DIRECTORY),
        (Path(path.parent.name), os.O_DIRECTORY | os.O_NOFOLLOW),
        (Path(path.name), last),
    )
    with contextlib.ExitStack() as stack:
        descriptors: list[int] = []
        try:
            for name, flags in steps:
                beneath = descriptors[-1] if descriptors else None
                descriptors.append(os.open(name, flags, dir_fd=beneath))
                stack.callback(os.close, descriptors[-1])
        except OSError as error:
            if error.errno in (errno.ELOOP, errno.ENOTDIR):
                raise Fault(f"{path}: is a link, or its directory is one") from error
            raise
        directory, file = map(os.fstat, descriptors[1:])
        if not stat.S_ISREG(file.st_mode):
            raise Fault(f"{path} is not a file")
        if file.st_uid != directory.st_uid and not file.st_mode & stat.S_IROTH:
            raise Fault(
                f"{path} is another user's than its directory, and not for all to read"
            )
        if (
            directory.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
            and not file.st_mode & stat.S_IROTH
        ):
            raise Fault(
                f"{path} is not for all to read, and others may write to its directory"
            )
        yield stack.enter_context(open(descriptors[-1], "rb", closefd=False))
