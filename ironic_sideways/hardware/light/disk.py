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

"""What is on a light machine's disk, and what the machine boots: words, not sectors."""

import dataclasses
import json
import re
import tempfile
import uuid
from collections.abc import Iterable
from pathlib import Path

from ironic_sideways import whole_file
from ironic_sideways.hardware import disks
from ironic_sideways.hardware.light.power import Power

#: As nova-baremetal's and Ironic's templates for a network boot say it.
ROOT = re.compile(r"\broot=UUID=([0-9a-f-]{36})")


@dataclasses.dataclass(frozen=True)
class Disk:
    """A disk as a guest sees it, which is what its heartbeats tell of it.

    :param root: UUID of the root file system; None of a whole disk, that boots.
    :param marker: what the first boot from ``root`` has written there.
    :param ephemeral: the same of the ephemeral disk; None where there is none.
    """

    root: str | None = None
    marker: str | None = None
    ephemeral: str | None = None


def _path(directory: Path, name: str) -> Path:
    return directory / f"{name}.disk.json"


def read(directory: Path, name: str) -> Disk:
    """The disk of the machine ``name``: a whole one, until something is written."""
    try:
        return Disk(**json.loads(_path(directory, name).read_text()))
    except FileNotFoundError:
        return Disk()


def write(directory: Path, name: str, image: Path, sizes: disks.Sizes) -> str | None:
    """Put ``image`` in the place of the disk, as disks.write does.

    :returns: the UUID of the root file system; None of a whole disk.
    :raises SidewaysError: the machine is on, or a tool fails.
    """
    disks.refuse_running(name, Power(directory, name).since() is not None)
    with tempfile.TemporaryDirectory(dir=directory) as scratch:
        root = disks.uuid_of_image(image, Path(scratch, "raw"))
    ephemeral = None
    if root and sizes.ephemeral_mb:
        kept = read(directory, name).ephemeral if sizes.preserve_ephemeral else None
        ephemeral = kept or str(uuid.uuid4())
    made = Disk(root, str(uuid.uuid4()) if root else None, ephemeral)
    whole_file.write(_path(directory, name), json.dumps(dataclasses.asdict(made)))
    return root


def told_by_the_network(macs: Iterable[str], tftp: Path, http: Path) -> str | None:
    """The root file system that a network boot leads to; None: to the disk's loader.

    :param tftp: root of the base's TFTP server, where PXELINUX looks.
    :param http: Ironic's http_root, where iPXE looks.
    """
    names = [mac.replace(":", "-") for mac in macs]
    places = [tftp / "pxelinux.cfg" / f"01-{name}" for name in names]
    places += [http / "pxelinux.cfg" / name for name in names]
    for path in places:
        if path.exists() and (found := ROOT.search(path.read_text())):
            return found[1]
    return None
