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

"""The guest with an SSH server, for tests that log in: a second layer of its ramdisk.

The kernel unpacks archives one after the other; a later one replaces files of an
earlier one. The survivors' guest stays as it is.
"""

import hashlib
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from ironic_sideways import exceptions
from ironic_sideways.hardware import cache as caches
from ironic_sideways.hardware import guest

PACKAGE = "dropbear-bin"
#: Place in the ramdisk -> the program on this host.
PROGRAMS = {
    "bin/dropbear": Path("/usr/sbin/dropbear"),
    "bin/dropbearkey": Path("/usr/bin/dropbearkey"),
}
_HERE = Path(__file__).parent
#: Place in the ramdisk -> file beside this one.
SCRIPTS = {
    "init": "guest_ssh_init.sh",
    "etc/ssh.sh": "guest_ssh.sh",
    "etc/guest-init": "guest_init.sh",
    "etc/udhcpc.sh": "guest_udhcpc.sh",
}
#: Nobody logs in with a password.
TEXTS = {
    "etc/passwd": "root:x:0:0:root:/root:/bin/sh\n",
    "etc/shadow": "root:*:19000:0:99999:7:::\n",
    "etc/group": "root:x:0:\n",
    "etc/shells": "/bin/sh\n",
}
#: An archive begins where the kernel looks for one: at a multiple of this.
ALIGNMENT = 4


def build(plain: guest.Guest, cache: Path) -> Path:
    """The ramdisk with the SSH server, which goes with ``plain.kernel``.

    :param cache: directory for ``guest-ssh-<key>/``; made if missing.
    :raises SidewaysError: the package of the SSH server is missing.
    """
    for program in PROGRAMS.values():
        if not program.exists():
            raise exceptions.SidewaysError(
                f"{program} is missing: install the package {PACKAGE}"
            )
    entry = cache / f"guest-ssh-{_key(plain)}"
    if not entry.is_dir():
        with caches.building(entry) as part:
            _make(plain, part)
    return entry / "ramdisk"


def _key(plain: guest.Guest) -> str:
    digest = hashlib.sha256(plain.key.encode())
    for path in (*PROGRAMS.values(), *(_HERE / name for name in SCRIPTS.values())):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def _libraries() -> Iterator[Path]:
    for program in PROGRAMS.values():
        shown = caches.run(["ldd", program], "libc-bin")
        for found in re.findall(r"(/\S+) \(0x", shown):
            yield Path(found)


def _make(plain: guest.Guest, part: Path) -> None:
    root = part / "root"
    for place, source in PROGRAMS.items():
        _put(root / place, source)
    for library in _libraries():
        # The dynamic linker looks where the host's has them.
        _put(root / library.relative_to("/"), library)
    for place, name in SCRIPTS.items():
        _put(root / place, _HERE / name)
        (root / place).chmod(0o755)
    for place, text in TEXTS.items():
        (root / place).write_text(text)
    (root / "root").mkdir()
    first = plain.ramdisk.read_bytes()
    padding = b"\0" * (-len(first) % ALIGNMENT)
    (part / "ramdisk").write_bytes(first + padding + guest.archive(root))


def _put(place: Path, source: Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(source, place)
