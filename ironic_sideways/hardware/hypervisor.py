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

"""A private libvirtd under one directory, separate from the host's own.

It runs in a mount namespace of its own in which libvirt's fixed places are
directories below ours, listens on a Unix socket alone, and leaves alone what
other libvirtds on this host define. Machines survive its restart.
"""

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import libvirt

from ironic_sideways import exceptions, waits

#: sizeof(sockaddr_un.sun_path) less the closing NUL (unix(7)).
SOCKET_PATH_MAX = 107

#: Below the directory: libvirtd.sh binds them over libvirt's fixed places.
PLACES = ("etc", "run", "lib", "log", "cache")

#: Root without cgroups, namespaces and labels: QEMU runs as an ordinary child,
#: on hosts with and without systemd alike.
_QEMU_CONF = """\
user = "root"
group = "root"
security_driver = "none"
stdio_handler = "file"
cgroup_controllers = []
namespaces = []
remember_owner = 0
hugetlbfs_mount = []
"""

_LIBVIRTD_CONF = """\
listen_tls = 0
listen_tcp = 0
auth_unix_rw = "none"
auth_unix_ro = "none"
unix_sock_group = "root"
unix_sock_ro_perms = "0700"
unix_sock_rw_perms = "0700"
unix_sock_dir = "{run}"
log_level = 3
log_outputs = "3:stderr"
"""


def _socket(directory: Path) -> Path:
    return directory / "run" / "libvirt-sock"


def uri(directory: Path) -> str:
    """The libvirt URI of the libvirtd under ``directory``."""
    return f"qemu:///system?socket={_socket(directory)}"


def socket_path_excess(directory: Path) -> int:
    """By how many bytes the longest socket path is too long; at most 0 if it is not.

    The machines' monitors do not count: in the mount namespace they are below
    /var/lib/libvirt.
    """
    return len(os.fsencode(directory / "run/libvirt-admin-sock")) - SOCKET_PATH_MAX


def prepare(directory: Path) -> None:
    """Write the configuration; safe to do again.

    :param directory: absolute; made if missing.
    :raises UsageError: its sockets' paths would be longer than Unix allows.
    """
    excess = socket_path_excess(directory)
    if excess > 0:
        room = len(os.fsencode(directory)) - excess
        raise exceptions.UsageError(
            f"directory {directory}: a libvirt socket below it would be longer than "
            f"{SOCKET_PATH_MAX} bytes; choose one of at most {room} bytes"
        )
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name in PLACES:
        (directory / name).mkdir(mode=0o711, exist_ok=True)
    (directory / "etc" / "qemu.conf").write_text(_QEMU_CONF)
    (directory / "etc" / "libvirtd.conf").write_text(
        _LIBVIRTD_CONF.format(run=directory / "run")
    )


def command(directory: Path) -> list[str]:
    """The command that runs libvirtd in the foreground, for a supervisor.

    SIGTERM ends it; running machines keep running and are found again.
    """
    script = Path(__file__).with_name("libvirtd.sh")
    return ["unshare", "--mount", "sh", str(script), str(directory)]


@contextlib.contextmanager
def connect(address: str) -> Iterator[libvirt.virConnect]:
    """A connection to the libvirtd at this URI; libvirt's errors become ours.

    :raises SidewaysError: it cannot be reached, or a call in the block failed.
    """
    # libvirt's binding prints each error to stderr unless it is given a handler.
    libvirt.registerErrorHandler(lambda context, error: None, None)
    try:
        connection = libvirt.open(address)
        try:
            yield connection
        finally:
            connection.close()
    except libvirt.libvirtError as error:
        raise exceptions.SidewaysError(f"libvirt at {address}: {error}") from error


def wait_ready(directory: Path, timeout: float = 30.0) -> None:
    """Wait until libvirtd answers a call that needs its QEMU driver.

    :param timeout: seconds.
    :raises WaitExpired: it does not; shows libvirt's last error.
    """
    if shutil.which("qemu-system-x86_64") is None:
        raise exceptions.SidewaysError(
            "qemu-system-x86_64 is not installed: install the package qemu-system-x86"
        )

    def look() -> str:
        try:
            with connect(uri(directory)) as connection:
                connection.getDomainCapabilities(None, "x86_64", "pc", "qemu")
        except exceptions.SidewaysError as error:
            return str(error)
        return "ready"

    waits.wait_for(
        look, lambda seen: seen == "ready", f"libvirtd in {directory}", timeout
    )
